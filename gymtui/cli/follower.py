"""Following some runs until they are over, as politely as the dashboard and with less traffic.

What was asked when, back-off and `Retry-After` are the poller's own request log, and a refused
key and what is forbidden are tried again as it does. Nothing is printed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import (
    Forbidden,
    GymError,
    NotFound,
    Unauthorized,
    Unreachable,
)
from gymtui.cli.gym_access import GymReader, gather_few
from gymtui.poll.budget import RequestBudget
from gymtui.poll.poller import REFUSED_S, REQUESTS_PER_S
from gymtui.poll.request_log import RequestLog
from gymtui.poll.request_state import JITTER
from gymtui.store.delta import Observation, OneRun, RolloutsOf
from gymtui.store.lists.columns import RunView
from gymtui.store.store import Applied

NUMBERS_EVERY_S = 10.0
"""How often a run's rollouts are listed while it is under way, unless something hangs on them."""

SINGLY_A_TICK = 10  # runs asked in a tick, at most: those asked longest ago


class SilentError(Exception):
    """The gym has not answered for too long."""

    def __init__(self, error: GymError, silent_s: float) -> None:
        super().__init__(error.brief)
        self.error = error
        self.silent_s = silent_s


@dataclass(frozen=True, slots=True)
class LastFailure:
    """Why there is no news."""

    error: GymError
    next_try_s: float


@dataclass(frozen=True, slots=True)
class Denial:
    """What the key may not see."""

    error: Forbidden
    since_s: float  # since when, monotonic seconds
    seen: bool  # whether it was seen before: what never was is not waited for


