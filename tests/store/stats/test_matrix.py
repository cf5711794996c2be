"""Tasks by attempts, and tasks by runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gymtui.api.models import Rollout
from gymtui.core.pieces import result_of
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.stats.formulas import Tally
from gymtui.store.stats.matrix import Matrix, most_verdicts, sum_tasks, usual_k
from gymtui.store.stats.run_stats_builder import run_numbers
from gymtui.store.stats.task_rows import NO_TASK, TaskAcrossRuns, TaskRow, row_id_of

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def row(
    name: str, task: str | None, passed: bool | None = None, run_id: str = "run", **fields: Any
) -> RolloutRow:
    said: dict[str, Any] = {"status": "running"}
    if passed is not None:
        said = {"status": "completed", "result": {"success": passed}}
    rollout = Rollout.model_validate(
        {"rollout_id": name, "run_id": run_id, "task_id": task} | said | fields
    )
    return RolloutRow(name, run_id, name.encode(), 0.0, 0.0, rollout, outcome=outcome_of(rollout))


def matrix(*rows: RolloutRow) -> Matrix:
    made = Matrix()
    for each in rows:
        made.take(each)
    result_of(made.refresh_in_pieces(last_steps={}))
    return made


def task(passes: int, verdicts: int, k: int = 1) -> TaskRow:
    return TaskRow("t", (), Tally(passes, verdicts), None, None, k)


def test_attempts_stand_in_order_of_creation_then_of_id() -> None:
    made = matrix(
        row("c", "t", created_at=T0),
        row("a", "t", created_at=T0),
        row("z", "t", created_at=T0 - timedelta(seconds=1)),
    )
    (task_row,) = made.tasks("run", 1).values()
    assert [attempt.rollout_id for attempt in task_row.attempts] == ["z", "a", "c"]


def test_each_task_has_the_unbiased_estimates() -> None:
    half = task(1, 4, k=2)
    # Chen et al. 2021: 1 - C(3, 2) / C(4, 2); tau-bench: C(1, 2) / C(4, 2).
    assert half.pass_rate == 0.25
    assert half.at_k == pytest.approx(0.5)
    assert half.hat_k == 0
    assert (task(1, 1, k=2).at_k, task(0, 0).pass_rate) == (None, None)


@pytest.mark.parametrize(
    ("tally", "kind"), [((2, 2), "all-pass"), ((1, 2), "mixed"), ((0, 2), "all-fail")]
)
def test_tasks_are_told_apart_by_how_their_attempts_came_out(
    tally: tuple[int, int], kind: str
) -> None:
    assert task(*tally).kind == kind
    assert task(0, 0).kind is None


def test_errors_and_unfinished_attempts_are_counted_beside_the_verdicts() -> None:
    made = matrix(
        row("a", "t", True), row("b", "t"), row("c", "t", status="workspace_error", result=None)
    )
    (task_row,) = made.tasks("run", 1).values()
    assert (task_row.tally, task_row.unfinished, task_row.errors) == (Tally(1, 1), 1, 1)


@pytest.mark.parametrize("status", ["not run", "interrupted"])
def test_what_a_dead_run_did_not_run_is_neither_unfinished_nor_an_end(status: str) -> None:
    made = matrix(row("a", "t", True), row("b", "t", False), row("c", "t", status=status))
    (task_row,) = made.tasks("run", 1).values()
    assert (task_row.unfinished, task_row.not_run, task_row.ended) == (0, 1, 2)
    assert (task_row.tally, task_row.errors, task_row.kind) == (Tally(1, 2), 0, "mixed")
    sums = sum_tasks([task_row], 1)
    assert (sums.rollouts, sums.unfinished, sums.not_run, sums.errors) == (3, 0, 1, 0)


def test_only_touched_tasks_are_counted_anew() -> None:
    made = matrix(row("a", "t", True), row("b", "u", True))
    before = made.tasks("run", 1)
    made.take(row("a", "t", False))
    result_of(made.refresh_in_pieces(last_steps={}))
    after = made.tasks("run", 1)
    assert after[row_id_of("u")] is before[row_id_of("u")]
    assert after[row_id_of("t")].tally == Tally(0, 1)
    result_of(made.refresh_in_pieces(last_steps={}))
    assert made.tasks("run", 1)[row_id_of("t")] is after[row_id_of("t")]


def test_a_rollout_that_is_dropped_or_moves_leaves_no_empty_task() -> None:
    made = matrix(row("a", "t"), row("b", "u"))
    made.drop("a")
    made.take(row("b", "v"))
    result_of(made.refresh_in_pieces(last_steps={}))
    assert made.tasks("run").keys() == {row_id_of("v")}
    assert (len(made), made.of_run("run")) == (1, {"b"})


def test_medians_are_over_verdicts_with_the_last_step_seen() -> None:
    made = Matrix()
    for name, seconds in (("a", 10), ("b", 20), ("c", 90)):
        ended = T0 + timedelta(seconds=seconds)
        made.take(row(name, "t", True, started_at=T0, completed_at=ended))
    result_of(made.refresh_in_pieces(last_steps={"a": 3, "b": 9, "c": 4}))
    (task_row,) = made.tasks("run", 1).values()
    assert (task_row.median_s, task_row.median_steps) == (20, 4)


def test_a_task_called_like_the_sign_for_none_is_another_row() -> None:
    made = matrix(row("a", None), row("b", "-"), row("c", ""))
    assert len(made.tasks("run")) == 3


def test_totals_agree_with_the_numbers_of_the_run() -> None:
    rows = [row(f"r{n}", f"t{n % 5}" if n % 7 else None, n % 3 == 0) for n in range(60)]
    sums = sum_tasks(matrix(*rows).tasks("run", 3).values(), 3)
    numbers = run_numbers(each.rollout for each in rows if each.rollout)
    assert (sums.pass_rate, sums.interval) == (numbers.pass_rate, numbers.interval)
    assert (sums.at_k, sums.hat_k) == (numbers.pass_at(3), numbers.pass_hat(3))
    assert sums.kinds == numbers.task_kinds
    assert (sums.tasks, sums.rollouts) == (5, 60)


def test_k_is_the_largest_that_half_of_the_tasks_reach() -> None:
    assert usual_k([]) == 1
    assert usual_k([task(0, 0)]) == 1
    assert usual_k([task(1, n) for n in (1, 2, 3, 4, 5)]) == 3
    assert usual_k([task(1, n) for n in (0, 0, 0, 4, 4)]) == 4
    assert most_verdicts([task(1, n) for n in (0, 7, 4)]) == 7
    assert most_verdicts([]) == 1


def test_across_runs_a_task_has_a_cell_for_each_run_in_their_order() -> None:
    made = matrix(
        row("a", "t", True, "one"), row("b", "t", False, "two"), row("c", "u", True, "two")
    )
    rows = made.across(["two", "one"])
    both, single = rows[row_id_of("t")], rows[row_id_of("u")]
    assert [cell and cell.tally for cell in both.cells] == [Tally(0, 1), Tally(1, 1)]
    assert single.cells[1] is None
    assert (both.difference, single.difference) == (1, None)


@pytest.mark.parametrize(
    ("one", "other", "clear"),
    [((0, 4), (4, 4), True), ((0, 3), (3, 3), False), ((1, 4), (3, 4), False)],
)
def test_a_difference_is_clear_where_chance_brings_it_once_in_twenty(
    one: tuple[int, int], other: tuple[int, int], clear: bool
) -> None:
    assert TaskAcrossRuns("t", (task(*one), None, task(*other))).clear is clear
    assert TaskAcrossRuns("t", (task(*other), task(*one))).clear is clear


def test_a_run_without_verdicts_makes_no_difference() -> None:
    row_ = TaskAcrossRuns("t", (task(0, 0), task(4, 4)))
    assert (row_.difference, row_.clear) == (None, False)


def test_rollouts_that_name_no_task_have_a_row_that_says_so() -> None:
    assert TaskAcrossRuns("book", ()).name == "book"
    assert TaskAcrossRuns(None, ()).name == NO_TASK
