"""The transcript under a mouse: its bar, selecting, scrolling while that goes on, unfolding."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.message import Message
from textual.timer import Timer

from gymtui.tui.kit.transcript.selection import TextRange, character_under, line_at, word_at
from gymtui.tui.kit.transcript.view import TranscriptView

_EVERY_S = 0.05
"""How often it scrolls while a selection is pulled over an edge."""
_MOST_LINES = 6
"""By how many lines at a time, at most: the further out the pointer, the faster."""
_LEFT = 1
"""The button that selects."""


class MouseView(TranscriptView):
    """A transcript to read, with a mouse too."""

    class FoldClicked(Message):
        """A line that says what is folded away was clicked."""

        def __init__(self, turn: int, block: int) -> None:
            super().__init__()
            self.turn = turn
            self.block = block

    _drag_action: Callable[[int, int], None] | None = None
    _pointer = (0, 0)
    _moved = False
    _edge_timer: Timer | None = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.button != _LEFT:
            return
        on_bar = event.x >= self.size.width - 1
        self._moved = False
        self._drag_action = self._drag_bar if on_bar else self._drag_selection
        self.capture_mouse()
        if on_bar:
            self._drag_bar(event.x, event.y)
        else:
            self._selection.begin(self._character_under(event.x, event.y))
            self._draw_selected()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._drag_action is not None:
            self._moved = True
            self._drag_action(event.x, event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._drag_action is not None:
            self._end_drag()
            self.release_mouse()

    def on_mouse_release(self, event: events.MouseRelease) -> None:
        self._end_drag()

    def _end_drag(self) -> None:
        self._drag_action = None
        self._stop_scrolling()
        self.post_message(self.Selected())

    def scroll_by_lines(self, lines: int) -> None:
        """Scroll; a selection that is being pulled follows."""
        self.action_move(lines)
        if self._drag_action == self._drag_selection:
            self._moved = True
            self._drag_selection(*self._pointer)

    def _drag_bar(self, x: int, y: int) -> None:
        self._go(
            self._line_index.place_at(y * self._line_index.total // max(1, self.size.height - 1))
        )

    # -- selecting -------------------------------------------------------------------------

    def _drag_selection(self, x: int, y: int) -> None:
        self._pointer = (x, y)
        self._selection.extend(self._character_under(x, y))
        self._draw_selected()
        if 0 <= y < self.size.height:
            self._stop_scrolling()
        elif self._edge_timer is None:
            self._edge_timer = self.set_interval(_EVERY_S, self._scroll_on)

    def _scroll_on(self) -> None:
        x, y = self._pointer
        beyond = y if y < 0 else y - self.size.height + 1
        self.action_move(max(-_MOST_LINES, min(beyond, _MOST_LINES)))
        self._selection.extend(self._character_under(x, y))
        self._draw_selected()

    def _stop_scrolling(self) -> None:
        if self._edge_timer is not None:
            self._edge_timer.stop()
            self._edge_timer = None

    def _character_under(self, x: int, y: int) -> TextRange:
        """The character under the pointer, or where it would be."""
        rows = self._window()
        if y >= len(rows):
            place, row = rows[-1]
            return character_under(self._line_index, place, row, self.size.width)
        covered = 1 if self._sticky_heading(rows[0][0]) is not None and len(rows) > 1 else 0
        place, row = rows[max(y, covered)]
        # How far right of the row's first character that is.
        cells = x - 1 - row.line.indent - row.hang + (0 if self.wrap else self._pan)
        return character_under(self._line_index, place, row, -1 if y < covered else cells)

    def on_click(self, event: events.Click) -> None:
        """Unfold what is clicked on; twice takes a word, three times a line."""
        rows = self._window()
        if self._moved or event.y >= len(rows) or event.x >= self.size.width - 1:
            return
        place, row = rows[event.y]
        section = self._line_index.sections[place.section]
        if section.foldable and row.line.start < 0 and row.line.text:
            self.post_message(self.FoldClicked(section.turn, section.block))
        elif event.chain > 1 and row.line.start >= 0:
            at = self._character_under(event.x, event.y).start
            take = word_at if event.chain == 2 else line_at
            self._selection.take(take(self._line_index, place.section, at[3]))
            self._draw_selected()
            self.post_message(self.Selected())
