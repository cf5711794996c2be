"""What a launch from the form leaves behind once the run is there: its fields, and its rules."""

from __future__ import annotations

import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

from gymtui.api.errors import Unreachable
from gymtui.api.launch_request import LaunchRequest
from gymtui.config.settings import Settings
from gymtui.launching.draft import Draft
from gymtui.launching.submission import Submission, SubmissionState
from gymtui.session.launches import Launches
from gymtui.session.rules import RuleBook
from gymtui.store.rules import RuleSpec
from gymtui.store.store import Store

DRAFT = Draft(
    {
        "scenario_id": "hr",
        "task_ids": "a",
        "model_config.model": "x, y",
        "run_name": "night",
        "rules": "cancel when pass<30%; tell when errors>=1",
    }
)


class Around:
    """Work is begun by hand, nothing is told."""

    work: Coroutine[None, None, None] | None = None

    def begin(self, work: Coroutine[None, None, None], group: str) -> Any:
        self.work = work

    def notify_later(self, words: str, severity: str) -> None: ...

    def hide(self, secret: str) -> None: ...


async def test_rules_are_armed_on_each_run_that_is_there_and_on_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def launch(client: object, request: LaunchRequest, **_: object) -> Submission:
        if request.run_name == "night-x":
            return Submission(request, SubmissionState.LAUNCHED, "as-the-gym-calls-it")
        return Submission(request, SubmissionState.UNKNOWN, error=Unreachable("lost"))

    monkeypatch.setattr("gymtui.session.launches.launch", launch)
    book, around = RuleBook(tmp_path / "gym.rules.json"), Around()

    def arm(run_id: str, rules: tuple[RuleSpec, ...]) -> None:
        for rule in rules:
            book.arm([run_id], rule.kind, rule.about, 0.0)

    launches = Launches(
        cast("Any", None),
        Store(),
        cast("Any", around),
        lambda: None,
        settings=Settings(),
        env={},
        journal=None,
        rng=random.Random(7),
        arm=cast("Any", arm),
    )
    made = await launches.requests(DRAFT, ("a",), launches.names(DRAFT))
    launches.send(DRAFT, made, lost=lambda *_: None, done=lambda _: True)
    assert around.work is not None
    await around.work
    assert [(r.run_id, r.words) for r in RuleBook(tmp_path / "gym.rules.json")] == [
        ("as-the-gym-calls-it", "cancel when pass<30%"),
        ("as-the-gym-calls-it", "tell when errors>=1"),
    ]
    assert launches.kept.drafts["as-the-gym-calls-it"].rules == DRAFT.rules
