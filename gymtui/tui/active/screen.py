"""Every running rollout of every run, those that stand still first; above them what goes wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta

from textual.widget import Widget

from gymtui.core.replacement import replace
from gymtui.poll.view import View
from gymtui.session.actions import Verb
from gymtui.store import formats
from gymtui.store.delta import Delta
from gymtui.store.lists.query import quote_value
from gymtui.store.phases import KIND_OF_PHASE, SegmentKind
from gymtui.store.running_rollouts import RUNNING, Running, RunningRow
from gymtui.store.stats.failures import ERROR_OUTCOMES, FailureGroup, Failures
from gymtui.tui.active.causes import CausesGrid
from gymtui.tui.active.columns import active_columns, idle_s
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenCharts, OpenRollouts
from gymtui.tui.context.selection import Selection
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.work_in_pieces import WorkInPieces

WINDOW = timedelta(minutes=10)
"""What goes wrong now: errors that ended within this time."""
_WINDOW = f"the last {WINDOW.seconds // 60} min"
AT_ONCE = 1000
"""Rollouts looked at for what went wrong before others get their turn: some 3 ms."""
_CAUSES_SHARE = 6
"""One line in so many is for causes; the rest stays for the list, and they are scrolled."""


class ActiveScreen(ListScreen[RunningRow], scope=Scope.ACTIVE):
    """All running rollouts."""

    empty = "no running rollouts"
    layout_name = "active"
    lines_around = (1, 1)
    prompt = "words, or stuck: idle>1m state:verifying run:nightly*"

    def __init__(self) -> None:
        super().__init__(RUNNING, "idle")
        self._rows.set_order("idle", reverse=True)
        self._running_rollouts = Running()
        self._failures = Failures()
        self._pending: set[str] = set()
        self._found_causes: Sequence[FailureGroup] | None = None
        self._causes_work = WorkInPieces(self, self._find_causes)
        self._causes: CausesGrid

    def columns(self) -> tuple[Column[RunningRow], ...]:
        return active_columns(self.services.now)

    def body(self) -> Iterable[Widget]:
        palette = self.services.palette
        self._running_rollouts = Running(self.session.settings.stuck)
        yield Lines(palette, id="summary")
        yield Lines(palette, id="no-causes")
        self._causes = CausesGrid(palette, _WINDOW)
        yield self._causes
        yield self.grid()
        yield Lines(palette, id="details")

    def breadcrumb(self) -> Cell:
        return (*runs_crumb(), StyledText("active rollouts", "strong"))

    def poll_target(self, view: View) -> View:
        return replace(view, all_running=True)

    @property
    def is_reading(self) -> bool:
        """Whether rollouts that run already, or since when they stand still, are still to come."""
        session = self.session
        return session.tracker.is_recalling or session.poller.awaits(None)

    def changed(self, delta: Delta) -> None:
        """Take the changed rollouts in; when only time has passed, look who is stuck by now."""
        known = self.session.store.rollouts
        now = self.services.now().timestamp()
        moves = self._running_rollouts.update(known, delta.rollouts, self.session.tracker)
        self._failures.keep(known)
        self._pending |= set(delta.rollouts)
        self._causes_work.begin(at_once=len(self._pending) + len(self._failures) <= AT_ONCE)
        self._rows.apply(moves.changed, moves.removed, now)
        self.show_rows()
        self.summarise()

    def _find_causes(self) -> Iterator[None]:
        """See which of those that changed went wrong, as they are by then, and group them all."""
        known = self.session.store.rollouts
        changed, self._pending = self._pending, set()
        for number, rollout_id in enumerate(changed, 1):
            row = known.get(rollout_id)
            if row is None:
                self._failures.drop(rollout_id)
            else:
                self._failures.take(row)
            if not number % AT_ONCE:
                yield
        since = self.services.now() - WINDOW
        self._found_causes = yield from self._failures.groups_in_pieces(ERROR_OUTCOMES, since=since)
        self._show_causes()

    # -- around the list -------------------------------------------------------------------

    def summarise(self) -> None:
        stuck = self._running_rollouts.stuck(self.services.now())
        runs = formats.of_many(len(self._running_rollouts.runs), "run")
        running = StyledText(f"{len(self._running_rollouts.rows):,} running", "strong")
        left = [running, StyledText(f" in {runs}")]
        if stuck:
            left += [StyledText(" · "), StyledText(f"{stuck:,} stuck", "warning")]
        forbidden_s = self.session.poller.forbidden_s
        forbidden = sum(forbidden_s(i) is not None for i in self.session.store.active_runs)
        if forbidden:
            words = f"{formats.of_many(forbidden, 'run')} forbidden"
            left += [StyledText(" · "), StyledText(words, "warning")]
        self.lines("summary").show([Line(tuple(left), self.remarks())])
        self._detail()

    def _show_causes(self) -> None:
        if self._found_causes is None:
            return
        self._causes.show_causes(self._found_causes, max(2, self.size.height // _CAUSES_SHARE))
        none = (StyledText(f"no errors in {_WINDOW}", "muted"),)
        self.lines("no-causes").show([] if self._found_causes else [Line(none)])

    def open_in_other_pane(self, row_id: str) -> None:
        cause = self._causes.causes[row_id]
        wanted = f"failure:{quote_value(cause.folded)} outcome:{cause.outcome}"
        minutes = WINDOW.seconds // 60
        self.services.navigate(OpenRollouts(cause.run_ids, f"{wanted} ended<{minutes}m"))

    def _detail(self) -> None:
        running = self.cursor_record
        cell: Cell = ()
        if running is not None:
            run = self.session.store.runs.get(running.row.run_id)
            intent = run.intent if run is not None else None
            doing = f"{intent.under_way}  " if intent is not None else ""
            name = StyledText(f"{running.row.rollout_id}  ", "strong")
            cell = (name, StyledText(doing, "warning"), StyledText(self._describe_idle(running)))
        self.show_details([cell])

    def _describe_idle(self, running: RunningRow) -> str:
        """How long it has stood still and how long it may, in words."""
        rollout = running.row.rollout
        still_s = idle_s(running, self.services.now())
        if rollout is None or still_s is None:
            return "not observed yet"
        agent = KIND_OF_PHASE.get(rollout.phase or "") is SegmentKind.AGENT
        what = "no step" if agent else f"in {rollout.phase or 'no phase'}"
        words = f"{what} for {formats.duration(still_s)}"
        if running.limit_s is None:
            return f"{words} · no stuck threshold"
        return f"{words} · stuck after {formats.duration(running.limit_s)}"

    def selection(self) -> Selection:
        return Selection.of_rollouts(self.chosen_rollouts())

    def action_charts(self) -> None:
        runs = tuple(sorted(self._running_rollouts.runs))
        if runs:
            self.services.navigate(OpenCharts(runs))
        else:
            refuse(self, "no active run to chart")

    def unmark(self, run_ids: Collection[str]) -> None:
        records = self._rows.records
        own = {row_id for row_id, row in records.items() if row.row.run_id in run_ids}
        self._grid.keep_marks(self._grid.marks - own)

    def action_cancel(self) -> None:
        runs = self.selection().run_ids
        shown = {self._rows.records[row_id].row.run_id for row_id in self._rows}
        self.services.ask_to(Verb.CANCEL, runs, hidden=frozenset(runs) - shown)
