"""Rollouts of several runs in one list: those that failed alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from gymtui.core.replacement import replace
from gymtui.poll.view import View
from gymtui.session.rollout_ref import RolloutRef
from gymtui.store.delta import Delta
from gymtui.store.formats import of_many
from gymtui.store.lists.columns import READ_ROLLOUTS
from gymtui.store.outcome import ACTIVE
from gymtui.store.records import RolloutRow
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.routes import CompareRollouts, OpenMatrix, OpenTranscript
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.rollout_details import details_height, watched_details
from gymtui.tui.kit.styled_text import Cell, StyledText, styled
from gymtui.tui.kit.work_in_pieces import WorkInPieces
from gymtui.tui.rollouts.columns import message_column, rollout_columns

AT_ONCE = 500
"""Rollouts taken in without a pause."""


class SeveralRolloutsScreen(ListScreen[RolloutRow]):
    """The rollouts of some runs.

    Args:
        wanted: The filter that it starts with.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.SEVERAL)
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.SEVERAL, Scope.LIST, Scope.EVERYWHERE)
    empty: ClassVar[str] = "no rollouts yet"
    layout_name: ClassVar[str] = "rollouts of several runs"
    prompt: ClassVar[str] = "words, or state:failed task:*phone* steps>=20"

    def __init__(self, run_ids: Sequence[str], wanted: str) -> None:
        super().__init__(READ_ROLLOUTS, "run")
        self.start_with_filter(wanted)
        self.run_ids = tuple(run_ids)
        self._intake: WorkInPieces

    def columns(self) -> tuple[Column[RolloutRow], ...]:
        """The columns of rollouts, their run among them."""
        tracker = self.session.tracker

        def run(row: RolloutRow, cells: int) -> Cell:
            return styled(row.run_id)

        task, *others = rollout_columns(self.services.now, lambda: tracker.last_steps)
        named = Column("run", "RUN", 12, run, ideal=20, whole=True, cut="middle")
        return (named, task, *others, message_column(flex=1))

    def body(self) -> Iterable[Widget]:
        """The list, and what there is to say about the rollout under the cursor."""
        palette = self.services.palette
        self._intake = WorkInPieces(self, self.services.input_priority, self._take_in)
        yield Lines(palette, id="summary")
        yield self.grid()
        yield Lines(palette, height=self._details_height, id="details")

    @property
    def _details_height(self) -> int:
        return min(details_height(self.app.size.height), 5)

    def breadcrumb(self) -> Cell:
        """The way here."""
        runs = of_many(len(self.run_ids), "run")
        return (*runs_crumb(), StyledText(f"rollouts of {runs}", "strong"))

    def poll_target(self, view: View) -> View:
        """The runs' rollouts come first."""
        known = self.session.store.knows_rollouts_of
        opened = next((run for run in self.run_ids if not known(run)), None)
        return replace(view, open_run=opened, runs_in_view=self.run_ids)

    def listed_runs(self) -> tuple[str, ...]:
        """These."""
        return self.run_ids

    def running_in(self, record: RolloutRow) -> str | None:
        """Its own."""
        return record.run_id if record.outcome in ACTIVE else None

    # -- what it shows ---------------------------------------------------------------------

    def changed(self, delta: Delta) -> None:
        """Take the rollouts of these runs in: few at once, thousands between keys."""
        self._intake.begin(at_once=len(delta.rollouts) <= AT_ONCE)

    def _take_in(self) -> Iterator[None]:
        store, known = self.session.store, self._rows.records
        rows = {row.rollout_id: row for run_id in self.run_ids for row in store.rollouts_of(run_id)}
        yield
        changed = {i: row for i, row in rows.items() if known.get(i) is not row}
        removed = [i for i in known if i not in rows]
        now_s = self.services.now().timestamp()
        yield from self._rows.apply_in_pieces(changed, removed, now_s)
        self._rows.tick(self.services.now().timestamp())
        self.show_rows()
        self.summarise()

    def summarise(self) -> None:
        """Write how many there are, and the details of the one under the cursor."""
        shown = of_many(len(self._rows), "rollout")
        runs = len({self._rows.records[row_id].run_id for row_id in self._rows})
        pieces = (StyledText(shown, "strong"), StyledText(f" of {of_many(runs, 'run')}", "muted"))
        self.lines("summary").show([Line(pieces, self.remarks())])
        row = self._rows.records.get(self._grid.cursor_id or "")
        height, plain = self._details_height, self.services.appearance.ascii
        details = watched_details(self.session, row, self.size.width - 2, height, plain=plain)
        self.lines("details").show([Line(cell, bar=True) for cell in details])

    # -- keys ------------------------------------------------------------------------------

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Open a rollout; of one that could not be read, what was received."""
        row = self._rows.records.get(event.row_id)
        if row is None or row.malformed is not None:
            self.action_describe()
        else:
            self.services.navigate(OpenTranscript(row.run_id, event.row_id, self))

    def rollout_ids(self) -> Sequence[str]:
        """The rollouts as they are listed, for reading one after the other."""
        return tuple(i for i in self._rows if self._rows.records[i].malformed is None)

    def action_matrix(self) -> None:
        """Show these runs as tasks by runs."""
        self.services.navigate(OpenMatrix(self.run_ids))

    def action_compare(self) -> None:
        """Compare the two marked rollouts, else this one with another."""
        records = self._rows.records
        chosen = (RolloutRef(records[i].run_id, i) for i in self.chosen() if i in records)
        self.services.navigate(CompareRollouts(tuple(chosen)))

    def record_of(self, row_id: str) -> RolloutRow | None:
        """The rollout as the server listed it."""
        return self.session.store.rollouts.get(row_id)
