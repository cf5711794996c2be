"""Wrapping and measuring: nothing is lost, nothing is too wide, and what is read does not move."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from gymtui.core.text import clean, clusters, width
from gymtui.tui.kit.transcript.line_index import LineIndex, Place, break_points, rows_of
from gymtui.tui.kit.transcript.sections import TextLine, text_sections
from gymtui.tui.kit.transcript.styles import TextKind

SAMPLES = [
    "",
    "word",
    "a few words that go on for longer than the line is wide, and then some more of them",
    "x" * 100,
    "    indented " + "text " * 30,
    "日本語のテキスト" * 9,
    "mixed 日本語 and emoji 🙂🎉 " * 8,
    "e\u0301" * 60,
    "🇩🇪🇫🇷🇯🇵" * 20,
    "a" + " " * 70 + "b",
    "word " * 3 + "y" * 90 + " end",
]


def pieces(text: str, room: int, hang: int = 0) -> list[str]:
    return [text[a:b] for a, b in pairwise([0, *break_points(text, room, hang)])]


@pytest.mark.parametrize("text", SAMPLES)
@pytest.mark.parametrize("room", [8, 13, 40])
def test_a_wrapped_line_holds_every_character_and_is_not_too_wide(text: str, room: int) -> None:
    found = pieces(text, room)
    assert "".join(found) == text
    assert all(width(piece.rstrip(" ")) <= room for piece in found)


def test_words_stay_whole_where_they_fit() -> None:
    assert pieces("one two three four five", 9) == ["one two ", "three ", "four five"]
    assert pieces("日本 語の テキ", 6) == ["日本 ", "語の ", "テキ"]


@pytest.mark.parametrize("text", ["e\u0301" * 60, "🇩🇪🇫🇷🇯🇵" * 20, "日本語" * 30])
def test_no_row_starts_in_the_middle_of_a_letter(text: str) -> None:
    whole = {part for part, _ in clusters(text)}
    for piece in pieces(text, 9):
        assert all(part in whole for part, _ in clusters(piece))


def test_what_is_indented_hangs_when_it_wraps() -> None:
    line = TextLine("    - an item of a list that goes on and on", 0)
    rows = list(rows_of(line, 24, wrap=True))
    assert len(rows) > 2
    assert [row.hang for row in rows] == [0] + [4] * (len(rows) - 1)


def test_unwrapped_lines_are_a_row_each() -> None:
    assert len(list(rows_of(TextLine("word " * 100, 0), 20, wrap=False))) == 1


def flow_of(text: str, cells: int = 40) -> LineIndex:
    return LineIndex(text_sections(text, TextKind.TEXT), cells)


@pytest.fixture(scope="module")
def long() -> str:
    rng = random.Random(1)
    lines = [
        " ".join(rng.choices(["alpha", "beta", "日本語", "🙂"], k=rng.randrange(0, 90)))
        for _ in range(2000)
    ]
    return clean("\n".join(lines), newline="\n")


def test_every_line_is_met_when_scrolling_from_start_to_end(long: str) -> None:
    flow = flow_of(long)
    assert len(flow.sections) > 5
    top, seen = Place(0, 0), []
    while True:
        window = flow.window(top, 30)
        seen += [row.line.text[row.start : row.end] for _, row in window]
        if len(window) < 30:
            break
        top = flow.place_beyond(top, 30)
        if top == flow.end() and window[-1][0] == top:
            break
    assert "".join(seen).replace(" ", "") == long.replace("\n", "").replace(" ", "")


def test_places_do_not_move_when_heights_are_corrected(long: str) -> None:
    flow = flow_of(long)
    flow.wrapped_section(7)
    place = flow.place_of(7, 500)
    before = [row for _, row in flow.window(place, 20)]
    estimated = flow.total
    flow.measure(lambda: False)
    assert flow.is_measured
    assert flow.total != estimated, "the estimate was off, or this test shows nothing"
    assert [row for _, row in flow.window(place, 20)] == before
    assert flow.place_at(flow.y_of(place)) == place


def test_measuring_stops_when_it_is_enough_and_goes_on_where_it_was(long: str) -> None:
    flow = flow_of(long)
    rounds = 0
    while not flow.is_measured:
        rounds += 1
        left = iter([False, True])
        flow.measure(lambda left=left: next(left))  # type: ignore[misc]
    assert rounds == len(flow.sections)
    assert flow.total == sum(flow.height(n) for n in range(len(flow.sections)))


def test_up_undoes_down_however_sections_are_measured(long: str) -> None:
    flow = flow_of(long)
    rng = random.Random(2)
    place = Place(3, 2)
    for _ in range(50):
        rows = rng.randrange(1, 200)
        down = flow.place_beyond(place, rows)
        if down == flow.end():
            break
        assert flow.place_beyond(down, -rows) == place
        place = down


def test_a_place_survives_another_width(long: str) -> None:
    narrow, wide = flow_of(long, 30), flow_of(long, 100)
    place = narrow.place_of(4, 900)
    character = narrow.character_at(place)
    there = wide.place_of(4, character)
    assert wide.character_at(there) <= character
    following = wide.place_beyond(there, 1)
    assert following.section > 4 or wide.character_at(following) > character


def test_moving_ends_at_the_ends() -> None:
    flow = flow_of("one\ntwo\nthree")
    assert flow.place_beyond(Place(0, 0), -5) == Place(0, 0)
    assert flow.place_beyond(Place(0, 0), 99) == flow.end() == Place(0, 2)


def test_a_line_of_a_hundred_thousand_characters_is_divided() -> None:
    flow = flow_of("x" * 100_000)
    assert len(flow.sections) == 7
    flow.measure(lambda: False)
    assert flow.total == pytest.approx(100_000 / 37, rel=0.01)


@pytest.mark.parametrize(
    ("text", "room", "rows"),
    [
        ("one two three", 8, ["one two ", "three"]),
        # What fits a row of its own is not broken.
        ("one (two,three)", 12, ["one ", "(two,three)"]),
        # What does not is, after the last comma or the like that leaves no half empty row.
        (
            '→ calendar.create_event(title="Panel", start=1)',
            30,
            ["→ calendar.create_event(", 'title="Panel", start=1)'],
        ),
        ("word " + "x" * 30, 20, ["word " + "x" * 15, "x" * 15]),
        ("日本 " + "語" * 12, 16, ["日本 " + "語" * 5, "語" * 7]),
        (
            "日本語 (テキスト,one,two,three,four,five)",
            24,
            ["日本語 (テキスト,one,", "two,three,four,five)"],
        ),
    ],
)
def test_long_words_are_broken_at_signs(text: str, room: int, rows: list[str]) -> None:
    ends = break_points(text, room)
    assert [text[a:b] for a, b in pairwise([0, *ends])] == rows
