"""What a person's own command is run on: what is marked on a screen, else what the cursor is on."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from gymtui.session.rollout_ref import RolloutRef


class Selection(Struct, frozen=True):
    """Runs, or rollouts with their runs."""

    run_ids: tuple[str, ...] = ()
    rollout_ids: tuple[str, ...] = ()

    @classmethod
    def of_rollouts(cls, rollouts: Iterable[RolloutRef]) -> Selection:
        """Some rollouts, with the runs that they are of."""
        chosen = tuple(rollouts)
        run_ids = tuple(dict.fromkeys(rollout.run_id for rollout in chosen))
        return cls(run_ids, tuple(rollout.rollout_id for rollout in chosen))
