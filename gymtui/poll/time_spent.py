"""Where the time of runs went, over their ended rollouts, each run looked through in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, field

from gymtui.store.history.timeline import Segment
from gymtui.store.phases import SegmentKind, is_finished
from gymtui.store.records import RolloutRow
from gymtui.store.stats.eta import UsualTimes
from gymtui.store.stats.formulas import Shares, quantile
from gymtui.store.stats.phase_time import PhaseTime
from gymtui.store.stats.run_stats import time_spent_s
from gymtui.store.store import Store

DRAWN_AT_ONCE = 100
"""Lives of ended rollouts looked through before others get their turn: some 5 ms."""
UNWATCHED_COST = 0.05  # what one that nobody watched, with nothing to look through, costs of that


class _Spent(Struct):
    phases: PhaseTime = field(default_factory=PhaseTime)
    due: dict[str, None] = field(default_factory=dict)  # the rollouts to look through (again)


class TimeSpent(Struct, frozen=True):
    """Where the time of a run's ended rollouts went."""

    shares: Shares  # of each phase, by its `SegmentKind`, with coverage
    usual: UsualTimes  # what is usual in the run, as far as it was watched
    complete: bool  # whether all were looked through; if not, ask again soon


class RunTimes:
    """Adds up where time went in the runs that somebody asks about.

    Args:
        segments: A rollout's life, or None for one that nobody watched.
    """

    def __init__(
        self,
        store: Store,
        segments: Callable[[RolloutRow], Sequence[Segment] | None],
        step_gaps_s: Callable[[str], Iterable[float]],
    ) -> None:
        self._store = store
        self._segments = segments
        self._step_gaps_s = step_gaps_s
        self._spent: dict[str, _Spent] = {}
        self._counted_in: dict[str, str] = {}  # by rollout, its run

    def note_change(self, row: RolloutRow) -> None:
        """Look a rollout through again when its run is asked about next."""
        before, wanted = self._counted_in.get(row.rollout_id), self._spent.get(row.run_id)
        if before is not None:
            self._spent[before].due[row.rollout_id] = None
        if wanted is not None and row.rollout is not None and is_finished(row.rollout):
            wanted.due[row.rollout_id] = None

    def drop(self, rollout_id: str) -> None:
        """Count a rollout out."""
        run_id = self._counted_in.pop(rollout_id, None)
        if run_id is not None:
            self._spent[run_id].phases.drop(rollout_id)

    def forget(self, run_id: str) -> None:
        """Forget a run."""
        self._spent.pop(run_id, None)
        self._counted_in = {i: run for i, run in self._counted_in.items() if run != run_id}

    def clear(self) -> None:
        """Forget all runs."""
        self._spent.clear()
        self._counted_in.clear()

    def spent(self, run_id: str) -> TimeSpent:
        """Where a run's time went, after another part of it was looked through."""
        spent = self._spent.get(run_id)
        if spent is None:
            spent = self._spent[run_id] = _Spent()
            for row in self._store.rollouts_of(run_id):
                self.note_change(row)
        left: float = DRAWN_AT_ONCE
        while spent.due and left > 0:
            left -= self._count(run_id, spent.phases, spent.due.popitem()[0])
        usual = UsualTimes(
            step_s=quantile(sorted(self._step_gaps_s(run_id)), 0.95),
            build_s=spent.phases.p95_s(SegmentKind.BUILDING),
            verify_s=spent.phases.p95_s(SegmentKind.VERIFYING),
            watched=spent.phases.shares.counted,
        )
        return TimeSpent(spent.phases.shares, usual, not spent.due)

    def _count(self, run_id: str, phases: PhaseTime, rollout_id: str) -> float:
        """Count where a rollout's time went, unless it is none of the run's ended ones.

        What looking it through cost, in rollouts that were watched.
        """
        row = self._store.rollouts.get(rollout_id)
        if row is None or row.run_id != run_id or not (row.rollout and is_finished(row.rollout)):
            phases.drop(rollout_id)
            if self._counted_in.get(rollout_id) == run_id:
                del self._counted_in[rollout_id]
            return UNWATCHED_COST
        self._counted_in[rollout_id] = run_id
        segments = self._segments(row)
        phases.put(rollout_id, None if segments is None else time_spent_s(segments))
        return UNWATCHED_COST if segments is None else 1.0
