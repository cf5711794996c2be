"""The first screen: every run, how far it is and how well it goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from gymtui.poll.actions import Verb
from gymtui.poll.plan import View
from gymtui.store.delta import Delta
from gymtui.store.schemas import RUNS, RunView
from gymtui.tui.columns import run_columns
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Scope, bindings
from gymtui.tui.screens.lists import ListScreen
from gymtui.tui.screens.rollouts import RolloutsScreen
from gymtui.tui.show import of_many
from gymtui.tui.widgets.grid import Column, Grid
from gymtui.tui.widgets.lines import Line, Lines


class RunsScreen(ListScreen[RunView]):
    """The list of runs."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.RUNS)
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.RUNS, Scope.LIST, Scope.EVERYWHERE)
    empty: ClassVar[str] = "no runs"
    prompt: ClassVar[str] = "words, or status:running model:gpt* pass<50% age<2h"

    def __init__(self) -> None:
        super().__init__(RUNS, "age")

    def columns(self) -> tuple[Column[RunView], ...]:
        """The columns of the run list."""
        return run_columns(self.gym.now, plain=self.gym.settings.ascii)

    def body(self) -> Iterable[Widget]:
        """Numbers over all runs, and the list."""
        yield Lines(self.gym.palette, id="summary")
        yield self.grid()

    @property
    def is_first(self) -> bool:
        """It is the one the program opens with."""
        return True

    def where(self) -> Cell:
        """The gym that is looked at."""
        settings = self.gym.settings
        profile = f"{settings.profile_name} " if settings.profile_name else ""
        return (
            Ink("gymtui  ", "strong"),
            Ink(profile, "accent"),
            Ink(f"{self.gym.host}  ", ""),
            Ink(f"source {settings.source}", "muted"),
        )

    def look(self, view: View) -> View:
        """The rows on screen come first."""
        return replace(view, runs_in_view=self._grid.in_view)

    def changed(self, delta: Delta) -> None:
        """Take the changed runs in."""
        store = self.gym.store
        now = self.gym.now().timestamp()
        touched = {
            run_id: RunView(store.runs[run_id], store.summary(run_id))
            for run_id in delta.runs_added | delta.runs_changed
            if run_id in store.runs
        }
        moved = self._rows.apply(touched, delta.runs_removed, now)
        if delta.runs_removed:
            self._grid.keep_marks(self._rows.records)
        if moved:
            self._grid.set_rows(self._rows)
        elif not delta:
            self._rows.tick(now)
            self._grid.set_rows(self._rows)
        self.summarise()

    def summarise(self) -> None:
        """Write the numbers over all runs."""
        store = self.gym.store
        active = [store.runs[run_id].run for run_id in store.active_runs]
        running = sum(run.running or 0 for run in active if run is not None)
        waiting = sum(run.pending or 0 for run in active if run is not None)
        total = store.total_runs
        known = len(store.runs)
        link = self.gym.link
        left: list[Ink] = [Ink(of_many(known, "run"), "strong")]
        if not link.synced:
            left.append(Ink(f" of {'?' if total is None else f'{total:,}'}, reading …", "muted"))
        left.append(Ink(f" · {of_many(len(active), 'active', 'active')}"))
        if running:
            left += [Ink(" · "), Ink(f"{running} running", "running")]
        if waiting:
            left += [Ink(" · "), Ink(f"{waiting} waiting", "waiting")]
        self.query_one("#summary", Lines).show([Line(tuple(left), self.remarks())])

    # -- keys ------------------------------------------------------------------------------

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Open a run."""
        run = self._rows.records.get(event.row_id)
        if run is None or run.row.malformed is not None:
            self.action_describe()
            return
        self.gym.push_screen(RolloutsScreen(event.row_id))

    def action_cancel(self) -> None:
        """Ask, then cancel the chosen runs."""
        self.gym.ask_to(Verb.CANCEL, self.chosen(), hidden=self.hidden_marks())

    def action_delete(self) -> None:
        """Ask, then delete the chosen runs."""
        self.gym.ask_to(Verb.DELETE, self.chosen(), hidden=self.hidden_marks())

    def received(self, row_id: str) -> tuple[bytes, str | None] | None:
        """The run as the server listed it."""
        row = self.gym.store.runs.get(row_id)
        return (row.raw, row.malformed) if row is not None else None
