"""The loop that asks: plan, ask, apply, tell, wait. It knows the client and the store, no screen.

Time, sleep and randomness are passed in, so that hours of polling can be played in a test.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from gymtui.api.client import Answer, GymClient
from gymtui.api.errors import (
    Forbidden,
    GymError,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    Unreachable,
)
from gymtui.clock import ServerClock
from gymtui.poll.plan import Ledger, View, nothing_active, pause_s, plan
from gymtui.store.delta import (
    NOTHING,
    Delta,
    Observation,
    OneRun,
    Query,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
)
from gymtui.store.store import Store

log = logging.getLogger(__name__)

AT_ONCE = 6
"""Requests under way at the same time, at most."""
LIVE_INTERVALS = 3
"""The picture is live while what is on screen was answered within so many intervals."""


class LinkState(StrEnum):
    """How the dashboard stands to the gym."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Link:
    """How polling goes, for the status line.

    Attributes:
        since_s: When what is on screen was last answered, monotonic seconds; None: never.
        error: The last failure, or None when the last tick had none.
        next_try_s: When the next tick is due, monotonic seconds.
        interval_s: Seconds between ticks just now.
        synced: Whether the whole run list was read once.
        paused: Whether the person paused it.
        stopped: Why it stopped until the person acts (a refused key), or None.
    """

    since_s: float | None = None
    error: GymError | None = None
    next_try_s: float | None = None
    interval_s: float = 2.0
    synced: bool = False
    paused: bool = False
    stopped: GymError | None = None

    def state(self, now_s: float) -> LinkState:
        """What to call it at this moment.

        Args:
            now_s: Monotonic seconds.

        Returns:
            Live while what is on screen was answered within `LIVE_INTERVALS` intervals.
        """
        if self.stopped is not None:
            return LinkState.STOPPED
        if self.paused:
            return LinkState.PAUSED
        if self.since_s is None:
            return LinkState.CONNECTING
        fresh = now_s - self.since_s <= LIVE_INTERVALS * self.interval_s
        return LinkState.LIVE if fresh else LinkState.STALE


@dataclass(frozen=True, slots=True)
class Update:
    """What one answer, or a change of the link, means for the screens."""

    delta: Delta
    link: Link


