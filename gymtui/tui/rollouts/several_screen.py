"""Rollouts of several runs in one list: those that failed alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gymtui.core.replacement import replace
from gymtui.poll.view import View
from gymtui.store.delta import Delta
from gymtui.store.formats import of_many
from gymtui.store.lists.columns import READ_ROLLOUTS
from gymtui.store.records import RolloutRow
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenMatrix
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column, name_column
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.rollout_details import details_height, watched_details
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.work_in_pieces import WorkInPieces
from gymtui.tui.rollouts.columns import message_column, rollout_columns

AT_ONCE = 500
"""Rollouts taken in without a pause."""


class SeveralRolloutsScreen(ListScreen[RolloutRow], scope=Scope.SEVERAL):
    """The rollouts of some runs, by a filter at first."""

    empty = "no rollouts yet"
    layout_name = "rollouts of several runs"
    lines_around = (1, 2)
    prompt = "words, or state:failed task:*phone* steps>=20"

    def __init__(self, run_ids: Sequence[str], wanted: str) -> None:
        super().__init__(READ_ROLLOUTS, "run")
        self.start_with_filter(wanted)
        self.run_ids = tuple(run_ids)
        self._intake = WorkInPieces(self, self._take_in)

    def columns(self) -> tuple[Column[RolloutRow], ...]:
        tracker = self.session.tracker
        return (
            name_column("run", 12, lambda row: row.run_id, ideal=20),
            *rollout_columns(self.services.now, lambda: tracker.last_steps),
            message_column(flex=1),
        )

    def breadcrumb(self) -> Cell:
        runs = of_many(len(self.run_ids), "run")
        return (*runs_crumb(), StyledText(f"rollouts of {runs}", "strong"))

    def poll_target(self, view: View) -> View:
        known = self.session.store.knows_rollouts_of
        opened = next((run for run in self.run_ids if not known(run)), None)
        return replace(view, open_run=opened, runs_in_view=self.run_ids)

    def listed_runs(self) -> tuple[str, ...]:
        return self.run_ids

    # -- what it shows ---------------------------------------------------------------------

    def changed(self, delta: Delta) -> None:
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
        shown = of_many(len(self._rows), "rollout")
        runs = len({self._rows.records[row_id].run_id for row_id in self._rows})
        pieces = (StyledText(shown, "strong"), StyledText(f" of {of_many(runs, 'run')}", "muted"))
        self.lines("summary").show([Line(pieces, self.remarks())])
        height, plain = min(details_height(self.app.size.height), 5), self.services.appearance.ascii
        cells = self.size.width - 2
        self.show_details(
            watched_details(self.session, self.cursor_record, cells, height, plain=plain)
        )

    def action_matrix(self) -> None:
        self.services.navigate(OpenMatrix(self.run_ids))
