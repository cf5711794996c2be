"""Drafts made from runs, what is remembered of launches, and which run is a rerun of which."""

from __future__ import annotations

import json
import random
import stat
from pathlib import Path
from typing import Any

import pytest

from gymtui.api.models import Rollout
from gymtui.core.pieces import result_of
from gymtui.launching.draft import Draft
from gymtui.launching.launch_history import LONGEST, MOST, LaunchHistory
from gymtui.launching.lineage import parent_of, rerun_family, rerun_name
from gymtui.launching.rerun import (
    default_causes,
    failure_causes,
    rerun_draft,
    rerun_of_tasks,
    similar_draft,
)
from gymtui.launching.validation import check
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.stats.matrix import Matrix

KEY = "sk_live_fedcba9876543210"
MODEL = {
    "model": "gpt-4o",
    "provider": "openai",
    "api_key": KEY,
    "base_url": "http://127.0.0.1:1",
    "temperature": 0.25,
    "max_steps": 12,
    "system_prompt": "be brief\nbe kind",
    "log_prob": True,
    "context_stride": 3,
}


def row(name: str, task: str | None, status: str = "completed", **fields: Any) -> RolloutRow:
    told = {"rollout_id": name, "run_id": "bad", "scenario_id": "hr", "task_id": task}
    rollout = Rollout.model_validate({**told, "status": status, "model_config": MODEL, **fields})
    return RolloutRow(name, "bad", b"", 0.0, 0.0, rollout, outcome=outcome_of(rollout))


def passed(name: str, task: str) -> RolloutRow:
    return row(name, task, result={"success": True})


def failed(name: str, task: str, message: str = "Missing: event 7") -> RolloutRow:
    return row(name, task, result={"success": False, "message": message})


def broken(name: str, task: str | None) -> RolloutRow:
    return row(name, task, "workspace_error", termination_reason="image pull failed")


def cancelled(name: str, task: str) -> RolloutRow:
    return row(name, task, "failed", termination_reason="cancelled")


ROWS = [
    passed("a", "t1"),
    failed("b", "t1"),
    broken("c", "t2"),
    broken("d", "t2"),
    broken("e", None),
    cancelled("f", "t3"),
    failed("g", "t4", "Missing: event 9"),
]


def test_what_went_wrong_is_told_by_cause_the_gyms_own_first() -> None:
    found = failure_causes(ROWS)
    assert [(c.reason.outcome, c.reason.text, c.tasks) for c in found] == [
        ("environment", "image pull failed", ("t2",)),
        ("failed", "Missing: event #", ("t1", "t4")),
        ("cancelled", "cancelled", ("t3",)),
    ]
    assert found[0].reason.rollout_ids == ("c", "d"), "what names no task cannot be run again"


def test_what_a_person_cancelled_is_run_again_only_if_nothing_else_went_wrong() -> None:
    found = failure_causes(ROWS)
    assert default_causes(found) == {found[0].key, found[1].key}
    alone = failure_causes([cancelled("f", "t3")])
    assert default_causes(alone) == {alone[0].key}
    assert default_causes(()) == frozenset()


def test_a_run_like_another_has_its_settings_tasks_and_attempts_but_not_its_key() -> None:
    draft = similar_draft(ROWS)
    assert draft.texts == {
        "scenario_id": "hr",
        "task_ids": "t1, t2, t3, t4",
        "rollout_count": "2",
        "model_config.model": "gpt-4o",
        "model_config.provider": "openai",
        "model_config.base_url": "http://127.0.0.1:1",
        "model_config.temperature": "0.25",
        "model_config.max_steps": "12",
        "model_config.system_prompt": "be brief\nbe kind",
        "model_config.log_prob": "yes",
    }
    assert not draft.keys
    assert draft.parent is None
    assert not check(draft).problems


def test_what_was_launched_from_here_is_known_whole() -> None:
    kept = Draft({"scenario_id": "hr", "user_model_config.model": "p", "run_name": "bad"})
    draft = similar_draft(ROWS, kept)
    assert draft.text("user_model_config.model") == "p"
    assert draft.text("run_name") == "", "a name is new each time"
    assert draft.ids_in("task_ids") == ("t1", "t2", "t3", "t4")


def test_a_rerun_has_the_tasks_of_what_is_chosen_as_often_as_needed() -> None:
    draft = rerun_draft("bad", similar_draft(ROWS), ROWS, ["b", "c", "d"])
    assert draft.ids_in("task_ids") == ("t1", "t2")
    assert draft.text("rollout_count") == "2"
    assert draft.parent == "bad"
    assert rerun_of_tasks("bad", similar_draft(ROWS), ["t4"]).ids_in("task_ids") == ("t4",)


def test_a_run_whose_rollouts_say_nothing_is_no_trouble() -> None:
    bare = RolloutRow("x", "bad", b"", 0.0, 0.0, None, malformed="no JSON")
    assert similar_draft([bare]).texts == {}
    assert failure_causes([bare]) == ()


