"""What the run list shows of each run, and whether it is known where that will stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from gymtui.poll.connection import LIVE_INTERVALS
from gymtui.session.session import Session
from gymtui.store.column_def import Field
from gymtui.store.delta import Delta
from gymtui.store.history.notes import NoteOf
from gymtui.store.lists.columns import RunView
from gymtui.store.running_rollouts import Running

ORDER_WAIT_S = 2.0
"""How long rows are not drawn at first because nobody knows in which order."""
REVIEW_S = 10.0
"""How often what only time changes of runs that are not in view is looked at."""


class RunViews:
    """Makes the rows of the run list."""

    def __init__(self, session: Session) -> None:
        self.running = Running(session.settings.stuck)
        self._session = session
        self._newest_first: bool | None = None
        self._is_drawn = False
        self._waits_since_s: float | None = None
        self._reviewed_s = 0.0
        self._untimed = set[str]()
        self._learned = False  # whether the age of one of them is known now

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is drawn yet although there are runs."""
        return self._waits_since_s is not None and not self._is_drawn

    def order_is_known(self, order: Field[RunView]) -> bool:
        """Whether rows can be drawn where they will stay; for that it is waited a moment."""
        session = self._session
        runs, newest_first = session.store.runs, session.store.order.newest_first
        if self._is_drawn or not runs:
            return True
        now_s = session.monotonic()
        if self._waits_since_s is None:
            self._waits_since_s = now_s
        known = newest_first is not None and (newest_first or session.link.synced)
        needless = not order.from_history or not session.link.reading or len(runs) < 2
        return known or needless or now_s - self._waits_since_s >= ORDER_WAIT_S

    def changed(
        self,
        delta: Delta,
        shown: Mapping[str, RunView],
        in_view: Iterable[str],
        now: datetime,
    ) -> dict[str, RunView]:
        """The rows that differ from those shown."""
        store = self._session.store
        changed: Collection[str] = delta.runs_added | delta.runs_changed
        if self._newest_first is not store.order.newest_first or not self._is_drawn:
            self._newest_first, self._is_drawn = store.order.newest_first, bool(store.runs)
            changed = store.runs.keys()
        rows = {run_id: self._view(run_id, now) for run_id in changed if run_id in store.runs}
        active = store.active_runs
        if now.timestamp() - self._reviewed_s < REVIEW_S and not self._session.link.reading:
            active = active & set(in_view)
        else:
            self._reviewed_s = now.timestamp()
        reviewed = active - rows.keys()
        if self._learned and not self._session.link.reading:
            # Those of unknown age stand next to the nearest of known age, which may be another.
            self._learned = False
            self._untimed &= store.runs.keys()
            reviewed |= self._untimed - rows.keys()
        for run_id in reviewed:
            # An estimate changes by the passing of time, too, and so does who is stuck.
            before, after = shown.get(run_id), self._view(run_id, now)
            if before is not None and _variable_part(before) != _variable_part(after):
                rows[run_id] = after
        return rows

    def _view(self, run_id: str, now: datetime) -> RunView:
        session, store = self._session, self._session.store
        row, summary = store.runs[run_id], store.summary(run_id)
        stuck = self.running.stuck_in(run_id, now) if row.active else 0
        place = store.order.place(run_id)
        timed = summary is not None and summary.created_at is not None
        if not timed:
            self._untimed.add(run_id)
        elif run_id in self._untimed:
            self._untimed.discard(run_id)
            self._learned = True
        behind_s = session.poller.behind_s(run_id) if row.active else None
        older = LIVE_INTERVALS * session.link.interval_s
        return RunView(
            row,
            summary,
            left=session.forecast.eta(row, now.timestamp(), stuck=stuck),
            watched=session.alerts.watches(run_id),
            stuck=stuck,
            forbidden=session.poller.forbidden_s(run_id) is not None,
            place=place if self._newest_first is not False else -place,
            placed_at=None if timed else store.placed_at(run_id),
            behind=behind_s is not None and behind_s > older,
            note=session.notes.all(NoteOf.RUN).get(run_id) or row.kept_note,
        )


def _variable_part(run: RunView) -> tuple[object, ...]:
    """What changes of a run by the passing of time, or by what is learned of others."""
    return (run.left, run.stuck, run.behind, run.placed_at)
