"""Pass rates along checkpoints: their order, and what fell by more than chance."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from gymtui.store.outcome import Outcome
from gymtui.store.stats.formulas import Tally
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.stats.task_tallies import TaskTallies
from gymtui.store.stats.trend import trend


def summary(rates: dict[str, tuple[int, int]], day: int = 1) -> RunSummary:
    """A finished run with passes of verdicts task by task."""
    tallies = {task: Tally(*rate) for task, rate in rates.items()}
    passes = sum(tally.passes for tally in tallies.values())
    verdicts = sum(tally.verdicts for tally in tallies.values())
    counts = Counter({Outcome.PASSED: passes, Outcome.FAILED: verdicts - passes})
    began = datetime(2026, 3, day, tzinfo=UTC)
    return RunSummary(
        verdicts, counts, "m", "p", began, began, began, tallies=TaskTallies.of(tallies)
    )


GOOD = summary({f"t{n}": (4, 4) for n in range(12)})
BAD = summary({f"t{n}": (0, 4) for n in range(12)})
MIDDLING = summary({f"t{n}": (3, 4) for n in range(12)})


def test_checkpoints_stand_by_their_numbers_each_beside_the_one_before() -> None:
    points = trend([("p-s1000", BAD), ("p-s900", GOOD), ("p-s2000", None)]).points
    assert [(p.label, p.against) for p in points] == [
        ("900", None),
        ("1000", "p-s900"),
        ("2000", "p-s1000"),
    ]
    assert [p.worse for p in points] == [False, True, False]
    assert points[1].difference is not None and points[1].difference.mean == -1
    assert points[2].rate is None and points[2].difference is None and points[2].unfinished


def test_other_runs_stand_by_when_they_began() -> None:
    late, early = summary({"t": (1, 1)}, 9), summary({"t": (1, 1)}, 2)
    points = trend([("zeta", late), ("alpha-7", early), ("none", None)]).points
    assert [p.label for p in points] == ["none", "alpha-7", "zeta"]


def test_a_run_alone_has_its_name() -> None:
    assert [p.label for p in trend([("baseline-8b", GOOD)]).points] == ["baseline-8b"]


@pytest.mark.parametrize("chosen", ["p-1", "p-3"])
def test_a_chosen_baseline_is_what_all_are_compared_with(chosen: str) -> None:
    runs = [("p-1", GOOD), ("p-2", MIDDLING), ("p-3", BAD)]
    points = trend(runs, (chosen, dict(runs)[chosen])).points
    assert [p.against for p in points] == [None if run == chosen else chosen for run, _ in runs]
    assert [p.better for p in points] == [chosen == "p-3", chosen == "p-3", False]


def test_p_is_adjusted_for_all_that_is_shown() -> None:
    two = trend([("p-1", GOOD), ("p-2", MIDDLING)]).points
    four = trend([("p-1", GOOD), ("p-2", MIDDLING), ("p-3", MIDDLING), ("p-4", MIDDLING)]).points
    assert two[1].difference and four[1].difference
    assert two[1].difference.comparisons == 1 and four[1].difference.comparisons == 3
    assert four[1].difference.adjusted == pytest.approx(3 * two[1].difference.adjusted)


def test_what_chance_explains_is_no_fall() -> None:
    points = trend([("p-1", summary({"t": (4, 4)})), ("p-2", summary({"t": (2, 4)}))]).points
    assert not points[1].worse


def test_runs_without_a_task_in_common_are_not_compared() -> None:
    points = trend([("p-1", GOOD), ("p-2", summary({"other": (0, 4)}))]).points
    assert points[1].difference is None


def test_a_baseline_need_not_be_charted() -> None:
    points = trend([("p-1", BAD), ("p-2", GOOD)], ("other", MIDDLING)).points
    assert [(p.against, p.worse, p.better) for p in points] == [
        ("other", True, False),
        ("other", False, True),
    ]
