"""The gym's time: what the clock says (shifted on demand) and how long simulated work takes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

SHORTEST_SLEEP_S = 0.0005
"""Shorter waits only yield to the event loop: timers are no finer than this anyway."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds that only go forward: those of the event loop, which waits by them too."""
    return asyncio.get_running_loop().time()


@dataclass(frozen=True)
class Clock:
    offset: timedelta = timedelta(0)  # how far the gym's clock is ahead of the machine's
    read: Callable[[], datetime] = utc_now

    def now(self) -> datetime:
        """Return the gym's time, aware, in UTC."""
        return self.read() + self.offset

    def stamp(self) -> str:
        """Return the gym's time as it travels: ISO 8601 with a zone."""
        return self.now().isoformat(timespec="microseconds")


@dataclass(frozen=True)
class Pace:
    """How fast simulated work goes."""

    speed: float = 1.0  # 1 is a few seconds a step; 10 is ten times as fast
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def spend(self, seconds: float) -> None:
        """Wait `seconds` of simulated work at this speed; always yields at least once."""
        scaled = seconds / self.speed
        await self.sleep(scaled if scaled >= SHORTEST_SLEEP_S else 0)


@dataclass(frozen=True)
class DurationRange:
    """A duration with a tail: uniform between `low_s` and `high_s`, now and then longer."""

    low_s: float
    high_s: float
    tail_chance: float = 0.05  # how often a draw belongs to the tail, 0 to 1
    tail_factor: float = 3.0  # how many times `high_s` a tail draw can take

    def draw(self, random: Random) -> float:
        """Return one duration in seconds, drawn from `random`."""
        ordinary = random.uniform(self.low_s, self.high_s)
        if random.random() >= self.tail_chance:
            return ordinary
        return self.high_s * random.uniform(1.0, self.tail_factor)


BUILDING = DurationRange(2.0, 6.0)
SEEDING = DurationRange(1.0, 2.0, tail_chance=0.02)
VERIFYING = DurationRange(1.0, 4.0)
