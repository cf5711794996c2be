"""When a rollout began, how long it ran or has run: decided once. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from gymtui.api.models import Rollout
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow

CLOCK_OFF_S = 3.0
"""How far the server's time, told in whole seconds, may be from what we take it for."""


def started_at(rollout: Rollout) -> datetime | None:
    """When a rollout first began to run, by its own field or its status events."""
    if rollout.started_at is not None:
        return rollout.started_at
    events = rollout.status_events or ()
    ran = [e.timestamp for e in events if e.status == "running" and e.timestamp is not None]
    return min(ran, default=None)


def waited_so_long(rollout: Rollout, until: datetime) -> bool:
    """Whether a rollout waited until then, as it was drawn, by what its own times say."""
    events = rollout.status_events or ()
    ran = [event.timestamp for event in events if event.status == "running"]
    starts = [at for at in (rollout.started_at, *ran) if at is not None]
    return not starts or any(abs((at - until).total_seconds()) <= CLOCK_OFF_S for at in starts)


def duration_s(rollout: Rollout) -> float | None:
    """How long an ended rollout ran, in seconds; None where its times do not tell."""
    start = started_at(rollout)
    if start is None or rollout.completed_at is None or rollout.completed_at < start:
        return None
    return (rollout.completed_at - start).total_seconds()


def elapsed(row: RolloutRow) -> timedelta | datetime | None:
    """How long a rollout ran, or since when it runs; None before its start, or if nobody knows."""
    if row.rollout is None:
        return None
    if row.outcome is Outcome.RUNNING:
        return started_at(row.rollout)
    ran_s = duration_s(row.rollout)
    return None if ran_s is None else timedelta(seconds=ran_s)


def elapsed_s(row: RolloutRow, now: datetime) -> float | None:
    """The same in seconds.

    Args:
        now: The server's time, as well as it is known: a start that is later by no more than that
            may be wrong is a start now.
    """
    ran = elapsed(row)
    if isinstance(ran, timedelta) or ran is None:
        return None if ran is None else ran.total_seconds()
    ran_s = (now - ran).total_seconds()
    return max(ran_s, 0.0) if ran_s >= -CLOCK_OFF_S else None
