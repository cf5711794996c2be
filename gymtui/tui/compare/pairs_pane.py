"""Two outlines side by side, drawn by line; what stands beside what is for `transcript.diff`."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message
from textual.strip import Strip

from gymtui.transcript.diff import DiffRow, Same
from gymtui.transcript.outline import Entry
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.cursor_rows import CursorRows
from gymtui.tui.kit.styled_text import StyledText, fit_cells, make_strip
from gymtui.tui.kit.transcript.outline_pane import entry_figures, entry_label

_MARKS = {
    Same.EQUAL: ("=", "muted"),
    Same.CHANGED: ("≠", "warning"),
    Same.ONE_SIDE: ("±", "warning"),
    Same.WORDS: (" ", "muted"),
}


class PairsPane(CursorRows):
    """The aligned outlines of two transcripts."""

    DEFAULT_CSS = "PairsPane { width: 1fr; height: 2fr; }"
    margin = 2

    class Chosen(Message):
        """The cursor stands on another row."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._pairs: Sequence[DiffRow] = ()
        self._left: Sequence[Entry] = ()
        self._right: Sequence[Entry] = ()

    def show(self, pairs: Sequence[DiffRow], left: Sequence[Entry], right: Sequence[Entry]) -> None:
        """Show a comparison, from its first difference on."""
        self._pairs, self._left, self._right = pairs, left, right
        self.go(next((n for n, pair in enumerate(pairs) if pair.differs), 0))

    @property
    def pair(self) -> DiffRow | None:
        """The row that is looked at."""
        return self._pairs[self.cursor] if self.cursor < len(self._pairs) else None

    @property
    def count(self) -> int:
        return len(self._pairs)

    def go(self, row: int) -> None:
        self.cursor = self.within(row)
        self.keep_in_view()
        self.post_message(self.Chosen())

    def render_line(self, y: int) -> Strip:
        cells, row = self.size.width, self.top + y
        if row >= len(self._pairs):
            return make_strip((StyledText(" " * cells),), self._palette.styles, self._palette.base)
        here = row == self.cursor
        return self.line(self._pairs[row], self._left, self._right, cells, here=here)

    def line(
        self,
        pair: DiffRow,
        lefts: Sequence[Entry],
        rights: Sequence[Entry],
        cells: int,
        *,
        here: bool = False,
    ) -> Strip:
        """Draw a row."""
        styles, base = self._palette.styles, self._palette.base
        room = max(0, (cells - 6) // 2)
        mark, style = _MARKS[pair.same]
        left = self._side(lefts, pair.left, room)
        right = self._side(rights, pair.right, cells - 6 - room)
        edge = StyledText("▌" if here else " ", "mark")
        pieces = (edge, *left, StyledText(f"  {mark}  ", style), *right)
        over = self._palette.cursor if here else None
        return make_strip(pieces, styles, base, over)

    def _side(
        self, entries: Sequence[Entry], turn: int | None, cells: int
    ) -> tuple[StyledText, ...]:
        if turn is None:
            return (StyledText(" " * cells),)
        entry = entries[turn]
        number = StyledText(f"{turn + 1:>{len(str(len(entries)))}} ", "muted")
        right = entry_figures(entry)
        room = max(0, cells - len(number.text) - sum(len(piece.text) for piece in right))
        return (number, *fit_cells(entry_label(entry, room), room), *right)
