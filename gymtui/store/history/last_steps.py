"""Which step ended rollouts took last, as far as that was observed: they no longer say it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gymtui.store.history.observer import BLIND_AFTER_S, StateObservation
from gymtui.store.phases import FINISHED_STATUSES, KIND_OF_PHASE, SegmentKind


def last_step(observations: Iterable[StateObservation]) -> int | None:
    """The last step a rollout's agent took, if it was watched until the agent was done.

    An ended rollout no longer says it, and one left alone before its end took others since.
    """
    seen = tuple(observations)
    at_work = [
        number
        for number, observation in enumerate(seen)
        if KIND_OF_PHASE.get(observation.phase or "") is SegmentKind.AGENT
        and observation.status not in FINISHED_STATUSES
    ]
    for observation in seen[at_work[-1] + 1 :] if at_work else ():
        if observation.last_otherwise_at is not None:
            gap_s = (observation.seen_at - observation.last_otherwise_at).total_seconds()
            return observation.step if gap_s <= BLIND_AFTER_S else None
    return None


def lives_of(seen: Iterable[StateObservation]) -> dict[str, list[StateObservation]]:
    """What was seen, by rollout; of each in the order given."""
    lives: dict[str, list[StateObservation]] = {}
    for observation in seen:
        lives.setdefault(observation.rollout_id, []).append(observation)
    return lives


def last_steps(lives: Mapping[str, Iterable[StateObservation]]) -> dict[str, int]:
    """The last step of each rollout of which it is known, by what was seen of each."""
    steps = {rollout_id: last_step(life) for rollout_id, life in lives.items()}
    return {rollout_id: step for rollout_id, step in steps.items() if step is not None}
