"""What each column of a run and of a rollout is, for filters and orders."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gymtui.api.models import Rollout, RunStatus
from gymtui.core.replacement import replace
from gymtui.store.column_def import Schema
from gymtui.store.lists.columns import READ_ROLLOUTS, ROLLOUTS, RUNS, RunView
from gymtui.store.lists.completion import completions
from gymtui.store.lists.query import parse
from gymtui.store.outcome import Outcome, outcome_of
from gymtui.store.records import Intent, RolloutRow, RunRow
from gymtui.store.stats.confidence_sequence import anytime_interval
from gymtui.store.stats.eta import Eta
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.stats.tool_errors import ToolUse

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STARTED = T0 + timedelta(seconds=5)


def values(schema: Schema[Any], row: object) -> dict[str, object]:
    """What the columns say of a row; what is not known is left out."""
    said = {field.name: field.value(row) for field in schema}
    return {name: value for name, value in said.items() if value is not None}


def summary(**fields: Any) -> RunSummary:
    counts = Counter({Outcome.PASSED: 3, Outcome.FAILED: 2, Outcome.AGENT: 1})
    return replace(RunSummary(6, counts, "small", "hub", T0, None, None), **fields)


RUNNING = RunStatus(
    run_id="a",
    scenario_id="hr",
    source="rl-gym",
    total=12,
    completed=5,
    failed=1,
    in_progress=6,
    pending=4,
    running=2,
)
OVER = RunStatus(run_id="a", total=6, completed=5, failed=1, in_progress=0, pending=0, running=0)
WAITING = RunStatus(run_id="a", total=6, completed=0, failed=0, in_progress=6, pending=6, running=0)


def test_every_column_of_a_run() -> None:
    view = RunView(
        RunRow("a", b"", 0.0, RUNNING), summary(), Eta(30.0, 90.0), watched=True, stuck=1
    )
    assert values(RUNS, view) == {
        "run": "a",
        "status": "running",
        "scenario": "hr",
        "model": "small",
        "provider": "hub",
        "source": "rl-gym",
        "pass": 0.6,
        "low": anytime_interval(3, 5).low,
        "high": anytime_interval(3, 5).high,
        "progress": 0.5,
        "done": 0.5,
        "verdicts": 5,
        "errors": 1,
        "total": 12,
        "running": 2,
        "waiting": 4,
        "active": True,
        "watched": True,
        "stuck": True,
        "forbidden": False,
        "stalled": False,
        "eta": 90.0,
        "age": T0,
    }


def test_of_a_run_that_cannot_be_read_little_is_said() -> None:
    row = RunRow("a", b"{}", 0.0, None, malformed="total: not a number")
    flags = ("active", "watched", "stuck", "forbidden", "stalled")
    assert values(RUNS, RunView(row)) == {
        "run": "a",
        "status": "malformed",
        **dict.fromkeys(flags, False),
    }


@pytest.mark.parametrize(
    ("view", "status"),
    [
        (RunView(RunRow("a", b"", 0.0, RUNNING)), "running"),
        (RunView(RunRow("a", b"", 0.0, WAITING)), "waiting"),
        (RunView(RunRow("a", b"", 0.0, OVER)), "finished"),
        (RunView(RunRow("a", b"", 0.0, OVER), summary()), "finished"),
        (
            RunView(RunRow("a", b"", 0.0, OVER), summary(counts=Counter({Outcome.CANCELLED: 1}))),
            "cancelled",
        ),
        (
            RunView(
                RunRow("a", b"", 0.0, OVER),
                summary(counts=Counter({Outcome.CANCELLED: 1})),
                grouped=True,
            ),
            "finished",
        ),
        (
            RunView(
                RunRow("a", b"", 0.0, RUNNING), summary(counts=Counter({Outcome.CANCELLED: 1}))
            ),
            "running",
        ),
        *(
            (RunView(RunRow("a", b"", 0.0, RUNNING, intent=intent)), str(intent))
            for intent in Intent
        ),
        (RunView(RunRow("a", b"", 0.0, RUNNING, is_deleted=True)), "deleted"),
    ],
)
def test_how_a_run_stands_in_a_word(view: RunView, status: str) -> None:
    assert view.status == status


@pytest.mark.parametrize(
    ("completed", "known", "finished"),
    [
        (5, None, 6),
        (5, summary(), 6),
        (3, summary(), 6),
        (9, summary(), 10),
        (None, None, None),
        (None, summary(), None),
        (None, summary(known=12, counts=Counter({Outcome.PASSED: 12})), 12),
    ],
)
def test_what_ended_is_counted_by_the_gym_or_seen(
    completed: int | None, known: RunSummary | None, finished: int | None
) -> None:
    run = RUNNING.model_copy(update={"completed": completed})
    view = RunView(RunRow("a", b"", 0.0, run), known)
    assert view.finished == finished
    assert RUNS["done"].value(view) == (None if finished is None else finished / 12)
    order = RUNS["done"].order
    assert order is not None and order(view) == finished


def test_the_old_name_of_done_still_works() -> None:
    assert RUNS["finished"] is RUNS["done"]


def test_an_age_counts_from_the_start_and_else_from_the_creation() -> None:
    row = RunRow("a", b"", 0.0, RUNNING)
    assert RUNS["age"].value(RunView(row, summary(started_at=STARTED))) == STARTED
    assert RUNS["age"].value(RunView(row, summary())) == T0
    assert RUNS["age"].value(RunView(row)) is None


def rollout(**fields: Any) -> RolloutRow:
    item = Rollout.model_validate({"rollout_id": "a.1", "run_id": "a", **fields})
    return RolloutRow("a.1", "a", b"", 0.0, 0.0, item, outcome=outcome_of(item))


def test_every_column_of_a_rollout() -> None:
    row = rollout(
        task_id="book_room",
        scenario_id="hr",
        status="completed",
        created_at=T0,
        started_at=STARTED,
        completed_at=STARTED + timedelta(seconds=60),
        current_step=7,
        max_steps=30,
        result={"success": False, "message": "Missing: a room", "score": 0.25},
        termination_reason="done",
        model_config={"model": "small"},
    )
    assert values(ROLLOUTS, row) == {
        "rollout": "a.1",
        "run": "a",
        "task": "book_room",
        "scenario": "hr",
        "state": "failed",
        "status": "completed",
        "outcome": "failed",
        "passed": False,
        "steps": 7,
        "max_steps": 30,
        "score": 0.25,
        "elapsed": timedelta(seconds=60),
        "age": STARTED,
        "created": T0,
        "reason": "done",
        "message": "Missing: a room",
        "criterion": "Missing: a room",
        "failure": "Missing: a room",
        "ended": STARTED + timedelta(seconds=60),
        "model": "small",
    }


def test_of_a_rollout_that_waits_little_is_said() -> None:
    assert values(ROLLOUTS, rollout(status="pending")) == {
        "rollout": "a.1",
        "run": "a",
        "state": "waiting",
        "status": "pending",
        "outcome": "waiting",
    }


def test_of_a_rollout_that_cannot_be_read_less_is_said() -> None:
    row = RolloutRow("a.1", "a", b"{}", 0.0, 0.0, None, malformed="status: not a text")
    assert values(ROLLOUTS, row) == {"rollout": "a.1", "run": "a", "state": "malformed"}


def test_what_runs_answers_to_its_phase_and_to_running() -> None:
    also = ROLLOUTS["state"].also
    assert also is not None
    assert also(rollout(status="running", phase="verifying")) == "running"
    assert also(rollout(status="pending")) is None
    assert ROLLOUTS["state"].value(rollout(status="running", phase="verifying")) == "verifying"
    assert ROLLOUTS["phase"].value(rollout(status="running", phase="verifying")) == "verifying"


def test_the_failed_tools_of_a_rollout_are_named_and_none_are_not_known() -> None:
    failed = READ_ROLLOUTS["failed_tool"].value
    row = RolloutRow("r", "a", b"", 0.0, 0.0, None)
    assert failed(row) is None
    called = (ToolUse("send", 2, ("no",)), ToolUse("read", 1), ToolUse("get", 1, ("gone",)))
    assert failed(replace(row, tools=called)) == "send; get"
    assert failed(replace(row, tools=(ToolUse("read", 1),))) is None


@pytest.mark.parametrize(
    ("schema", "noted"),
    [
        (RUNS, RunView(RunRow("a", b"", 0.0, RunStatus(run_id="a")), note="odd #infra, see #s3")),
        (ROLLOUTS, RolloutRow("r", "a", b"", 0.0, 0.0, None, note="odd #infra, see #s3")),
    ],
    ids=["runs", "rollouts"],
)
def test_each_tag_of_a_note_is_one(schema: Schema[Any], noted: object) -> None:
    assert completions("tag:", schema, [noted]) == ("tag:infra ", "tag:s3 ")
    for text, matches in (
        ("tag:s3", True),
        ("tag=infra", True),
        ("!tag:s3", False),
        ("tag:other", False),
    ):
        assert parse(text, schema).matches(noted, 0.0) is matches
