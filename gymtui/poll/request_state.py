"""What is remembered of one question, and what a recorder brings so that it need not be asked."""

from __future__ import annotations

import math
import random

from msgspec import Struct

from gymtui.poll.budget import UsualTime

BACKOFF_LIMIT_S = 60.0
JITTER = 0.1
LEFT_S = 10.0  # what a recorder has not brought within so many seconds is asked for all the same


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


class CounterChange(Struct, frozen=True):
    """When a run's counters were first seen as they are now, monotonic seconds."""

    counters: tuple[int | None, ...]  # as they are now
    at_s: float  # when they were first seen so
    behind_s: float  # when they first moved after its rollouts had been listed


class RecorderLink(Struct):
    """What a recorder of the same gym brings (`poll.recording_intake`), monotonic seconds."""

    fresh_until_s: float = -math.inf  # until then it counts as at work
    # When it last brought results of a past run, or began to bring anything.
    brought_s: float = -math.inf
    # What it asked of the lists no longer ago is not asked here; 0 for one that only brings what
    # is not on screen.
    spares_s: float = 0.0

    def brings(self, now_s: float) -> bool:
        """Whether it brings what is not on screen."""
        return now_s < self.fresh_until_s

    def catches_up(self, now_s: float) -> bool:
        """Whether results of past runs are about to come from it."""
        return self.brings(now_s) and now_s - self.brought_s < LEFT_S

    def spares(self, sent_s: float, now_s: float) -> bool:
        """Whether a question about the lists need not be asked that was last asked then."""
        return self.brings(now_s) and now_s - sent_s < self.spares_s

    def seen(self, now_s: float, until_s: float, spares_s: float = 0.0) -> None:
        """It was looked at; what it brought is fresh until then."""
        if not self.brings(now_s):
            self.brought_s = now_s
        self.fresh_until_s, self.spares_s = until_s, spares_s


def backoff_s(failures: int, interval_s: float, rng: random.Random) -> float:
    """How long to wait after so many failures (1 or more) in a row: doubling, capped, jittered.

    Seconds, from an ordinary interval up to `BACKOFF_LIMIT_S` and a tenth.
    """
    wait_s = min(BACKOFF_LIMIT_S, interval_s * 2.0 ** (min(failures, 10) - 1))
    return wait_s * rng.uniform(1 - JITTER, 1 + JITTER)
