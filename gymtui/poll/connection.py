"""How the dashboard stands to the gym, as data for the status line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gymtui.api.errors import GymError
from gymtui.store.delta import Delta

LIVE_INTERVALS = 3
"""The picture is live while what is on screen was answered within so many intervals."""


class LinkState(StrEnum):
    """How the dashboard stands to the gym."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    PAUSED = "paused"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Link:
    """How polling goes, for the status line.

    Attributes:
        since_s: When what is on screen was last answered, monotonic seconds; None: never.
        error: The last failure of what is still wanted and has not worked since, or None.
        next_try_s: When the next tick is due, monotonic seconds.
        interval_s: Seconds between ticks just now, without their jitter.
        synced: Whether the whole run list was read once.
        stopped: Why nothing but the key is tried (it was refused), or None.
        reading: Whether results of runs that had finished before are still to come in.
        past_read: Of how many of those they are in.
        past: How many of those there are.
        unread: Of how many they could not be read, once there is nothing more to wait for.
        rest_s: Seconds between two questions about what is not on screen, where that is longer
            than an interval; None where it is not.
    """

    since_s: float | None = None
    error: GymError | None = None
    next_try_s: float | None = None
    interval_s: float = 2.0
    synced: bool = False
    paused: bool = False
    stopped: GymError | None = None
    reading: bool = True
    past_read: int = 0
    past: int = 0
    unread: int = 0
    rest_s: float | None = None

    def state(self, now_s: float) -> LinkState:
        """What to call it at this moment.

        Args:
            now_s: Monotonic seconds.

        Returns:
            Live while what is on screen was answered within `LIVE_INTERVALS` intervals.
        """
        if self.stopped is not None:
            return LinkState.REFUSED
        if self.paused:
            return LinkState.PAUSED
        if self.since_s is None:
            return LinkState.CONNECTING
        fresh = now_s - self.since_s <= LIVE_INTERVALS * self.interval_s
        return LinkState.LIVE if fresh else LinkState.STALE


@dataclass(frozen=True, slots=True)
class Update:
    """What one answer, or a change of the link, means for the screens."""

    delta: Delta
    link: Link
