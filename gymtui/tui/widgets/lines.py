"""A few lines of text with something at each end: status line, headers, details, footer.

Drawn by line like the grid: only a line that reads differently is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from gymtui.tui.drawn import take_whole
from gymtui.tui.ink import Cell, Ink, laid, strip, width_of
from gymtui.tui.theme import Palette
from gymtui.tui.widgets.painted import Painted


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what stands at its left and at its right, and whether it is a bar.

    When both do not fit, the right end stays whole and the left one is cut.
    """

    left: Cell = ()
    right: Cell = ()
    bar: bool = False


class Lines(Widget, Painted):
    """Some lines of text.

    Args:
        palette: The colours.
        height: How many lines it has.
        id: The widget's id.
    """

    DEFAULT_CSS = "Lines { width: 1fr; height: 1; }"
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, palette: Palette, height: int = 1, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        take_whole(self)
        self._palette = palette
        self._lines: tuple[Line, ...] = (Line(),) * height
        self.styles.height = height

    @property
    def lines(self) -> tuple[Line, ...]:
        """What it shows."""
        return self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines; a changed number of lines changes the layout."""
        new = tuple(lines)
        old, self._lines = self._lines, new
        if len(old) != len(new):
            self.styles.height = len(new)
            return
        for y, (before, now) in enumerate(zip(old, new, strict=True)):
            if before != now:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new width."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        cells = self.size.width
        line = self._lines[y] if y < len(self._lines) else Line()
        right = width_of(line.right) if line.right else 0
        room = max(0, cells - right - (3 if right else 1))
        pieces = (Ink(" "), *laid(line.left, room))
        if right:
            pieces = (*pieces, Ink(" "), *laid(line.right, min(right, cells)), Ink(" "))
        over = self._palette.bar if line.bar else None
        drawn = strip(pieces, self._palette.styles, self._palette.base, over)
        return drawn.adjust_cell_length(cells, self._palette.base + (over or Style()))
