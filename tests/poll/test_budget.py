"""Budgets: never more than they say over any time, less where the gym has too much to do."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.poll.budget import (
    BURST_S,
    LEAST_SHARE,
    RECOVERY_S,
    REFILL_AFTER_S,
    FlightLimit,
    RequestBudget,
    UsualTime,
)


def sent(budget: RequestBudget, moments: list[float]) -> list[float]:
    return [at_s for at_s in moments if budget.take(at_s)]


@given(
    st.lists(
        st.tuples(st.floats(0, 2), st.sampled_from(["take", "take", "take", "lower", "refill"])),
        max_size=400,
    ),
    st.floats(0.5, 20),
)
def test_over_any_ten_seconds_no_more_is_sent_than_it_says(
    steps: list[tuple[float, str]], per_s: float
) -> None:
    budget, now_s, taken = RequestBudget(per_s), 100.0, []
    refilled = 0
    for passed_s, what in steps:
        now_s += passed_s
        if what == "lower":
            budget.lower(now_s - 0.1, now_s)
        elif what == "refill":
            budget.refill(now_s)
            refilled += 1
        elif budget.take(now_s):
            taken.append(now_s)
    # A person's refresh fills it anew, but no more often than each ten seconds.
    burst = BURST_S * per_s
    most = burst + 10 * per_s + (2 * burst if refilled else 0) + 2
    for at, start_s in enumerate(taken):
        within = bisect_left(taken, start_s + 10) - at
        assert within <= most + 1e-6


def test_a_burst_comes_first_and_then_so_many_a_second() -> None:
    budget = RequestBudget(5.0)
    moments = [0.0] * 30 + [tick / 100 for tick in range(6001)]
    taken = sent(budget, moments)
    assert sum(at_s < 0.005 for at_s in taken) == 4 * 5
    assert len(taken) == pytest.approx(4 * 5 + 5 * 60, abs=1)


def test_when_it_is_too_much_it_is_halved_once_for_all_that_was_under_way() -> None:
    budget = RequestBudget(8.0)
    budget.take(10.0)
    budget.lower(10.0, 10.5)
    budget.lower(10.1, 10.6)
    assert budget.per_s == pytest.approx(4.0, rel=0.01)
    for number in range(20):
        budget.lower(11.0 + number, 11.5 + number)
    assert budget.per_s >= 8.0 * LEAST_SHARE
    budget.room(31.0 + RECOVERY_S, 0.0)
    assert budget.per_s == 8.0, "it recovers"


def test_how_long_there_is_none_and_how_many_there_will_be() -> None:
    budget = RequestBudget(2.0, burst=2.0)
    assert budget.room(1.0, 2.0) == 6
    assert sent(budget, [1.0, 1.0, 1.0]) == [1.0, 1.0]
    assert budget.next_s(1.0) == 1.5
    assert budget.room(1.0, 0.0) == 1, "never none: what is most wanted waits for it"
    assert budget.take(1.5)


def test_a_refresh_fills_it_anew_but_not_each_second() -> None:
    budget = RequestBudget(1.0, burst=5.0)
    assert len(sent(budget, [0.0] * 9)) == 5
    budget.refill(0.1)
    assert len(sent(budget, [0.1] * 9)) == 5
    budget.refill(0.2)
    assert sent(budget, [0.2]) == []
    budget.refill(0.2 + REFILL_AFTER_S)
    assert len(sent(budget, [0.3 + REFILL_AFTER_S] * 9)) == 5


def test_more_at_once_step_by_step_and_half_as_many_after_trouble() -> None:
    flights = FlightLimit(8)
    assert flights.limit == 2
    seen = []
    for _ in range(60):
        flights.widen()
        seen.append(flights.limit)
    assert seen == sorted(seen) and seen[-1] == 8
    flights.cut(1.0, 2.0)
    flights.cut(1.5, 2.5)
    assert flights.limit == 4, "what was under way together tells it once"
    for number in range(9):
        flights.cut(3.0 + number, 3.5 + number)
    assert flights.limit == 1


def test_what_takes_twice_as_long_as_usual_is_slow_until_it_is_usual() -> None:
    usual = UsualTime()
    assert not any(usual.add(0.5) for _ in range(20))
    assert not usual.add(1.2), "a little is this machine's own doing"
    assert usual.add(3.0)
    found = [usual.add(3.0) for _ in range(60)]
    assert not any(found[30:]), "a gym that has become slower for good"
