"""The frozen rows that the store keeps: a run and a rollout, each with the bytes it was read from.

Nothing here is computed from other rows; numbers over a run's rollouts are `store.summary`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from gymtui.api.models import Rollout, RunStatus


class Intent(StrEnum):
    """What the person asked of a run and the server has not yet confirmed by what it shows."""

    CANCEL = "cancelling"
    DELETE = "deleting"


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as last seen.

    Attributes:
        run_id: The exact id; for a malformed item, a name made from its bytes.
        raw: The item's bytes as received, which is what "describe" shows.
        sent_s: When the question was sent that brought these bytes, monotonic seconds.
        run: The parsed item, or None when it could not be read as a run.
        malformed: Why it could not, or None.
        intent: What was asked of it and is not yet visible in the server's answers.
        gone: Whether the server says that it no longer exists.
    """

    run_id: str
    raw: bytes
    sent_s: float
    run: RunStatus | None
    malformed: str | None = None
    intent: Intent | None = None
    gone: bool = False

    @property
    def active(self) -> bool:
        """Whether the server counts unfinished rollouts; unknown counters count as active."""
        if self.run is None or self.gone:
            return False
        counters = (self.run.running, self.run.pending, self.run.in_progress)
        if all(counter is None for counter in counters):
            return self.run.total is None or self.finished < self.run.total
        return any(counter or 0 for counter in counters)

    @property
    def finished(self) -> int:
        """Rollouts that ended, whichever way, by the server's counters."""
        return ((self.run.completed or 0) + (self.run.failed or 0)) if self.run else 0

    @property
    def unfinished(self) -> int:
        """Rollouts that run or wait, by the server's counters, whichever of them it gives."""
        run = self.run
        if run is None:
            return 0
        # Whether `in_progress` counts pending rollouts is unknown (API.md).
        return max((run.running or 0) + (run.pending or 0), run.in_progress or 0)

    @property
    def counters(self) -> tuple[int | None, ...]:
        """What moves when rollouts of this run start or end."""
        run = self.run
        if run is None:
            return ()
        return (run.total, run.completed, run.failed, run.in_progress, run.pending, run.running)

    def with_intent(self, intent: Intent | None) -> RunRow:
        """The same row under another intent."""
        return replace(self, intent=intent)


@dataclass(frozen=True, slots=True)
class RolloutRow:
    """One rollout as last seen.

    Attributes:
        rollout_id: The exact id; for a malformed item, a name made from its bytes.
        run_id: The run it was listed under.
        raw: The item's bytes as received.
        sent_s: When the question was sent that brought these bytes, monotonic seconds.
        at: The server's clock when these bytes were first seen, UNIX seconds.
        rollout: The parsed item, or None when it could not be read as a rollout.
        malformed: Why it could not, or None.
    """

    rollout_id: str
    run_id: str
    raw: bytes
    sent_s: float
    at: float
    rollout: Rollout | None
    malformed: str | None = None


def name_of_malformed(raw: bytes) -> str:
    """A stable id for an item that has none: the same bytes are the same row."""
    return f"malformed-{hashlib.blake2s(raw, digest_size=4).hexdigest()}"
