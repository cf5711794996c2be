"""An answer on its way in: into the store, past whoever listens, and then to the screens.

Done in slices, so that keys are answered meanwhile; answers are heard in the order they came in.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterable
from functools import partial
from typing import TypeVar

from gymtui.api.request import Progress, Ready, Sink
from gymtui.api.response import Answer
from gymtui.core.replacement import replace
from gymtui.core.server_clock import ServerClock, Window
from gymtui.poll.fetch import observation_of
from gymtui.poll.request_log import RequestLog
from gymtui.poll.scenario_answer import ScenarioAnswer
from gymtui.store.delta import (
    NOTHING,
    Delta,
    Observation,
    Query,
    Request,
    RolloutsOf,
    RunningRollouts,
    ScenarioRollouts,
)
from gymtui.store.store import Applied, Store

T = TypeVar("T")

BATCH = 20  # runs of a scenario that are told of together: each telling is a picture of the lists

Listener = Callable[[Query, Applied, Window], Iterable[None]]
"""Hears of each answer; does its work in the pieces that it returns."""


class Intake:
    """Takes answers in, and learns the server's time from each.

    Args:
        on_answer: Hears of every answer right after the store took it in, changed or not.
        yield_to_input: Awaited between two pieces of work.
        on_answered: Called with each question that was answered; what else is to be told for it.
        on_screen: The run that is open, whose rollouts are never given up.
    """

    def __init__(
        self,
        store: Store,
        log: RequestLog,
        clock: ServerClock,
        *,
        monotonic: Callable[[], float],
        on_answer: Listener,
        yield_to_input: Callable[[], Awaitable[None]],
        on_answered: Callable[[Request], Delta],
        tell: Callable[[Delta], None],
        on_screen: Callable[[], str | None],
    ) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._monotonic = monotonic
        self._on_answer = on_answer
        self._yield_to_input = yield_to_input
        self._on_answered = on_answered
        self._tell = tell
        self._on_screen = on_screen
        self._in_turn = asyncio.Lock()
        self._untold: Counter[str] = Counter()
        self._due = NOTHING
        self._due_of: list[str] = []

    async def take(self, query: Query, answer: Answer | None, sent_s: float) -> None:
        """Take one answer in, or that there is no such run.

        Args:
            sent_s: When it was asked, monotonic seconds.
        """
        seen = observation_of(query, answer, sent_s, self._clock)
        received_s = answer.received_s if answer is not None else self._monotonic()
        await self._take(seen, received_s)

    async def _take(self, seen: Observation, received_s: float, batch: int = 1) -> None:
        """Take in what was seen; it may wait until so many are to be told of together."""
        applied = await self._in_slices(self._store.apply_in_pieces(seen))
        window = self._clock.window(seen.sent_s, received_s)
        besides = self._on_answered(seen.query)
        self._log.note_answer(seen, applied, self._store, self._monotonic())
        await self._pass_on(seen.query, applied, window, besides, batch)

    async def take_recorded(self, seen: Observation, window: Window) -> None:
        """Take in what a recorder was answered; of many `tell` tells together."""
        log, query = self._log, seen.query
        if seen.sent_s < log.recall(query).sent_s:
            return  # it was asked here since
        if isinstance(query, RolloutsOf) and query.run_id in log.past_runs:
            log.recorder.brought_s = self._monotonic()
        applied = await self._in_slices(self._store.apply_in_pieces(seen))
        if isinstance(query, RunningRollouts):
            # Those that were looked at here since are not looked at earlier again.
            rows = self._store.rollouts
            ids = [
                rollout_id
                for rollout_id in applied.ids
                if (row := rows.get(rollout_id)) is not None
                and log.recall(RolloutsOf(row.run_id)).sent_s <= seen.sent_s
            ]
            applied = replace(applied, ids=tuple(ids))
        log.note_recorded(seen, applied, self._store)
        await self._pass_on(query, applied, window, NOTHING, BATCH)

    def recorder_seen(self, until_s: float, spares_s: float = 0.0) -> None:
        """Leave what is not on screen to a recorder; what it brought is fresh until then."""
        self._log.recorder.seen(self._monotonic(), until_s, spares_s)

    def tell(self) -> None:
        """Tell of what was heard and waits for more to be told with it."""
        if self._due_of:
            self._tell_due()

    async def _pass_on(
        self, query: Query, applied: Applied, window: Window, besides: Delta, batch: int
    ) -> None:
        """Let an answer be heard that the store has just taken in, and tell what it changed."""
        work = self._on_answer(query, applied, window)
        run_id = query.run_id if isinstance(query, RolloutsOf) else ""
        self._untold[run_id] += 1
        # Whoever waits for it gets it in turn, so that answers are heard in their order.
        async with self._in_turn:
            await self._yield_to_input()
            for _ in work:
                await self._yield_to_input()
            self._due = self._due.then(applied.delta.then(besides))
            self._due_of.append(run_id)
            if len(self._due_of) >= batch:
                self._tell_due()

    def _tell_due(self) -> None:
        due, self._due = self._due, NOTHING
        self._untold -= Counter(self._due_of)
        self._due_of.clear()
        self._tell(due)
        if due:
            # What was not told yet cannot be told to be given up.
            self._tell(self._store.trim({self._on_screen() or "", *self._untold}))

    async def take_scenario(
        self,
        query: ScenarioRollouts,
        stream: Callable[[Sink, Ready, Progress], Awaitable[Answer]],
        sent_s: float,
    ) -> None:
        """Take the answer about a scenario in, run by run while it comes, errors or not."""
        coming = ScenarioAnswer(partial(self._total_of, query.scenario_id))

        async def take_runs() -> None:
            while coming.step():
                await self._yield_to_input()
                await self._take_whole(coming, sent_s)

        try:
            answer = await stream(coming.put, take_runs, coming.note_progress)
            await take_runs()
            coming.close()
            await self._take_whole(coming, sent_s)
        finally:
            self.tell()
        if answer.date is not None:
            self._clock.sample(answer.sent_s, answer.received_s, answer.date)
        self._log.scenario_answered(query, sent_s, self._monotonic(), useful=bool(coming.found))
        for run_id in coming.more:
            self._log.list_later(run_id, self._store, self._monotonic())
        self._on_answered(query)

    async def _take_whole(self, coming: ScenarioAnswer, sent_s: float) -> None:
        for run_id, items in coming.take_runs():
            now_s = self._monotonic()
            at = self._clock.now(now_s).timestamp()
            size = coming.wire_bytes(items)
            seen = Observation(RolloutsOf(run_id), b"", sent_s, at, size, items)
            await self._take(seen, now_s, BATCH)

    def _total_of(self, scenario_id: str, run_id: str) -> int | None:
        """How many rollouts a run has, if it is of a scenario and they are wanted."""
        row = self._store.runs.get(run_id)
        wanted = run_id in self._log.wanted or run_id in self._store.active_runs
        if not wanted or row is None or row.run is None or row.run.scenario_id != scenario_id:
            return None
        return row.run.total

    async def _in_slices(self, steps: Generator[None, None, T]) -> T:
        while True:
            try:
                next(steps)
            except StopIteration as done:
                taken: T = done.value
                return taken
            await self._yield_to_input()
