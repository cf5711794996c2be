"""The outline beside a transcript: a line a turn, drawn by line; it moves with the body."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from textual import events, on
from textual.message import Message
from textual.strip import Strip

from gymtui.core.text import Cut, fit, width
from gymtui.store.formats import duration
from gymtui.transcript.outline import Entry
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.cursor_rows import CursorRows
from gymtui.tui.kit.styled_text import Cell, StyledText, fit_cells, make_strip, width_of
from gymtui.tui.kit.transcript.sections import GLYPHS

_LEAST = 5
"""Cells from which on there is a use in what a call asks for."""


def entry_label(entry: Entry, cells: int) -> Cell:
    """Who speaks and what, or which tool and what for; of an answer what it says."""
    kind = str(entry.kind)
    style = kind if kind != "other" else "strong"
    glyph = StyledText(f"{GLYPHS.get(kind, '○')} ", style)
    if not entry.tools:
        return (glyph, StyledText(entry.words or kind, "muted"))
    alike = sum(name == entry.tools[0] for name in entry.tools)
    more = f" ×{alike * entry.times}" if alike * entry.times > 1 else ""
    more += f" +{len(entry.tools) - alike}" if len(entry.tools) > alike else ""
    if not entry.calls and entry.words:
        return (glyph, StyledText("← ", "muted"), StyledText(f"{entry.words}{more}", "muted"))
    arrow = StyledText("→ " if entry.calls else "← ", "muted")
    room = max(4, cells - 4 - len(more))
    name = entry.tools[0]
    if width(name) > room:
        name = fit(name.partition(".")[2] or name, room, cut="middle")
    left = room - width(name) - 1
    # Of a path its end tells most, of a command its beginning no less.
    cut: Cut = "start" if "/" in entry.asked and " " not in entry.asked else "middle"
    asked = f" {fit(entry.asked, left, cut=cut)}" if entry.asked and left >= _LEAST else ""
    return (glyph, arrow, StyledText(name), StyledText(asked, "muted"), StyledText(more))


def entry_figures(entry: Entry) -> Cell:
    """Whether it failed, and how long it took."""
    right: list[StyledText] = []
    if entry.error:
        right.append(StyledText(" ✗", "failed"))
    if entry.duration_s is not None and entry.duration_s >= 1:
        right.append(StyledText(f" {duration(entry.duration_s)}", "muted"))
    return tuple(right)


class OutlinePane(CursorRows):
    """The outline of one transcript."""

    DEFAULT_CSS = "OutlinePane { width: 36; height: 1fr; }"

    class Chosen(Message):
        """Another turn is wanted."""

        def __init__(self, turn: int, block: int) -> None:
            super().__init__()
            self.turn = turn  # its place in the transcript
            self.block = block  # which of its blocks, or that of its name

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="outline")
        self.can_focus = False  # while there is nothing in it, keys would go where nothing is seen
        self._entries: Sequence[Entry] = ()
        self._turns = 0
        self._marked: frozenset[int] = frozenset()

    def show(
        self, turns: Sequence[Entry], endings: Sequence[Entry] = (), count: int | None = None
    ) -> None:
        """Show these entries: of turns, by their numbers, and of what stands under the last.

        There are `count` turns, else as many as entries.
        """
        self._entries = (*turns, *endings)
        self._turns = len(turns) if count is None else count
        self.can_focus = bool(self._entries)
        self.cursor = self.top = 0
        self.refresh()

    def mark(self, turns: frozenset[int]) -> None:
        """Mark turns: those that a search found something in, or that differ."""
        if turns != self._marked:
            self._marked = turns
            self.refresh()

    def follow(self, turn: int) -> None:
        """Put the cursor on a turn, and that on screen."""
        row = bisect_right(self._entries, turn, key=lambda entry: entry.turn) - 1
        if row != self.cursor:
            self.cursor = max(0, row)
            self.keep_in_view()

    @on(events.Focus)
    @on(events.Blur)
    def _redraw_cursor(self) -> None:
        """Show whether keys go here."""
        self.refresh()

    @property
    def count(self) -> int:
        return len(self._entries)

    def go(self, row: int) -> None:
        """Go to another turn: the body does, and the cursor follows it."""
        if self._entries:
            entry = self._entries[self.within(row)]
            self.post_message(self.Chosen(entry.turn, entry.block))

    def scroll_by_lines(self, lines: int) -> None:
        """Look further down or up; the body stays."""
        self.top = max(0, min(self.top + lines, len(self._entries) - self.size.height))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        cells, styles, base = self.size.width, self._palette.styles, self._palette.base
        row = self.top + y
        edge = StyledText("│", "bar")
        if row >= len(self._entries):
            return make_strip((StyledText(" " * (cells - 1)), edge), styles, base)
        entry = self._entries[row]
        here = row == self.cursor
        numbered = entry.turn + 1 if 0 <= entry.turn < self._turns else ""
        number = f"{numbered:>{len(str(self._turns))}} "
        marked = not self._marked.isdisjoint(range(entry.turn, max(entry.turn, entry.last) + 1))
        mark = StyledText("▌" if here else "•" if marked else " ", "mark")
        right = entry_figures(entry)
        room = max(0, cells - 3 - len(number) - width_of(right))
        left = fit_cells(entry_label(entry, room), room)
        pieces = (mark, StyledText(number, "muted"), *left, *right, StyledText(" "))
        over = self._palette.cursor if here and self.has_focus else None
        over = over or (self._palette.bar if here else None)
        return Strip.join(
            [make_strip(pieces, styles, base, over), make_strip((edge,), styles, base)]
        )
