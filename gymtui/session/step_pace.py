"""How fast rollouts move, as the screens ask for it: read from what this session watches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from gymtui.poll.tracker import RolloutTracker
from gymtui.store.stats.eta import UsualTimes


class ObservedStepPace(Struct, frozen=True):
    """A `store.running_rollouts.StepPace` of what is watched."""

    tracker: RolloutTracker  # what this session watched

    def moved_at(self, rollout_id: str) -> datetime | None:
        """When one last took a step, or changed phase or status; None if it is not watched."""
        return self.tracker.observer.moved_at(rollout_id)

    def phase_seen_at(self, rollout_id: str) -> datetime | None:
        """By when one had reached the phase it is in; None if it is not watched."""
        return self.tracker.observer.phase_seen_at(rollout_id)

    def gaps_s(self, rollout_id: str) -> Sequence[float]:
        """The latest times between its steps, in seconds, the oldest first."""
        return self.tracker.observer.own_gaps_s(rollout_id)

    def usual(self, run_id: str) -> UsualTimes:
        """What is usual in a run."""
        return self.tracker.time_spent(run_id).usual
