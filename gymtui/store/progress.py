"""How long a run will still take, and which of its rollouts stand still. Pure.

Both are judged from how long things have taken in this run so far.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

from gymtui.store.timeline import Kind

VERDICTS_FOR_ETA = 3
"""With fewer, nothing is said."""

EARLY, LATE = 0.25, 0.9
"""The quantiles of what is left that make an ETA's two ends."""

SPREAD_Z = 1.28
"""Standard deviations of a sum that an ETA allows for, either way: 80 % of a normal one."""

TAIL_GROWTH = 1.5
"""A rollout older than all that finished is taken to last this many times its age at the latest."""


@dataclass(frozen=True, slots=True)
class Eta:
    """When a run will be done, from now, in seconds: likely not before, likely not after."""

    low_s: float
    high_s: float


class Lifetimes:
    """How long rollouts last, learnt from those that ended and from those that still run.

    The product-limit estimate (Kaplan and Meier 1958): a rollout that runs for five minutes
    already is evidence for long ones. Without it the early, quick ones would promise too much.

    Args:
        ended_s: How long each ended rollout ran.
        ages_s: How long each running one has run so far.
    """

    def __init__(self, ended_s: Sequence[float], ages_s: Sequence[float]) -> None:
        # At equal times an end comes before a censoring, by convention.
        events = sorted([*((t, 0) for t in ended_s), *((t, 1) for t in ages_s)])
        self._times_s: list[float] = []
        # The chance to have ended by each time: ascending, so that it can be searched.
        self._ended: list[float] = []
        alive, at_risk = 1.0, len(events)
        for time_s, censored in events:
            if not censored:
                alive *= 1 - 1 / at_risk
                self._times_s.append(time_s)
                self._ended.append(1 - alive)
            at_risk -= 1
        self.longest_s = max([*ended_s, *ages_s], default=0.0)

    def left_s(self, age_s: float, q: float) -> float:
        """By when a rollout of this age has ended with chance q, in seconds from now."""
        older = bisect_right(self._times_s, age_s)
        ended = self._ended[older - 1] if older else 0.0
        index = bisect_left(self._ended, ended + q * (1 - ended) - 1e-9, lo=older)
        if index < len(self._times_s):
            return self._times_s[index] - age_s
        # Nobody got that old and ended: between its age and a multiple of the oldest.
        return max(q * (TAIL_GROWTH * self.longest_s - age_s), 0.0)

    @property
    def mean_s(self) -> float:
        """Of a whole life; what outlives all that ended is taken to end with the oldest."""
        return sum(time_s * weight for time_s, weight in self._weights())

    @property
    def deviation_s(self) -> float:
        """The standard deviation of a whole life."""
        mean_s = self.mean_s
        return sqrt(sum((time_s - mean_s) ** 2 * weight for time_s, weight in self._weights()))

    def _weights(self) -> Iterator[tuple[float, float]]:
        before = 0.0
        for time_s, ended in zip(self._times_s, self._ended, strict=True):
            yield time_s, ended - before
            before = ended
        yield self.longest_s, 1 - before


def eta(
    *,
    waiting: int,
    ages_s: Sequence[float],
    ended_s: Sequence[float],
    verdicts: int,
) -> Eta | Literal["stalled"] | None:
    """When a run will be done.

    The slots in use work off what waits, each rollout taking as long as they take here, and then
    the last ones run out. The makespan of such a queue lies between its work divided by the
    slots and that plus one last long rollout (Graham 1969); the work is known as a sum of draws.

    Args:
        waiting: Rollouts that have not started.
        ages_s: How long each running rollout has run: one slot each.
        ended_s: How long those ran that ended by themselves, errors included: they held a slot.
        verdicts: How many verdicts there are.

    Returns:
        A range; "stalled" when rollouts wait and none run; None when there is nothing left to
        do, or fewer than three verdicts to judge from.
    """
    if verdicts < VERDICTS_FOR_ETA or not ended_s or not (waiting or ages_s):
        return None
    if not ages_s:
        return "stalled"
    lives = Lifetimes(ended_s, ages_s)
    early_s = [lives.left_s(age_s, EARLY) for age_s in ages_s]
    late_s = [lives.left_s(age_s, LATE) for age_s in ages_s]
    if not waiting:
        return Eta(max(early_s), max(late_s))
    slots = len(ages_s)
    middle_s = sum(lives.left_s(age_s, 0.5) for age_s in ages_s) + waiting * lives.mean_s
    deviation_s = sqrt(waiting + slots) * lives.deviation_s
    low_s = max((middle_s - SPREAD_Z * deviation_s) / slots, max(early_s), lives.left_s(0, EARLY))
    tail_s = lives.left_s(0, LATE) * (1 - 1 / slots)
    high_s = max((middle_s + SPREAD_Z * deviation_s) / slots + tail_s, max(late_s))
    return Eta(min(low_s, high_s), high_s)


@dataclass(frozen=True, slots=True)
class StuckRules:
    """From when on a rollout counts as stuck (DESIGN.md, *Numbers*); the settings may say else.

    Attributes:
        step_floor_s: Nothing is stuck between steps before this many seconds.
        step_factor: Nor before so many times the run's p95 between steps.
        phase_factor: A build or verification is stuck after so many times its p95.
    """

    step_floor_s: float = 60.0
    step_factor: float = 5.0
    phase_factor: float = 3.0


DEFAULT_RULES = StuckRules()


@dataclass(frozen=True, slots=True)
class UsualTimes:
    """A run's p95 of each, in seconds; None where nothing is known."""

    step_s: float | None = None
    build_s: float | None = None
    verify_s: float | None = None


def stuck_after_s(kind: Kind, usual: UsualTimes, rules: StuckRules = DEFAULT_RULES) -> float | None:
    """How long a running rollout may stand still in a phase before it counts as stuck.

    Args:
        kind: The phase it is in.
        usual: What is usual in its run.
        rules: The thresholds.

    Returns:
        Seconds: since the last step for the agent, in the phase for a build or a verification;
        None where no threshold applies, or nothing is known to compare with.
    """
    match kind:
        case Kind.AGENT:
            return max(rules.step_floor_s, rules.step_factor * (usual.step_s or 0.0))
        case Kind.BUILDING:
            return None if usual.build_s is None else rules.phase_factor * usual.build_s
        case Kind.VERIFYING:
            return None if usual.verify_s is None else rules.phase_factor * usual.verify_s
        case _:
            return None


def is_stuck(
    kind: Kind, still_s: float, usual: UsualTimes, rules: StuckRules = DEFAULT_RULES
) -> bool:
    """Whether a running rollout is stuck.

    Args:
        kind: The phase it is in.
        still_s: Seconds since its last step (agent) or since it entered the phase (others), at
            the least: measured from the latest instant at which that may have been.
        usual: What is usual in its run.
        rules: The thresholds.
    """
    limit_s = stuck_after_s(kind, usual, rules)
    return still_s > (inf if limit_s is None else limit_s)
