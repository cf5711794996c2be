"""The requests that wait and those under way: how many of each kind, within which budget.

What is wanted is `poll.plan`'s and `poll.catch_up`'s business, sending it the poller's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from gymtui.poll.budget import RequestBudget
from gymtui.poll.catch_up import CatchUp
from gymtui.poll.request_log import RequestLog
from gymtui.poll.view import View
from gymtui.store.delta import OneRun, Query, Request, RolloutsOf, RunsPage, ScenarioRollouts
from gymtui.store.store import Store

LISTS_AT_ONCE = 2  # questions about runs under way at the same time, at most
ROLLOUTS_AT_ONCE = 4
"""Questions about rollouts likewise: neither kind waits for slow answers of the other."""
LEAST_WAIT_S = 0.005  # a budget is looked at again no sooner

_STEPS_S = (5, 8, 10, 12, 15, 18, 20, 25, 30, 45, 60, 90, 120, 180, 300, 600)
_REMEMBERED_S = 60.0


class RestInterval(Struct):
    """How often what is not on screen is asked about, as it is told: in few steps, no flicker.

    It is the longest that anything has waited within the last minute.
    """

    _waits: deque[tuple[float, float]] = field(default_factory=deque)

    def add(self, waited_s: float, now_s: float) -> None:
        """Note that something waited for so long; what was never asked before says nothing."""
        if waited_s < _STEPS_S[-1]:
            while self._waits and self._waits[-1][1] <= waited_s:
                self._waits.pop()
            self._waits.append((now_s, waited_s))

    def seconds(self, interval_s: float, now_s: float) -> float | None:
        """How often it is asked, rounded up; None where that is hardly less often than the rest."""
        while self._waits and self._waits[0][0] < now_s - _REMEMBERED_S:
            self._waits.popleft()
        longest_s = self._waits[0][1] if self._waits else 0.0
        if longest_s <= 3 * interval_s:
            return None
        return next((float(step) for step in _STEPS_S if longest_s <= step), float(_STEPS_S[-1]))


class Flights:
    """The requests that wait and those under way; catching up has a budget of its own."""

    def __init__(self, log: RequestLog, store: Store, max_requests_per_s: float) -> None:
        self.budget = RequestBudget(max_requests_per_s)
        self.catch_up = CatchUp()
        self.rest_interval = RestInterval()
        self._log = log
        self._store = store
        self._queue: dict[Request, None] = {}
        self._under_way: dict[Request, asyncio.Task[None]] = {}
        self._past: set[Request] = set()
        self._landed = asyncio.Event()

    async def wait_until_idle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await self._landed.wait()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    @property
    def is_catching_up(self) -> bool:
        """Whether anything of the past is under way."""
        return bool(self._past)

    # -- waiting ---------------------------------------------------------------------------

    def queue(self, due: Iterable[Request], *, anew: bool) -> None:
        """Have requests sent as soon as there is room; `anew` lets go of what waited before."""
        first = {query: None for query in due if query not in self._under_way}
        self._queue = first if anew else {**first, **self._queue}

    def clear(self) -> None:
        """Let go of all that waits."""
        self._queue.clear()

    def take_due(self, view: View, now_s: float) -> Iterator[Request]:
        """Take out what is queued and may be sent now; each is to be begun before the next."""
        for query in list(self._queue):
            if self._room(query) <= 0:
                continue
            if not self._budget_of(query).take(now_s):
                return
            del self._queue[query]
            self._note_wait(query, view, now_s)
            yield query

    def take_past(self, view: View, now_s: float) -> Iterator[Request]:
        """Take out what is to be sent now to catch up; each is to be begun before the next."""
        while (query := self._next_past(view, now_s)) is not None:
            if not self.catch_up.budget.take(now_s):
                return
            self._past.add(query)
            self._queue.pop(query, None)
            yield query

    def wait_s(self, view: View, now_s: float, *, past: bool) -> float | None:
        """Seconds until what waits for a budget alone may be sent; None if nothing does."""
        first = next((query for query in self._queue if self._room(query) > 0), None)
        waits = [] if first is None else [self._budget_of(first).next_s(now_s) - now_s]
        if past and self._next_past(view, now_s) is not None:
            waits.append(self.catch_up.budget.next_s(now_s) - now_s)
        return max(LEAST_WAIT_S, min(waits)) if waits else None

    # -- under way -------------------------------------------------------------------------

    def begin(self, query: Request, task: asyncio.Task[None]) -> None:
        """A request is on its way."""
        self._under_way[query] = task
        self._landed.clear()

    def end(self, query: Request, task: asyncio.Task[None] | None) -> None:
        """A request has been seen to."""
        # The same question may be under way again by the time that a task is seen to be done.
        if self._under_way.get(query) is task:
            del self._under_way[query]
            self._past.discard(query)
            if not self._under_way:
                self._landed.set()

    def cancel(self) -> None:
        """Give all of them up but the one that says so."""
        for task in self._under_way.values():
            if task is not asyncio.current_task():
                task.cancel()

    def note_answer(self, query: Query, sent_s: float, now_s: float) -> None:
        """Ask for less where answers take unusually long; about a scenario its size says more."""
        if query not in self._past:
            if self._log.note_duration(query, now_s - sent_s):
                self.budget.lower(sent_s, now_s)
        elif self.catch_up.usual.add(now_s - sent_s):
            self.catch_up.flights.cut(sent_s, now_s)
        else:
            self.catch_up.flights.widen()

    def note_overload(self, sent_s: float, now_s: float) -> None:
        """The gym said that it is too much, or did not answer: ask for less."""
        self.budget.lower(sent_s, now_s)
        self.catch_up.flights.cut(sent_s, now_s)

    def _room(self, query: Request) -> int:
        kind = _is_list(query)
        under_way = sum(_is_list(q) is kind for q in self._under_way if q not in self._past)
        return (LISTS_AT_ONCE if kind else ROLLOUTS_AT_ONCE) - under_way

    def _budget_of(self, query: Request) -> RequestBudget:
        # Reading the whole list for the first time is a part of catching up.
        first_round = isinstance(query, RunsPage) and query.offset > 0 and not self._log.synced
        return self.catch_up.budget if first_round else self.budget

    def _next_past(self, view: View, now_s: float) -> Request | None:
        if len(self._past) >= self.catch_up.flights.limit:
            return None
        return self.catch_up.next_request(self._log, self._store, view, self._under_way, now_s)

    def _note_wait(self, query: Request, view: View, now_s: float) -> None:
        since_s = None
        if isinstance(query, ScenarioRollouts):
            since_s = self._log.recall(query).planned_s
        elif isinstance(query, RolloutsOf) and query.run_id not in (
            view.open_run,
            *view.runs_in_view,
        ):
            since_s = self._log.behind_s(query.run_id)
        if since_s is not None:
            self.rest_interval.add(now_s - since_s, now_s)


def _is_list(query: Request) -> bool:
    return isinstance(query, RunsPage | OneRun)
