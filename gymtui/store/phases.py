"""What a rollout can be doing: statuses, phases, and the kinds of stretches they make. Pure."""

from __future__ import annotations

from enum import StrEnum

from gymtui.api.models import Rollout

ACTIVE_STATUSES = frozenset({"pending", "running"})
FINISHED_STATUSES = frozenset({"completed", "failed", "workspace_error"})


class SegmentKind(StrEnum):
    """What a rollout was doing."""

    QUEUED = "queued"
    BUILDING = "building"
    SEEDING = "seeding"
    AGENT = "agent"
    VERIFYING = "verifying"
    UNSEEN = "unseen"
    ENDED = "ended"


PHASES = (SegmentKind.BUILDING, SegmentKind.SEEDING, SegmentKind.AGENT, SegmentKind.VERIFYING)
"""In the order in which a rollout goes through them (`API.md`)."""

KIND_OF_PHASE = {
    "building_environment": SegmentKind.BUILDING,
    "seeding": SegmentKind.SEEDING,
    "agent_running": SegmentKind.AGENT,
    "verifying": SegmentKind.VERIFYING,
    # A running rollout that says "completed" is about to end: the tail of its verification.
    "completed": SegmentKind.VERIFYING,
}


def is_finished(rollout: Rollout) -> bool:
    """Whether a rollout will not change any more: by its status, or an unknown one with an end."""
    if rollout.status in ACTIVE_STATUSES:
        return False
    return rollout.status in FINISHED_STATUSES or rollout.completed_at is not None
