"""What the screens with a list have in common: filter, order, columns, marks, drawing it as old."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.widget import Widget

from gymtui.core.pieces import result_of
from gymtui.core.replacement import replace
from gymtui.core.text import clean, fit, width
from gymtui.poll.connection import LIVE_INTERVALS
from gymtui.session.rollout_ref import RolloutRef
from gymtui.store.column_def import Schema
from gymtui.store.lists.completion import completions
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.lists.query import Filter, FilterError, parse
from gymtui.store.outcome import ACTIVE
from gymtui.store.records import RolloutRow, RunRow
from gymtui.tui.context.routes import CompareRollouts, Describe, OpenTranscript
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.menu import Choice, MenuScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.rollout_details import wrap_words
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.work_in_pieces import WorkInPieces

R = TypeVar("R")

FILTERED_AT_ONCE = 1000
"""Rows that a filter is tried on without a pause: some 5 ms for each key that is typed."""
READING = "reading …"
"""What a list without rows says before all runs were read once."""


class ListScreen(GymScreen, Generic[R]):
    """A screen around one grid, in an order unless the person arranged it otherwise."""

    empty: ClassVar[str] = "nothing here"
    unread: ClassVar[str] = ""
    """What is said of a row that could not be read."""
    layout_name: ClassVar[str]
    """The name under which the person's arrangement of it is kept."""
    lines_around: ClassVar[tuple[int, int]] = (1, 0)
    """Lines above the list, of its numbers, and under it, of the row under the cursor."""

    def __init__(self, schema: Schema[R], order: str) -> None:
        super().__init__()
        self._schema = schema
        self._rows: OrderedView[R] = OrderedView(schema, order)
        self._wanted: Filter[R] = self._rows.filter
        self._narrowing = WorkInPieces(self, self._narrow)
        self._grid: Grid[R]
        self.empty_columns: frozenset[str] = frozenset()

    def start_with_filter(self, text: str) -> None:
        """Narrow the list before it is there, by a filter of ours: one without a mistake."""
        self._wanted = parse(text, self._schema)
        result_of(self._rows.set_filter_in_pieces(self._wanted, 0.0))

    @abstractmethod
    def columns(self) -> tuple[Column[R], ...]:
        """The grid's columns."""

    def body(self) -> Iterable[Widget]:
        above, below = self.lines_around
        yield Lines(self.services.palette, height=above, id="summary")
        yield self.grid()
        if below:
            yield Lines(self.services.palette, height=below, id="details")

    def gym_row(self, record: R | None) -> RunRow | RolloutRow | None:
        """What the gym sent of a row, which views of it hold; None where it sent nothing."""
        row = getattr(record, "row", record)
        return row if isinstance(row, RunRow | RolloutRow) else None

    def malformed(self, record: R) -> str | None:
        """Why a row could not be read, if so."""
        return None

    def row_message(self, record: R) -> Cell | None:
        """What a row says in place of its columns, if anything."""
        why = self.malformed(record)
        return None if why is None else (StyledText(f"malformed: {why}", "warning"),)

    def is_malformed(self, row_id: str | None) -> bool:
        """Whether a row could not be read."""
        record = self._rows.records.get(row_id or "")
        return record is not None and self.malformed(record) is not None

    def unmark(self, run_ids: Collection[str]) -> None:
        """Take the marks from runs, or from what is listed of them."""

    def grid(self) -> Grid[R]:
        """Make the grid, arranged as it was left."""
        kept = self.services.saved_layout.of(self.layout_name)
        if kept.order is not None and kept.order in self._schema:
            self._rows.set_order(kept.order, reverse=kept.reverse)
        self._grid = Grid(
            self.columns(),
            lambda row_id: self._rows.records.get(row_id),
            self.services.palette,
            row_message=self.row_message,
            empty=self.empty_text(),
            is_old=self._is_old,
            id="grid",
        )
        self._grid.add_class("main")
        self._grid.hide_columns(self.hidden_columns())
        self._grid.order = (self._rows.order.name, self._rows.reverse)
        self._grid.set_rows(self._rows)
        return self._grid

    def remarks(self) -> Cell:
        """What the list's numbers are seen through: marks, filter, a mistake in it."""
        if self.hint:
            return (StyledText(self.hint, "warning"),)
        pieces: list[StyledText] = []
        if self.is_reading:
            pieces.append(StyledText("reading  ", "accent"))
        if self._grid.marks:
            hidden = len(self.hidden_marks())
            words = f"{len(self._grid.marks)} marked" + (f", {hidden} hidden" if hidden else "")
            pieces.append(StyledText(f"{words}  ", "mark"))
        typed = self.filter_text().strip()
        if typed:
            room = max(self.size.width // 2, 24)
            shown = fit(typed, room, cut="middle") if width(clean(typed)) > room else typed
            pieces += [StyledText("filter: ", "muted"), StyledText(shown, "accent")]
        if self._rows.filter.text:
            gap = " " if typed else ""
            pieces.append(StyledText(f"{gap}({len(self._rows)} shown)", "muted"))
        return tuple(pieces)

    def show_details(self, cells: Sequence[Cell], right: Cell = ()) -> None:
        """Say more of the row under the cursor: in always as many lines, or the list would jump."""
        lines = [Line(cell, bar=True) for cell in cells]
        lines += [Line(bar=True)] * (self.lines_around[1] - len(lines))
        lines[-1] = replace(lines[-1], right=right)
        self.lines("details").show(lines)

    def describe_cursor(self, words: str) -> None:
        """Say more of the row under the cursor in words, which break at their blanks."""
        room, height = max(self.size.width - 2, 8), self.lines_around[1]
        texts = wrap_words(clean(words), room, room, height) if words else []
        self.show_details([(StyledText(text),) for text in texts[:height]])

    # -- rows ------------------------------------------------------------------------------

    @property
    def cursor_record(self) -> R | None:
        """The row under the cursor."""
        return self._rows.records.get(self._grid.cursor_id or "")

    def listed_runs(self) -> Iterable[str]:
        """The runs of whose rollouts its rows are made: until all are read, rows do not move."""
        return ()

    @property
    def is_reading(self) -> bool:
        """Whether something older is still to come in by which rows will be ordered."""
        session = self.services.session
        runs = tuple(self.listed_runs())
        if session is None or not runs:
            return False
        return session.tracker.is_recalling or any(map(session.poller.awaits, runs))

    def hold_rows(self) -> None:
        """Let rows stay where they stand while something older is read, then order them once."""
        self._rows.hold(self.is_reading and not self._rows.is_provisional)

    def active_run_of(self, record: R) -> str | None:
        """The run of a row that may be older than its run's counters; None of one that rests."""
        row = self.gym_row(record)
        return row.run_id if isinstance(row, RolloutRow) and row.outcome in ACTIVE else None

    def _is_old(self, row_id: str) -> bool:
        """Whether a row is older than three ticks, though its run has moved on."""
        record, session = self._rows.records.get(row_id), self.services.session
        run_id = self.active_run_of(record) if record is not None else None
        if run_id is None or session is None:
            return False
        behind_s = session.poller.behind_s(run_id)
        return behind_s is not None and behind_s > LIVE_INTERVALS * session.link.interval_s

    def show_rows(self) -> None:
        """Show the rows as they are now; a mark goes with its row, not where a filter hides it."""
        self.hold_rows()
        self._grid.keep_marks(self._grid.marks & self._rows.records.keys())
        self._grid.set_rows(self._rows, filling=self.is_reading)

    def rollout_ids(self) -> Sequence[str]:
        """The rollouts as they are listed, for reading one after the other."""
        rows = (self.gym_row(self._rows.records[row_id]) for row_id in self._rows)
        readable = (row for row in rows if isinstance(row, RolloutRow) and row.malformed is None)
        return tuple(dict.fromkeys(row.rollout_id for row in readable))

    def select_rollout(self, rollout_id: str) -> None:
        """Put the cursor on the rollout that was read last, if it is listed."""
        self._grid.select(rollout_id)

    def hidden_columns(self) -> frozenset[str]:
        """The columns that the person does not want, and those that say nothing."""
        return (
            frozenset(self.services.saved_layout.of(self.layout_name).hidden) | self.empty_columns
        )

    def show_if_filled(self, key: str, *, filled: bool) -> None:
        """Show a column that few gyms fill only where a row has something in it."""
        if filled is (key in self.empty_columns):
            self.empty_columns ^= {key}
            self._grid.hide_columns(self.hidden_columns())

    # -- marks -----------------------------------------------------------------------------

    def hidden_marks(self) -> frozenset[str]:
        """Marked rows that the filter hides."""
        return frozenset(row_id for row_id in self._grid.marks if row_id not in self._rows)

    def chosen_rows(self) -> list[str]:
        """The marked rows in the order of the list, hidden ones last; else the cursor's."""
        self._grid.pin_cursor()  # something is to be done with them: the cursor stays with its row
        if self._grid.marks:
            shown = [row_id for row_id in self._rows if row_id in self._grid.marks]
            return shown + sorted(self.hidden_marks())
        return [self._grid.cursor_id] if self._grid.cursor_id is not None else []

    def chosen_rollouts(self) -> tuple[RolloutRef, ...]:
        """The marked rollouts, else the one under the cursor."""
        rows = [self.gym_row(self._rows.records.get(row_id)) for row_id in self.chosen_rows()]
        of_rollouts = (row for row in rows if isinstance(row, RolloutRow))
        return tuple(RolloutRef(row.run_id, row.rollout_id) for row in of_rollouts)

    # -- filter ----------------------------------------------------------------------------

    def apply_filter(self, text: str) -> str | None:
        """Narrow the list; a filter that cannot be read leaves it as it is."""
        try:
            wanted = parse(text, self._schema)
        except FilterError as error:
            self.mistake_range = range(error.position, error.position + error.length)
            return error.message
        self.mistake_range = range(0)
        self._wanted = wanted
        # Of a long list in pieces, so that the next key typed need not wait for it.
        self._narrowing.begin(at_once=len(self._rows.records) <= FILTERED_AT_ONCE, anew=True)
        return None

    def _narrow(self) -> Iterator[None]:
        rows, now = self._rows, self.services.now().timestamp()
        yield from rows.set_filter_in_pieces(self._wanted, now)
        if rows is self._rows:
            self.show_filtered()

    def completions(self, text: str) -> Sequence[str]:
        return completions(text, self._schema, self._rows.records.values())

    def show_filtered(self) -> None:
        """Show what the filter lets through."""
        self._grid.empty = self.empty_text()
        self._grid.set_rows(self._rows)
        self.summarise()

    def empty_text(self) -> str:
        """What to say of a list without rows."""
        if self._wanted.text.strip():
            return f"no matches; {self.services.keys.label('back')} clears the filter"
        session = self.services.session
        known = session is None or session.link.synced
        return self.empty if known else READING

    def show_frame(self) -> None:
        """Write what stands around, and in an empty list why it is empty."""
        super().show_frame()
        if self.ready and self._rows.is_held and not self.is_reading:
            self.show_rows()
            self.summarise()
        if self.ready and self._grid.empty != (empty_text := self.empty_text()):
            self._grid.empty = empty_text
            self._grid.sync()

    def filter_text(self) -> str:
        """The filter in force, or the one on its way there."""
        return self._wanted.text

    def undo(self) -> bool:
        if self.filter_text().strip():
            self.apply_filter("")
        elif self._grid.marks:
            self._grid.keep_marks(())
        else:
            return False
        return True

    # -- order and columns -----------------------------------------------------------------

    def order_by(self, name: str, *, reverse: bool) -> None:
        """Order by a column, and remember that."""
        self._rows.set_order(name, reverse=reverse)
        self._grid.set_rows(self._rows)
        self._grid.show_order(name, reverse=reverse)
        self.services.saved_layout.change(self.layout_name, order=name, reverse=reverse)

    def action_order(self) -> None:
        menu = MenuScreen("sort by, and show columns", self._choices(), self._switch)
        self.app.push_screen(menu, self._choose_order)

    def _choices(self) -> list[Choice]:
        hidden = self.services.saved_layout.of(self.layout_name).hidden
        shown = {column.key: column.key not in hidden for column in self._grid.columns[1:]}
        return [
            Choice(field.name, field.name, field is self._rows.order, shown.get(field.name))
            for field in self._schema
        ]

    def _switch(self, name: str) -> list[Choice]:
        hidden = set(self.services.saved_layout.of(self.layout_name).hidden) ^ {name}
        self.services.saved_layout.change(self.layout_name, hidden=tuple(sorted(hidden)))
        self._grid.hide_columns(self.hidden_columns())
        return self._choices()

    def action_reverse(self) -> None:
        self.order_by(self._rows.order.name, reverse=not self._rows.reverse)

    def on_grid_header_clicked(self, event: Grid.HeaderClicked) -> None:
        if event.key in self._schema:
            self._choose_order(event.key)

    def _choose_order(self, name: str | None) -> None:
        """Order by a column; by the one that it is ordered by already, the other way round."""
        if name is not None:
            again = name == self._rows.order.name
            self.order_by(name, reverse=again and not self._rows.reverse)

    def on_grid_opened(self, event: Grid.Opened) -> None:
        if event.grid is self._grid:
            self.open_row(event.row_id)
        else:
            self.open_in_other_pane(event.row_id)

    def open_in_other_pane(self, row_id: str) -> None:
        """Open a row of the other list."""

    def open_row(self, row_id: str) -> None:
        """Open a rollout; of one that could not be read, what was received."""
        row = self.gym_row(self._rows.records.get(row_id))
        if isinstance(row, RolloutRow) and row.malformed is None:
            self.services.navigate(OpenTranscript(row.run_id, row.rollout_id, self))
        else:
            self.action_describe()

    def action_compare(self) -> None:
        self.services.navigate(CompareRollouts(self.chosen_rollouts()))

    def on_resize(self, event: events.Resize) -> None:
        if self.ready:
            self.summarise()

    def on_grid_moved(self, event: Grid.Moved) -> None:
        self.services.view_changed()
        self.summarise()

    def action_describe(self) -> None:
        self._grid.pin_cursor()
        row_id, row = self._grid.cursor_id, self.gym_row(self.cursor_record)
        if row_id is not None and row is not None:
            self.services.navigate(Describe(row_id, row.raw, row.malformed))
        else:
            refuse(self, "no received fields to show")

    def copy_text(self) -> str | None:
        return None if self.is_malformed(self._grid.cursor_id) else self._grid.cursor_id

    def no_copy_reason(self) -> str:
        return self.unread if self.is_malformed(self._grid.cursor_id) else super().no_copy_reason()
