"""One run: its numbers and its rollouts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from gymtui.poll.actions import Verb
from gymtui.poll.plan import View
from gymtui.store.delta import Delta
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow, RunRow
from gymtui.store.schemas import ROLLOUTS, RunView, pass_rate
from gymtui.text import ABSENT
from gymtui.tui import show
from gymtui.tui.columns import rollout_columns
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Scope, bindings
from gymtui.tui.screens.lists import ListScreen
from gymtui.tui.screens.transcript import TranscriptScreen
from gymtui.tui.widgets.grid import Column, Grid
from gymtui.tui.widgets.lines import Line, Lines


class RolloutsScreen(ListScreen[RolloutRow]):
    """The rollouts of one run.

    Args:
        run_id: The run.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.ROLLOUTS)
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.ROLLOUTS, Scope.LIST, Scope.EVERYWHERE)
    empty: ClassVar[str] = "no rollouts seen yet"
    prompt: ClassVar[str] = "words, or status:running task:*phone* steps>=20"

    def __init__(self, run_id: str) -> None:
        super().__init__(ROLLOUTS, "task")
        self.run_id = run_id

    def columns(self) -> tuple[Column[RolloutRow], ...]:
        """The columns of a run's rollouts."""
        return rollout_columns(self.gym.now)

    def body(self) -> Iterable[Widget]:
        """The run's numbers, its rollouts, and what there is to say about the one chosen."""
        palette = self.gym.palette
        yield Lines(palette, height=2, id="summary")
        yield self.grid()
        yield Lines(palette, id="details")

    @property
    def _run(self) -> RunRow | None:
        return self.gym.store.runs.get(self.run_id)

    def where(self) -> Cell:
        """The way here, and what the run is."""
        summary = self.gym.store.summary(self.run_id)
        row = self._run
        pieces = [Ink("runs › ", "muted"), Ink(self.run_id, "strong")]
        scenario = row.run.scenario_id if row and row.run else None
        told = [scenario, summary.model if summary else None]
        said = " · ".join(text for text in told if text)
        if row is None or row.gone:
            pieces.append(Ink("  this run no longer exists", "warning"))
        elif row.intent is not None:
            pieces.append(Ink(f"  {row.intent}", "warning"))
        if said:
            pieces.append(Ink(f"   {said}", "muted"))
        return tuple(pieces)

    def look(self, view: View) -> View:
        """This run's rollouts come first."""
        return replace(view, open_run=self.run_id)

    def changed(self, delta: Delta) -> None:
        """Take this run's changed rollouts in."""
        store = self.gym.store
        now = self.gym.now().timestamp()
        touched = {
            row.rollout_id: row
            for rollout_id in delta.rollouts_added | delta.rollouts_changed
            if (row := store.rollouts.get(rollout_id)) is not None and row.run_id == self.run_id
        }
        removed = [row_id for row_id in delta.rollouts_removed if row_id in self._rows.records]
        self._rows.apply(touched, removed, now)
        self._rows.tick(now)
        self._grid.set_rows(self._rows)
        self.summarise()
        if self.run_id in delta.runs:
            self.show_frame()

    def summarise(self) -> None:
        """Write the run's numbers, and what there is to say about the cursor's rollout."""
        self._detail()
        row, summary = self._run, self.gym.store.summary(self.run_id)
        if row is None or row.run is None:
            return
        run = RunView(row, summary)
        total = ABSENT if row.run.total is None else str(row.run.total)
        first: list[Ink] = [Ink(f"{row.finished}/{total} done", "strong")]
        rate = pass_rate(run)
        if summary is not None and rate is not None:
            first += [
                Ink(" · pass@1 "),
                Ink(show.percent(rate), "muted" if row.active else "strong"),
                Ink(f" of {show.of_many(summary.verdicts, 'verdict')}", "muted"),
            ]
        if summary is not None and summary.errors:
            causes = [
                f"{summary.counts[outcome]} {show.WORD[outcome]}"
                for outcome in (Outcome.ENVIRONMENT, Outcome.AGENT, Outcome.CANCELLED)
                if summary.counts[outcome]
            ]
            first.append(Ink(f" · {show.of_many(summary.errors, 'error')}", "error"))
            first.append(Ink(f" ({', '.join(causes)})", "muted"))
        if row.active:
            first += [Ink(" · "), Ink(f"{row.run.running or 0} running", "running")]
            first += [Ink(" · "), Ink(f"{row.run.pending or 0} waiting", "waiting")]
        bar = show.outcome_bar(run, max(1, self.size.width - 2), plain=self.gym.settings.ascii)
        self.query_one("#summary", Lines).show([Line(tuple(first), self.remarks()), Line(bar)])

    def _detail(self) -> None:
        row_id = self._grid.cursor_id
        row = self._rows.records.get(row_id) if row_id is not None else None
        cell: Cell = ()
        if row is not None:
            why = show.why(row)
            cell = (Ink(f"{row.rollout_id}  ", "strong"), Ink(why or "", ""))
        self.query_one("#details", Lines).show([Line(cell, bar=True)])

    # -- keys ------------------------------------------------------------------------------

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Open a rollout."""
        self.gym.push_screen(TranscriptScreen(self.run_id, event.row_id))

    def action_cancel(self) -> None:
        """Ask, then cancel this run."""
        self.gym.ask_to(Verb.CANCEL, [self.run_id])

    def received(self, row_id: str) -> tuple[bytes, str | None] | None:
        """The rollout as the server listed it."""
        row = self.gym.store.rollouts.get(row_id)
        return (row.raw, row.malformed) if row is not None else None
