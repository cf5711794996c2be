"""How many requests may be sent: fewer as soon as the gym shows that it is too much.

Pure: every time is passed in, in monotonic seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from msgspec import Struct

BURST_S = 4.0
"""After a rest, or when the person asks to refresh, so many seconds' requests go out at once."""
REFILL_AFTER_S = 10.0  # asking to refresh fills the budget anew no more often than this
LEAST_SHARE = 0.1
"""Of its own rate a budget keeps so much, however often the gym says that it is too much."""
RECOVERY_S = 60.0  # from nothing back to its own rate a budget takes so long
SLOWED_TIMES = 2.0
"""An answer that takes so many times what is usual says that the gym has too much to do."""
SLOWED_S = 0.25  # and so much longer at least: less may be this machine's own doing
_WEIGHT = 0.1
_MEASURED = 3


@dataclass(slots=True)
class RequestBudget:
    """A bucket of requests that refills: over any `t` seconds at most `burst + most_per_s * t`."""

    most_per_s: float  # requests a second in the long run, at most
    burst: float = 0.0  # requests that may be sent at once; 0 stands for `BURST_S`
    per_s: float = field(init=False)  # requests a second just now
    _tokens: float = field(init=False)
    _at_s: float = field(init=False, default=-math.inf)
    _lowered_s: float = field(init=False, default=-math.inf)
    _refilled_s: float = field(init=False, default=-math.inf)

    def __post_init__(self) -> None:
        self.burst = self.burst or BURST_S * self.most_per_s
        self.per_s = self.most_per_s
        self._tokens = self.burst

    def take(self, now_s: float) -> bool:
        """Take one request out; whether there was one."""
        self._pass(now_s)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def room(self, now_s: float, ahead_s: float) -> int:
        """How many requests there will be so many seconds from now, at least one."""
        self._pass(now_s)
        return max(1, int(min(self._capacity, self._tokens) + self.per_s * ahead_s))

    def next_s(self, now_s: float) -> float:
        """When there is a request again."""
        self._pass(now_s)
        return now_s + max(0.0, 1 - self._tokens) / self.per_s

    def lower(self, sent_s: float, now_s: float) -> None:
        """Halve the rate: the gym has too much to do.

        Args:
            sent_s: When the question was sent that shows it: of several that were under way
                together the first tells all there is to tell.
        """
        self._pass(now_s)
        if sent_s <= self._lowered_s:
            return
        self._lowered_s = now_s
        self.per_s = max(self.most_per_s * LEAST_SHARE, self.per_s / 2)
        self._tokens = min(self._tokens, self._capacity)

    def refill(self, now_s: float) -> None:
        """The person asks to refresh: what that takes may be sent at once."""
        self._pass(now_s)
        if now_s - self._refilled_s >= REFILL_AFTER_S:
            self._refilled_s = now_s
            self._tokens = self._capacity

    @property
    def _capacity(self) -> float:
        return max(1.0, self.burst * self.per_s / self.most_per_s)

    def _pass(self, now_s: float) -> None:
        passed_s = now_s - self._at_s
        self._at_s = max(self._at_s, now_s)
        if not 0 < passed_s < math.inf:
            return
        self._tokens = min(self._capacity, self._tokens + self.per_s * passed_s)
        gained = self.most_per_s * passed_s / RECOVERY_S
        self.per_s = min(self.most_per_s, self.per_s + gained)


class FlightLimit(Struct):
    """How many questions may be under way at once: one more after each round that went well.

    Additive increase and halving, as TCP does it (RFC 5681): the gym's own limit is unknown.
    """

    most: int  # never more than this
    _limit: float = 2.0
    _cut_s: float = -math.inf

    @property
    def limit(self) -> int:
        """Questions under way at once, at least one."""
        return int(self._limit)

    def widen(self) -> None:
        """An answer came in its usual time."""
        self._limit = min(float(self.most), self._limit + 1 / self._limit)

    def cut(self, sent_s: float, now_s: float) -> None:
        """The gym has too much to do; the arguments are those of `RequestBudget.lower`."""
        if sent_s > self._cut_s:
            self._cut_s = now_s
            self._limit = max(1.0, self._limit / 2)


class UsualTime(Struct):
    """How long one kind of answer usually takes."""

    _seconds: float = 0.0
    _count: int = 0

    def add(self, took_s: float) -> bool:
        """Take note of an answer; whether it took much longer than is usual."""
        known = self._count >= _MEASURED
        slow = known and took_s > SLOWED_TIMES * self._seconds + SLOWED_S
        self._count += 1
        weight = max(_WEIGHT, 1 / self._count)
        self._seconds += (took_s - self._seconds) * weight
        return slow