class Poller:
    """Polls one gym into one store.

    Args:
        client: Whom to ask.
        store: Where answers go.
        clock: Learns the server's time from each answer.
        tell: Called on the event loop with every change, never concurrently.
        view: What is on screen; replace it with `look`.
        monotonic: Seconds that only go forward.
        sleep: Waits; given so that tests need not.
        rng: Where jitter comes from.
    """

    def __init__(
        self,
        client: GymClient,
        store: Store,
        clock: ServerClock,
        tell: Callable[[Update], None],
        *,
        view: View,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random,
    ) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._tell = tell
        self._view = view
        self._monotonic = monotonic
        self._sleep = sleep
        self._rng = rng
        self._ledger = Ledger()
        self._link = Link(interval_s=view.interval_s)
        self._wake = asyncio.Event()
        self._paused = False
        self._stopped: GymError | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)

    @property
    def link(self) -> Link:
        """How polling goes just now."""
        return self._link

    @property
    def view(self) -> View:
        """What is on screen, as the plan sees it."""
        return self._view

    def look(self, view: View) -> None:
        """Poll for another view; a newly opened run is asked for at once."""
        opened = view.open_run is not None and view.open_run != self._view.open_run
        self._view = view
        if opened:
            self._wake.set()

    def refresh(self) -> None:
        """Ask now, whatever waits or was refused."""
        self._ledger.release()
        self._stopped = None
        self._wake.set()

    def pause(self, paused: bool) -> None:
        """Stop asking, or go on."""
        self._paused = paused
        self._wake.set()
        self._announce()

    def forget(self, run_ids: frozenset[str]) -> Delta:
        """Drop runs that are gone from the store and from the plan."""
        self._ledger.forget(run_ids)
        return self._store.drop(run_ids)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            self._wake.clear()
            if not self._paused and self._stopped is None:
                await self.tick()
            await self._pause()

    async def tick(self) -> None:
        """Ask everything that the plan wants now, and apply the answers in the plan's order."""
        began = self._monotonic()
        queries = plan(self._ledger, self._store, self._view, began)
        if not queries:
            return
        tasks = [asyncio.create_task(self._ask(query)) for query in queries]
        failures: list[GymError] = []
        try:
            for query, task in zip(queries, tasks, strict=True):
                try:
                    answer = await task
                    self._take(query, answer)
                except GymError as error:
                    failures.append(error)
                    self._failed(query, error)
                    if self._stopped is not None:
                        break
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._settle(queries, failures)

    # -- one question ----------------------------------------------------------------------

    async def _ask(self, query: Query) -> Answer | None:
        client = self._client
        async with self._slots:
            try:
                match query:
                    case RunsPage():
                        return await client.list_runs(
                            scenario_id=query.scenario_id,
                            source=query.source,
                            limit=query.limit,
                            offset=query.offset,
                        )
                    case OneRun():
                        return await client.get_run(query.run_id)
                    case RolloutsOf():
                        return await client.list_rollouts(run_id=query.run_id)
                    case RunningRollouts():
                        return await client.list_rollouts(
                            status="running", scenario_id=query.scenario_id
                        )
                    case _:
                        assert_never(query)
            except NotFound:
                if isinstance(query, RunsPage | RunningRollouts):
                    raise
                return None

    def _take(self, query: Query, answer: Answer | None) -> None:
        now_s = self._monotonic()
        if answer is None:
            seen = Observation(query, None, now_s, self._clock.now(now_s).timestamp())
        else:
            if answer.date is not None:
                self._clock.sample(answer.sent_s, answer.received_s, answer.date)
            at = self._clock.now(answer.received_s).timestamp()
            seen = Observation(query, answer.body, answer.sent_s, at, answer.wire_bytes)
        applied = self._store.apply(seen)
        self._ledger.answered(seen, applied, self._store, now_s)
        if query == self._primary():
            self._link = replace(self._link, since_s=now_s)
        if applied.delta:
            self._store.trim(keep=[self._view.open_run] if self._view.open_run else [])
            self._announce(applied.delta)

    def _failed(self, query: Query, error: GymError) -> None:
        log.warning("%s: %s", query.label, error.brief)
        if isinstance(error, Unauthorized | Forbidden):
            self._stopped = error
        else:
            self._ledger.failed(query, self._monotonic(), self._view.interval_s, self._rng)

    def _settle(self, queries: list[Query], failures: list[GymError]) -> None:
        """After a tick: hold the link if nothing gets through, and say how it goes."""
        now_s = self._monotonic()
        asked_to_wait = [
            error
            for error in failures
            if isinstance(error, RateLimited)
            or (isinstance(error, ServerError) and error.retry_after_s is not None)
        ]
        unreachable = any(isinstance(error, Unreachable) for error in failures)
        if failures and (asked_to_wait or unreachable or len(failures) == len(queries)):
            waits = [getattr(error, "retry_after_s", None) or 0.0 for error in asked_to_wait]
            self._ledger.link_failed(
                now_s, self._view.interval_s, self._rng, max(waits, default=None)
            )
        quiet = nothing_active(self._store, self._ledger)
        self._ledger.quiet_ticks = self._ledger.quiet_ticks + 1 if quiet else 0
        self._link = replace(self._link, error=failures[-1] if failures else None)
        self._announce()

    # -- waiting and telling ---------------------------------------------------------------

    async def _pause(self) -> None:
        if self._paused or self._stopped is not None:
            self._announce()
            await self._wake.wait()
            return
        wait_s = pause_s(self._ledger, self._view, self._monotonic(), self._rng)
        interval_s = self._view.interval_s
        if self._link.error is None:
            interval_s = max(interval_s, wait_s)
        self._link = replace(
            self._link, next_try_s=self._monotonic() + wait_s, interval_s=interval_s
        )
        self._announce()
        sleeper = asyncio.ensure_future(self._sleep(wait_s))
        waker = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait({sleeper, waker}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sleeper, waker):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def _primary(self) -> Query:
        """The question whose answer is what is on screen."""
        view = self._view
        first = RunsPage(source=view.source, scenario_id=view.scenario_id)
        if view.open_run is None:
            return first
        row = self._store.runs.get(view.open_run)
        return RolloutsOf(view.open_run) if row is None or row.active else first

    def _announce(self, delta: Delta = NOTHING) -> None:
        self._link = replace(
            self._link,
            synced=self._ledger.synced,
            paused=self._paused,
            stopped=self._stopped,
        )
        self._tell(Update(delta, self._link))
