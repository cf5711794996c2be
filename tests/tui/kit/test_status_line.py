"""The status line's right end: what it says, and what goes first where there is little room."""

from __future__ import annotations

import pytest

from gymtui.api.errors import Forbidden, Garbled, GymError, Unauthorized, Unreachable
from gymtui.api.response import detect_interception
from gymtui.config.settings import Settings
from gymtui.core.secret import ApiKey
from gymtui.poll.connection import Link
from gymtui.tui.kit.status_line import LEAST_CELLS, changes_every_second, link_banner, link_cell
from gymtui.tui.kit.styled_text import width_of

DOWN = Link(since_s=58.0, error=Unreachable("connection refused"), next_try_s=107.5)
REFUSED = Unauthorized("no key")


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
        (Link(stopped=REFUSED, next_try_s=142.0), "✗ key refused · next try 42s   12:04"),
        (
            Link(stopped=REFUSED, error=Unreachable("dropped"), next_try_s=142.0),
            "✗ key refused · dropped · next try 42s   12:04",
        ),
        (
            Link(stopped=REFUSED, error=REFUSED, next_try_s=142.0),
            "✗ key refused · next try 42s   12:04",
        ),
        (Link(stopped=REFUSED, next_try_s=99.0), "✗ key refused · trying   12:04"),
        (Link(stopped=REFUSED, next_try_s=142.0, paused=True), "✗ key refused · paused   12:04"),
        (Link(stopped=Forbidden(), next_try_s=142.0), "✗ forbidden · next try 42s   12:04"),
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


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (42, "● live, every 2s · rest every 18s   12:04"),
        (40, "● live, every 2s · rest every 18s"),
        (32, "● live, every 2s"),
    ],
)
def test_how_often_the_rest_is_asked_goes_before_the_way_here(room: int, words: str) -> None:
    assert said(Link(since_s=99.0, rest_s=18.0), room) == words


def test_a_long_reason_leaves_room_for_the_way_here() -> None:
    link = Link(since_s=58.0, error=Garbled("garbled " * 30), next_try_s=107.5)
    for room in range(120):
        assert width_of(link_cell(link, 100.0, "12:04", room)) <= max(room, LEAST_CELLS)
        assert said(link, room).startswith("○ stale 42s · ")


def test_the_seconds_to_the_next_try_of_a_key_are_counted_down() -> None:
    assert changes_every_second(Link(stopped=REFUSED, next_try_s=142.0), 100.0)


@pytest.mark.parametrize(
    ("origin", "todo"),
    [
        ("", "Set GYMTUI_API_KEY, or a key in the configuration file; "),
        ("GYMTUI_API_KEY", "Set GYMTUI_API_KEY to another key and start again; "),
        ("COLLINEAR_API_KEY", "Set COLLINEAR_API_KEY to another key and start again; "),
        ("LAB, named by c.toml:3: api_key_env", "Set LAB to another key and start again; "),
        ("c.toml:7: profiles.lab.api_key", "Fix it there; "),
        ("/x/config.toml: collinear_api_key", "Fix it there; "),
        ("c.toml:7: profiles.lab.api_key_command", "Make its command print another key; "),
    ],
)
@pytest.mark.parametrize("error", [REFUSED, Forbidden("not here")])
def test_the_banner_says_what_to_do_about_a_key_by_where_it_came_from(
    origin: str, todo: str, error: GymError
) -> None:
    key = ApiKey("ck_0123456789abcdef") if origin else None
    settings = Settings(base_url="http://127.0.0.1", key=key, key_origin=origin)
    first, second = (
        "".join(piece.text for piece in cell)
        for cell in link_banner(Link(stopped=error), settings, "ctrl+r")
    )
    assert (f"from {origin}" if origin else "no API key found") in first
    asks = "Request the permission, or " if isinstance(error, Forbidden) else ""
    wanted = f"{asks}{todo[0].lower()}{todo[1:]}" if asks else todo
    assert second == f"{wanted}ctrl+r retries, else once a minute."
    assert ("(403)" in first) is isinstance(error, Forbidden)
    paused = link_banner(Link(stopped=error, paused=True), settings, "ctrl+r")[1]
    assert "no retries while paused" in paused[0].text


def test_what_is_in_between_is_told_in_a_line_of_its_own() -> None:
    page = detect_interception(b"<html>")
    assert page is not None
    link = Link(since_s=58.0, error=page, next_try_s=107.5)
    assert said(link, 80) == "○ stale 42s · a web page, not the gym · next try 8s   12:04"
    settings = Settings(base_url="http://127.0.0.1")
    [[line]] = link_banner(link, settings, "ctrl+r")
    assert line.text == (
        "the answer is a web page, not the gym's: a proxy or login page in between?"
    )
    assert link_banner(DOWN, settings, "ctrl+r") == ()
