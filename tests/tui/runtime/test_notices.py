"""Notices never take more than the screen has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gymtui.tui.runtime.notices import count_removed, shorten


def test_what_fits_stays_as_it_is() -> None:
    text = "launched first\nlaunched second"
    assert shorten(text, 80, 24) == text
    assert count_removed(["one", "two"], text, 80, 24) == 0


def test_of_too_many_lines_the_last_is_left_out_and_said_to_be() -> None:
    text = "\n".join(f"line {number}" for number in range(50))
    found = shorten(text, 80, 24).split("\n")
    assert found[0] == "line 0"
    assert found[-1] == "…"
    assert len(found) <= 19


def test_a_line_that_alone_is_too_long_is_cut() -> None:
    found = shorten("x" * 100_000, 80, 24)
    assert found.endswith("…")
    assert len(found) < 80 * 24


def test_the_oldest_go_first_and_only_as_many_as_must() -> None:
    shown = ["old\n" * 7, "new\n" * 7]
    assert count_removed(shown, "now\n" * 3, 80, 24) == 1
    assert count_removed(shown, "now\n" * 18, 80, 24) == 2


@given(
    st.lists(st.text(st.characters(codec="ascii", categories=["L", "Zs"]), max_size=400)),
    st.integers(20, 300),
    st.integers(8, 100),
)
def test_all_that_stay_fit_together(texts: list[str], cells: int, lines: int) -> None:
    shown: list[str] = []
    for text in texts:
        new = shorten(text, cells, lines)
        del shown[: count_removed(shown, new, cells, lines)]
        shown.append(new)
        wide = max(10, int(cells * 0.8) - 8)
        assert sum(1 + max(1, -(-len(each) // wide)) for each in shown) <= max(3, lines - 5)
