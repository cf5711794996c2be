"""What a recording marks: what happened while it was made, and nothing that was only read then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from gymtui.poll.recording_marks import MarkFinder
from gymtui.store.delta import Delta
from gymtui.store.history.recording_rows import Mark
from gymtui.store.outcome import Outcome

BEGIN = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)


def row(ended_s: float | None) -> Any:
    ended = None if ended_s is None else BEGIN + timedelta(seconds=ended_s)
    rollout = SimpleNamespace(completed_at=ended)
    return SimpleNamespace(run_id="one", outcome=Outcome.ENVIRONMENT, rollout=rollout)


def test_an_error_is_marked_though_its_rollout_was_not_seen_before() -> None:
    store = SimpleNamespace(active_runs={"one"}, runs={"one": None}, rollouts={})
    finder = MarkFinder(
        cast("Any", store),
        cast("Any", SimpleNamespace(now=lambda: BEGIN)),
        cast("Any", SimpleNamespace(update=lambda *_: None, runs=())),
        cast("Any", None),
        lambda _run_id: True,
    )
    finder.begin()
    store.rollouts |= {"early": row(-60), "now": row(3), "undated": row(None)}
    added = Delta(rollouts_added=frozenset(store.rollouts))
    assert finder.find(added, 7) == [Mark(7, "error", "one", "now")]
    assert finder.find(Delta(rollouts_changed=frozenset({"early", "now"})), 8) == []