@dataclass(slots=True)
class Follower:
    client: Endpoints
    run_ids: Sequence[str]
    interval_s: float
    patience_s: float  # for how long the gym may be silent, or refuse what it has shown before
    closely: bool = False  # whether numbers are wanted with every change
    rng: random.Random = field(default_factory=random.Random)  # where jitter comes from
    # Seconds that only go forward: those of the client.
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    # Awaited before each try with a key that was refused, which may be another by now.
    renew: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
    # How many requests a second may be sent in the long run.
    max_requests_per_s: float = REQUESTS_PER_S
    reader: GymReader = field(init=False)
    trouble: LastFailure | None = field(init=False, default=None)  # why there is no news, or None
    _log: RequestLog = field(init=False, default_factory=RequestLog)
    _budget: RequestBudget = field(init=False)
    _heard_s: float = field(init=False)
    _answered: bool = field(init=False, default=False)
    _refused: bool = field(init=False, default=False)
    _denied: dict[OneRun | RolloutsOf, Denial] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = GymReader(self.client, self._take, self.monotonic)
        self._heard_s = self.monotonic()
        self._budget = RequestBudget(self.max_requests_per_s)

    @property
    def views(self) -> tuple[RunView, ...]:
        """The runs as far as they are known, in the order given."""
        return tuple(self.reader.view(i) for i in self.run_ids if i in self.reader.store.runs)

    def settled(self, run_id: str) -> bool:
        """Whether nothing more is to be learnt of a run."""
        if self._is_given_up(OneRun(run_id)):
            return True
        results = RolloutsOf(run_id)
        given_up = results not in self._denied or self._is_given_up(results)
        return given_up and (self._is_listed(run_id) or self._is_over(run_id))

    def _is_listed(self, run_id: str) -> bool:
        """Whether a run is over and its results were listed."""
        row = self.reader.store.runs.get(run_id)
        if row is None:
            return False
        return row.is_deleted or (not row.active and run_id not in self._log.wanted)

    def _is_over(self, run_id: str) -> bool:
        """Whether all is listed of a run of which no result is still to come."""
        row = self.reader.store.runs.get(run_id)
        over = row is not None and not row.active and self.client.is_over(run_id)
        return over and self._log.listed_since_moved(run_id)

    def forbidden(self, run_id: str) -> Forbidden | None:
        """What the gym says of a run that the key may not see, in part at least; else None."""
        denied = self._denied.get(OneRun(run_id)) or self._denied.get(RolloutsOf(run_id))
        return None if denied is None else denied.error

    def refused_wait_s(self, since_s: float) -> float:
        """Seconds until what is refused is tried again; not above 0 once it is given up.

        Args:
            since_s: Since when it is refused, monotonic seconds.
        """
        return min(REFUSED_S, since_s + self.patience_s - self.monotonic())

    def _is_given_up(self, query: OneRun | RolloutsOf) -> bool:
        denied = self._denied.get(query)
        if denied is None:
            return False
        return not denied.seen or self.refused_wait_s(denied.since_s) <= 0

    async def follow(self, news: Callable[[], Awaitable[object]]) -> None:
        """Follow them until all are over; `news` is called after each round, answered or not.

        Raises:
            NotFound: One of them is not there and was never seen.
            SilentError: The gym was silent for too long.
            Unauthorized: The key was refused for too long, or before anything was answered.
        """
        while True:
            await self._round()
            await news()
            if all(map(self.settled, self.run_ids)):
                return
            held_s = self._log.held_until_s() - self.monotonic()
            pause_s = self.interval_s * self.rng.uniform(1 - JITTER, 1 + JITTER)
            await self.sleep(max(held_s, pause_s))

    async def _round(self) -> None:
        unseen = [run_id for run_id in self.run_ids if run_id not in self.reader.store.runs]
        await self._put(list(self._due(self.monotonic())))
        # What was over before anybody looked has its results by now: there is nothing to wait for.
        if not (self._log.struggling or self._refused):
            await self._put([RolloutsOf(run_id) for run_id in unseen if self._unlisted(run_id)])

    async def _put(self, due: Sequence[OneRun | RolloutsOf]) -> None:
        if self._log.struggling or self._refused:
            due = due[:1]
        if self._refused or any(query in self._denied for query in due):
            await self.renew()
        # What there is no room for is asked in the next round: those asked longest ago come first.
        due = [query for query in due if self._budget.take(self.monotonic())]
        self._log.note_planned(due, self.monotonic())
        await gather_few(partial(self._ask, query) for query in due)

    def _unlisted(self, run_id: str) -> bool:
        row = self.reader.store.runs.get(run_id)
        return row is not None and not row.active and not self.settled(run_id)

    def _due(self, now_s: float) -> Iterator[OneRun | RolloutsOf]:
        if now_s < self._log.held_until_s():
            return
        for query in self._questions(now_s):
            if self._log.recall(query).not_before_s <= now_s:
                yield query

    def _questions(self, now_s: float) -> Iterator[OneRun | RolloutsOf]:
        """What to ask about runs that are not settled; waits are still to be kept."""
        log = self._log
        every_s = 0.0 if self.closely else NUMBERS_EVERY_S
        left = [run_id for run_id in self.run_ids if not self.settled(run_id)]
        count = 0
        for run_id in sorted(left, key=lambda run_id: log.recall(OneRun(run_id)).planned_s):
            row = self.reader.store.runs.get(run_id)
            if (row is None or row.active) and count < SINGLY_A_TICK:
                count += 1
                yield OneRun(run_id)
            outstanding = run_id in log.wanted or run_id in log.forbidden_runs
            if row is None or (log.listed_since_moved(run_id) and not outstanding):
                continue
            if not row.active or now_s - log.recall(RolloutsOf(run_id)).planned_s >= every_s:
                yield RolloutsOf(run_id)

    async def _ask(self, query: OneRun | RolloutsOf) -> None:
        sent_s = self.monotonic()
        try:
            found = await self.reader.learn(query)
        except Unauthorized as error:
            self._key_refused(error)
            return
        except Forbidden as error:
            self._is_denied(query, sent_s, error)
            return
        except GymError as error:
            self._failed(query, sent_s, error)
            return
        if self._log.note_duration(query, (now_s := self.monotonic()) - sent_s):
            self._budget.lower(sent_s, now_s)  # it has too much to do
        if (
            found is None
            and isinstance(query, OneRun)
            and query.run_id not in self.reader.store.runs
        ):
            raise NotFound(f"no such run: {query.run_id}")

    def _take(self, seen: Observation, applied: Applied) -> None:
        self._heard_s, self.trouble = self.monotonic(), None
        self._answered, self._refused = True, False
        if isinstance(seen.query, OneRun | RolloutsOf):
            self._denied.pop(seen.query, None)
        self._log.note_answer(seen, applied, self.reader.store, self._heard_s)

    def _key_refused(self, error: Unauthorized) -> None:
        wait_s = self.refused_wait_s(self._heard_s)
        if not self._answered or wait_s <= 0:
            raise error
        self._refused = True
        self._log.hold_until_s = self.monotonic() + wait_s
        self.trouble = LastFailure(error, wait_s)

    def _is_denied(self, query: OneRun | RolloutsOf, sent_s: float, error: Forbidden) -> None:
        now_s = self.monotonic()
        before = self._denied.get(query)
        since_s = now_s if before is None else before.since_s
        seen = self._log.recall(query).answered_s is not None
        self._denied[query] = Denial(error, since_s, seen)
        wait_s = max(0.0, self.refused_wait_s(since_s))
        self._log.note_forbidden(query, sent_s, now_s, wait_s)
        self._heard_s, self.trouble, self._refused = now_s, None, False

    def _failed(self, query: OneRun | RolloutsOf, sent_s: float, error: GymError) -> None:
        now_s = self.monotonic()
        if error.limiting or isinstance(error, Unreachable):
            self._budget.lower(sent_s, now_s)
        silent_s = now_s - self._heard_s
        if silent_s > self.patience_s:
            raise SilentError(error, silent_s)
        self._log.note_failure(
            query,
            sent_s,
            now_s,
            self.interval_s,
            self.rng,
            limited=error.limiting,
            retry_after_s=error.retry_after_s,
        )
        until_s = max(self._log.held_until_s(), self._log.recall(query).not_before_s)
        self.trouble = LastFailure(error, max(0.0, until_s - now_s))
