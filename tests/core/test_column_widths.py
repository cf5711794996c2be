"""Which columns of a table stay and how wide they are, whatever they need and whatever there is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gymtui.core.column_widths import EXTRA, ColumnNeed, fit_widths

GAP = 2
NEEDS = st.lists(
    st.builds(
        lambda least, more, name, priority, flex: ColumnNeed(
            least,
            good=least + more,
            wanted=least + 3 * more if name else 0,
            priority=priority,
            flex=flex,
            most=least + 4 * more,
        ),
        st.integers(1, 30),
        st.integers(0, 30),
        st.booleans(),
        st.integers(0, 5),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=9,
)


def total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


@given(NEEDS, st.integers(1, 250))
def test_a_table_fits_and_every_column_has_what_it_needs_at_least(
    needs: list[ColumnNeed], cells: int
) -> None:
    widths = fit_widths(needs, cells, GAP)
    assert widths
    assert list(widths) == sorted(widths)
    assert total(widths) <= cells
    if len(widths) > 1:
        assert all(width >= needs[place].least for place, width in widths.items())
    gone = [need.priority for place, need in enumerate(needs) if place not in widths]
    assert max((needs[place].priority for place in widths), default=0) <= min(gone, default=99)


@given(NEEDS, st.integers(1, 250))
def test_a_name_is_cut_only_where_there_is_no_room(needs: list[ColumnNeed], cells: int) -> None:
    widths = fit_widths(needs, cells, GAP)
    cut = [place for place, width in widths.items() if width < needs[place].wanted]
    if cut and len(widths) > 1:
        assert total(widths) == cells
        longest = max(widths[place] for place in cut)
        goods = [max(needs[place].least, needs[place].good) for place in widths]
        for place, width in widths.items():
            # No other has cells that a name which is cut could have had.
            fair = max(*goods, longest)
            assert width <= max(fair, needs[place].least) or not needs[place].wanted


@given(NEEDS, st.integers(1, 250))
def test_a_wider_table_takes_nothing_away(needs: list[ColumnNeed], cells: int) -> None:
    narrow, wide = fit_widths(needs, cells, GAP), fit_widths(needs, cells + 1, GAP)
    assert narrow.keys() <= wide.keys()


@given(NEEDS, st.integers(60, 250))
def test_extras_come_after_what_is_good_for_the_others(needs: list[ColumnNeed], cells: int) -> None:
    widths = fit_widths(needs, cells, GAP)
    if any(needs[place].priority >= EXTRA for place in widths):
        last = max(needs[place].priority for place in widths)
        for place, width in widths.items():
            if needs[place].priority < last and len(widths) > 1:
                good = max(needs[place].least, needs[place].good)
                assert width >= min(good, max(needs[place].wanted, good))


def test_the_longest_names_share_the_loss() -> None:
    names = [ColumnNeed(5, wanted=40), ColumnNeed(5, wanted=8), ColumnNeed(5, wanted=60)]
    assert fit_widths(names, 200, GAP) == {0: 40, 1: 8, 2: 60}
    assert fit_widths(names, 62, GAP) == {0: 25, 1: 8, 2: 25}


def test_numbers_that_stay_make_a_command_s_table_wider_instead_of_wrong() -> None:
    needs = [ColumnNeed(6, wanted=20), ColumnNeed(8), ColumnNeed(9, priority=1)]
    assert fit_widths(needs, 5, GAP, beyond=True) == {0: 6, 1: 8}
    assert fit_widths(needs, 5, GAP) == {0: 5}
