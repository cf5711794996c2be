"""Rows drawn by line, one of which the cursor stands on; they are scrolled so that it is seen."""

from __future__ import annotations

from textual import events
from textual.widget import Widget

from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.themed_widget import Wheel


class CursorRows(Wheel, Widget, can_focus=True):
    """A widget of rows; what they say is for who builds on it."""

    ALLOW_SELECT = False
    BINDINGS = bindings(Scope.TEXT)
    margin = 0
    """Rows that are seen above and below the cursor's, which helps to see where one is."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._palette = palette
        self.top = 0
        """The first row that is seen."""
        self.cursor = 0

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def go(self, row: int) -> None:
        """Go to a row; what is beyond an end is that end."""
        raise NotImplementedError

    def within(self, row: int) -> int:
        """The row, or the one at the end that it is beyond."""
        return max(0, min(row, self.count - 1))

    def keep_in_view(self) -> None:
        """Scroll so that the cursor's row is seen, and draw."""
        height = max(1, self.size.height)
        lowest = self.cursor - height + 1 + self.margin
        top = min(max(self.top, lowest), max(0, self.cursor - self.margin))
        self.top = max(0, min(top, self.count - height))
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        self.keep_in_view()

    def action_move(self, lines: int) -> None:
        self.go(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.go(self.cursor + pages * max(1, self.size.height - 1))

    def action_top(self) -> None:
        self.go(0)

    def action_bottom(self) -> None:
        self.go(self.count - 1)

    def on_click(self, event: events.Click) -> None:
        if self.top + event.y < self.count:
            self.go(self.top + event.y)
