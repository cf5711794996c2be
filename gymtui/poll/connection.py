"""How the dashboard stands to the gym, as data for the status line."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

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


class Link(Struct, frozen=True):
    """How polling goes, for the status line."""

    # When what is on screen was last answered, monotonic seconds; None: never.
    since_s: float | None = None
    # The last failure of what is still wanted and has not worked since, or None.
    error: GymError | None = None
    next_try_s: float | None = None  # when the next tick is due, monotonic seconds
    interval_s: float = 2.0  # seconds between ticks just now, without their jitter
    synced: bool = False  # whether the whole run list was read once
    paused: bool = False
    stopped: GymError | None = None  # why nothing but the key is tried (it was refused), or None
    reading: bool = True  # whether results of runs that had finished before are still to come in
    past_read: int = 0  # of how many of those they are in
    past: int = 0  # how many of those there are
    unread: int = 0  # of how many they could not be read, once there is nothing more to wait for
    # Seconds between two questions about what is not on screen, where that is longer than an
    # interval; None where it is not.
    rest_s: float | None = None
    recorded: bool = False  # whether a recorder brings that
    spared_s: float = 0.0  # how old may be what it brings of what is on screen

    def state(self, now_s: float) -> LinkState:
        """What to call it at this moment, monotonic seconds."""
        if self.stopped is not None:
            return LinkState.REFUSED
        if self.paused:
            return LinkState.PAUSED
        if self.since_s is None:
            return LinkState.CONNECTING
        fresh = now_s - self.since_s <= max(LIVE_INTERVALS * self.interval_s, self.spared_s)
        return LinkState.LIVE if fresh else LinkState.STALE


class Update(Struct, frozen=True):
    """What one answer, or a change of the link, means for the screens."""

    delta: Delta
    link: Link
