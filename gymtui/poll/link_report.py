"""What is told of how polling goes: what changed, which question fails, how far catching up is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from gymtui.api.errors import GymError
from gymtui.core.replacement import replace
from gymtui.poll.catch_up import runs_without_results
from gymtui.poll.connection import Link, LinkState, Update
from gymtui.poll.flights import Flights
from gymtui.poll.plan import pace_s, seen_s
from gymtui.poll.request_log import RequestLog
from gymtui.poll.view import View
from gymtui.store.delta import Delta, Request, RolloutsOf
from gymtui.store.store import Store

PROGRESS_STEPS = 40
"""In so many steps it is told how far catching up has come: each is a change of the screen."""


class LinkReport:
    """Tells of the link where something about it is news."""

    def __init__(
        self,
        log: RequestLog,
        store: Store,
        flights: Flights,
        tell: Callable[[Update], None],
        interval_s: float,
    ) -> None:
        self._log = log
        self._store = store
        self._flights = flights
        self._tell = tell
        self.link = Link(interval_s=interval_s)  # how polling goes just now
        # The last failure of each question that is still wanted and has not worked since.
        self.failing: dict[Request, GymError] = {}
        self._told: Link | None = None
        self._told_state: LinkState | None = None

    def keep_failing(self, wanted: Collection[Request]) -> None:
        """Tell no more of failures of what is not wanted."""
        self.failing = {query: error for query, error in self.failing.items() if query in wanted}

    def announce(
        self,
        delta: Delta,
        view: View,
        now_s: float,
        *,
        tick_s: float,
        paused: bool,
        stopped: GymError | None,
    ) -> None:
        """Tell what changed; that an answer came as expected is no news.

        Args:
            tick_s: When the next tick is due, monotonic seconds.
            stopped: Why nothing but the key is tried, or None.
        """
        failing = self._failing_first(view)
        error = self.failing[failing] if failing is not None else None
        retry_s = self._log.recall(failing).not_before_s if failing is not None else 0.0
        recorded = self._log.recorder.brings(now_s)
        self.link = Link(
            since_s=seen_s(self._log, self._store, view),
            error=error,
            next_try_s=tick_s if stopped else max(tick_s, retry_s),
            interval_s=pace_s(self._log, view),
            synced=self._log.synced,
            paused=paused,
            stopped=stopped,
            rest_s=None
            if recorded
            else self._flights.rest_interval.seconds(view.interval_s, now_s),
            recorded=recorded,
            spared_s=self._log.recorder.spares_s if recorded else 0.0,
            **self._progress(),
        )
        # While all is well, times pass unsaid.
        news = self.link if error is not None else replace(self.link, since_s=0.0, next_try_s=0.0)
        state = self.link.state(now_s)
        if delta or news != self._told or state is not self._told_state:
            self._told, self._told_state = news, state
            self._tell(Update(delta, self.link))

    def _failing_first(self, view: View) -> Request | None:
        """Of the questions that fail the one to tell of: about what is on screen, else the last."""
        for query in self.failing:
            if query == RolloutsOf(view.open_run or ""):
                return query
        return next(reversed(self.failing), None)

    def _progress(self) -> dict[str, Any]:
        under_way = self._flights.is_catching_up
        reading = self._flights.catch_up.is_reading(self._log, under_way=under_way)
        done, left = self._log.past_read, len(self._log.past_runs)
        step = max(1, (done + left) // PROGRESS_STEPS)
        return {
            "reading": reading,
            "past_read": done // step * step,
            "past": done + left if reading else 0,
            "unread": 0 if reading else runs_without_results(self._log),
        }
