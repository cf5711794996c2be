"""The status line's right end: what it says, and what goes first where there is little room."""

from __future__ import annotations

import pytest

from gymtui.api.errors import Garbled, Unauthorized, Unreachable
from gymtui.poll.link import Link
from gymtui.tui.ink import width_of
from gymtui.tui.widgets.status_line import LEAST_CELLS, link_cell

DOWN = Link(since_s=58.0, error=Unreachable("connection refused"), next_try_s=107.5)


def said(link: Link, room: int) -> str:
    return "".join(piece.text for piece in link_cell(link, 100.0, "12:04", room))


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (Link(), "○ connecting   12:04"),
        (Link(since_s=99.0), "● live, every 2s   12:04"),
        (
            Link(since_s=97.0, error=Unreachable("connection refused"), next_try_s=101.0),
            "● live, 3s old · connection refused   12:04",
        ),
        (Link(since_s=99.0, paused=True), "‖ paused, 1s old   12:04"),
        (Link(stopped=Unauthorized("no key")), "✗ stopped · 401   12:04"),
        (DOWN, "○ stale 42s · connection refused · next try 8s   12:04"),
        (Link(since_s=58.0, next_try_s=1.0), "○ stale 42s · trying   12:04"),
        (
            Link(error=Unreachable("no such host"), next_try_s=104.5),
            "○ no answer yet · no such host · next try 5s   12:04",
        ),
    ],
)
def test_it_says_how_fresh_the_picture_is_and_why_not(link: Link, words: str) -> None:
    assert said(link, 80) == words


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (60, "○ stale 42s · connection refused · next try 8s   12:04"),
        (50, "○ stale 42s · connection refused · next try 8s"),
        (40, "○ stale 42s · connection refused"),
        (10, "○ stale 42s · connection refu…"),
    ],
)
def test_the_clock_goes_first_then_the_next_try_and_no_number_is_cut(room: int, words: str) -> None:
    assert said(DOWN, room) == words


def test_a_long_reason_leaves_room_for_the_way_here() -> None:
    link = Link(since_s=58.0, error=Garbled("garbled " * 30), next_try_s=107.5)
    for room in range(120):
        assert width_of(link_cell(link, 100.0, "12:04", room)) <= max(room, LEAST_CELLS)
        assert said(link, room).startswith("○ stale 42s · ")
