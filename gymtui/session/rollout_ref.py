"""A rollout as a list has it, and such a list: for the screens that read one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class RolloutRef(Struct, frozen=True):
    run_id: str
    rollout_id: str


class RolloutList(Protocol):
    """A list that rollouts are opened from."""

    def rollout_ids(self) -> Sequence[str]:
        """Its rollouts as they are listed now, filter and order included."""

    def select_rollout(self, rollout_id: str) -> None:
        """Put the cursor on a rollout, if it is listed."""
