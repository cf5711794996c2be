"""The rollouts of some runs, counted into tasks and into failures as they come and change."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping

from gymtui.core.pieces import result_of
from gymtui.store.delta import Delta
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failures import Failures
from gymtui.store.stats.matrix import Matrix
from gymtui.store.store import Store

TAKEN_AT_ONCE = 100
"""Rollouts taken in before keys get their turn: 3 ms; 20 where each has words of its own."""


class CountedRollouts:
    """What the matrix screens count; `counted_runs` are the runs whose rollouts are counted in."""

    def __init__(self) -> None:
        self.matrix = Matrix()
        self.failures = Failures()
        self.counted_runs: set[str] = set()

    def drop_deleted(self, store: Store, last_steps: Mapping[str, int]) -> bool:
        """Take out the runs that the store no longer knows; whether there were any."""
        gone = [run_id for run_id in self.counted_runs if run_id not in store.runs]
        for run_id in gone:
            self.counted_runs.discard(run_id)
            self._drop(self.matrix.of_run(run_id))
        if gone:
            result_of(
                self.matrix.refresh_in_pieces(
                    we_cancelled=store.we_cancelled, last_steps=last_steps
                )
            )
        return bool(gone)

    def due(self, store: Store, delta: Delta, run_ids: Collection[str]) -> int:
        """How many rollouts of these runs are to be looked at, at most."""
        new = (run_id for run_id in run_ids if run_id not in self.counted_runs)
        held = (len(store.rollouts_of(run_id)) for run_id in new)
        return len(delta.rollouts) + sum(held)

    def take_in_pieces(
        self,
        store: Store,
        delta: Delta,
        run_ids: Collection[str],
        last_steps: Mapping[str, int],
    ) -> Generator[None, None, bool]:
        """Take in what changed of these runs, stopping now and then so that keys are answered.

        It returns whether anything about them is another now.
        """
        seen, moved = set(self.counted_runs), False
        about, known = store.runs_of(delta), store.rollouts
        touched: dict[str, list[RolloutRow]] = {}
        for row in map(known.get, delta.rollouts):
            if row is not None:
                touched.setdefault(row.run_id, []).append(row)
        for run_id in run_ids:
            first = run_id not in seen
            # One that is not held was given up to save memory: what was seen stays.
            if not store.knows_rollouts_of(run_id) or not (first or run_id in about):
                continue
            moved = True
            seen.add(run_id)
            counted = self.matrix.of_run(run_id)
            rows = store.rollouts_of(run_id) if first else touched.get(run_id, ())
            # Not what the delta says went: rollouts go while another screen is on top, too.
            self._drop(counted - known.keys())
            moved_on = counted & delta.rollouts & known.keys()
            self._drop([i for i in moved_on if known[i].run_id != run_id])
            for number, row in enumerate(rows, 1):
                self.matrix.take(row, last_steps.get(row.rollout_id))
                self.failures.take(row)
                if not number % TAKEN_AT_ONCE:
                    yield
        if moved:
            yield from self.matrix.refresh_in_pieces(
                we_cancelled=store.we_cancelled, last_steps=last_steps
            )
            yield
            self.counted_runs = seen
            self.drop_deleted(store, last_steps)  # between two pieces
        return moved

    def _drop(self, rollout_ids: Collection[str]) -> None:
        for rollout_id in rollout_ids:
            self.matrix.drop(rollout_id)
            self.failures.drop(rollout_id)
