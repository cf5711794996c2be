"""One virtual table for every list, drawn by line: only what is on screen is ever computed.

Rows are ids in an ordered sequence; what a row shows is asked for when it is visible, and a line
is sent to the terminal only if what it shows differs from what it showed. Where the rows come
from, and what their cells mean, is the screens' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from gymtui.tui.ink import Align, Cell, Cut, Ink, ink, laid, strip
from gymtui.tui.keys import Scope, bindings
from gymtui.tui.theme import Palette

R = TypeVar("R")

GUTTER = 2
"""Cells left of the first column, for cursor and mark."""
GAP = 2
"""Cells between columns."""
MARGIN = 1
"""Cells right of the last column."""


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """A column as data.

    Attributes:
        key: Its name, for ordering and remembering.
        title: Its heading.
        width: Cells it needs at least.
        cell: What it shows of a record, given the record and the cells it has.
        priority: 0 stays always; higher ones are dropped first when the terminal is narrow.
        flex: Its share of the cells that are left over.
        most: Cells it takes at most.
        align: Where short text stands.
        cut: Where long text is cut; names in the middle, since tails tell them apart.
    """

    key: str
    title: str
    width: int
    cell: Callable[[R, int], Cell]
    priority: int = 0
    flex: int = 0
    most: int = 200
    align: Align = "left"
    cut: Cut = "end"


@dataclass(frozen=True, slots=True)
class Placed(Generic[R]):
    """A column where it stands: its first cell and how many it has."""

    column: Column[R]
    x: int
    width: int


def place(columns: Sequence[Column[R]], cells: int) -> tuple[Placed[R], ...]:
    """Choose the columns that fit and share out the width.

    Args:
        columns: All columns, left to right.
        cells: The width there is, gutter included.

    Returns:
        Columns that stay, in order. Those of the highest priority number go first, the
        rightmost of equals before the others; the last one left is never dropped.
    """
    shown = list(columns)
    room = cells - GUTTER - MARGIN

    def need() -> int:
        return sum(column.width + GAP for column in shown) - GAP

    while len(shown) > 1 and need() > room:
        worst = max(range(len(shown)), key=lambda index: (shown[index].priority, index))
        del shown[worst]
    widths = {column.key: min(column.width, room) for column in shown}
    spare = room - need()
    while spare > 0:
        hungry = [c for c in shown if c.flex and widths[c.key] < c.most]
        if not hungry:
            break
        share = sum(column.flex for column in hungry)
        given = 0
        for column in hungry:
            more = max(1, spare * column.flex // share)
            more = min(more, column.most - widths[column.key], spare - given)
            widths[column.key] += more
            given += more
        spare -= given
    placed: list[Placed[R]] = []
    x = GUTTER
    for column in shown:
        placed.append(Placed(column, x, widths[column.key]))
        x += widths[column.key] + GAP
    return tuple(placed)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a line shows: equal lines are not sent again."""

    pieces: tuple[Ink, ...]
    cursor: bool
    marked: bool
    dimmed: bool
    width: int


