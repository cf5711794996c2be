"""Counters below zero, absent or null: not known, which is never 0, and no end of the program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gymtui.api.list_answer import parse_run
from gymtui.api.models import RunStatus
from gymtui.cli.documents import run_document
from gymtui.store.lists.columns import RUNS, RunView
from gymtui.store.records import RunRow
from gymtui.tui.kit import outcome_text
from gymtui.tui.rollouts.header import run_header

COUNTERS = ("total", "completed", "failed", "in_progress", "pending", "running")


def view(**counters: Any) -> RunView:
    raw = json.dumps({"run_id": "r", **counters}).encode()
    run = parse_run(raw)
    assert isinstance(run, RunStatus)
    return RunView(RunRow("r", raw, 0.0, run))


@pytest.mark.parametrize("name", COUNTERS)
@pytest.mark.parametrize("value", [-1, -(2**62), -1.0, "-3", 2**70, 1.5, True, [], {}])
def test_a_count_that_cannot_be_is_not_known(name: str, value: Any) -> None:
    run = view(**{**dict.fromkeys(COUNTERS, 3), name: value}).row.run
    assert run is not None
    assert getattr(run, name) is None


@pytest.mark.parametrize("name", ["completed", "failed"])
def test_what_ended_is_not_known_unless_both_counters_say(name: str) -> None:
    run = view(**{**dict.fromkeys(COUNTERS, 0), "total": 3, "running": 3, name: None})
    assert run.finished is None
    assert run.row.active
    assert RUNS["done"].value(run) is None
    assert RUNS["done"].value(run) is None
    assert run_document(run)["done"] is None
    assert not any(outcome_text.outcome_counts(run))
    header = run_header(run, None, None, 0.0, (80, 80, 80))
    assert "–/3 done" in "".join(ink.text for ink in header[0])


def test_one_counter_tells_when_it_is_all_there_are() -> None:
    assert view(total=2, completed=2).finished == 2


@pytest.mark.parametrize("width", [0, 1, 6, 40])
@pytest.mark.parametrize("total", [None, -3, 0, 3, 2**62])
@pytest.mark.parametrize("running", [None, -1, 0, 5])
def test_any_counters_have_a_bar(total: int | None, running: int | None, width: int) -> None:
    run = view(total=total, completed=-1, failed=0, running=running, pending=-2)
    drawn = outcome_text.outcome_bar(run, width)
    assert sum(len(ink.text) for ink in drawn) in (0, width)
