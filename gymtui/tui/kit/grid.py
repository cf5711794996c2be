"""One virtual table for every list, drawn by line: only what is on screen is ever computed.

Rows are ids in an ordered sequence; what a row shows is asked for when it is visible, and a line
is sent to the terminal only if what it shows differs from what it showed. Where the rows come
from, and what their cells mean, is the screens' business.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events, on
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.cached_strip import draw_directly
from gymtui.tui.kit.column import Column, PlacedColumn
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.row_lines import RowLines, RowStyles, ShownRow
from gymtui.tui.kit.styled_text import Cell
from gymtui.tui.kit.themed_widget import Wheel

R = TypeVar("R")


class Grid(Wheel, ScrollView, Generic[R], can_focus=True):
    """A table over any number of rows.

    Args:
        record: A row's record by id, or None for an id that is no longer known.
        row_message: What a record says in place of its columns, if anything.
    """

    DEFAULT_CSS = """
    Grid { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size: 1 1; }
    """
    ALLOW_SELECT = False
    BINDINGS = bindings(Scope.LIST)
    why_unmarkable: ClassVar[str] = ""
    """Why its rows cannot be marked; empty where they can be."""

    cursor_id: var[str | None] = var(None)
    dimmed: var[bool] = var(False)

    class Opened(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, grid: Grid[Any], row_id: str) -> None:
            super().__init__()
            self.grid = grid
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
        row_message: Callable[[R], Cell | None] = lambda _record: None,
        empty: str = "nothing here",
        is_old: Callable[[str], bool] = lambda _row_id: False,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        draw_directly(self)
        self.columns = self._columns = tuple(columns)  # every one there is; those shown
        self._lines = RowLines(record, palette, row_message)
        self._is_old = is_old
        self.empty = empty
        self.rows: Sequence[str] = ()
        """The ids in their order."""
        self._cursor_at = 0
        self._is_pinned = False
        self._reported_view: tuple[str, ...] = ()
        self._shown_lines: dict[int, ShownRow] = {}
        # What lines are about to show, and the scroll offset at which it was looked up.
        self._pending_lines: tuple[int, dict[int, ShownRow]] = (0, {})
        self._range_from: str | None = None
        self.marks: set[str] = set()
        self.order: tuple[str, bool] | None = None

    @property
    def placed_columns(self) -> tuple[PlacedColumn[R], ...]:
        """The columns where they stand."""
        return self._lines.placed_columns

    def fit_columns(self, columns: Sequence[Column[R]]) -> tuple[PlacedColumn[R], ...]:
        """Where columns would stand if these were shown."""
        return self._lines.fit_columns(columns, self.size.width)

    def hide_columns(self, hidden: Collection[str]) -> None:
        """Show all columns but these; the first one, which names the row, always stays."""
        first, *others = self.columns
        self._columns = (first, *(column for column in others if column.key not in hidden))
        self.remeasure()

    def remeasure(self) -> None:
        """Draw other contents of the columns: how long they were before does not count."""
        self._lines.forget_widths()
        self.redraw()

    def show_order(self, key: str, *, reverse: bool) -> None:
        """Show in the heading what the rows are ordered by."""
        self.order = (key, reverse)
        self.sync()

    # -- rows ------------------------------------------------------------------------------

    def watch_dimmed(self) -> None:
        self.sync()

    @property
    def cursor_index(self) -> int | None:
        """Where the cursor's row stands, or None without rows."""
        return None if self.cursor_id is None else self._index(self.cursor_id)

    @property
    def in_view(self) -> tuple[str, ...]:
        """The ids on screen, top to bottom."""
        top = self.scroll_offset.y
        return tuple(self.rows[top : top + max(0, self.size.height - 1)])

    def set_rows(self, rows: Sequence[str], *, filling: bool = True) -> None:
        """Show these ids, or the same sequence again after it changed in place.

        Cursor and marks stay with their rows; when the cursor's row is gone, the cursor stays at
        its place. A cursor that was moved away from the top holds the window to its row, so that
        rows arriving above it do not push it out from under the reader.

        Args:
            filling: Whether the list is only coming to stand, or was put in another order: then a
                cursor that nobody has put anywhere stays on the first row, whatever comes there.
        """
        before, top, cursor = self._cursor_at, self.scroll_offset.y, self.cursor_id
        self.rows = rows
        size = Size(self.size.width, len(rows) + 1)
        if self.virtual_size != size:
            self.virtual_size = size
        now = None if self.cursor_id is None else self._index(self.cursor_id)
        if not rows:
            self.cursor_id = None
        elif not self._is_pinned and (filling or now is None):
            self.cursor_id = rows[0]
        elif now is None:
            self.cursor_id = rows[min(before, len(rows) - 1)]
        else:
            self._cursor_at = now
            if now != before and top > 0:
                self.scroll_to(y=max(0, top + now - before), animate=False, force=True)
        if self.cursor_id == cursor:  # else its watcher has
            self.sync()
        if self.in_view != self._reported_view:
            self._post_moved()

    def _post_moved(self) -> None:
        self._reported_view = self.in_view
        self.post_message(self.Moved())

    def _index(self, row_id: str) -> int | None:
        try:
            return self.rows.index(row_id)
        except ValueError:
            return None

    def sync(self) -> None:
        """Look at every visible row again and send the lines that show something else now."""
        if not self.is_mounted or not self.size:
            return
        top, size = self.scroll_offset.y, self.size
        cells, height = size
        due = {
            y: shown
            for y in range(height)
            if (shown := self._line(y, top, size)) != self._shown_lines.get(y)
        }
        self._pending_lines = (top, due)
        if self._lines.is_too_narrow:
            self.redraw()
            return
        if len(due) > height // 2:
            self.refresh(Region(0, 0, cells, height))
            return
        for y in due:
            self.refresh(Region(0, y, cells, 1))

    def paint(self, palette: Palette) -> None:
        self._lines.paint(palette)
        self.redraw()

    def redraw(self) -> None:
        """Draw everything anew: another palette, other columns or longer names."""
        top, size = self.scroll_offset.y, self.size
        self._lines.place_columns(self._columns, size.width)
        for y in range(1, size.height):
            self._line(y, top, size)
        if self._lines.is_too_narrow:
            self._lines.place_columns(self._columns, size.width)
        self._shown_lines.clear()
        self._pending_lines[1].clear()
        self.refresh()

    # -- drawing ---------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Have the scrollbar, which moves with every page, drawn as the lines are."""
        draw_directly(self.vertical_scrollbar)

    def on_resize(self, event: events.Resize) -> None:
        self.virtual_size = Size(event.size.width, len(self.rows) + 1)
        self.redraw()
        self._keep_in_view()
        self._post_moved()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window: the heading on top, rows below."""
        top, due = self.scroll_offset.y, self._pending_lines[1].pop(y, None)
        # What `sync` looked up a moment ago holds, unless the window was moved since.
        still = due is not None and self._pending_lines[0] == top
        shown = due if due is not None and still else self._line(y, top, self.size)
        self._shown_lines[y] = shown
        if self._lines.is_too_narrow:  # by rows that were scrolled to
            self._lines.is_too_narrow = False  # one of a frame's lines asks for all of them
            self.call_later(self.redraw)
        return self._lines.line(shown)

    def _line(self, y: int, top: int, size: Size) -> ShownRow:
        cells = size.width
        plain = RowStyles(cells, self.dimmed)
        if y == 0:
            return ShownRow(self._lines.heading(self.order), plain)
        index = top + y - 1
        if index >= len(self.rows):
            is_note = not self.rows and y == 2
            words = self._lines.note(self.empty, cells) if is_note else self._lines.nothing
            return ShownRow(words, plain)
        row_id = self.rows[index]
        cursor, marked = row_id == self.cursor_id, row_id in self.marks
        dimmed = self.dimmed or self._is_old(row_id)
        looks = RowStyles(cells, dimmed, True, cursor, cursor and self._has_keys, marked)
        return ShownRow(self._lines.row(row_id, keep=4 * max(50, size.height)), looks)

    @property
    def _has_keys(self) -> bool:
        """Whether keys go here; where no pane has the focus, the terminal has lost it for all.

        One that cannot be focused is moved by whoever is.
        """
        return not self.can_focus or self.screen.focused in (self, None)

    @on(events.Focus)
    @on(events.Blur)
    def _redraw_cursor(self) -> None:
        """Light the cursor up while it is the one that moves."""
        self.sync()

    # -- moving ----------------------------------------------------------------------------

    def move_to(self, index: int) -> None:
        """Put the cursor on the row at an index, as near as there is one."""
        if not self.rows:
            return
        self.pin_cursor()
        self.cursor_id = self.rows[max(0, min(index, len(self.rows) - 1))]

    def select(self, row_id: str) -> None:
        """Put the cursor on a row, if it is there."""
        if self._index(row_id) is not None:
            self.pin_cursor()
            self.cursor_id = row_id

    def pin_cursor(self) -> None:
        """Keep the cursor with its row from now on: it was put there, or something is done."""
        self._is_pinned = self._is_pinned or self.cursor_id is not None

    def watch_cursor_id(self) -> None:
        if (index := self.cursor_index) is not None:
            self._cursor_at = index
        if self.is_mounted:
            self._keep_in_view()
            self.sync()
            self._post_moved()

    def _keep_in_view(self) -> None:
        index, height = self.cursor_index, self.size.height - 1
        if index is None or height <= 0:
            return
        if index < (top := self.scroll_offset.y):
            self.scroll_to(y=index, animate=False, force=True)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False, force=True)

    def action_move(self, rows: int) -> None:
        self.move_to((self.cursor_index or 0) + rows)

    def action_page(self, pages: int) -> None:
        page = max(1, self.size.height - 2)
        self.scroll_to(y=self.scroll_offset.y + pages * page, animate=False, force=True)
        self.move_to((self.cursor_index or 0) + pages * page)

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(len(self.rows) - 1)

    def action_open(self) -> None:
        if self.cursor_id is None:
            return refuse(self, "no row to open")
        self.pin_cursor()
        self.post_message(self.Opened(self, self.cursor_id))

    # -- marks -----------------------------------------------------------------------------

    def action_mark(self) -> None:
        if self.why_unmarkable or self.cursor_id is None:
            return refuse(self, self.why_unmarkable or "no row to mark")
        self.marks ^= {self.cursor_id}
        self._range_from = self.cursor_id
        self.action_move(1)
        self.sync()
        self._post_moved()

    def action_mark_range(self) -> None:
        here = self.cursor_index
        there = self._index(self._range_from) if self._range_from is not None else None
        if self.why_unmarkable or here is None:
            return refuse(self, self.why_unmarkable or "no row to mark")
        self.pin_cursor()
        low, high = sorted((here, here if there is None else there))
        self.marks |= set(self.rows[low : high + 1])
        self._range_from = self.cursor_id
        self.sync()
        self._post_moved()

    def action_unmark(self) -> None:
        if self.marks:
            self.keep_marks(())
        else:
            refuse(self, self.why_unmarkable or "no row is marked")

    def keep_marks(self, row_ids: Iterable[str]) -> None:
        """Keep only these marks."""
        kept = self.marks & set(row_ids)
        if kept != self.marks:
            self.marks = kept
            self._range_from = None
            self.sync()
            self._post_moved()

    # -- mouse -----------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """A row: move there, and open it on the second click. A heading: say so."""
        if event.y == 0:
            for at in self._lines.placed_columns:
                if at.x <= event.x < at.x + at.width:
                    self.post_message(self.HeaderClicked(at.column.key))
            return
        index = self.scroll_offset.y + event.y - 1
        if index < len(self.rows):
            again = event.chain > 1 and self.rows[index] == self.cursor_id
            self.move_to(index)
            if again:
                self.action_open()

    def scroll_by_lines(self, lines: int) -> None:
        """Scroll without animation; the cursor stays on its row."""
        self.pin_cursor()
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, force=True)
        self._post_moved()