class Grid(ScrollView, Generic[R], can_focus=True):
    """A table over any number of rows.

    Args:
        columns: What each row shows.
        record: A row's record by id, or None for an id that is no longer known.
        palette: The colours.
        empty: What is said when there are no rows.
        id: The widget's id.
    """

    DEFAULT_CSS = """
    Grid { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size: 1 1; }
    """
    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.LIST)

    cursor_id: var[str | None] = var(None)

    class Opened(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, row_id: str) -> None:
            super().__init__()
            self.row_id = row_id

    class Moved(Message):
        """The cursor stands on another row, or other rows came into view."""

    class HeaderClicked(Message):
        """A column's heading was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(
        self,
        columns: Sequence[Column[R]],
        record: Callable[[str], R | None],
        palette: Palette,
        *,
        empty: str = "nothing here",
        id: str | None = None,  # noqa: A002  (the framework's name)
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._record = record
        self._palette = palette
        self.empty = empty
        self._rows: Sequence[str] = ()
        self._cursor_at = 0
        self._told_view: tuple[str, ...] = ()
        self._placed: tuple[Placed[R], ...] = ()
        self._drawn: dict[int, _Shown] = {}
        self._strips: dict[_Shown, Strip] = {}
        self._range_from: str | None = None
        self.marks: set[str] = set()
        self.order: tuple[str, bool] | None = None
        self.dimmed = False

    # -- rows ------------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[str]:
        """The ids in their order."""
        return self._rows

    @property
    def cursor_index(self) -> int | None:
        """Where the cursor's row stands, or None without rows."""
        return None if self.cursor_id is None else self._index(self.cursor_id)

    @property
    def in_view(self) -> tuple[str, ...]:
        """The ids on screen, top to bottom."""
        top = self.scroll_offset.y
        return tuple(self._rows[top : top + max(0, self.size.height - 1)])

    def set_rows(self, rows: Sequence[str]) -> None:
        """Show these ids, or the same sequence again after it changed in place.

        Cursor and marks stay with their rows; when the cursor's row is gone, the cursor stays at
        its place. A cursor that was moved away from the top holds the window to its row, so that
        rows arriving above it do not push it out from under the reader.
        """
        before, top = self._cursor_at, self.scroll_offset.y
        self._rows = rows
        size = Size(self.size.width, len(rows) + 1)
        if self.virtual_size != size:
            self.virtual_size = size
        now = None if self.cursor_id is None else self._index(self.cursor_id)
        if not rows:
            self.cursor_id = None
        elif now is None:
            self.cursor_id = rows[min(before, len(rows) - 1)]
        else:
            self._cursor_at = now
            if now != before and top > 0:
                self.scroll_to(y=max(0, top + now - before), animate=False, force=True)
        self.sync()
        if self.in_view != self._told_view:
            self._tell()

    def _tell(self) -> None:
        self._told_view = self.in_view
        self.post_message(self.Moved())

    def _index(self, row_id: str) -> int | None:
        try:
            return self._rows.index(row_id)
        except ValueError:
            return None

    def sync(self) -> None:
        """Look at every visible row again and send the lines that show something else now."""
        if not self.is_mounted or not self.size:
            return
        for y in range(self.size.height):
            shown = self._line(y)
            if self._drawn.get(y) != shown:
                self.refresh(Region(0, y, self.size.width, 1))

    def redraw(self) -> None:
        """Draw everything anew: another palette, other columns."""
        self._placed = place(self._columns, self.size.width)
        self._strips.clear()
        self._drawn.clear()
        self.refresh()

    # -- drawing ---------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Fit the columns to the new width."""
        self.virtual_size = Size(event.size.width, len(self._rows) + 1)
        self.redraw()
        self._keep_in_view()
        self._tell()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window: the heading on top, rows below."""
        shown = self._line(y)
        self._drawn[y] = shown
        line = self._strips.get(shown)
        if line is None:
            if len(self._strips) > 4 * max(50, self.size.height):
                self._strips.clear()
            over = Style(dim=True) if shown.dimmed else Style()
            if shown.cursor:
                over += Style(bgcolor=self._palette.cursor, bold=True)
            line = strip(shown.pieces, self._palette.styles, self._palette.base, over)
            line = line.adjust_cell_length(shown.width, self._palette.base + over)
            self._strips[shown] = line
        return line

    def _line(self, y: int) -> _Shown:
        cells = self.size.width
        if y == 0:
            return _Shown(self._heading(), False, False, self.dimmed, cells)
        index = self.scroll_offset.y + y - 1
        if index >= len(self._rows):
            empty = not self._rows and y == 2
            pieces = laid(ink(f"  {self.empty}", "muted"), cells) if empty else ()
            return _Shown(pieces, False, False, False, cells)
        row_id = self._rows[index]
        record = self._record(row_id)
        cursor, marked = row_id == self.cursor_id, row_id in self.marks
        drawn = [Ink("▌" if cursor else " ", "accent"), Ink("●" if marked else " ", "mark")]
        if record is not None:
            for number, at in enumerate(self._placed):
                if number:
                    drawn.append(Ink(" " * GAP))
                column = at.column
                cell = column.cell(record, at.width)
                drawn += laid(cell, at.width, align=column.align, cut=column.cut)
        return _Shown(tuple(drawn), cursor, marked, self.dimmed, cells)

    def _heading(self) -> tuple[Ink, ...]:
        pieces = [Ink(" " * GUTTER)]
        for number, at in enumerate(self._placed):
            if number:
                pieces.append(Ink(" " * GAP))
            title = at.column.title
            if self.order is not None and self.order[0] == at.column.key:
                title = f"{title}{'▼' if self.order[1] else '▲'}"
            pieces += laid(ink(title, "heading"), at.width, align=at.column.align)
        return tuple(pieces)

    # -- moving ----------------------------------------------------------------------------

    def move_to(self, index: int) -> None:
        """Put the cursor on the row at an index, as near as there is one."""
        if not self._rows:
            return
        self.cursor_id = self._rows[max(0, min(index, len(self._rows) - 1))]

    def select(self, row_id: str) -> None:
        """Put the cursor on a row, if it is there."""
        if self._index(row_id) is not None:
            self.cursor_id = row_id

    def watch_cursor_id(self) -> None:
        """Bring the cursor's row into view and draw the two lines that changed."""
        index = self.cursor_index
        if index is not None:
            self._cursor_at = index
        if self.is_mounted:
            self._keep_in_view()
            self.sync()
            self._tell()

    def _keep_in_view(self) -> None:
        index, height = self.cursor_index, self.size.height - 1
        if index is None or height <= 0:
            return
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=index, animate=False, force=True)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False, force=True)

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.move_to((self.cursor_index or 0) + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor and the window by screenfuls."""
        page = max(1, self.size.height - 2)
        self.scroll_to(y=self.scroll_offset.y + pages * page, animate=False, force=True)
        self.move_to((self.cursor_index or 0) + pages * page)

    def action_top(self) -> None:
        """Move to the first row."""
        self.move_to(0)

    def action_bottom(self) -> None:
        """Move to the last row."""
        self.move_to(len(self._rows) - 1)

    def action_open(self) -> None:
        """Open the cursor's row."""
        if self.cursor_id is not None:
            self.post_message(self.Opened(self.cursor_id))

    # -- marks -----------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark or unmark the cursor's row and go one down."""
        if self.cursor_id is None:
            return
        self.marks ^= {self.cursor_id}
        self._range_from = self.cursor_id
        self.action_move(1)
        self.sync()
        self._tell()

    def action_mark_range(self) -> None:
        """Mark from the row marked last to the cursor's."""
        here = self.cursor_index
        there = self._index(self._range_from) if self._range_from is not None else None
        if here is None:
            return
        low, high = sorted((here, here if there is None else there))
        self.marks |= set(self._rows[low : high + 1])
        self._range_from = self.cursor_id
        self.sync()
        self._tell()

    def action_unmark(self) -> None:
        """Unmark everything."""
        self.keep_marks(())

    def keep_marks(self, row_ids: Iterable[str]) -> None:
        """Keep only these marks."""
        kept = self.marks & set(row_ids)
        if kept != self.marks:
            self.marks = kept
            self._range_from = None
            self.sync()
            self._tell()

    # -- mouse -----------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """A row: move there, and open it on the second click. A heading: say so."""
        if event.y == 0:
            for at in self._placed:
                if at.x <= event.x < at.x + at.width:
                    self.post_message(self.HeaderClicked(at.column.key))
            return
        index = self.scroll_offset.y + event.y - 1
        if index < len(self._rows):
            again = event.chain > 1 and self._rows[index] == self.cursor_id
            self.move_to(index)
            if again:
                self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll three rows without animation."""
        event.stop()
        event.prevent_default()
        self._scroll_rows(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll three rows without animation."""
        event.stop()
        event.prevent_default()
        self._scroll_rows(-3)

    def _scroll_rows(self, rows: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False, force=True)
        self._tell()
