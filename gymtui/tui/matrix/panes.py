"""What the two matrix screens share: tasks beside what went wrong, and rollouts of some runs.

What a row and a cell are is said by the screen: `screen` for one run, `runs_screen` for several.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, TypeVar

from textual import events
from textual.containers import Container
from textual.widget import Widget

from gymtui.core.replacement import replace
from gymtui.core.text import clean
from gymtui.poll.view import View
from gymtui.store.column_def import Schema
from gymtui.store.delta import NOTHING, Delta
from gymtui.store.formats import of_many
from gymtui.store.stats.failure_changes import FailureRow
from gymtui.store.stats.matrix import AT_ONCE
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenCharts, OpenRollouts, OpenSearch
from gymtui.tui.kit.column import GAP, Column, place_columns
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, width_of
from gymtui.tui.kit.work_in_pieces import WorkInPieces
from gymtui.tui.matrix.counted_rollouts import TAKEN_AT_ONCE, CountedRollouts
from gymtui.tui.matrix.failure_groups import (
    FailureGroups,
    PaneRow,
    PaneView,
    filter_of,
    rollouts_of,
)
from gymtui.tui.matrix.failures_pane import NOT_KNOWN, FailuresPane, detail_lines

R = TypeVar("R")
_FAILURES_SHARE = 0.48
"""Of the width, where they stand beside the tasks: as in the style sheet below."""
MANY_FAILURES = 1000
FAILURES_WAIT_S = 1.0
"""Of more than so many what is the same is looked for once in a while."""


class MatrixPanes(ListScreen[R], scope=Scope.MATRIX):
    """Tasks, walked cell by cell, and what went wrong."""

    DEFAULT_CSS = """
    MatrixPanes #panes { layout: vertical; height: 1fr; }
    MatrixPanes #panes FailuresPane {
        width: 100%; height: 45%; min-height: 5; border-top: solid $surface;
    }
    MatrixPanes #panes FailuresPane:focus-within { border-top: solid $primary; }
    MatrixPanes.beside #panes { layout: horizontal; }
    MatrixPanes.beside #panes FailuresPane {
        width: 48%; height: 100%; border-top: none; border-left: solid $surface;
    }
    MatrixPanes.beside #panes FailuresPane:focus-within { border-left: solid $primary; }
    """
    empty = "no rollouts yet"
    lines_around = (2, 1)
    beside_from: ClassVar[int] = 160
    """Cells from which on what went wrong may stand beside the tasks instead of below."""

    def __init__(self, run_ids: Sequence[str], schema: Schema[R], order: str) -> None:
        super().__init__(schema, order)
        self.run_ids = tuple(run_ids)
        self._counted = CountedRollouts()
        self._pane: FailuresPane
        self._groups = FailureGroups(self.run_ids, self._counted)
        self._is_waiting = False
        self._failures_work = WorkInPieces(self, self._group_failures)
        self._intake = WorkInPieces(self, self._take_in)
        self._cursor_cell = 0
        self._pending = NOTHING

    def action_charts(self) -> None:
        if runs := self._known_runs:
            self.services.navigate(OpenCharts(runs))
        else:
            refuse(self, "no run to chart")

    def action_search(self) -> None:
        runs = self._known_runs
        if not runs:
            refuse(self, "no rollouts to search")
            return
        scope = runs[0] if len(runs) == 1 else of_many(len(runs), "run")
        self.services.navigate(OpenSearch(runs, None, scope))

    @property
    def _known_runs(self) -> tuple[str, ...]:
        known = self.session.store.runs
        return tuple(run_id for run_id in self.run_ids if run_id in known)

    # -- what the screens say --------------------------------------------------------------

    @abstractmethod
    def tasks(self) -> Mapping[str, R]:
        """Every row by its id, as it is now."""

    @abstractmethod
    def cell_count(self) -> int:
        """How many cells the cursor can stand on."""

    @abstractmethod
    def cell_at(self, key: str, offset: int, cells: int) -> int | None:
        """Which cell was clicked, in the column of this key, so far from its left edge."""

    def compared_runs(self) -> tuple[str, str] | None:
        """The run whose failures are compared, and with which; None where there is no such."""
        return None

    @abstractmethod
    def summary_lines(self) -> Sequence[Cell]:
        """The lines above the tasks."""

    @abstractmethod
    def detail(self) -> Cell:
        """What there is to say about the cell under the cursor."""

    def body(self) -> Iterable[Widget]:
        palette = self.services.palette
        yield Lines(palette, height=2, id="summary")
        with Container(id="panes"):
            yield self.grid()
            self._pane = FailuresPane(palette)
            yield self._pane
        yield Lines(palette, id="details")

    def poll_target(self, view: View) -> View:
        """The runs' rollouts come first; of those not known yet, one run after the other."""
        known = self.session.store.knows_rollouts_of
        wanted = self._wanted_runs
        missing = (
            run for run in wanted if run not in self._counted.counted_runs and not known(run)
        )
        opened = next(missing, self.run_ids[0])
        return replace(view, open_run=opened, runs_in_view=wanted)

    def listed_runs(self) -> tuple[str, ...]:
        """These, until they were counted: of large ones the rollouts may be given up again."""
        return tuple(run_id for run_id in self.run_ids if run_id not in self._counted.counted_runs)

    @property
    def _wanted_runs(self) -> tuple[str, ...]:
        """The runs, and the one that they are compared with."""
        return tuple(dict.fromkeys((*self.run_ids, *(self.compared_runs() or ()))))

    def empty_text(self) -> str:
        """Why there are no tasks; of runs that were not read, none can be said to lack them."""
        unread = not self._counted.counted_runs and not self._wanted.text.strip()
        return NOT_KNOWN if unread else super().empty_text()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange_panes()
        self.call_after_refresh(self._write_failures)

    def _arrange_panes(self) -> None:
        """Put what went wrong beside the tasks where that cuts no name of theirs, else below."""
        name, rows = self._grid.columns[0], self._rows.records.values()
        longest = max((width_of(name.cell(row, name.most)) for row in rows), default=0)
        cells = int(self.size.width * (1 - _FAILURES_SHARE))
        room = place_columns(self.shown_columns(), cells, {name.key: longest})[0].width
        self.set_class(self.size.width >= self.beside_from and room >= longest, "beside")

    def changed(self, delta: Delta) -> None:
        """Take the changed rollouts of these runs in: few at once, thousands between keys."""
        if not delta.runs.isdisjoint(self._wanted_runs):
            self.show_frame()
        store, steps = self.session.store, self.session.tracker.last_steps
        if not self._intake.is_under_way and self._counted.drop_deleted(store, steps):
            self._show()  # runs that no longer exist, whether or not that was told here
        if not delta and not self._intake.is_under_way:
            self._show()
        self._pending = self._pending.then(delta)
        if self._pending:
            due = self._counted.due(store, self._pending, self._wanted_runs)
            self._intake.begin(at_once=due <= TAKEN_AT_ONCE)

    def _take_in(self) -> Iterator[None]:
        """Take in what came, and show it if anything about these runs is another now."""
        delta, self._pending = self._pending, NOTHING
        before = len(self._counted.counted_runs)
        moved = yield from self._counted.take_in_pieces(
            self.session.store, delta, self._wanted_runs, self.session.tracker.last_steps
        )
        if moved:
            self._show()
            if len(self._counted.counted_runs) > before:
                self.services.view_changed()

    def _show(self) -> None:
        """Show the tasks, and what went wrong."""
        tasks = self.tasks()
        known = self._rows.records
        changed = {i: row for i, row in tasks.items() if known.get(i) != row}
        other = changed.keys() - known.keys()
        removed = [row_id for row_id in known if row_id not in tasks]
        self._rows.apply(changed, removed, self.services.now().timestamp())
        if other or removed:
            self._arrange_panes()
        self.show_rows()
        if len(self._counted.failures) <= MANY_FAILURES:
            self._show_failures()
        elif not self._is_waiting:
            self._is_waiting = True
            self.set_timer(FAILURES_WAIT_S, self._show_failures)
        self.summarise()

    # -- what went wrong -------------------------------------------------------------------

    def _show_failures(self, *, anew: bool = False) -> None:
        """Show what went wrong: of few rollouts at once, of many in pieces."""
        self._is_waiting = False
        self._failures_work.begin(at_once=len(self._counted.matrix) <= AT_ONCE, anew=anew)

    def _group_failures(self) -> Iterator[None]:
        yield from self._groups.group(self.session.store, self.compared_runs())
        self._write_failures()

    def _write_failures(self) -> None:
        cells = self._pane.size.width or self.size.width
        self._pane.show_content(self._groups.content, self.services.keys, cells)
        self.summarise()

    def action_failures_view(self) -> None:
        self._groups.view = self._groups.view.next
        self._show_failures(anew=True)
        self._grid.sync()
        self.summarise()

    def action_read_transcripts(self) -> None:
        if self._groups.view is not PaneView.TOOL:
            refuse(self, f"{self.services.keys.label('failures-view')} shows the failures by tool")
        elif not self._groups.unread:
            refuse(self, "all transcripts are read")
        else:
            self.run_worker(self._read_all(), group="transcripts", exclusive=True)

    async def _read_all(self) -> None:
        """Read them; what each says shows as it comes."""
        failed = await self.session.transcripts.loader.get_all(list(reversed(self._groups.unread)))
        if failed:
            number = of_many(len(failed), "transcript")
            self.services.notify(f"{number} not read: {clean(failed[0])}", severity="warning")

    # -- around the tasks ------------------------------------------------------------------

    def summarise(self) -> None:
        if not self.ready:
            return
        first, second = self.summary_lines()
        self.lines("summary").show([Line(first), Line(second, self.remarks())])
        if (row := self._cursor_failure) is not None:
            self.show_details(detail_lines(self._groups.content, row, *self.size))
        else:
            self.show_details([self.detail()])

    @property
    def _cursor_failure(self) -> PaneRow | None:
        """The row under the cursor, while keys go to what went wrong."""
        return self._pane.grid.cursor_row if self.focused is self._pane.grid else None

    @property
    def highlighted(self) -> frozenset[str] | None:
        """The rollouts that stand out: those of the failure pointed at, if one is."""
        row = self._cursor_failure
        return None if row is None else frozenset(rollouts_of(row))

    def shown_columns(self) -> tuple[Column[R], ...]:
        """The tasks' columns that are not hidden, whether they fit or not."""
        first, *others = self._grid.columns
        hidden = self.hidden_columns()
        return (first, *(column for column in others if column.key not in hidden))

    def on_grid_moved(self, event: Grid.Moved) -> None:
        if self.focused is self._pane.grid:
            self._grid.sync()

    def on_descendant_focus(self) -> None:
        self._grid.sync()
        self.summarise()

    def action_attempt(self, step: int) -> None:
        if self.focused is self._pane.grid:
            refuse(self, f"{self.services.keys.label('panes')} goes to the tasks")
            return
        last = max(self.cell_count() - 1, 0)
        self.move_cursor_to(max(0, min(min(self._cursor_cell, last) + step, last)))

    def move_cursor_to(self, cell: int) -> None:
        """Put the cursor on a cell of its row."""
        self._cursor_cell = cell
        self._grid.pin_cursor()
        self._grid.sync()
        self.summarise()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the cell that was clicked; the grid has gone to its row."""
        region = self._grid.region
        if not region.contains(event.screen_x, event.screen_y):
            return
        x, y = event.screen_x - region.x, event.screen_y - region.y
        for at in self._grid.placed_columns:
            if y and at.x <= x < at.x + at.width + GAP:
                cell = self.cell_at(at.column.key, x - at.x, at.width)
                if cell is not None:
                    self.move_cursor_to(cell)

    def open_in_other_pane(self, row_id: str) -> None:
        row = self._pane.grid.rows_by_id[row_id]
        wanted = filter_of(row, self._groups.content.rows, self._groups.content.view)
        runs = self.run_ids
        if isinstance(row, FailureRow):
            runs = tuple(run for run in runs if run in row.group.run_ids)
        self.services.navigate(OpenRollouts(runs, wanted))
