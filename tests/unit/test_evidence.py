"""What runs differ in, and what that is worth: exact tests, paired rates, settings."""

from __future__ import annotations

from math import isclose
from typing import Any

import pytest

from gymtui.api.models import Rollout, RunStatus
from gymtui.store.evidence import (
    Worth,
    difference,
    differing,
    evidence_of,
    fisher,
    settings_of,
)
from gymtui.store.stats import Tally
from gymtui.store.task_rows import AcrossRow, TaskRow
from gymtui.urls import without_login


def cell(passes: int, verdicts: int) -> TaskRow:
    return TaskRow("t", (), Tally(passes, verdicts), None, None)


def row(*tallies: tuple[int, int] | None) -> AcrossRow:
    return AcrossRow("t", tuple(None if tally is None else cell(*tally) for tally in tallies))


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [
        # Fisher's tea: all four cups of each kind told apart, and three of four.
        ((4, 4), (0, 4), 2 / 70),
        ((3, 4), (1, 4), 34 / 70),
        ((1, 1), (0, 1), 1.0),
        ((5, 5), (0, 5), 2 / 252),
        ((3, 3), (3, 3), 1.0),
        ((0, 0), (3, 3), 1.0),
        # R: fisher.test(matrix(c(1, 9, 11, 3), 2))
        ((1, 10), (11, 14), 0.002759456),
    ],
)
def test_fishers_test_is_exact(one: tuple[int, int], other: tuple[int, int], p: float) -> None:
    assert isclose(fisher(Tally(*one), Tally(*other)), p, rel_tol=1e-6)
    assert isclose(fisher(Tally(*other), Tally(*one)), p, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("tallies", "worth"),
    [
        (((8, 8), (0, 8)), Worth.STRONG),
        (((4, 4), (0, 4)), Worth.SOME),
        (((4, 4), (1, 4)), Worth.CHANCE),
        (((1, 1), (0, 1)), Worth.ONE_ATTEMPT),
        (((4, 4), (3, 4)), Worth.ONE_ATTEMPT),
        (((2, 4), (1, 4)), Worth.ONE_ATTEMPT),
        # The furthest apart of three: there were three pairs to choose from.
        (((4, 4), (2, 4), (0, 4)), Worth.CHANCE),
    ],
)
def test_a_flip_is_told_by_what_it_is_worth(
    tallies: tuple[tuple[int, int], ...], worth: Worth
) -> None:
    found = evidence_of(row(*tallies))
    assert found is not None
    assert found.worth is worth


def test_it_names_the_run_that_does_best_and_the_one_that_does_worst() -> None:
    found = evidence_of(row((1, 2), None, (0, 2), (2, 2)))
    assert found is not None
    assert (found.best, found.worst) == (3, 2)


@pytest.mark.parametrize("tallies", [((2, 2), (2, 2)), ((2, 2), None), ((1, 2), (0, 0))])
def test_without_a_difference_there_is_no_evidence(tallies: Any) -> None:
    assert evidence_of(row(*tallies)) is None


def test_rates_are_compared_task_by_task() -> None:
    rows = [row((4, 4), (3, 4)), row((2, 4), (1, 4)), row((1, 4), (1, 4)), row((3, 4), (1, 4))]
    found = difference([*rows, row((1, 1), None), row(None, (1, 1)), row((0, 0), (1, 1))], 1, 0)
    assert found is not None
    assert (found.tasks, found.mean) == (4, -0.25)
    # t(3) = 3.182, standard deviation 0.2041, over the root of 4.
    assert found.low is not None
    assert found.high is not None
    assert isclose(found.low, -0.25 - 3.182 * 0.20412 / 2, rel_tol=0.01)
    assert isclose(found.high, -0.25 + 3.182 * 0.20412 / 2, rel_tol=0.05)
    assert not found.clear


def test_too_few_tasks_or_all_alike_have_no_interval() -> None:
    few = difference([row((1, 1), (0, 1))] * 3, 1, 0)
    alike = difference([row((1, 1), (0, 1))] * 9, 1, 0)
    for found in (few, alike):
        assert found is not None
        assert (found.mean, found.low, found.high, found.clear) == (-1.0, None, None, False)
    assert difference([row((1, 1), None)], 1, 0) is None


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
    found = differing([{"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}])
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