# -- descent -----------------------------------------------------------------------------------


def test_the_name_of_a_rerun_tells_its_parent_anywhere() -> None:
    rng = random.Random(7)
    name = rerun_name("nightly/日本", rng)
    assert parent_of(name, {}, {"nightly/日本"}) == "nightly/日本"
    assert parent_of(f"{name}-org-model", {}, {"nightly/日本"}) == "nightly/日本"
    assert parent_of(name, {}, set()) is None, "a name alone proves nothing"
    assert rerun_name(name, rng).startswith("nightly/日本-again-")
    assert rerun_name(name, rng).count("-again-") == 1


@pytest.mark.parametrize("name", ["a-again", "a-again-today", "a-again-ab", "-again-abcde", "b"])
def test_other_names_tell_nothing(name: str) -> None:
    assert parent_of(name, {}, {"a", ""}) is None


def test_a_family_is_the_first_run_and_all_its_reruns() -> None:
    runs = ["young", "other", "mid", "first", "a-again-abcde", "a"]
    parents = {"young": "mid", "mid": "first"}
    for member in ("young", "mid", "first"):
        assert rerun_family(member, parents, runs) == ("first", "mid", "young")
    assert rerun_family("a", parents, runs) == ("a", "a-again-abcde")
    assert rerun_family("other", parents, runs) == ("other",)
    assert rerun_family("gone", parents, runs) == ("gone",)


def test_parents_in_a_circle_end() -> None:
    assert set(rerun_family("a", {"a": "b", "b": "a"}, ["a", "b"])) == {"a", "b"}


def test_a_run_and_its_rerun_are_read_as_one() -> None:
    matrix = Matrix()
    for made in [failed("a", "t1"), broken("c", "t2")]:
        matrix.take(made)
    rerun = [passed("x", "t1"), passed("y", "t2")]
    for made in rerun:
        assert made.rollout is not None
        matrix.take(RolloutRow(made.rollout_id, "bad-2", b"", 0, 0, made.rollout, None))
    result_of(matrix.refresh_in_pieces(last_steps={}))
    rows = matrix.together(("bad", "bad-2"), 2, last_steps={})
    assert {r.task_id: (r.tally.passes, r.tally.verdicts) for r in rows.values()} == {
        "t1": (1, 2),
        "t2": (1, 1),
    }
    assert [len(r.attempts) for r in rows.values()] == [2, 2]
    assert {r.at_k for r in rows.values()} == {1.0, None}


# -- what is kept ------------------------------------------------------------------------------


def draft() -> Draft:
    made = Draft(parent="bad").with_text("scenario_id", "hr").with_text("model_config.api_key", KEY)
    return made.with_ids("task_ids", ("a, b",)).with_text(
        "model_config.base_url", "http://u:pw@host"
    )


def test_a_launch_is_remembered_without_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "state" / "gym.launches.json"
    LaunchHistory.read(path).remember("run_1", draft())
    text = path.read_text()
    assert KEY not in text
    assert "pw@" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = LaunchHistory.read(path)
    assert kept.parents == {"run_1": "bad"}
    assert kept.drafts["run_1"].text("scenario_id") == "hr"
    assert kept.drafts["run_1"].ids_in("task_ids") == ("a, b",)


def test_what_two_programs_launch_is_both_remembered(tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    first, second = LaunchHistory.read(path), LaunchHistory.read(path)
    first.remember("run_1", draft())
    second.remember("run_2", draft())
    assert set(LaunchHistory.read(path).drafts) == {"run_1", "run_2"}


def test_the_oldest_are_forgotten_and_what_is_too_long_is_left_out(tmp_path: Path) -> None:
    kept = LaunchHistory()
    for number in range(MOST + 5):
        kept.remember(f"run_{number}", Draft({"scenario_id": "x" * (LONGEST + number % 2)}))
    assert len(kept.drafts) == MOST
    assert "run_4" not in kept.drafts
    assert kept.drafts["run_100"].texts
    assert not kept.drafts["run_101"].texts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"runs": []}',
        '{"runs": {"a": 1}}',
        '{"runs": {"a": {"texts": {"x": 1, "scenario_id": 2}, "exact": 3, "parent": []}}}',
        "[" * 100_000,
    ],
)
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "l.json"
    path.write_text(text)
    kept = LaunchHistory.read(path)
    assert all(draft == Draft() for draft in kept.drafts.values())
    kept.remember("b", draft())
    assert "b" in LaunchHistory.read(path).drafts


def test_a_key_that_someone_wrote_into_the_file_is_not_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    path.write_text(json.dumps({"runs": {"a": {"texts": {"model_config.api_key": KEY}}}}))
    assert KEY not in repr(LaunchHistory.read(path))


def test_a_directory_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = LaunchHistory.read(tmp_path / "file" / "l.json")
    kept.remember("run_1", draft())
    assert kept.parents == {"run_1": "bad"}
