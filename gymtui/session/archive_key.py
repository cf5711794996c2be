"""Whose artifacts some are, as the archive has it, and whether they can still change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gymtui.store.outcome import ACTIVE, Outcome
from gymtui.store.records import RolloutRow


@dataclass(frozen=True, slots=True)
class ArchiveKey:
    gym: str  # which gym's, as `gym_name` calls it
    rollout_id: str
    version: str  # what tells them from those of the same rollout finished at another time
    redacted: bool = False  # whether the gym left tool calls out


def gym_name(base_url: str) -> str:
    """A gym's name in an archive: nothing of a URL, which may hold a login, can be read in it."""
    return hashlib.sha256(base_url.encode("utf-8", "replace")).hexdigest()[:16]


def version_of(row: RolloutRow | None) -> str | None:
    """What tells a rollout's artifacts from others of its id; None while they may change."""
    if row is None or row.rollout is None or row.outcome in (*ACTIVE, Outcome.UNKNOWN, None):
        return None
    if row.rollout.completed_at is None:
        return None
    created = row.rollout.created_at
    return f"{created and created.isoformat()} {row.rollout.completed_at.isoformat()}"


def key_of(gym: str, row: RolloutRow | None, *, redacted: bool = False) -> ArchiveKey | None:
    """The key of a rollout's artifacts; None while they may change."""
    version = version_of(row)
    if row is None or version is None:
        return None
    return ArchiveKey(gym, row.rollout_id, version, redacted)
