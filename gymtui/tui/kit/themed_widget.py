"""What the widgets that draw their own lines have in common: a palette, and the mouse's wheel."""

from __future__ import annotations

from typing import cast

from textual import events
from textual.widget import Widget

from gymtui.tui.context.theme import Palette

LINES = 3
"""Lines a notch of the wheel stands for."""


class ThemedWidget:
    """A widget that is drawn with a palette. What it keeps of drawn lines goes with an old one."""

    _palette: Palette

    def paint(self, palette: Palette) -> None:
        """Draw everything with another palette."""
        self._palette = palette
        cast("Widget", self).refresh()


class Wheel(ThemedWidget):
    """Makes a widget's `action_move` follow the mouse wheel; stands before the widget's base."""

    def action_move(self, lines: int) -> None:
        """Scroll, or move the cursor, by lines."""
        raise NotImplementedError

    def scroll_by_lines(self, lines: int) -> None:
        """Scroll so far down, or up if negative, without animation."""
        self.action_move(lines)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_by_lines(LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_by_lines(-LINES)
