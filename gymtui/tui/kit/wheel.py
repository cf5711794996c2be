"""What all that is drawn by line has in common with a mouse: its wheel moves by three lines."""

from __future__ import annotations

from textual import events

LINES = 3
"""Lines a notch of the wheel stands for."""


class Wheel:
    """Makes a widget's `action_move` follow the mouse wheel; stands before the widget's base."""

    def action_move(self, lines: int) -> None:
        """Scroll, or move the cursor, by lines."""
        raise NotImplementedError

    def wheeled(self, lines: int) -> None:
        """The wheel was turned: scroll without animation.

        Args:
            lines: How far down; negative is up.
        """
        self.action_move(lines)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        event.prevent_default()
        self.wheeled(LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        event.prevent_default()
        self.wheeled(-LINES)
