"""What earlier sessions saw of rollouts that are watched now. Pure.

Without it, a rollout that stood still for an hour would count as seen to move at every start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gymtui.core.replacement import replace
from gymtui.core.server_clock import Window
from gymtui.store.history.observer import (
    OWN_GAPS_KEPT,
    STEP_GAPS_KEPT,
    StateObservation,
    StepTimes,
    Watched,
)


def recall_watched(
    watched: Mapping[str, Watched],
    lives: Mapping[str, Sequence[StateObservation]],
    steps: Iterable[StepTimes],
) -> dict[str, Watched]:
    """Those of the watched rollouts of which earlier sessions knew more."""
    found = {i: _with_phase_start(known, lives.get(i, ())) for i, known in watched.items()}
    for kept in steps:
        known = found.get(kept.rollout_id)
        # One that is at an earlier step began anew.
        if known is not None and known.step is not None and known.step >= kept.step:
            found[kept.rollout_id] = _with_last_step(known, kept)
    return {i: known for i, known in found.items() if known != watched[i]}


def recall_gaps_s(steps: Iterable[StepTimes], own_s: Sequence[float]) -> tuple[float, ...]:
    """A run's latest times between steps, those of earlier sessions before its own."""
    earlier = sorted(steps, key=lambda kept: kept.seen_at)
    return (*(gap for kept in earlier for gap in kept.gaps_s), *own_s)[-STEP_GAPS_KEPT:]


def _with_phase_start(known: Watched, life: Sequence[StateObservation]) -> Watched:
    """It entered its phase when it was first seen in it."""
    now, first = (known.observation.status, known.observation.phase), known.first
    for seen in reversed(life):
        if (seen.status, seen.phase) != now:
            break
        if seen.seen_at < first.latest:
            first = Window(seen.seen_from, seen.seen_at)
    return replace(known, first=first, moved=first if known.step is None else known.moved)


def _with_last_step(known: Watched, kept: StepTimes) -> Watched:
    """It took its last step when it was first seen there."""
    moved = known.moved
    if known.step == kept.step and kept.seen_at < moved.latest:
        last = Window(kept.seen_from, kept.seen_at)
        moved = max(last, known.first, key=lambda window: window.latest)
    gaps_s = (*kept.gaps_s, *known.gaps_s)[-OWN_GAPS_KEPT:]
    return replace(known, moved=moved, gaps_s=gaps_s)
