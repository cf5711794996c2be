"""Lines that widgets of ours draw whole, kept as they are on their way to the screen.

The framework makes a new strip of a line for a border that is not there, one for each filter that
changes nothing and one for a cut at its own end, each with seven caches, some of which hold the
strip itself: half of the time that a full frame takes, and garbage that only a full collection
finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class CachedStrip(Strip):
    """A line that nothing is made anew of without need, and that never holds itself."""

    __slots__ = ("_passed",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._passed: set[tuple[LineFilter, Color]] = set()

    def adjust_cell_length(self, cell_length: int, style: Style | None = None) -> Strip:
        missing = cell_length - self.cell_length
        if not missing:
            return self
        if missing > 0:
            return CachedStrip([*self._segments, Segment(" " * missing, style)], cell_length)
        return CachedStrip(super().adjust_cell_length(cell_length, style), cell_length)

    def apply_filter(self, filter: LineFilter, background: Color) -> Strip:  # noqa: A002  (as the framework calls it)
        key = (filter, background)
        if key in self._passed:
            return self
        known = self._filter_cache.get(key)
        if known is not None:
            return known
        segments = filter.apply(self._segments, background)
        if segments == self._segments:
            self._passed.add(key)
            return self
        made = CachedStrip(segments, self._cell_length)
        self._filter_cache[key] = made
        return made

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The parts of this line; where the only cut is its end, that is itself."""
        wanted = [cut for cut in cuts if cut <= self.cell_length]
        return [self] if wanted == [self.cell_length] else super().divide(wanted)


class _DirectLines(StylesCache):
    """Takes a widget's lines as they are, unless there is something around them."""

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        self._framed = bool(widget.styles.gutter)
        return super().render_widget(widget, crop)

    def render_line(self, *args: Any, **options: Any) -> Strip:
        if self._framed:
            return super().render_line(*args, **options)
        _, y, size, _, _, _, _, draw, *_ = args
        line: Strip = draw(y)
        if not isinstance(line, CachedStrip):
            line = CachedStrip(line, line.cell_length)
        return line.adjust_cell_length(size.width)


def draw_directly(widget: Widget) -> None:
    """Show a widget's lines as it draws them, where it has no border and no padding.

    It is not yet on screen, and has no opacity, tint or outline.
    """
    widget._styles_cache = _DirectLines()
