"""How failures of one run compare with those of another, and what fails together."""

from __future__ import annotations

from typing import Any

import pytest

from gymtui.api.models import Rollout
from gymtui.core.pieces import result_of
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.stats.checkpoints import checkpoint_before
from gymtui.store.stats.failure_changes import (
    CoFailures,
    RunPair,
    attempts_of,
    failure_rows,
)
from gymtui.store.stats.failures import Failures, FailureView
from gymtui.store.stats.formulas import Tally, difference_interval
from gymtui.store.stats.matrix import Matrix

PAIR = RunPair("new", "old")


def attempt(run_id: str, task: str, *failed: str, **fields: Any) -> dict[str, Any]:
    result = {"success": not failed, "output": {"failed_criteria": list(failed)}}
    return {"run_id": run_id, "task_id": task, "status": "completed", "result": result} | fields


def known(*rollouts: dict[str, Any]) -> tuple[Failures, Matrix]:
    failures, matrix = Failures(), Matrix()
    for number, fields in enumerate(rollouts):
        rollout = Rollout.model_validate({"rollout_id": f"r{number:03}"} | fields)
        outcome = outcome_of(rollout)
        name, run_id = rollout.rollout_id, rollout.run_id or ""
        row = RolloutRow(name, run_id, name.encode(), 0.0, 0.0, rollout, outcome=outcome)
        failures.take(row)
        matrix.take(row)
    result_of(matrix.refresh_in_pieces(last_steps={}))
    return failures, matrix


def test_a_change_counts_the_tasks_that_both_runs_have() -> None:
    alone = attempt("new", "only new", "told")
    failures, matrix = known(
        *[attempt("new", "a", "told")] * 9,
        attempt("new", "a"),
        alone,
        *[attempt("old", "a")] * 9,
        attempt("old", "a", "told"),
    )
    (row,) = result_of(failure_rows(failures, matrix, FailureView.CRITERION, ["new"], [PAIR]))
    assert len(row.group.rollout_ids) == 10, "the group is of all of its run"
    assert row.change is not None
    assert (row.change.now, row.change.before) == (Tally(9, 10), Tally(1, 10))
    assert row.change.difference == pytest.approx(0.8)
    assert 0.3 < row.change.interval.low < 0.8 < row.change.interval.high < 1.0
    assert row.change.clear is True


def test_p_is_adjusted_for_all_groups_that_are_compared() -> None:
    failures, matrix = known(
        *[attempt("new", "a", "one", "two", "three")] * 5, *[attempt("old", "a")] * 5
    )
    rows = result_of(failure_rows(failures, matrix, FailureView.CRITERION, ["new"], [PAIR]))
    changes = [row.change for row in rows]
    assert all(change and change.comparisons == 3 for change in changes)
    assert changes[0] is not None
    assert changes[0].adjusted == pytest.approx(3 * changes[0].p)
    once = known(attempt("new", "a", "one"), attempt("old", "a"))
    (row,) = result_of(failure_rows(*once, FailureView.CRITERION, ["new"], [PAIR]))
    assert row.change is not None and row.change.clear is False


def test_errors_are_shares_of_what_ended_and_fails_of_verdicts() -> None:
    broke = {"status": "workspace_error", "result": None, "termination_reason": "no image"}
    failures, matrix = known(
        attempt("new", "a", **broke),
        attempt("new", "a", "told"),
        attempt("new", "a", status="running", result=None),
        attempt("old", "a"),
    )
    rows = result_of(failure_rows(failures, matrix, FailureView.CRITERION, ["new"], [PAIR]))
    by_text = {row.group.text: row.change for row in rows}
    assert by_text["no image"] is not None and by_text["told"] is not None
    assert by_text["no image"].now == Tally(1, 2)
    assert by_text["told"].now == Tally(1, 1)


