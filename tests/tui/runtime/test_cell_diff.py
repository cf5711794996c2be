"""Frames: what is left out of them changes nothing on the screen, and most is left out."""

from __future__ import annotations

import random

import pyte
import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from gymtui.tui.runtime.cell_diff import Frames
from tests.conftest import examples

WIDTH, HEIGHT = 24, 6
CONSOLE = Console(color_system="truecolor", force_terminal=True)
STYLES = (
    None,
    Style(color="#ff0000"),
    Style(color="#ff0000", bold=True),
    Style(color="#00ff00", bgcolor="#000080"),
    Style(bgcolor="#000080", underline=True),
    Style(color="#00ff00", reverse=True, italic=True),
)
WORDS = ("a", "run", "  ", "14/30", "日本", "界", "e\u0301", "✓", "▸▸▸", "-", "Ω")


class Terminal:
    """An emulator, told frames."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self._screen)

    def tell(self, written: str) -> None:
        self._stream.feed(written)

    def cells(self) -> list[list[object]]:
        return [[self._screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]

    def text(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]


def strip(*pieces: tuple[str, Style | None]) -> Strip:
    line = Strip([Segment(text, style) for text, style in pieces])
    # Blank at the end, as our lines are: marks in the last column make the emulator wrap.
    return line.adjust_cell_length(WIDTH - 2).adjust_cell_length(WIDTH)


def whole(strips: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in strips], Region(0, 0, WIDTH, HEIGHT))


def lines(changed: dict[int, Strip]) -> ChopsUpdate:
    """What the framework makes of refreshed lines."""
    chops = [{0: changed.get(y)} for y in range(HEIGHT)]
    spans = [(y, 0, WIDTH) for y in sorted(changed)]
    return ChopsUpdate(chops, spans, [[WIDTH] for _ in range(HEIGHT)])


def anything(rng: random.Random) -> Strip:
    pieces = [(rng.choice(WORDS), rng.choice(STYLES)) for _ in range(rng.randint(0, 12))]
    return strip(*pieces)


def changed_a_little(line: Strip, rng: random.Random) -> Strip:
    pieces = [(text, style) for text, style, _ in line]
    at = rng.randrange(len(pieces))
    text, style = pieces[at]
    how = rng.random()
    if how < 0.4 and text.isascii() and text:
        pieces[at] = (text.replace(rng.choice(text), rng.choice(WORDS), 1), style)
    elif how < 0.8:
        pieces[at] = (text, rng.choice(STYLES))
    else:
        pieces.insert(at, (rng.choice(WORDS), rng.choice(STYLES)))
    return strip(*pieces)


@pytest.mark.parametrize("seed", range(examples(40)))
def test_the_screen_is_as_if_everything_had_been_written(seed: int) -> None:
    rng = random.Random(seed)
    picture = [anything(rng) for _ in range(HEIGHT)]
    frames, ours = Frames(), Terminal()
    ours.tell(frames.written(whole(picture), CONSOLE))
    for _ in range(30):
        if rng.random() < 0.05:
            frames.forget()
        chosen = rng.sample(range(HEIGHT), rng.randint(1, 3))
        some = {y: changed_a_little(picture[y], rng) for y in chosen}
        for y, line in some.items():
            picture[y] = line
        ours.tell(frames.written(lines(some), CONSOLE))
        theirs = Terminal()
        theirs.tell(whole(picture).render_segments(CONSOLE))
        assert ours.cells() == theirs.cells()


def test_only_cells_that_differ_are_written() -> None:
    frames = Frames()
    muted, strong = Style(color="#808080"), Style(color="#ffffff", bold=True)
    before = strip(("name-of-run ", muted), ("14/30", strong), ("  note", muted))
    after = strip(("name-of-run ", muted), ("15/30", strong), ("  note", muted))
    frames.written(whole([before] * HEIGHT), CONSOLE)
    written = frames.written(lines({2: after}), CONSOLE)
    assert written == "\x1b[3;14H\x1b[1;38;2;255;255;255m5\x1b[0m"


def test_a_line_that_shows_the_same_is_not_written() -> None:
    frames = Frames()
    line = strip(("the same", STYLES[3]))
    frames.written(whole([line] * HEIGHT), CONSOLE)
    assert frames.written(lines({1: strip(("the same", STYLES[3]))}), CONSOLE) == ""


def test_a_whole_screen_is_written_whole_so_that_it_heals() -> None:
    frames = Frames()
    picture = whole([strip(("text", None))] * HEIGHT)
    first = frames.written(picture, CONSOLE)
    assert first.count("text") == HEIGHT
    assert frames.written(picture, CONSOLE) == first


def test_after_forgetting_a_line_is_written_whole() -> None:
    frames = Frames()
    line = strip(("the same", None))
    frames.written(whole([line] * HEIGHT), CONSOLE)
    frames.forget()
    assert "the same" in frames.written(lines({1: line}), CONSOLE)


def test_what_is_never_written_does_not_count_as_shown() -> None:
    frames = Frames()
    before, after = strip(("before", None)), strip(("after", None))
    frames.written(whole([before] * HEIGHT), CONSOLE)
    frames.diff(lines({1: after}))  # a frame that the driver refused
    written = frames.written(lines({1: after}), CONSOLE)
    terminal = Terminal()
    terminal.tell(whole([before] * HEIGHT).render_segments(CONSOLE) + written)
    assert terminal.text()[1] == "after"


def test_parts_of_a_line_that_were_not_rendered_keep_what_they_show() -> None:
    frames, terminal = Frames(), Terminal()
    terminal.tell(frames.written(whole([strip(("left     right", None))] * HEIGHT), CONSOLE))
    part = Strip([Segment("RIGHT")])
    chops: list[dict[int, Strip | None]] = [{0: None, 9: None, 14: None} for _ in range(HEIGHT)]
    chops[3] = {0: None, 9: part, 14: None}
    update = ChopsUpdate(chops, [(3, 9, 14)], [[9, 14, WIDTH]] * HEIGHT)
    terminal.tell(frames.written(update, CONSOLE))
    assert terminal.text()[3] == "left     RIGHT"


def test_the_address_of_a_link_is_never_written() -> None:
    line = strip(("click", Style(link="https://example.org/\x07")))
    written = Frames().written(whole([line] * HEIGHT), CONSOLE)
    assert "\x1b]" not in written
    assert "example" not in written
