"""A rollout as a list has it, for the screens that read rollouts beside each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listed:
    """One of a list's rollouts.

    Attributes:
        run_id: Its run.
        rollout_id: The rollout.
    """

    run_id: str
    rollout_id: str