def test_where_runs_share_no_verdict_there_is_no_change() -> None:
    failures, matrix = known(attempt("new", "a", "told"), attempt("old", "b", "told"))
    (row,) = result_of(failure_rows(failures, matrix, FailureView.CRITERION, ["new"], [PAIR]))
    assert row.change is None


def test_a_rollout_is_in_the_group_of_each_of_its_criteria() -> None:
    failures, _ = known(attempt("r", "a", "one", "two"), attempt("r", "b", "one"))
    groups = result_of(failures.groups_in_pieces(by=FailureView.CRITERION))
    assert [(g.text, len(g.rollout_ids), len(g.task_row_ids)) for g in groups] == [
        ("one", 2, 2),
        ("two", 1, 1),
    ]
    assert len(result_of(failures.groups_in_pieces(by=FailureView.CRITERION, runs=["other"]))) == 0


def test_what_fails_together_is_ordered_by_how_alike_it_is() -> None:
    failures, _ = known(
        attempt("r", "a", "told", "moved", "often"),
        attempt("r", "a", "told", "moved", "often"),
        *[attempt("r", "a", "often")] * 5,
        attempt("r", "a", "alone"),
    )
    groups = {
        group.text: group
        for group in result_of(failures.groups_in_pieces(by=FailureView.CRITERION))
    }
    together = CoFailures(groups.values())
    found = together.with_group(groups["told"])
    assert [(other.text, number) for other, number in found] == [("moved", 2), ("often", 2)]
    assert together.with_group(groups["alone"]) == ()


def test_the_attempts_of_a_group_are_all_of_its_tasks() -> None:
    failures, matrix = known(
        attempt("r", "a", "told"), attempt("r", "b"), attempt("r", "a"), attempt("s", "a")
    )
    (group,) = result_of(failures.groups_in_pieces(by=FailureView.CRITERION))
    tasks = tuple(attempts_of(group, [matrix.tasks("r"), matrix.tasks("s")]))
    assert [[row.rollout_id for row in task] for task in tasks] == [["r000", "r002", "r003"]]


def test_newcombes_interval_is_that_of_the_paper() -> None:
    # Newcombe 1998, table II, column a: 56/70 against 48/80.
    found = difference_interval(Tally(56, 70), Tally(48, 80))
    assert found is not None
    assert (found.low, found.high) == (
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )
    assert difference_interval(Tally(0, 0), Tally(1, 2)) is None


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("policy-s3000", "policy-s2000"),
        ("policy-s10000", "policy-s3000"),
        ("policy-s1000", None),
        ("nightly-s9000", None),
        ("baseline", None),
    ],
)
def test_the_checkpoint_before_is_the_next_smaller_of_its_series(
    name: str, before: str | None
) -> None:
    names = ["policy-s1000", "policy-s2000", "policy-s10000", "policy-s3000", "baseline", name]
    assert checkpoint_before(name, names) == before


def test_many_are_compared_in_pieces_with_the_same_outcome() -> None:
    failures, matrix = known(
        *[attempt("new", f"t{n % 7}", "told", f"part {'abcdefgh'[n % 8]}") for n in range(1200)],
        *[attempt("old", f"t{n % 7}", *["told"][: n % 2]) for n in range(900)],
    )
    work = failure_rows(failures, matrix, FailureView.CRITERION, ["new"], [PAIR])
    pieces = 0
    try:
        while True:
            next(work)
            pieces += 1
            # What comes in between two pieces is for the next time.
            failures.take(matrix_row(matrix, "new", pieces))
    except StopIteration as end:
        rows = end.value
    assert rows == result_of(failure_rows(failures, matrix, FailureView.CRITERION, ["new"], [PAIR]))
    groups = 9
    assert len(rows) == groups and pieces > groups + 3 * (1200 // 500)


def matrix_row(matrix: Matrix, run_id: str, number: int) -> RolloutRow:
    attempts = [row for task in matrix.tasks(run_id).values() for row in task.attempts]
    return attempts[number % len(attempts)]
