"""A few lines of text with something at each end: status line, headers, details, footer.

Drawn by line like the grid: only a line that reads differently is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gymtui.core.text import width
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.cached_strip import draw_directly
from gymtui.tui.kit.styled_text import Cell, StyledText, fit_cells, make_strip, width_of
from gymtui.tui.kit.themed_widget import ThemedWidget


class Line(Struct, frozen=True):
    """One line: what stands at its left and at its right, and whether it is a bar.

    When both do not fit, the right end stays whole and the left one is cut.
    """

    left: Cell = ()
    right: Cell = ()
    bar: bool = False


class Lines(Widget, ThemedWidget):
    """Some lines of text."""

    DEFAULT_CSS = "Lines { width: 1fr; height: 1; }"
    ALLOW_SELECT = False

    class Clicked(Message):
        """A piece that asks for something was clicked."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self, palette: Palette, height: int = 1, *, id: str | None = None) -> None:
        super().__init__(id=id)
        draw_directly(self)
        self._palette = palette
        self.lines: tuple[Line, ...] = (Line(),) * height
        """What it shows."""
        self.styles.height = height

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines; a changed number of lines changes the layout."""
        new = tuple(lines)
        old, self.lines = self.lines, new
        if len(old) != len(new):
            self.styles.height = len(new)
            return
        for y, (before, now) in enumerate(zip(old, new, strict=True)):
            if before != now:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self, event: events.Resize) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        x = 0
        for piece in self._pieces(event.y):
            x += width(piece.text)
            if event.x < x:
                if piece.target:
                    self.post_message(self.Clicked(piece.target))
                return

    def _line(self, y: int) -> Line:
        return self.lines[y] if y < len(self.lines) else Line()

    def _pieces(self, y: int) -> tuple[StyledText, ...]:
        """A line laid out for the width there is."""
        cells, line = self.size.width, self._line(y)
        right = width_of(line.right) if line.right else 0
        room = max(0, cells - right - (3 if right else 1))
        blank = StyledText(" ")
        left = (blank, *fit_cells(line.left, room))
        if not right:
            return left
        return (*left, blank, *fit_cells(line.right, min(right, cells)), blank)

    def render_line(self, y: int) -> Strip:
        over = self._palette.bar if self._line(y).bar else None
        drawn = make_strip(self._pieces(y), self._palette.styles, self._palette.base, over)
        return drawn.adjust_cell_length(self.size.width, self._palette.base + (over or Style()))
