"""How a round over all pages of the run list goes, whatever the server's pages are like."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from gymtui.poll.sweep import PAGE_OVERLAP, Sweep


def ids(begin: int, end: int) -> tuple[str, ...]:
    return tuple(f"r{number:04}" for number in range(begin, end))


def answered(
    sweep: Sweep,
    begin: int,
    end: int,
    total: int | None = 500,
    known: Collection[str] = (),
    now_s: float = 0.0,
) -> bool:
    return sweep.note_answer(begin, ids(begin, end), total, known, now_s)


def test_pages_overlap_so_that_rows_that_shift_between_them_are_met() -> None:
    sweep = Sweep()
    assert not answered(sweep, 0, 200, now_s=7.0)
    assert (sweep.next, sweep.began_s, sweep.rounds) == (180, 7.0, 0)
    assert not answered(sweep, 180, 380, now_s=8.0)
    assert (sweep.next, sweep.began_s) == (360, 7.0)
    assert answered(sweep, 360, 500, now_s=9.0)
    assert (sweep.next, sweep.began_s, sweep.rounds) == (0, 9.0, 1)


@pytest.mark.parametrize(("rows", "overlap"), [(200, PAGE_OVERLAP), (40, 20), (10, 5), (1, 0)])
def test_small_pages_overlap_by_half_and_yet_go_on(rows: int, overlap: int) -> None:
    sweep = Sweep()
    answered(sweep, 0, rows)
    assert (sweep.page_size, sweep.overlap) == (rows, overlap)
    assert sweep.next == rows - overlap > 0
    answered(sweep, 0, rows // 2)
    assert sweep.page_size == rows, "the most that a page ever held"


def test_a_page_further_down_than_was_read_ends_no_round() -> None:
    sweep = Sweep()
    answered(sweep, 0, 200)
    assert not answered(sweep, 360, 500), "what lies between was not read"
    assert sweep.next == 180
    assert not answered(sweep, 0, 200), "the head again"
    assert sweep.next == 180


def test_what_was_known_before_a_round_and_not_met_in_it_is_missed() -> None:
    sweep = Sweep()
    assert answered(sweep, 0, 3, 3, known=ids(0, 3))
    assert not sweep.missed, "what was not known when the round began is not missed"
    assert sweep.note_answer(0, ids(1, 4), 3, ids(0, 4), 1.0)
    assert sweep.missed == {"r0000"}
    assert sweep.note_answer(0, ids(0, 4), 4, ids(0, 4), 2.0)
    assert not sweep.missed


def test_a_list_that_grows_shorter_is_read_again_from_before_what_moved_up() -> None:
    sweep = Sweep()
    answered(sweep, 0, 200, 500)
    answered(sweep, 180, 380, 500)
    assert not answered(sweep, 0, 200, 470)
    assert sweep.next == 330
    assert not answered(sweep, 0, 200, 20 + 200)
    assert sweep.next == 180, "never before what this very page shows"


def test_without_a_count_a_page_shorter_than_others_is_the_last() -> None:
    sweep = Sweep()
    assert not answered(sweep, 0, 50, None)
    assert not answered(sweep, 30, 80, None)
    assert answered(sweep, 60, 109, None)


@pytest.mark.parametrize("total", [None, 500])
def test_a_page_with_nothing_or_with_the_first_page_again_is_the_last(total: int | None) -> None:
    sweep = Sweep()
    answered(sweep, 0, 200, total)
    assert sweep.note_answer(180, (), total, (), 0.0)
    answered(sweep, 0, 200, total)
    assert sweep.note_answer(180, ids(0, 200), total, (), 0.0), "whatever is asked for, page one"


def test_the_count_ends_a_round_where_the_rows_do() -> None:
    sweep = Sweep()
    assert not answered(sweep, 0, 200, 201)
    assert answered(sweep, 0, 200, 200)
