"""What a session observed, as a recording keeps it, and back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from gymtui.core.instants import from_micros, micros
from gymtui.core.server_clock import Window
from gymtui.poll.tracker import TrackerState
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.history.observer import ListLook, ObserverState, StateObservation, Watched
from gymtui.store.history.recording_rows import (
    PackedObservation,
    PackedWatched,
    PackedWindow,
    Watching,
)
from gymtui.store.stats.run_summary import RunSummary, from_kept
from gymtui.store.store import Store


def watching_of(
    state: TrackerState,
    store: Store,
    runs: Collection[str] | None,
    known: Mapping[str, object] = MappingProxyType({}),
) -> Watching:
    """What was observed, packed.

    Args:
        runs: The runs whose rollouts' lives are wanted; None for all.
        known: Lives by rollout that are not wanted again.
    """
    lives: dict[str, dict[str, tuple[PackedObservation, ...]]] = {}
    for rollout_id, seen in state.lives.items():
        row = store.rollouts.get(rollout_id)
        run_id = row.run_id if row is not None else seen[-1].run_id
        if (runs is None or run_id in runs) and known.get(rollout_id) is not seen:
            lives.setdefault(run_id, {})[rollout_id] = pack_observations(seen)
    observer = state.observer
    return Watching(
        lives=lives,
        watched={i: pack_watched(known) for i, known in observer.watched.items()},
        lists={i: (look.turn, *_pack_window(look.window)) for i, look in observer.lists.items()},
        turn=observer.turn,
        gaps_ds={i: pack_gaps(gaps_s) for i, gaps_s in observer.step_gaps_s.items()},
        steps=dict(state.steps),
        listed_us={i: micros(at) for i, at in state.listed.items()},
        running_listed_us=None if state.running_listed is None else micros(state.running_listed),
    )


def diff_watching(now: Watching, before: Watching) -> Watching:
    """What is another than before; `recording_snapshot.join_snapshots` puts both together."""
    tails = {i: _tail(before.gaps_ds.get(i, ()), gaps) for i, gaps in now.gaps_ds.items()}
    return msgspec.structs.replace(
        now,
        lists={i: look for i, look in now.lists.items() if before.lists.get(i) != look},
        gaps_ds={
            i: now.gaps_ds[i] if tail is None else tail for i, tail in tails.items() if tail != ()
        },
        whole_gaps=tuple(i for i, tail in tails.items() if tail is None),
        steps={i: step for i, step in now.steps.items() if before.steps.get(i) != step},
        unknown_steps=tuple(i for i in before.steps if i not in now.steps),
        listed_us={i: at for i, at in now.listed_us.items() if before.listed_us.get(i) != at},
    )


def _tail(before: tuple[int, ...], now: tuple[int, ...]) -> tuple[int, ...] | None:
    """What was appended, however much was dropped at the begin; None if that is not all."""
    if not before:
        return now
    for lost in range(len(before)):
        kept = len(before) - lost
        if now[:kept] == before[lost:]:
            return now[kept:]
    return None


def state_of(watching: Watching, wanted: Callable[[str], bool]) -> TrackerState:
    """What was observed, unpacked; lives of those runs' rollouts alone that are wanted."""
    lives: dict[str, tuple[StateObservation, ...]] = {}
    for run_id, by_rollout in watching.lives.items():
        if wanted(run_id):
            for rollout_id, seen in by_rollout.items():
                lives[rollout_id] = unpack_observations(run_id, rollout_id, seen)
    observer = ObserverState(
        {i: unpack_watched(i, packed) for i, packed in watching.watched.items()},
        {i: ListLook(turn, _window(of)) for i, (turn, *of) in watching.lists.items()},
        watching.turn,
        {i: unpack_gaps_s(packed) for i, packed in watching.gaps_ds.items()},
    )
    listed: dict[str, datetime] = {i: from_micros(at_us) for i, at_us in watching.listed_us.items()}
    running_us = watching.running_listed_us
    running = None if running_us is None else from_micros(running_us)
    return TrackerState(observer, lives, watching.steps, listed, running)


def read_summaries(kept: Iterable[str]) -> dict[str, RunSummary]:
    """Numbers of runs by their ids; what cannot be read is left out."""
    found: dict[str, RunSummary] = {}
    for text in kept:
        try:
            saved = msgspec.json.decode(text, type=SavedSummary)
        except msgspec.MsgspecError:
            continue
        summary = from_kept(saved)
        if summary is not None:
            found[saved.run_id] = summary
    return found


def pack_observations(seen: Iterable[StateObservation]) -> tuple[PackedObservation, ...]:
    """A rollout's observations, packed."""
    return tuple(map(_pack, seen))


def unpack_observations(
    run_id: str, rollout_id: str, packed: Iterable[PackedObservation]
) -> tuple[StateObservation, ...]:
    """A rollout's observations, unpacked."""
    return tuple(_observation(run_id, rollout_id, one) for one in packed)


def _pack(seen: StateObservation) -> PackedObservation:
    otherwise = seen.last_otherwise_at
    return (
        seen.status,
        seen.phase,
        micros(seen.seen_from),
        micros(seen.seen_at),
        None if otherwise is None else micros(otherwise),
        seen.step,
    )


def _observation(run_id: str, rollout_id: str, packed: PackedObservation) -> StateObservation:
    status, phase, from_us, at_us, otherwise_us, step = packed
    otherwise = None if otherwise_us is None else from_micros(otherwise_us)
    seen_from, seen_at = from_micros(from_us), from_micros(at_us)
    return StateObservation(rollout_id, run_id, status, phase, seen_from, seen_at, otherwise, step)


def pack_watched(known: Watched) -> PackedWatched:
    """What is remembered of a rollout, packed."""
    return PackedWatched(
        known.observation.run_id,
        _pack(known.observation),
        _pack_window(known.first),
        _pack_window(known.last),
        known.turn,
        known.step,
        known.last_step,
        _pack_window(known.moved),
        pack_gaps(known.gaps_s),
    )


def unpack_watched(rollout_id: str, packed: PackedWatched) -> Watched:
    """What is remembered of a rollout, unpacked."""
    return Watched(
        _observation(packed.run_id, rollout_id, packed.observation),
        _window(packed.first),
        _window(packed.last),
        packed.turn,
        packed.step,
        packed.last_step,
        _window(packed.moved),
        unpack_gaps_s(packed.gaps_ds),
    )


def pack_gaps(gaps_s: Iterable[float]) -> tuple[int, ...]:
    """Seconds between steps as tenths of seconds."""
    return tuple(round(gap_s * 10) for gap_s in gaps_s)


def unpack_gaps_s(packed: Iterable[int]) -> tuple[float, ...]:
    """Seconds between steps."""
    return tuple(gap / 10 for gap in packed)


def _pack_window(window: Window) -> PackedWindow:
    return micros(window.earliest), micros(window.latest)


def _window(packed: Iterable[int]) -> Window:
    earliest, latest = packed
    return Window(from_micros(earliest), from_micros(latest))
