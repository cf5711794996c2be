"""What a session knows, as a snapshot of a recording, or what differs from a snapshot before."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Struct, field

from gymtui.api.lenient import loads
from gymtui.api.list_answer import mask_secrets
from gymtui.core.json_output import json_text
from gymtui.core.server_clock import ServerClock
from gymtui.poll.recorded_state import diff_watching, watching_of
from gymtui.poll.tracker import RolloutTracker
from gymtui.store.history.recording_rows import KeptRollout, KeptRun, Page, Snapshot, Watching
from gymtui.store.records import RolloutRow, RunRow
from gymtui.store.stats.run_summary import RunSummary, to_keep
from gymtui.store.store import Store

_MAY_HOLD_KEY = re.compile(rb"api[-_]*key|authorization|\\u00", re.IGNORECASE)


class KnownState(Struct):
    """What a reader of a recording knows by a snapshot in it."""

    chunk: int = 0  # the number of its chunk in the segment
    dictionary: bytes = b""  # of the frames of what builds on it, by zlib: several are held
    runs: Mapping[str, KeptRun] = field(default_factory=dict)
    # By run, by rollout, its bytes and when they were first seen.
    rollouts: dict[str, dict[str, tuple[bytes, float]]] = field(default_factory=dict)
    # Of runs whose rollouts are not held.
    summaries: Mapping[str, RunSummary] = field(default_factory=dict)
    # What was observed of each of these.
    lives: Mapping[str, object] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)  # runs of which something changed since
    watching: Watching | None = None  # without what a key has all of


class SnapshotBuilder:
    """Puts together snapshots of one session; the list of runs is always recorded."""

    def __init__(
        self,
        store: Store,
        tracker: RolloutTracker,
        clock: ServerClock,
        wanted: Callable[[str], bool],
    ) -> None:
        self._store = store
        self._tracker = tracker
        self._clock = clock
        self._wanted = wanted

    def build(
        self, before: KnownState | None, listed: Iterable[Page], run_bytes: Mapping[str, bytes]
    ) -> Snapshot:
        """All that is known, or what is another than in a snapshot before."""
        store, whole, known = self._store, before is None, before or KnownState()
        runs = {run_id: _kept_run(row, run_bytes) for run_id, row in store.runs.items()}
        changed = {i: run for i, run in runs.items() if known.runs.get(i) != run}
        wanted = [run_id for run_id in store.runs if self._wanted(run_id)]
        held = {i: store.rollouts_of(i) for i in wanted if store.knows_rollouts_of(i)}
        # Of the rest, those that were only ever listed as running count as strays.
        members = {row.rollout_id for rows in held.values() for row in rows}
        rollouts: dict[str, tuple[KeptRollout, ...]] = {}
        for run_id, rows in held.items():
            if whole or run_id in known.touched or run_id not in known.rollouts:
                before_of_run = known.rollouts.get(run_id, {})
                rollouts[run_id] = tuple(_kept_rollout(row, before_of_run) for row in rows)
        strays: dict[str, list[KeptRollout]] = {}
        for row in store.rollouts.values():
            if row.rollout_id not in members and self._wanted(row.run_id):
                strays.setdefault(row.run_id, []).append(_kept_rollout(row, {}))
        summaries = {
            run_id: kept_summary(run_id, summary)
            for run_id in wanted
            if run_id not in held
            and (summary := store.summary(run_id)) is not None
            and summary is not known.summaries.get(run_id)
        }
        dropped = tuple(i for i in known.runs if i not in runs)
        given_up = tuple(i for i in known.rollouts if i in runs and i not in held)
        of_runs = None if whole else {*rollouts, *strays}
        # Those of strays are all said: nobody could tell which of them went.
        known_lives = {i: seen for i, seen in known.lives.items() if i in members}
        watching = watching_of(self._tracker.state, store, of_runs, known_lives)
        return Snapshot(
            lead_us=round(self._clock.offset_s * 1_000_000),
            listed=tuple(listed),
            order=store.order.ids(),
            runs=runs if whole else changed,
            rollouts=rollouts,
            strays={i: tuple(kept) for i, kept in strays.items()},
            summaries=summaries,
            watching=watching
            if known.watching is None
            else diff_watching(watching, known.watching),
            dropped=dropped,
            given_up=given_up,
            builds_on=known.chunk,
        )

    def known(
        self, before: KnownState, chunk: int, dictionary: bytes, run_bytes: Mapping[str, bytes]
    ) -> KnownState:
        """What a reader knows by a snapshot of the present; what stayed is the last one's."""
        store = self._store
        held = [i for i in store.runs if store.knows_rollouts_of(i) and self._wanted(i)]
        stayed = before.rollouts.keys() - before.touched
        rollouts = {
            i: before.rollouts[i]
            if i in stayed
            else {r.rollout_id: (without_keys(r.raw), r.at) for r in store.rollouts_of(i)}
            for i in held
        }
        summaries = {
            i: summary
            for i in store.runs
            if i not in rollouts and self._wanted(i) and (summary := store.summary(i)) is not None
        }
        members = {rollout_id for of_run in rollouts.values() for rollout_id in of_run}
        lives = {i: seen for i, seen in self._tracker.state.lives.items() if i in members}
        runs = {run_id: _kept_run(row, run_bytes) for run_id, row in store.runs.items()}
        watching = msgspec.structs.replace(watching_of(self._tracker.state, store, ()), watched={})
        packed = zlib.compress(dictionary, 1)
        return KnownState(chunk, packed, runs, rollouts, summaries, lives, watching=watching)


def _kept_run(row: RunRow, run_bytes: Mapping[str, bytes]) -> KeptRun:
    raw = run_bytes.get(row.run_id)
    return KeptRun(without_keys(row.raw) if raw is None else raw, row.is_deleted)


def _kept_rollout(row: RolloutRow, known: Mapping[str, tuple[bytes, float]]) -> KeptRollout:
    raw, at_us = without_keys(row.raw), round(row.at * 1_000_000)
    before = known.get(row.rollout_id)
    if before is None or before[0] != raw:
        return KeptRollout(row.rollout_id, raw, at_us)
    return KeptRollout(row.rollout_id, None, 0 if before[1] == row.at else at_us)


def without_keys(raw: bytes) -> bytes:
    """An item's bytes as received, unless there is a key in them."""
    if _MAY_HOLD_KEY.search(raw) is None:
        return raw
    try:
        document = loads(raw)
        hidden = mask_secrets(document)
    except (ValueError, RecursionError):
        return b"null"
    return raw if hidden == document else json_text(hidden).encode()


def kept_summary(run_id: str, summary: RunSummary) -> str:
    """A run's numbers as a recording has them."""
    # Escaped to ASCII, as the journal has it.
    return json_text(msgspec.to_builtins(to_keep(run_id, summary)))
