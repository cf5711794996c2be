"""A key of a recording put together with what it builds on. Pure."""

from __future__ import annotations

from collections.abc import Container
from typing import TypeVar

import msgspec

from gymtui.store.history.observer import STEP_GAPS_KEPT
from gymtui.store.history.recording_rows import KeptRollout, Snapshot

T = TypeVar("T")


def join_snapshots(base: Snapshot, key: Snapshot) -> Snapshot:
    """All that was known at a key: what it says, and of the rest what the base says."""
    deleted = {*key.dropped}
    runs = {i: run for i, run in base.runs.items() if i not in deleted}
    runs.update(key.runs)
    left = deleted | {*key.given_up}
    rollouts = {i: kept for i, kept in base.rollouts.items() if i not in left}
    for run_id, kept in key.rollouts.items():
        before = {item.rollout_id: item for item in base.rollouts.get(run_id, ())}
        rollouts[run_id] = tuple(_fill(item, before.get(item.rollout_id)) for item in kept)
    old, new = base.watching, key.watching
    lives = {i: life for i, life in old.lives.items() if i in rollouts}
    for run_id, kept in key.rollouts.items():
        both = {**lives.get(run_id, {}), **new.lives.get(run_id, {})}
        lives[run_id] = {i: both[i] for item in kept if (i := item.rollout_id) in both}
    # Of runs whose rollouts are not all known, the key says all there is.
    lives |= {i: life for i, life in new.lives.items() if i not in key.rollouts}
    steps = {i: step for i, step in old.steps.items() if i not in new.unknown_steps}
    gaps = {
        i: tail if i in new.whole_gaps else old.gaps_ds.get(i, ()) + tail
        for i, tail in new.gaps_ds.items()
    }
    watching = msgspec.structs.replace(
        new,
        lives=lives,
        lists=_without(deleted, old.lists, new.lists),
        gaps_ds={i: of[-STEP_GAPS_KEPT:] for i, of in _without(deleted, old.gaps_ds, gaps).items()},
        steps={**steps, **new.steps},
        listed_us=_without(deleted, old.listed_us, new.listed_us),
        unknown_steps=(),
        whole_gaps=(),
    )
    summaries = {i: s for i, s in base.summaries.items() if i not in deleted and i not in rollouts}
    return msgspec.structs.replace(
        key,
        runs=runs,
        rollouts=rollouts,
        summaries={**summaries, **key.summaries},
        watching=watching,
        dropped=(),
        given_up=(),
    )


def _fill(item: KeptRollout, before: KeptRollout | None) -> KeptRollout:
    """A rollout of a key with what it leaves to the base."""
    if before is None or item.raw is not None:
        return item
    return before if not item.at_us else KeptRollout(item.rollout_id, before.raw, item.at_us)


def _without(deleted: Container[str], before: dict[str, T], after: dict[str, T]) -> dict[str, T]:
    """Both together, what is after counting, without what belongs to runs that are gone."""
    return {i: value for i, value in {**before, **after}.items() if i not in deleted or i in after}
