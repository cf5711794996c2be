"""What is remembered of one question, and for how long one that fails is left alone."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from gymtui.poll.budget import UsualTime

BACKOFF_LIMIT_S = 60.0
JITTER = 0.1


@dataclass(slots=True)
class RequestState:
    """What is remembered of one question. All times are monotonic seconds.

    Attributes:
        planned_s: When it was last decided to ask it.
        sent_s: When it was last sent and then answered.
        answered_s: When that answer came; None while none ever did.
        wire_bytes: The size of that answer.
        failures: How often it failed since.
        not_before_s: It is left alone until then.
        tries: Answers in a row after which the run's results were still not complete.
        missing: Whether the last answer was that there is no such thing, or nothing of use.
        forbidden: Whether the key may not see it, as far as was heard since its last answer.
        usual: How long its answers usually take; None while it was never asked.
    """

    planned_s: float = -math.inf
    sent_s: float = -math.inf
    answered_s: float | None = None
    wire_bytes: int = 0
    failures: int = 0
    not_before_s: float = -math.inf
    tries: int = 0
    missing: bool = False
    forbidden: bool = False
    usual: UsualTime | None = None


NEVER = RequestState()
"""Of what was never asked."""


@dataclass(frozen=True, slots=True)
class Moved:
    """When a run's counters were first seen as they are now, monotonic seconds.

    Attributes:
        counters: As they are now.
        at_s: When they were first seen so.
        behind_s: When they first moved after its rollouts had been listed.
    """

    counters: tuple[int | None, ...]
    at_s: float
    behind_s: float


def backoff_s(failures: int, interval_s: float, rng: random.Random) -> float:
    """How long to wait after so many failures in a row: doubling, capped, jittered.

    Args:
        failures: At least 1.
        interval_s: The ordinary interval, which is the first wait.
        rng: Where the jitter comes from.

    Returns:
        Seconds, at most `BACKOFF_LIMIT_S` and a tenth.
    """
    wait_s = min(BACKOFF_LIMIT_S, interval_s * 2.0 ** (min(failures, 10) - 1))
    return wait_s * rng.uniform(1 - JITTER, 1 + JITTER)
