"""How many requests one model of one server gets at a time, and when it wants a pause."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gymtui.gym.clock import monotonic_s


@dataclass(frozen=True)
class Timer:
    """Time as it is waited for."""

    now_s: Callable[[], float] = monotonic_s  # seconds that only go forward
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep  # waits a number of them


REAL_TIME = Timer()


class Limiter:
    """Lets so many requests through at a time, fewer after the server found them too many.

    It halves what is let through when the server says so, and adds one again for every round of
    requests that went well (additive increase, multiplicative decrease: Chiu & Jain 1989).
    """

    def __init__(self, most: int, timer: Timer) -> None:
        self._most = most
        self._timer = timer
        self._limit = float(most)
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._round = 0
        self._not_before_s = 0.0

    @property
    def limit(self) -> int:
        """How many requests are let through at a time."""
        return int(self._limit)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """Hold one of the places while the block runs, once no pause is wanted.

        Yields:
            The round that the request belongs to, for `slower`.
        """
        await self._enter()
        try:
            while (left_s := self._not_before_s - self._timer.now_s()) > 0:
                await self._timer.sleep(left_s)
            yield self._round
        finally:
            self._running -= 1
            self._let_in()

    async def _enter(self) -> None:
        self._waiting.append(here := asyncio.get_running_loop().create_future())
        self._let_in()
        try:
            await here
        except asyncio.CancelledError:
            if here.done() and not here.cancelled():
                self._running -= 1
            self._let_in()
            raise

    def _let_in(self) -> None:
        while self._waiting and self._running < self.limit:
            future = self._waiting.popleft()
            if not future.done():
                self._running += 1
                future.set_result(None)

    def faster(self) -> None:
        """Note that a request went well."""
        self._limit = min(self._most, self._limit + 1 / self._limit)
        self._let_in()

    def slower(self, round_: int, pause_s: float) -> None:
        """Note that the server found a request one too many.

        Args:
            round_: The request's; those of one round count once.
        """
        self._not_before_s = max(self._not_before_s, self._timer.now_s() + pause_s)
        if round_ == self._round:
            self._round += 1
            self._limit = max(1.0, min(self._limit, self._running) / 2)
