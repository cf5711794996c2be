"""What is worth telling of watched runs, even to someone who looks elsewhere. Pure.

That a run finished, stalled, went wrong or is gone; once each. How it is told is
`tui.app.notifier`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from gymtui.store.formats import count, percent
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import Outcome
from gymtui.store.records import RunRow
from gymtui.store.rollout_times import CLOCK_OFF_S
from gymtui.store.stats.forecast import RunForecast
from gymtui.store.store import Store

ENDED_FOR_SHARE = 5  # with fewer ended rollouts, a share of failures says nothing
NONE_RUNS_S = 60.0
"""How long rollouts wait while none runs before that is called a stall: a restart takes a while."""
NOTHING_MOVES_S = 300.0  # how long nothing in an active run moves before that is called a stall
RESULTS_S = 30.0  # how long a finished run's last results are waited for


class AlertKind(StrEnum):
    FINISHED = "finished"
    STALLED = "stalled"
    FAILING = "failing"
    DELETED = "deleted"
    RULE = "rule"  # a rule that the person armed holds


WATCH_ENDS = {AlertKind.FINISHED: "the run ended", AlertKind.DELETED: "the run was deleted"}
"""After which a run is watched no longer, and why."""


class RunAlert(Struct, frozen=True):
    """Something that happened to a run, with its figures at that time."""

    event: AlertKind
    run: RunView
    reason: str = ""  # what a rule did and why

    @property
    def figures(self) -> Mapping[str, str]:
        """Ids and figures by name, as text and exactly as received; "" is not known."""
        status, summary = self.run.row.run, self.run.summary
        known: dict[str, object] = {
            "event": self.event,
            "run_id": self.run.row.run_id,
            "scenario": status and status.scenario_id,
            "model": summary and summary.model,
            "done": self.run.finished,
            "total": status and status.total,
            "passes": summary and summary.passes,
            "verdicts": summary and summary.verdicts,
            "pass_at_1": summary
            and summary.verdicts
            and f"{summary.passes / summary.verdicts:.4f}",
            "errors": summary and summary.errors,
        }
        return {
            name: "" if value is None or (name == "pass_at_1" and not value) else str(value)
            for name, value in known.items()
        }


_WORDS = {
    AlertKind.FINISHED: "finished",
    AlertKind.STALLED: "has stalled: rollouts wait and none run",
    AlertKind.FAILING: "is failing",
    AlertKind.DELETED: "was deleted: the gym no longer has it",
}


def describe_alert(alert: RunAlert) -> str:
    """A alert as a sentence, with the name exactly as received."""
    run, summary = alert.run, alert.run.summary
    if alert.event is AlertKind.RULE:
        return f"{run.name}: {alert.reason}"
    pieces = [f"{run.name} {_WORDS[alert.event]}"]
    if alert.event is not AlertKind.DELETED and run.row.run is not None:
        pieces.append(f"{count(run.finished)}/{count(run.row.run.total)} done")
        if summary is not None and summary.verdicts:
            rate = percent(summary.passes / summary.verdicts)
            pieces.append(f"pass@1 {rate} of {summary.verdicts}")
        if summary is not None and summary.errors:
            pieces.append(f"{summary.errors} error{'s' if summary.errors > 1 else ''}")
    return " · ".join(pieces)


class _WatchState(Struct):
    ended_s: float | None = None  # when it was first seen ended, UNIX seconds
    waits_since_s: float | None = None  # since when rollouts of it wait and none runs
    stalled: bool = False
    failing: bool = False
    # Of a run that was over when it turned up: told only if it ended after this, UNIX seconds.
    since_s: float | None = None


class AlertMonitor:
    """Knows which runs are watched, and what of them was told.

    Args:
        everything: Whether every run that is active is watched.
        fail_share: From which share of failures and errors on that is told, 0..1; None: never.
    """

    def __init__(self, *, everything: bool = False, fail_share: float | None = None) -> None:
        self._everything = everything
        self._fail_share = fail_share
        self._watched: dict[str, _WatchState] = {}
        self._whole_since_s: float | None = None

    def watches(self, run_id: str) -> bool:
        return run_id in self._watched

    def watch(self, run_ids: Iterable[str]) -> None:
        """Watch these runs, and unless everything is watched no others."""
        watched = {run_id: self._watched.get(run_id, _WatchState()) for run_id in run_ids}
        self._watched = {**self._watched, **watched} if self._everything else watched

    def listed(self, added: Iterable[RunRow], now_s: float, *, whole: bool) -> None:
        """Take note of runs that turned up in a list that was known whole.

        One that took less time than lies between two looks is over by then, and told of all the
        same where every run is; none that ended before the list was known is news.

        Args:
            now_s: The server's time, UNIX seconds.
        """
        if self._whole_since_s is None:
            self._whole_since_s = now_s if whole else None
        elif self._everything:
            for row in added:
                if not row.active:
                    self._watched.setdefault(row.run_id, _WatchState(since_s=self._whole_since_s))

    def notice(self, store: Store, forecast: RunForecast, now_s: float) -> tuple[RunAlert, ...]:
        """What is to be told now, each thing once, by run in the order they came to be watched in.

        Args:
            store: What is known; fresh, since what does not move is judged by it.
            now_s: The server's time, UNIX seconds.
        """
        if self._everything:
            for run_id in store.active_runs:
                self._watched.setdefault(run_id, _WatchState())
        alerts: list[RunAlert] = []
        for run_id, state in list(self._watched.items()):
            row = store.runs.get(run_id)
            if row is None:
                del self._watched[run_id]
                continue
            run = RunView(row, store.summary(run_id))
            event = self._event(run, state, forecast, now_s)
            if event is not None and not _is_old(run, state):
                alerts.append(RunAlert(event, run))
            if event in WATCH_ENDS:
                del self._watched[run_id]
        return tuple(alerts)

    def _event(
        self, run: RunView, state: _WatchState, forecast: RunForecast, now_s: float
    ) -> AlertKind | None:
        if run.row.is_deleted:
            return AlertKind.DELETED
        if not run.row.active:
            if state.ended_s is None:
                state.ended_s = now_s
            waited = now_s - state.ended_s > RESULTS_S
            return AlertKind.FINISHED if waited or _settled(run) else None
        state.ended_s = None
        if not state.failing and self._fails(run):
            state.failing = True
            return AlertKind.FAILING
        stalls = _stalls(run.row, state, forecast, now_s)
        if stalls and not state.stalled:
            state.stalled = True
            return AlertKind.STALLED
        state.stalled = stalls
        return None

    def _fails(self, run: RunView) -> bool:
        summary = run.summary
        if summary is None or self._fail_share is None:
            return False
        ended = summary.verdicts + summary.errors - summary.counts[Outcome.CANCELLED]
        failed = ended - summary.passes
        return ended >= ENDED_FOR_SHARE and failed >= self._fail_share * ended


def _is_old(run: RunView, state: _WatchState) -> bool:
    """Whether a run was over before anybody began to look, or nothing says that it was not."""
    if state.since_s is None or run.row.active:
        return False
    ended = run.summary.ended_at if run.summary is not None else None
    return ended is None or ended.timestamp() <= state.since_s - CLOCK_OFF_S


def _settled(run: RunView) -> bool:
    status, summary = run.row.run, run.summary
    if status is None or summary is None:
        return False
    return summary.settled and summary.known >= (status.total or 0)


def _stalls(row: RunRow, state: _WatchState, forecast: RunForecast, now_s: float) -> bool:
    """Whether nothing goes on in an active run, and for how long it must not is over."""
    none_runs = row.run is not None and bool(row.run.pending) and not row.run.running
    if not none_runs:
        state.waits_since_s = None
    elif state.waits_since_s is None:
        state.waits_since_s = now_s
    moved_s = forecast.moved_s(row.run_id)
    if moved_s is not None and now_s - moved_s >= NOTHING_MOVES_S:
        return True
    return state.waits_since_s is not None and now_s - state.waits_since_s >= NONE_RUNS_S
