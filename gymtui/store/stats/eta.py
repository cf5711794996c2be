"""How long a run will still take, and which of its rollouts stand still. Pure.

Both are judged from how long things have taken in this run so far.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain
from math import log, sqrt
from operator import mul, sub
from typing import Literal

from msgspec import Struct

from gymtui.config.schema import StuckThresholds
from gymtui.store.phases import SegmentKind

VERDICTS_FOR_ETA = 3  # with fewer, nothing is said

EARLY, LATE = 0.1, 0.9
"""The chances at an ETA's two ends: four times in five, the end should come between them."""

SPREAD_Z = 1.28  # the same for a normal sum: standard deviations either way

TAIL_SHARE, TAIL_LEAST = 0.15, 5
"""The longest ended rollouts that tell how long still longer ones take: this share, or so many."""


class Eta(Struct, frozen=True):
    """When a run will be done, from now, in seconds: likely not before, likely not after."""

    low_s: float
    high_s: float


TimeLeft = Eta | Literal["stalled", "stuck"]
"""How long a run will take, or why nothing tells: none of what waits runs, or all that runs and
is left is stuck."""


class Lifetimes:
    """How long rollouts last, learnt from those that ended and from those that still run.

    The product-limit estimate (Kaplan and Meier 1958): a rollout that runs for five minutes
    already is evidence for long ones, without which the early, quick ones would promise too
    much. The last of many is longer than any seen so far, so beyond the longest few it goes on
    as an exponential tail with their mean excess (Balkema and de Haan 1974, with shape 0).
    """

    def __init__(self, ended_s: Sequence[float], ages_s: Sequence[float]) -> None:
        ordered, ages = sorted(ended_s), sorted(ages_s)
        in_tail = min(len(ordered), max(TAIL_LEAST, round(TAIL_SHARE * len(ordered))))
        body, tail = ordered[:-in_tail], ordered[-in_tail:]
        self._tail_from_s = body[-1] if body else 0.0
        beyond = chain(tail, ages[bisect_right(ages, self._tail_from_s) :])
        self._tail_mean_s = sum(t - self._tail_from_s for t in beyond) / in_tail
        self._times_s = body
        # The chance to have ended by each time: ascending, so that it can be searched.
        self._ended: list[float] = []
        alive, younger = 1.0, 0
        for ended, time_s in enumerate(body):
            # At equal times an end comes before a censoring, by convention.
            younger = bisect_left(ages, time_s, lo=younger)
            alive *= 1 - 1 / (len(ordered) - ended + len(ages) - younger)
            self._ended.append(1 - alive)
        self._alive_in_tail = alive
        tail_s = self._tail_from_s + self._tail_mean_s
        # How likely each of these times is; the tail is all the rest.
        shares = list(map(sub, self._ended, [0.0, *self._ended]))
        # Of a whole life.
        self.mean_s = sum(map(mul, self._times_s, shares)) + alive * tail_s
        square = sum(map(mul, [(t - self.mean_s) ** 2 for t in self._times_s], shares))
        tail_square = (tail_s - self.mean_s) ** 2 + self._tail_mean_s**2
        self.deviation_s = sqrt(square + alive * tail_square)

    def left_s(self, age_s: float, q: float) -> float:
        """By when a rollout of this age has ended with chance q, in seconds from now."""
        if age_s >= self._tail_from_s:
            return -log(1 - q) * self._tail_mean_s
        older = bisect_right(self._times_s, age_s)
        ended = self._ended[older - 1] if older else 0.0
        alive = (1 - q) * (1 - ended)
        if alive < self._alive_in_tail:
            beyond_s = log(self._alive_in_tail / alive) * self._tail_mean_s
            return self._tail_from_s + beyond_s - age_s
        index = bisect_left(self._ended, 1 - alive - 1e-9, lo=older)
        return self._times_s[min(index, len(self._times_s) - 1)] - age_s


def eta(
    *,
    waiting: int,
    ages_s: Sequence[float],
    ended_s: Sequence[float],
    verdicts: int,
    stuck: int = 0,
) -> TimeLeft | None:
    """When a run will be done.

    The slots in use work off what waits, each rollout taking as long as they take here, and then
    the last ones run out. The makespan of such a queue lies between its work divided by the
    slots and that plus one last long rollout (Graham 1969); the work is known as a sum of draws.

    Args:
        ages_s: How long each running rollout has run: one slot each.
        ended_s: How long those ran that ended by themselves, errors included: they held a slot.
        stuck: How many of the running ones count as stuck.

    Returns:
        A range; "stalled" when some ran, others wait and none runs; "stuck" when none waits and
        all that run are stuck, of whose end their age tells nothing; None when there is nothing
        left to do, or fewer than three verdicts to judge from.
    """
    if ages_s and not waiting and stuck >= len(ages_s):
        return "stuck"
    if not ended_s or not (waiting or ages_s):
        return None
    if not ages_s:
        return "stalled"
    if verdicts < VERDICTS_FOR_ETA:
        return None
    lives = Lifetimes(ended_s, ages_s)
    slots = len(ages_s)
    # The last of so many independent ones is done by then with the chance wanted.
    late_s = max(lives.left_s(age_s, LATE ** (1 / slots)) for age_s in ages_s)
    if not waiting:
        return Eta(max(lives.left_s(age_s, EARLY ** (1 / slots)) for age_s in ages_s), late_s)
    work_s = sum(lives.left_s(age_s, 0.5) for age_s in ages_s) + waiting * lives.mean_s
    # The lives themselves vary, and so does what so few ended ones tell of their mean.
    variety = waiting + slots + waiting**2 / len(ended_s)
    deviation_s = sqrt(variety) * lives.deviation_s
    last_s = lives.left_s(0, LATE ** (1 / min(waiting, slots))) * (1 - 1 / slots)
    low_s = max((work_s - SPREAD_Z * deviation_s) / slots, lives.left_s(0, EARLY))
    high_s = max((work_s + SPREAD_Z * deviation_s) / slots + last_s, late_s, low_s)
    return Eta(low_s, high_s)


DEFAULT_THRESHOLDS = StuckThresholds()
"""From when on a rollout counts as stuck, unless the settings say otherwise."""


class UsualTimes(Struct, frozen=True):
    """A run's p95 of each, in seconds; None where nothing is known."""

    step_s: float | None = None  # between steps
    build_s: float | None = None  # of a build
    verify_s: float | None = None  # of a verification
    watched: int = 0  # how many builds and verifications the last two are made of


def stuck_after_s(
    kind: SegmentKind, usual: UsualTimes, rules: StuckThresholds = DEFAULT_THRESHOLDS
) -> float | None:
    """How long a running rollout may stand still in a phase before it counts as stuck.

    Returns:
        Seconds: since the last step for the agent, in the phase for a build or a verification;
        None where no threshold applies.
    """
    if kind is SegmentKind.AGENT:
        return max(rules.floor_s, rules.step_factor * (usual.step_s or 0.0))
    if kind is SegmentKind.BUILDING:
        usual_s, factor = usual.build_s, rules.build_factor
    elif kind is SegmentKind.VERIFYING:
        usual_s, factor = usual.verify_s, rules.verify_factor
    else:
        return None
    # The p95 of a few is the longest of a few, and the next ones are often longer.
    if usual_s is None or usual.watched < rules.min_observed:
        return max(rules.floor_s, rules.fallback_s)
    return max(rules.floor_s, factor * usual_s)
