"""What runs differ in, and what that is worth: exact tests, paired rates, settings."""

from __future__ import annotations

from collections.abc import Iterable
from math import isclose
from typing import Any

import pytest

from gymtui.api.models import Rollout, RunStatus
from gymtui.core.urls import without_login
from gymtui.store.stats.comparison import (
    Difference,
    Significance,
    differences,
    differing_settings,
    evidence_of,
    settings_of,
)
from gymtui.store.stats.formulas import Tally
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow


def cell(passes: int, verdicts: int) -> TaskRow:
    return TaskRow("t", (), Tally(passes, verdicts), None, None)


def row(*tallies: tuple[int, int] | None) -> TaskAcrossRuns:
    return TaskAcrossRuns("t", tuple(None if tally is None else cell(*tally) for tally in tallies))


@pytest.mark.parametrize(
    ("tallies", "worth"),
    [
        (((8, 8), (0, 8)), Significance.STRONG),
        (((4, 4), (0, 4)), Significance.SOME),
        (((4, 4), (1, 4)), Significance.CHANCE),
        (((1, 1), (0, 1)), Significance.ONE_ATTEMPT),
        (((4, 4), (3, 4)), Significance.ONE_ATTEMPT),
        (((2, 4), (1, 4)), Significance.ONE_ATTEMPT),
        # Of three: 36 of the 924 ways to deal six passes out are no likelier.
        (((4, 4), (2, 4), (0, 4)), Significance.SOME),
        # Eleven checkpoints: the first five never, the others always; one never; one attempt each.
        (((0, 4),) * 5 + ((4, 4),) * 6, Significance.STRONG),
        (((4, 4),) * 10 + ((0, 4),), Significance.STRONG),
        (((0, 1),) * 5 + ((1, 1),) * 6, Significance.ONE_ATTEMPT),
        # Ten pairs of eleven hold one of three, as they would by chance.
        (((2, 4),) * 9 + ((3, 4), (0, 4)), Significance.CHANCE),
    ],
)
def test_a_flip_is_told_by_what_it_is_worth(
    tallies: tuple[tuple[int, int], ...], worth: Significance
) -> None:
    found = evidence_of(row(*tallies))
    assert found is not None
    assert found.significance is worth
    assert found.sure is row(*tallies).clear, "what the matrix marks ~ is no evidence here"


def test_it_names_the_run_that_does_best_and_the_one_that_does_worst() -> None:
    found = evidence_of(row((1, 2), None, (0, 2), (2, 2)))
    assert found is not None
    assert (found.best, found.worst, found.runs) == (3, 2, 3)


@pytest.mark.parametrize("tallies", [((2, 2), (2, 2)), ((2, 2), None), ((1, 2), (0, 0))])
def test_without_a_difference_there_is_no_evidence(tallies: Any) -> None:
    assert evidence_of(row(*tallies)) is None


def against_first(rows: Iterable[TaskAcrossRuns]) -> Difference | None:
    first, found = differences(rows, 2)
    assert first is None
    return found


def test_rates_are_compared_task_by_task() -> None:
    rows = [row((4, 4), (3, 4)), row((2, 4), (1, 4)), row((1, 4), (1, 4)), row((3, 4), (1, 4))]
    unpaired = [row((1, 1), None), row(None, (1, 1)), row((0, 0), (1, 1))]
    no_task = TaskAcrossRuns(None, (cell(0, 9), cell(9, 9)))
    found = against_first([*rows, *unpaired, no_task])
    assert found is not None
    assert (found.tasks, found.mean) == (4, -0.25)
    # t(3) = 3.182, standard deviation 0.2041, over the root of 4.
    assert found.low is not None
    assert found.high is not None
    assert isclose(found.low, -0.25 - 3.182 * 0.20412 / 2, rel_tol=0.01)
    assert isclose(found.high, -0.25 + 3.182 * 0.20412 / 2, rel_tol=0.05)
    # Three tasks that are not alike: two of the eight ways to turn them round go as far.
    assert (found.p, found.adjusted, found.comparisons) == (0.25, 0.25, 1)
    assert not found.clear


def test_too_few_tasks_or_all_alike_have_no_interval() -> None:
    few = against_first([row((1, 1), (0, 1))] * 3)
    alike = against_first([row((1, 1), (0, 1))] * 9)
    for found, p in ((few, 2 / 2**3), (alike, 2 / 2**9)):
        assert found is not None
        assert (found.mean, found.low, found.high, found.p) == (-1.0, None, None, p)
        assert found.clear is (p <= 0.05)
    assert against_first([row((1, 1), None)]) is None


def test_many_runs_are_told_apart_with_p_adjusted_for_as_many() -> None:
    """Eleven checkpoints on nine tasks: the last two never pass what all others always do."""
    rows = [row(*[(4, 4)] * 9, (0, 4), (0, 4)) for _ in range(9)]
    first, *others = differences(rows, 11)
    assert first is None
    same, apart = others[:8], others[8:]
    for found in (*same, *apart):
        assert found is not None
        assert found.comparisons == 10
    assert [item and (item.mean, item.adjusted, item.clear) for item in same] == [
        (0.0, 1.0, False)
    ] * 8
    assert [item and (item.mean, item.p) for item in apart] == [(-1.0, 2 / 2**9)] * 2
    # Holm: the smallest p ten times, the next nine times, and never less than the one before.
    assert [item and (item.adjusted, item.clear) for item in apart] == [(20 / 2**9, True)] * 2


def test_a_run_without_a_task_in_common_is_no_comparison() -> None:
    rows = [row((1, 1), None, (0, 1)), row(None, (1, 1), None)]
    first, other, last = differences(rows, 3)
    assert (first, other) == (None, None)
    assert last is not None
    assert (last.tasks, last.comparisons) == (1, 1)


def rollout(task: str, **settings: Any) -> Rollout:
    return Rollout.model_validate(
        {"rollout_id": f"r-{task}", "task_id": task, "max_steps": 30, "model_config": settings}
    )


def test_settings_are_told_by_name_and_never_a_key() -> None:
    run = RunStatus(run_id="a", scenario_id="hr")
    told = settings_of(
        run,
        [
            rollout("x", model="gpt-4o", temperature=0.7, api_key="col_secret"),
            rollout("x", model="gpt-4o", temperature=0.7, base_url="https://me:pw@host/v1"),
            rollout("y", model="qwen", temperature=0.7),
        ],
    )
    assert told == {
        "model": "gpt-4o, qwen",
        "temperature": "0.7",
        "max_steps": "30",
        "base_url": "https://…@host/v1",
        "scenario_id": "hr",
        "tasks": "2",
        "attempts": "1–2",
    }


def test_only_settings_that_differ_are_told() -> None:
    found = differing_settings([{"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}])
    assert [(setting.name, setting.values) for setting in found] == [
        ("b", ("2", "3")),
        ("c", (None, "4")),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/v1", "https://…@host/v1"),
        ("https://me:p@w@host/a@b", "https://…@host/a@b"),
        (
            '{"url": "http://me@host", "mail": "a@b.example"}',
            '{"url": "http://…@host", "mail": "a@b.example"}',
        ),
        ("https://host/v1?mail=a@b.example", "https://host/v1?mail=a@b.example"),
        ("// a comment\nwrite to bob@example.com", "// a comment\nwrite to bob@example.com"),
    ],
)
def test_nobodys_password_is_shown_and_nothing_else_is_taken(text: str, shown: str) -> None:
    assert without_login(text) == shown
