"""Where a run's time went: added up rollout by rollout as if all were counted once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.store.phases import PHASES, SegmentKind
from gymtui.store.stats.formulas import quantile, shares
from gymtui.store.stats.phase_time import PhaseTime
from gymtui.store.stats.sorted_numbers import SortedNumbers

SECONDS = st.integers(0, 4).map(float) | st.floats(0, 1e6)
SPENT = st.none() | st.fixed_dictionaries({kind.value: SECONDS for kind in PHASES})
STEPS = st.lists(st.tuples(st.integers(0, 4), st.booleans(), SPENT), max_size=30)


@given(STEPS)
def test_it_comes_to_the_same_as_adding_all_up_at_one_go(
    steps: list[tuple[int, bool, dict[str, float] | None]],
) -> None:
    spending, known = PhaseTime(), {}
    for place, stays, spent_s in steps:
        name = f"r{place}"
        if stays:
            spending.put(name, spent_s)
            known[name] = spent_s
        else:
            spending.drop(name)
            known.pop(name, None)
        assert (name in spending) is stays
        plain, found = shares(known.values()), spending.shares
        assert (found.counted, found.of_all) == (plain.counted, plain.of_all)
        whole_s = sum(sum(spent.values()) for spent in known.values() if spent is not None)
        if whole_s > 1e-3:  # less vanishes in whole microseconds
            assert found.of == pytest.approx(plain.of, abs=1e-2)
        for kind in (SegmentKind.BUILDING, SegmentKind.VERIFYING):
            times = sorted(spent[kind] for spent in known.values() if spent is not None)
            assert spending.p95_s(kind) == quantile(times, 0.95)


@given(st.lists(st.integers(-3, 3).map(float)), st.data())
def test_numbers_stay_in_order_while_they_come_and_go(
    values: list[float], data: st.DataObject
) -> None:
    ascending, plain = SortedNumbers(), list(values)
    for value in values:
        ascending.add(value)
    for value in data.draw(
        st.lists(st.sampled_from(values), unique=True) if values else st.just([])
    ):
        ascending.remove(value)
        plain.remove(value)
    assert list(ascending) == sorted(plain)
    assert (ascending.first, ascending.last) == (min(plain, default=None), max(plain, default=None))
    with pytest.raises(ValueError, match="not there"):
        ascending.remove(9.0)
