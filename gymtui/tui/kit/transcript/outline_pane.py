"""The outline beside a transcript: a line a turn, drawn by line; it moves with the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gymtui.core.text import fit, width
from gymtui.transcript.outline import Entry
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.outcome_text import duration
from gymtui.tui.kit.painted import Painted
from gymtui.tui.kit.styled_text import Cell, StyledText, fit_cells, strip
from gymtui.tui.kit.transcript.sections import GLYPHS
from gymtui.tui.kit.wheel import Wheel


def label(entry: Entry, cells: int) -> Cell:
    """Who speaks and what, or which tool; where there is no room the tool without its server."""
    kind = str(entry.kind)
    style = kind if kind != "other" else "strong"
    glyph = StyledText(f"{GLYPHS.get(kind, '○')} ", style)
    if entry.tools:
        arrow = "→" if entry.calls else "←"
        more = f" +{len(entry.tools) - 1}" if len(entry.tools) > 1 else ""
        name, room = entry.tools[0], max(4, cells - 4 - len(more))
        if width(name) > room:
            name = fit(name.partition(".")[2] or name, room, cut="middle")
        return (glyph, StyledText(f"{arrow} ", "muted"), StyledText(f"{name}{more}"))
    return (glyph, StyledText(entry.words or kind, "muted"))


def figures(entry: Entry) -> Cell:
    """Whether it failed, and how long it took."""
    right: list[StyledText] = []
    if entry.error:
        right.append(StyledText(" ✗", "failed"))
    if entry.duration_s is not None and entry.duration_s >= 1:
        right.append(StyledText(f" {duration(entry.duration_s)}", "muted"))
    return tuple(right)


class OutlinePane(Wheel, Painted, Widget, can_focus=True):
    """The outline of one transcript."""

    DEFAULT_CSS = "OutlinePane { width: 36; height: 1fr; }"
    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.TEXT)

    class Chosen(Message):
        """Another turn is wanted.

        Attributes:
            turn: Its place in the transcript.
            block: Which of its blocks, or that of its name.
        """

        def __init__(self, turn: int, block: int) -> None:
            super().__init__()
            self.turn = turn
            self.block = block

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.can_focus = False  # while there is nothing in it, keys would go where nothing is seen
        self._palette = palette
        self._entries: Sequence[Entry] = ()
        self._turns = 0
        self._marked: frozenset[int] = frozenset()
        self._cursor = 0
        self._top = 0

    def show(self, turns: Sequence[Entry], endings: Sequence[Entry] = ()) -> None:
        """Show these entries: of turns, by their numbers, and of what stands under the last."""
        self._entries = (*turns, *endings)
        self._turns = len(turns)
        self.can_focus = bool(self._entries)
        self._cursor = self._top = 0
        self.refresh()

    def mark(self, turns: frozenset[int]) -> None:
        """Mark turns: those that a search found something in, or that differ."""
        if turns != self._marked:
            self._marked = turns
            self.refresh()

    def follow(self, turn: int) -> None:
        """Put the cursor on a turn, and that on screen."""
        row = next((n for n, entry in enumerate(self._entries) if entry.turn >= turn), None)
        row = len(self._entries) - 1 if row is None else row
        if row != self._cursor:
            self._cursor = max(0, row)
            self._settle()
            self.refresh()

    def _settle(self) -> None:
        height = max(1, self.size.height)
        self._top = min(max(self._top, self._cursor - height + 1), self._cursor)
        self._top = max(0, min(self._top, len(self._entries) - height))

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor on screen."""
        self._settle()
        self.refresh()

    def on_focus(self) -> None:
        """Show that keys go here."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self.refresh()

    def _choose(self, row: int) -> None:
        if self._entries:
            row = max(0, min(row, len(self._entries) - 1))
            entry = self._entries[row]
            self.post_message(self.Chosen(entry.turn, entry.block))

    def action_move(self, lines: int) -> None:
        """Go to another turn."""
        self._choose(self._cursor + lines)

    def action_page(self, pages: int) -> None:
        """Go a screen of turns on."""
        self._choose(self._cursor + pages * max(1, self.size.height - 1))

    def action_top(self) -> None:
        """Go to the first turn."""
        self._choose(0)

    def action_bottom(self) -> None:
        """Go to the last turn."""
        self._choose(len(self._entries) - 1)

    def on_click(self, event: events.Click) -> None:
        """Go to the turn that is clicked on."""
        if self._top + event.y < len(self._entries):
            self._choose(self._top + event.y)

    def wheeled(self, lines: int) -> None:
        """Look further down or up; the body stays."""
        self._top = max(0, min(self._top + lines, len(self._entries) - self.size.height))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        cells, styles, base = self.size.width, self._palette.styles, self._palette.base
        row = self._top + y
        edge = StyledText("│", "bar")
        if row >= len(self._entries):
            return strip((StyledText(" " * (cells - 1)), edge), styles, base)
        entry = self._entries[row]
        here = row == self._cursor
        numbered = entry.turn + 1 if row < self._turns else ""
        number = f"{numbered:>{len(str(self._turns))}} "
        mark = StyledText("▌" if here else "•" if entry.turn in self._marked else " ", "mark")
        right = figures(entry)
        tail = sum(width(piece.text) for piece in right)
        room = max(0, cells - 3 - len(number) - tail)
        left = label(entry, room)
        pieces = (
            mark,
            StyledText(number, "muted"),
            *fit_cells(left, room),
            *right,
            StyledText(" "),
        )
        over = self._palette.cursor if here and self.has_focus else None
        over = over or (self._palette.bar if here else None)
        return Strip.join([strip(pieces, styles, base, over), strip((edge,), styles, base)])
