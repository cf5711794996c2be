"""How something is distributed over rollouts: bins with round edges that miss nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isinf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.api.models import Rollout
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.histograms import ENDED, MEASURES, MOST_BINS, Measure, histogram
from gymtui.transcript.usage import Usage

BEGAN = datetime(2026, 3, 20, 10, tzinfo=UTC)
BY_NAME = {measure.name: measure for measure in MEASURES}


def row(name: str, outcome: Outcome = Outcome.PASSED, ran_s: float = 60, **more: Any) -> RolloutRow:
    rollout = Rollout(
        rollout_id=name,
        started_at=BEGAN,
        completed_at=BEGAN + timedelta(seconds=ran_s),
        result=more.pop("result", None),
    )
    return RolloutRow(name, "run", b"{}", 0.0, 0.0, rollout, outcome=outcome, **more)


def test_bins_are_told_apart_by_outcome_and_name_their_rollouts() -> None:
    rows = [row("a"), row("b", Outcome.FAILED), row("c", Outcome.AGENT), row("d", Outcome.RUNNING)]
    found = histogram(rows, BY_NAME["steps"], {"a": 3, "b": 3, "c": 5, "d": 9})
    assert (found.known, found.of) == (3, 3)
    assert [(one.low, one.total) for one in found.bins] == [(3, 2), (4, 0), (5, 1)]
    assert found.bins[0].counts == {"passed": 1, "failed": 1, "error": 0}
    assert found.bins[0].rollout_ids == ("a", "b")


def test_what_is_not_known_is_in_no_bin_and_is_counted() -> None:
    rows = [row("a", usage=Usage(900, 100, None, 0.5)), row("b")]
    found = histogram(rows, BY_NAME["tokens"])
    assert (found.known, found.of, [one.total for one in found.bins]) == (1, 2, [1])
    assert histogram(rows, BY_NAME["score"]).bins == ()


def test_times_have_edges_of_the_clock() -> None:
    rows = [row(str(number), ran_s=number * 37) for number in range(1, 60)]
    found = histogram(rows, BY_NAME["elapsed"])
    assert {one.high - one.low for one in found.bins} == {300.0}
    ended = histogram(rows, ENDED)
    assert ended.bins[0].low % 300 == 0 and sum(one.total for one in ended.bins) == 59


@given(
    st.lists(st.floats(min_value=0, max_value=1e7), min_size=1, max_size=60),
    st.sampled_from([(False, False), (True, False), (False, True)]),
)
def test_every_value_is_in_the_one_bin_that_says_so(
    values: list[float], kind: tuple[bool, bool]
) -> None:
    named = {str(number): value for number, value in enumerate(values)}
    measure = Measure("x", lambda one, _seen: named[one.rollout_id], *kind)
    found = histogram([row(name) for name in named], measure)
    assert 1 <= len(found.bins) <= MOST_BINS
    assert sorted(name for one in found.bins for name in one.rollout_ids) == sorted(named)
    for one in found.bins:
        slack = 1e-9 * max(abs(one.low), 1)
        for name in one.rollout_ids:
            assert one.low - slack <= named[name] <= one.high + slack


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [0.0, 0.0]])
def test_one_value_is_one_bin(values: list[float]) -> None:
    measure = Measure("x", lambda one, _seen: values[int(one.rollout_id)])
    found = histogram([row(str(number)) for number in range(len(values))], measure)
    assert [one.total for one in found.bins] == [len(values)]


def test_a_few_that_lie_far_off_leave_the_others_apart() -> None:
    rows = [row(str(number), ran_s=number) for number in range(1, 60)] + [row("stuck", ran_s=9e4)]
    found = histogram(rows, BY_NAME["elapsed"])
    assert len([one for one in found.bins if one.total]) > 8
    assert found.bins[-1].rollout_ids == ("stuck",) and isinf(found.bins[-1].high)


@pytest.mark.parametrize(("last_s", "far"), [(169, False), (170, True)])
def test_far_off_is_beyond_thrice_what_is_usual(last_s: int, far: bool) -> None:
    # Of sixty 95 % took 57 s at most, 56 s longer than the first.
    rows = [row(str(number), ran_s=number) for number in range(1, 60)]
    found = histogram([*rows, row("last", ran_s=last_s)], BY_NAME["elapsed"])
    assert isinf(found.bins[-1].high) is far
