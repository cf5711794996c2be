"""What the screens with a list have in common: filter, order, columns, marks, drawing it as old."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Container, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events

from gymtui.core.text import clean, fit, width
from gymtui.poll.connection import LIVE_INTERVALS
from gymtui.store.column_def import Schema
from gymtui.store.lists.completion import completions
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.lists.query import Filter, FilterError, parse
from gymtui.store.records import RolloutRow, RunRow
from gymtui.tui.context.routes import Describe
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.menu import Choice, MenuScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import Cell, StyledText

R = TypeVar("R")

FILTERED_AT_ONCE = 1000
"""Rows that a filter is tried on without a pause: some 5 ms for each key that is typed."""
_NARROWING = "narrowing"
READING = "reading …"
"""What a list without rows says before all runs were read once."""


class ListScreen(GymScreen, Generic[R]):
    """A screen around one grid.

    Args:
        schema: What its rows can be filtered and ordered by.
        order: The column it starts ordered by, unless the person arranged it otherwise.
    """

    empty: ClassVar[str] = "nothing here"
    unread: ClassVar[str] = ""
    """What is said of a row that could not be read."""
    layout_name: ClassVar[str]
    """The name under which the person's arrangement of it is kept."""

    def __init__(self, schema: Schema[R], order: str) -> None:
        super().__init__()
        self._schema = schema
        self._rows: OrderedView[R] = OrderedView(schema, order)
        self._wanted: Filter[R] = self._rows.filter
        self._grid: Grid[R]
        self.unfilled: frozenset[str] = frozenset()

    def start_with_filter(self, text: str) -> None:
        """Narrow the list before it is there.

        Args:
            text: A filter of ours, so one without a mistake.
        """
        self._wanted = parse(text, self._schema)
        self._rows.set_filter(self._wanted, 0.0)

    @abstractmethod
    def columns(self) -> tuple[Column[R], ...]:
        """The grid's columns."""

    def record_of(self, row_id: str) -> RunRow | RolloutRow | None:
        """What the gym sent of a row; None where a row is nothing that it sent."""
        return None

    def malformed(self, record: R) -> str | None:
        """Why a row could not be read, if so."""
        return None

    def row_message(self, record: R) -> Cell | None:
        """What a row says in place of its columns, if anything."""
        why = self.malformed(record)
        return None if why is None else (StyledText(f"malformed: {why}", "warning"),)

    def is_unread(self, row_id: str | None) -> bool:
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
        self._grid.choose(self.hidden_columns())
        self._grid.order = (self._rows.order.name, self._rows.reverse)
        self._grid.set_rows(self._rows)
        return self._grid

    def dim(self, dimmed: bool) -> None:
        """Dim the list while it is old."""
        self._grid.dimmed = dimmed

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

    # -- rows ------------------------------------------------------------------------------

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

    def running_in(self, record: R) -> str | None:
        """The run of a row that may be older than its run's counters; None of one that rests."""
        return None

    def _is_old(self, row_id: str) -> bool:
        """Whether a row is older than three ticks, though its run has moved on."""
        record, session = self._rows.records.get(row_id), self.services.session
        run_id = self.running_in(record) if record is not None else None
        if run_id is None or session is None:
            return False
        behind_s = session.poller.behind_s(run_id)
        return behind_s is not None and behind_s > LIVE_INTERVALS * session.link.interval_s

    def show_rows(self, known: Container[str] | None = None) -> None:
        """Show the rows as they are now; a mark goes with its row, not because a filter hides it.

        Args:
            known: The ids of all rows, where some are left out for another reason than a filter.
        """
        self.hold_rows()
        everything = self._rows.records if known is None else known
        self._grid.keep_marks([row_id for row_id in self._grid.marks if row_id in everything])
        self._grid.set_rows(self._rows, filling=self.is_reading)

    def select_rollout(self, rollout_id: str) -> None:
        """Put the cursor on the rollout that was read last, if it is listed."""
        self._grid.select(rollout_id)

    def hidden_columns(self) -> frozenset[str]:
        """The columns that the person does not want, and those that say nothing."""
        return frozenset(self.services.saved_layout.of(self.layout_name).hidden) | self.unfilled

    def fill(self, key: str, *, filled: bool) -> None:
        """Show a column that few gyms fill only where a row has something in it."""
        if filled is (key in self.unfilled):
            self.unfilled ^= {key}
            self._grid.choose(self.hidden_columns())

    # -- marks -----------------------------------------------------------------------------

    def hidden_marks(self) -> frozenset[str]:
        """Marked rows that the filter hides."""
        return frozenset(row_id for row_id in self._grid.marks if row_id not in self._rows)

    def chosen(self) -> list[str]:
        """The marked rows in the order of the list, hidden ones last; else the cursor's.

        Asked when something is to be done with them: the cursor then stays with its row.
        """
        self._grid.hold()
        if self._grid.marks:
            shown = [row_id for row_id in self._rows if row_id in self._grid.marks]
            return shown + sorted(self.hidden_marks())
        return [self._grid.cursor_id] if self._grid.cursor_id is not None else []

    # -- filter ----------------------------------------------------------------------------

    def apply_filter(self, text: str) -> str | None:
        """Narrow the list; a filter that cannot be read leaves it as it is.

        Of a long list that is done in pieces, so that the next key typed need not wait for it.
        """
        try:
            wanted = parse(text, self._schema)
        except FilterError as error:
            self.mistake = range(error.position, error.position + error.length)
            return error.message
        self.mistake = range(0)
        self._wanted = wanted
        self.workers.cancel_group(self, _NARROWING)
        rows = self._rows
        if len(rows.records) <= FILTERED_AT_ONCE:
            rows.set_filter(wanted, self.services.now().timestamp())
            self.show_filtered()
        else:
            narrowing = self._filter_in_pieces(rows, wanted)
            self.run_worker(narrowing, group=_NARROWING, exit_on_error=True)
        return None

    async def _filter_in_pieces(self, rows: OrderedView[R], wanted: Filter[R]) -> None:
        for _ in rows.set_filter_in_pieces(wanted, self.services.now().timestamp()):
            await self.services.input_priority.yield_to_input()
        if rows is self._rows:
            self.show_filtered()

    def completions(self, text: str) -> Sequence[str]:
        """Columns and their values."""
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
        """Drop the filter, then the marks."""
        if self.filter_text().strip():
            self.apply_filter("")
            return True
        if self._grid.marks:
            self._grid.keep_marks(())
            return True
        return False

    # -- order and columns -----------------------------------------------------------------

    def order_by(self, name: str, *, reverse: bool) -> None:
        """Order by a column, and remember that."""
        self._rows.set_order(name, reverse=reverse)
        self._grid.set_rows(self._rows)
        self._grid.ordered(name, reverse=reverse)
        self.services.saved_layout.change(self.layout_name, order=name, reverse=reverse)

    def action_order(self) -> None:
        """Choose what to order by, and which columns to show."""

        def chosen(name: str | None) -> None:
            if name is not None:
                self._choose_order(name)

        self.app.push_screen(
            MenuScreen("sort by, and show columns", self._choices(), self._switch), chosen
        )

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
        self._grid.choose(self.hidden_columns())
        return self._choices()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.order_by(self._rows.order.name, reverse=not self._rows.reverse)

    def on_grid_header_clicked(self, event: Grid.HeaderClicked) -> None:
        """Order by that column."""
        if event.key in self._schema:
            self._choose_order(event.key)

    def _choose_order(self, name: str) -> None:
        """Order by a column; by the one that it is ordered by already, the other way round."""
        self.order_by(name, reverse=name == self._rows.order.name and not self._rows.reverse)

    # -- keys and size ---------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Fit what stands around the list."""
        if self.ready:
            self.summarise()

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Other rows are looked at, or marked."""
        self.services.view_changed()
        self.summarise()

    def action_describe(self) -> None:
        """Show every field as received."""
        self._grid.hold()
        row_id = self._grid.cursor_id
        record = self.record_of(row_id) if row_id is not None else None
        if row_id is not None and record is not None:
            self.services.navigate(Describe(row_id, record.raw, record.malformed))
        else:
            refuse(self, "no received fields to show")

    def copy_text(self) -> str | None:
        """The id of the cursor's row, where it has one."""
        return None if self.is_unread(self._grid.cursor_id) else self._grid.cursor_id

    def no_copy_reason(self) -> str:
        """Why there is no id."""
        return self.unread if self.is_unread(self._grid.cursor_id) else super().no_copy_reason()
