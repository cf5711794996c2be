"""What is remembered of one question, and for how long one that fails is left alone."""

from __future__ import annotations

import math
import random

from msgspec import Struct

from gymtui.poll.budget import UsualTime

BACKOFF_LIMIT_S = 60.0
JITTER = 0.1


class RequestState(Struct):
    """What is remembered of one question. All times are monotonic seconds."""

    planned_s: float = -math.inf  # when it was last decided to ask it
    sent_s: float = -math.inf  # when it was last sent and then answered
    answered_s: float | None = None  # when that answer came; None while none ever did
    wire_bytes: int = 0  # the size of that answer
    failures: int = 0  # how often it failed since
    not_before_s: float = -math.inf  # it is left alone until then
    tries: int = 0  # answers in a row after which the run's results were still not complete
    # Whether the last answer was that there is no such thing, or nothing of use.
    missing: bool = False
    # Whether the key may not see it, as far as was heard since its last answer.
    forbidden: bool = False
    # How long its answers usually take; None while it was never asked.
    usual: UsualTime | None = None


NEVER = RequestState()
"""Of what was never asked."""


class Moved(Struct, frozen=True):
    """When a run's counters were first seen as they are now, monotonic seconds."""

    counters: tuple[int | None, ...]  # as they are now
    at_s: float  # when they were first seen so
    behind_s: float  # when they first moved after its rollouts had been listed


def backoff_s(failures: int, interval_s: float, rng: random.Random) -> float:
    """How long to wait after so many failures (1 or more) in a row: doubling, capped, jittered.

    Seconds, from an ordinary interval up to `BACKOFF_LIMIT_S` and a tenth.
    """
    wait_s = min(BACKOFF_LIMIT_S, interval_s * 2.0 ** (min(failures, 10) - 1))
    return wait_s * rng.uniform(1 - JITTER, 1 + JITTER)
