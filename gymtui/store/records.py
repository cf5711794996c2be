"""The frozen rows that the store keeps: a run and a rollout, each with the bytes it was read from.

Nothing here is computed from other rows; numbers over a run's rollouts are
`store.stats.run_summary`.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from gymtui.api.models import Rollout, RunStatus
from gymtui.store.outcome import Outcome, score_in

if TYPE_CHECKING:
    from gymtui.store.stats.tool_errors import ToolUse
    from gymtui.transcript.usage import Usage


class Intent(StrEnum):
    """What the person asked of a run and the server has not yet confirmed by what it shows."""

    CANCEL = "cancelling"
    DELETE = "deleting"
    CHECK = "checking"  # no clear answer came to what was asked, so that the run is looked at

    @property
    def under_way(self) -> str:
        """What is shown for it: `cancelling …`."""
        return f"{self} …"


class RunRow(Struct, frozen=True):
    """One run as last seen."""

    run_id: str  # the exact id; for a malformed item, a name made from its bytes
    raw: bytes  # the item's bytes as received, which is what "describe" shows
    sent_s: float  # when the question was sent that brought these bytes, monotonic seconds
    run: RunStatus | None  # the parsed item, or None when it could not be read as a run
    malformed: str | None = None  # why it could not, or None
    # What was asked of it and is not yet visible in the server's answers.
    intent: Intent | None = None
    is_deleted: bool = False  # whether the server says that it no longer exists
    # Whether all its rollouts were listed and have ended; asked only of a run whose own counters
    # say nothing.
    all_ended: bool = False

    @property
    def kept_note(self) -> str | None:
        """The person's note on it that an export of it kept."""
        kept = self.run.kept if self.run is not None else None
        return kept.note if kept is not None else None

    @property
    def silent(self) -> bool:
        """Whether none of its counters says what is unfinished."""
        run = self.run
        return run is not None and run.running is run.pending is run.in_progress is None

    @property
    def active(self) -> bool:
        """Whether rollouts are unfinished, by the server's counters.

        Where these are absent it is active until as many ended as there are, or until its
        rollouts were listed and none is left.
        """
        run = self.run
        if run is None or self.is_deleted:
            return False
        if self.silent:
            if self.all_ended:
                return False
            return run.total is None or self.finished is None or self.finished < run.total
        return self.unfinished > 0

    @property
    def finished(self) -> int | None:
        """Rollouts that ended, whichever way, by the server's counters; None if they do not say."""
        run = self.run
        if run is None:
            return None
        ended = (run.completed or 0) + (run.failed or 0)
        if run.completed is None or run.failed is None:
            # One alone tells only when it is all there are.
            return ended if run.total is not None and ended >= run.total > 0 else None
        return ended

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
        """What moves when rollouts of this run start or end; empty for a malformed item."""
        run = self.run
        if run is None:
            return ()
        return (run.total, run.completed, run.failed, run.in_progress, run.pending, run.running)


class RolloutRow(Struct, frozen=True):
    """One rollout as last seen."""

    rollout_id: str  # the exact id; for a malformed item, a name made from its bytes
    run_id: str  # the run it was listed under
    raw: bytes  # the item's bytes as received
    sent_s: float  # when the question was sent that brought these bytes, monotonic seconds
    at: float  # the server's clock when these bytes were first seen, UNIX seconds
    rollout: Rollout | None  # the parsed item, or None when it could not be read as a rollout
    malformed: str | None = None  # why it could not, or None
    # How it stands, our own cancel counted; None when it could not be read.
    outcome: Outcome | None = None
    # What it used, once its artifacts were read: the rollout does not say it.
    usage: Usage | None = None
    tools: tuple[ToolUse, ...] | None = None  # which tools it called, likewise; None until then
    note: str | None = None  # the person's own note on it


def name_of_malformed(raw: bytes, within: str = "") -> str:
    """A stable id for an item that has none, by its bytes and the run that lists it, if any."""
    place = within.encode("utf-8", "replace")
    return f"malformed-{hashlib.blake2s(place + bytes(1) + raw, digest_size=6).hexdigest()}"


def score_of(row: RolloutRow) -> float | None:
    """What the verifier scored it, from 0 to 1; None where it gave no score."""
    return score_in(row.rollout) if row.rollout is not None else None
