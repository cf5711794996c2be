"""Whether a recorder of the same gym is at work, so that what it brings need not be asked for.

Taking that in is `poll.recording_intake`; what is asked meanwhile is `poll.plan`.
"""

from __future__ import annotations

import math

from msgspec import Struct

LEFT_S = 10.0
"""What a recorder has not brought within so many seconds is asked for all the same."""


class RecorderLink(Struct):
    """What a recorder brings. All times are monotonic seconds."""

    fresh_until_s: float = -math.inf  # until then it counts as at work
    # When it last brought results of a past run, or began to bring anything.
    brought_s: float = -math.inf

    def brings(self, now_s: float) -> bool:
        """Whether it brings what is not on screen."""
        return now_s < self.fresh_until_s

    def catches_up(self, now_s: float) -> bool:
        """Whether results of past runs are about to come from it."""
        return self.brings(now_s) and now_s - self.brought_s < LEFT_S

    def seen(self, now_s: float, until_s: float) -> None:
        """It was looked at; what it brought is fresh until then."""
        if not self.brings(now_s):
            self.brought_s = now_s
        self.fresh_until_s = until_s
