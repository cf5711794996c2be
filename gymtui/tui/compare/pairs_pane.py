"""Two outlines side by side, drawn by line; what stands beside what is for `transcript.diff`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gymtui.transcript.diff import Pair, Same
from gymtui.transcript.outline import Entry
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.painted import Painted
from gymtui.tui.kit.styled_text import StyledText, fit_cells, strip
from gymtui.tui.kit.transcript.outline_pane import figures, label
from gymtui.tui.kit.wheel import Wheel

_MARKS = {
    Same.EQUAL: ("=", "muted"),
    Same.CHANGED: ("≠", "warning"),
    Same.ONE_SIDE: ("±", "warning"),
    Same.WORDS: (" ", "muted"),
}


class PairsPane(Wheel, Painted, Widget, can_focus=True):
    """The aligned outlines of two transcripts."""

    DEFAULT_CSS = "PairsPane { width: 1fr; height: 2fr; }"
    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.TEXT)

    class Chosen(Message):
        """The cursor stands on another row."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._palette = palette
        self._pairs: Sequence[Pair] = ()
        self._left: Sequence[Entry] = ()
        self._right: Sequence[Entry] = ()
        self._top = 0
        self.cursor = 0
        """The row that is looked at."""

    def show(self, pairs: Sequence[Pair], left: Sequence[Entry], right: Sequence[Entry]) -> None:
        """Show a comparison, from its first difference on."""
        self._pairs, self._left, self._right = pairs, left, right
        self.go(next((n for n, pair in enumerate(pairs) if pair.differs), 0))

    @property
    def pair(self) -> Pair | None:
        """The row that is looked at."""
        return self._pairs[self.cursor] if self.cursor < len(self._pairs) else None

    def go(self, row: int) -> None:
        """Look at a row."""
        self.cursor = max(0, min(row, len(self._pairs) - 1))
        self._settle()
        self.refresh()
        self.post_message(self.Chosen())

    def _settle(self) -> None:
        height = max(1, self.size.height)
        # A row or two of what was before helps to see where one is.
        self._top = min(max(self._top, self.cursor - height + 3), max(0, self.cursor - 2))
        self._top = max(0, min(self._top, len(self._pairs) - height))

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor on screen."""
        self._settle()
        self.refresh()

    def action_move(self, lines: int) -> None:
        """Look at another row."""
        self.go(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        """Go a screen of rows on."""
        self.go(self.cursor + pages * max(1, self.size.height - 1))

    def action_top(self) -> None:
        """Look at the first row."""
        self.go(0)

    def action_bottom(self) -> None:
        """Look at the last row."""
        self.go(len(self._pairs) - 1)

    def on_click(self, event: events.Click) -> None:
        """Look at the row that is clicked on."""
        if self._top + event.y < len(self._pairs):
            self.go(self._top + event.y)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        cells, row = self.size.width, self._top + y
        if row >= len(self._pairs):
            return strip((StyledText(" " * cells),), self._palette.styles, self._palette.base)
        here = row == self.cursor
        return self.line(self._pairs[row], self._left, self._right, cells, here=here)

    def line(
        self,
        pair: Pair,
        lefts: Sequence[Entry],
        rights: Sequence[Entry],
        cells: int,
        *,
        here: bool = False,
    ) -> Strip:
        """Draw a row.

        Args:
            here: Whether the cursor is on it.
        """
        styles, base = self._palette.styles, self._palette.base
        room = max(0, (cells - 6) // 2)
        mark, style = _MARKS[pair.same]
        left = self._side(lefts, pair.left, room)
        right = self._side(rights, pair.right, cells - 6 - room)
        edge = StyledText("▌" if here else " ", "mark")
        pieces = (edge, *left, StyledText(f"  {mark}  ", style), *right)
        over = self._palette.cursor if here else None
        return strip(pieces, styles, base, over)

    def _side(
        self, entries: Sequence[Entry], turn: int | None, cells: int
    ) -> tuple[StyledText, ...]:
        if turn is None:
            return (StyledText(" " * cells),)
        entry = entries[turn]
        number = StyledText(f"{turn + 1:>{len(str(len(entries)))}} ", "muted")
        right = figures(entry)
        room = max(0, cells - len(number.text) - sum(len(piece.text) for piece in right))
        return (number, *fit_cells(label(entry, room), room), *right)
