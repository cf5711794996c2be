"""Lines drawn whole: the same picture as the framework's own way, and nothing that lingers."""

from __future__ import annotations

import sys

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.filter import Monochrome

from gymtui.tui.kit.cached_strip import CachedStrip, draw_directly
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.styled_text import StyledText, value_cell
from gymtui.tui.runtime.output_filter import BACKSTOP
from tests.tui.palettes import NIGHT

BLACK = Color(0, 0, 0)
COLUMNS = (
    Column("name", "NAME", 10, lambda name, _cells: value_cell(name, "failed"), flex=1),
    Column("size", "SIZE", 6, lambda name, _cells: value_cell(len(name)), align="right"),
)
NAMES = [f"row-{number:03d}" for number in range(40)]


class Both(App[None]):
    """A grid with a border, one without, and some lines; drawn whole or in the framework's way."""

    CSS = "#framed { border: round red; padding: 1 2; height: 10; } #bare { height: 8; }"

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self.whole = whole

    def compose(self) -> ComposeResult:
        for name in ("framed", "bare"):
            grid = Grid(COLUMNS, {name: name for name in NAMES}.get, NIGHT, id=name)
            grid.set_rows(NAMES)
            yield grid
        yield Lines(NIGHT, 2, id="lines")

    def on_mount(self) -> None:
        if not self.whole:
            for widget in self.query("Grid, Lines, ScrollBar"):
                # As the framework makes it.
                widget._styles_cache = type(self.screen._styles_cache)()
        words = (StyledText("a line", "strong"),)
        self.query_one(Lines).show([Line(words, bar=True), Line((), words)])


async def _picture(*, whole: bool) -> list[list[tuple[str, Style | None]]]:
    app = Both(whole=whole)
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        app.query_one("#bare", Grid).focus()
        await pilot.press("down")
        await pilot.pause()
        drawn = app.screen._compositor.render_strips()
        return [[(c, style) for text, style, _ in strip for c in text] for strip in drawn]


async def test_the_picture_is_the_frameworks_own_borders_included() -> None:
    ours, theirs = await _picture(whole=True), await _picture(whole=False)
    assert any("╭" in "".join(c for c, _ in line) for line in ours)
    for mine, their in zip(ours, theirs, strict=True):
        for (c, style), (d, other) in zip(mine, their, strict=True):
            assert (c, style and style.bgcolor) == (d, other and other.bgcolor)
            assert c == " " or style == other


def test_a_line_never_holds_itself_so_that_it_goes_when_nobody_shows_it() -> None:
    line = CachedStrip([Segment("a line", Style(bold=True))])
    held = sys.getrefcount(line)
    for _ in range(2):
        assert line.divide([6]) == [line]
        assert line.apply_filter(BACKSTOP, BLACK) is line
        assert line.adjust_cell_length(6) is line
        assert [part.text for part in line.divide([2, 6])] == ["a ", "line"]
    assert sys.getrefcount(line) == held


@pytest.mark.parametrize("name", ["a\x1b[31mb", "\x9b2Jx", "\u202eevil"])
def test_filters_still_have_their_say(name: str) -> None:
    line = CachedStrip([Segment(name, Style(color="red"))])
    for _ in range(2):
        assert line.apply_filter(BACKSTOP, BLACK).text.isprintable()
    grey = line.apply_filter(Monochrome(), BLACK)
    [segment] = grey
    assert segment.style is not None and segment.style.color is not None
    triplet = segment.style.color.get_truecolor()
    assert triplet.red == triplet.green == triplet.blue


@pytest.mark.parametrize(("cells", "text"), [(4, "a li"), (6, "a line"), (9, "a line   ")])
def test_a_line_is_made_longer_or_shorter(cells: int, text: str) -> None:
    line = CachedStrip([Segment("a line")]).adjust_cell_length(cells)
    assert (line.text, line.cell_length) == (text, cells)


async def test_a_widget_that_is_taken_whole_may_draw_too_little() -> None:
    class Short(Lines):
        def render_line(self, y: int) -> CachedStrip:
            return CachedStrip([Segment("short")])

    class One(App[None]):
        def compose(self) -> ComposeResult:
            widget = Short(NIGHT)
            draw_directly(widget)
            yield widget

    app = One()
    async with app.run_test(size=(20, 2)):
        assert app.screen._compositor.render_strips()[0].cell_length == 20
