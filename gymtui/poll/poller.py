"""The loop that asks: plan, ask, apply, tell, wait. It knows the client and the store, no screen.

Time and randomness are passed in, and waiting is the event loop's: hours of polling can be played
in a test on a loop with a clock of its own.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Forbidden, GymError, Unauthorized, Unreachable
from gymtui.core.replacement import replace
from gymtui.core.server_clock import ServerClock
from gymtui.poll.catch_up import awaits
from gymtui.poll.connection import Link, Update
from gymtui.poll.fetch import ask
from gymtui.poll.flights import Flights
from gymtui.poll.intake import Intake, Listener
from gymtui.poll.link_report import LinkReport
from gymtui.poll.plan import is_quiet, pace_s, pause_s, plan, sweep_due, wants
from gymtui.poll.request_log import RequestLog
from gymtui.poll.view import View
from gymtui.store.delta import (
    NOTHING,
    PAGE_LIMIT,
    Delta,
    OneRun,
    Request,
    RolloutsOf,
    RunsPage,
    ScenarioRollouts,
)
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.store import Store

log = logging.getLogger(__name__)

REFUSED_S = 60.0  # a refused key is tried again after so many seconds, with one question
REQUESTS_PER_S = 5.0  # requests a second in the long run, unless the settings say otherwise


class Poller:
    """Polls one gym into one store, and learns the server's time from each answer.

    Args:
        tell: Called on the event loop with every change, never concurrently.
        monotonic: Seconds that only go forward: those of the client.
        on_answer: Called with every answer right after the store took it in, changed or not: the
            question, what the answer did to the store, and when it was given on the server's
            clock. It does its work in the pieces that it returns, in the order of the answers;
            then the answer is told.
        renew: Awaited before each try with a refused key, which may be another by now.
        yield_to_input: Awaited between two pieces of work, so that keys are answered meanwhile.
    """

    def __init__(
        self,
        client: Endpoints,
        store: Store,
        clock: ServerClock,
        tell: Callable[[Update], None],
        *,
        view: View,
        monotonic: Callable[[], float],
        rng: random.Random,
        on_answer: Listener = lambda *_answer: (),
        renew: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
        yield_to_input: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
        max_requests_per_s: float = REQUESTS_PER_S,
    ) -> None:
        self._client = client
        self._store = store
        self._view = view
        self._monotonic = monotonic
        self._rng = rng
        self._renew = renew
        self._log = RequestLog()
        self._wake = asyncio.Event()
        self._tick_s = monotonic()
        self._paused = self._once = False
        self._group: asyncio.TaskGroup | None = None
        self._stopped: GymError | None = None
        self._flights = Flights(self._log, store, max_requests_per_s)
        self._report = LinkReport(self._log, store, self._flights, tell, view.interval_s)
        self._timer: asyncio.TimerHandle | None = None
        self.intake = Intake(
            store,
            self._log,
            clock,
            monotonic=monotonic,
            on_answer=on_answer,
            yield_to_input=yield_to_input,
            on_answered=self._answered,
            tell=self._announce,
            on_screen=lambda: self._view.open_run,
        )

    @property
    def link(self) -> Link:
        """How polling goes just now."""
        return self._report.link

    @property
    def view(self) -> View:
        """What is on screen, as the plan sees it."""
        return self._view

    def set_view(self, view: View) -> None:
        """Poll for another view of this source and scenario; what it opens is asked at once."""
        before = self._view
        if (view.source, view.scenario_id) != (before.source, before.scenario_id):
            raise ValueError("another source or scenario needs a store and a poller of its own")
        self._view = view
        if replace(view, runs_in_view=()) != replace(before, runs_in_view=()):
            self._wake.set()

    def refresh(self) -> None:
        """Ask now, once even while paused, whatever waits; a refused key is tried first."""
        self._log.release(self._monotonic())
        self._flights.budget.refill(self._monotonic())
        self._flights.catch_up.anew()
        self._once = True
        self._tick_s = self._monotonic()
        self._wake.set()

    def pause(self, paused: bool) -> None:
        """Stop asking, or go on; what is under way is still taken in."""
        self._paused = paused
        self._flights.clear()
        self._tick_s = self._monotonic()
        self._wake.set()
        self._announce()

    def forget(self, run_ids: frozenset[str]) -> Delta:
        """Drop runs that are gone from the store and from the plan."""
        self._log.forget(run_ids)
        return self._store.drop(run_ids)

    def remember(self, summaries: Mapping[str, RunSummary]) -> Delta:
        """Take numbers of runs from an earlier session; final ones are not asked for again."""
        delta = self._store.remember(summaries)
        for run_id in delta.runs_changed:
            self._log.want_results(self._store.runs[run_id], self._store)
        return delta

    def list_anew(self, run_id: str) -> None:
        """List a run's rollouts once, even if an earlier session kept its final numbers."""
        self._log.list_anew(run_id, self._store)
        self._wake.set()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self._flights.is_idle

    async def settled(self) -> None:
        """Wait until all that was asked is answered."""
        await self._flights.wait_until_idle()

    def begin_catch_up(self) -> None:
        """What earlier sessions kept is in: from now on the rest is read."""
        self._flights.catch_up.begun = True
        self._wake.set()

    def awaits(self, run_id: str | None) -> bool:
        """Whether a run's rollouts, or all that run, are still to be listed for the first time."""
        return not self._paused and awaits(self._log, self._store, self._view, run_id)

    def behind_s(self, run_id: str) -> float | None:
        """For how many seconds a run's rollouts have been older than its counters; else None."""
        since_s = self._log.behind_s(run_id)
        return None if since_s is None else self._monotonic() - since_s

    async def run(self) -> None:
        """Poll until cancelled; nothing that it started outlives it."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                try:
                    while True:
                        self._wake.clear()
                        self._turn()
                        await self._rest()
                finally:
                    # An answer that comes in spite of being cancelled starts nothing more.
                    if self._group is group:
                        self._group = None
        except ExceptionGroup as defects:
            # A defect is reported as what it is.
            raise defects.exceptions[0] from None
        finally:
            self._start_later(None)

    def forbidden_s(self, run_id: str) -> float | None:
        """Seconds until a run's rollouts are asked for again; None unless they are forbidden."""
        state = self._log.recall(RolloutsOf(run_id))
        return max(0.0, state.not_before_s - self._monotonic()) if state.forbidden else None

    # -- when ------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Queue what is due, and start as much of it as may be under way at once."""
        now_s = self._monotonic()
        if self._paused and not self._once:
            self._announce()
            return
        if self._stopped is not None:
            self._try_key(now_s)
            return
        room = self._flights.budget.room(now_s, pace_s(self._log, self._view))
        due = dict.fromkeys(plan(self._log, self._store, self._view, now_s, room))
        ticked, self._once = now_s >= self._tick_s or self._once, False
        if ticked:
            self._tick(now_s)
        self._flights.queue(due, anew=ticked)
        self._start()
        self._announce()

    def _try_key(self, now_s: float) -> None:
        """Ask for the head of the list alone: its answer shows whether the key is taken again."""
        head = RunsPage(0, PAGE_LIMIT, self._view.source, self._view.scenario_id)
        if now_s >= self._tick_s:
            self._tick_s = now_s + REFUSED_S
            if self._flights.is_idle:
                self._flights.queue([head], anew=True)
                self._start()
        self._announce()

    def _tick(self, now_s: float) -> None:
        """What is done once an interval: set the next one, and let go of what is not wanted now."""
        still = is_quiet(self._log, self._store)
        self._log.quiet_ticks = self._log.quiet_ticks + 1 if still else 0
        self._tick_s = now_s + pause_s(self._log, self._view, now_s, self._rng)
        if self._report.failing:
            self._report.keep_failing(set(wants(self._log, self._store, self._view, now_s)))

    async def _rest(self) -> None:
        wait_s = None if self._paused else max(0.0, self._tick_s - self._monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wake.wait()

    def _hurry(self, query: Request) -> None:
        """After an answer: go on at once where it showed that more is due before the next tick."""
        now_s = self._monotonic()
        if self._log.quiet_ticks and not is_quiet(self._log, self._store):
            self._log.quiet_ticks = 0
            pause = pause_s(self._log, self._view, now_s, self._rng)
            self._tick_s = min(self._tick_s, now_s + pause)
            self._wake.set()
        if isinstance(query, RunsPage) and sweep_due(self._log, self._store, now_s):
            self._wake.set()

    # -- one question ----------------------------------------------------------------------

    def _start(self) -> None:
        """Start what is queued, as far as there is room among its kind, and what is catching up."""
        now_s = self._monotonic()
        self._start_later(None)
        if self._group is None or self._log.held_until_s() > now_s:
            return
        for query in self._flights.take_due(self._view, now_s):
            self._launch(query, self._group, now_s)
        catches_up = not self._paused and self._stopped is None
        if catches_up:
            for query in self._flights.take_past(self._view, now_s):
                self._launch(query, self._group, now_s)
        if (wait_s := self._flights.wait_s(self._view, now_s, past=catches_up)) is not None:
            self._start_later(asyncio.get_running_loop().call_later(wait_s, self._start))

    def _start_later(self, timer: asyncio.TimerHandle | None) -> None:
        """Wait for the budget, and for nothing that was waited for before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer

    def _launch(self, query: Request, group: asyncio.TaskGroup, now_s: float) -> None:
        self._log.note_planned([query], now_s)
        task = group.create_task(self._settle(query))
        # One that is cancelled before it began never comes to its own `finally`.
        task.add_done_callback(partial(self._flights.end, query))
        self._flights.begin(query, task)

    async def _settle(self, query: Request) -> None:
        sent_s = self._monotonic()
        struggling = self._log.struggling
        try:
            if self._stopped is not None:
                await self._renew()
            if isinstance(query, ScenarioRollouts):
                stream = partial(self._client.stream_rollouts, query.scenario_id)
                await self.intake.take_scenario(query, stream, sent_s)
            else:
                answer = await ask(self._client, query)
                self._flights.note_answer(query, sent_s, self._monotonic())
                await self.intake.take(query, answer, sent_s)
            self._hurry(query)
        except GymError as error:
            self._failed(query, sent_s, error)
        finally:
            self._flights.end(query, asyncio.current_task())
        if struggling != self._log.struggling:
            self._wake.set()
        self._start()
        self._announce()

    def _answered(self, query: Request) -> Delta:
        """A question was answered; what is to be told for it besides what changed."""
        allowed = self._marked(query) if self._log.recall(query).forbidden else NOTHING
        self._report.failing.pop(query, None)
        if self._stopped is not None:
            self._stopped = None
            self._tick_s = self._monotonic()
            self._wake.set()
        return allowed

    def _failed(self, query: Request, sent_s: float, error: GymError) -> None:
        log.warning("%s: %s", query.label, error.brief)
        now_s = self._monotonic()
        if error.limiting or isinstance(error, Unreachable):
            self._flights.note_overload(sent_s, now_s)
        elif isinstance(query, ScenarioRollouts) and not isinstance(error, Unauthorized):
            # Its runs are asked one by one instead.
            self._log.scenario_answered(query, sent_s, now_s, useful=False)
            self._wake.set()
            return
        self._report.failing.pop(query, None)
        marked = NOTHING
        one_run = isinstance(query, OneRun | RolloutsOf)
        if isinstance(error, Unauthorized) or (isinstance(error, Forbidden) and not one_run):
            self._stop(error, now_s)
        elif isinstance(error, Forbidden):
            self._log.note_forbidden(query, sent_s, now_s)
            marked = self._marked(query)
        elif self._stopped is None:
            self._log.note_failure(
                query,
                sent_s,
                now_s,
                self._view.interval_s,
                self._rng,
                limited=error.limiting,
                retry_after_s=error.retry_after_s,
            )
            if self._log.held_until_s() > now_s:
                self._tick_s = self._log.held_until_s()
                self._wake.set()
        if self._stopped is not None:
            # Whoever asked to refresh since this was begun wants a try of its own.
            self._once = self._log.forced_s > sent_s
            if self._once:
                self._tick_s = now_s
                self._wake.set()
        if not marked:  # what is told at the run is not told of the link
            self._report.failing[query] = error
        self._announce(marked)

    def _marked(self, query: Request) -> Delta:
        """That it is told otherwise of a run whether its rollouts are forbidden."""
        if not isinstance(query, RolloutsOf) or query.run_id not in self._store.runs:
            return NOTHING
        return Delta(runs_changed=frozenset({query.run_id}))

    def _stop(self, error: GymError, now_s: float) -> None:
        self._stopped = error
        self._tick_s = now_s + REFUSED_S
        self._flights.clear()
        self._flights.cancel()
        self._wake.set()

    def _announce(self, delta: Delta = NOTHING) -> None:
        self._report.announce(
            delta,
            self._view,
            self._monotonic(),
            tick_s=self._tick_s,
            paused=self._paused,
            stopped=self._stopped,
        )
