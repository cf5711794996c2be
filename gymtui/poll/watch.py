"""What one session watched of rollouts, joined with what the journal kept of earlier ones.

The poller feeds it each answer, the screens read it. It asks the gym nothing and draws nothing;
how looks become sightings is `store.observer`, how sightings become segments `store.timeline`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from gymtui.clock import Window
from gymtui.store.delta import Query, RolloutsOf, RunningRollouts
from gymtui.store.journal import Journal
from gymtui.store.journal_file import KeptSummary
from gymtui.store.numbers import time_spent_s
from gymtui.store.observer import Observer, Sighting
from gymtui.store.phases import Kind, is_finished
from gymtui.store.progress import UsualTimes
from gymtui.store.records import RolloutRow
from gymtui.store.stats import Shares, quantile, shares
from gymtui.store.store import Applied, Store
from gymtui.store.summary import RunSummary, from_kept, to_keep
from gymtui.store.timeline import Segment, segments

DRAWN_AT_ONCE = 200
"""Lives of ended rollouts looked through before others get their turn: some 10 ms."""


@dataclass(slots=True)
class _Life:
    """What is remembered of one rollout.

    Attributes:
        sightings: By time; those of the journal among them once they were loaded.
        drawn: Its segments, and what they were made from.
        spent: Seconds by phase, or None if it was not watched all the way, and what that was
            made from; only of one that ended.
    """

    sightings: tuple[Sighting, ...] = ()
    drawn: tuple[object, tuple[Segment, ...]] | None = None
    spent: tuple[object, Mapping[str, float] | None] | None = None


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """Where the time of a run's ended rollouts went.

    Attributes:
        shares: Of each phase, by its `Kind`, with coverage.
        usual: What is usual in the run, as far as it was watched.
        complete: Whether all were looked through; if not, ask again soon.
    """

    shares: Shares
    usual: UsualTimes
    complete: bool


class Watch:
    """Watches every rollout that the poller lists.

    Args:
        store: What is known; the poller's.
        journal: Where what is observed is kept, or None to keep nothing.
        remembered: Called once on the event loop with the final numbers of earlier sessions.
        recalled: Called on the event loop with each run whose earlier sightings came in.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal | None,
        *,
        remembered: Callable[[Mapping[str, RunSummary]], object] = lambda _summaries: None,
        recalled: Callable[[str], object] = lambda _run_id: None,
    ) -> None:
        self.observer = Observer()
        self._store = store
        self._journal = journal
        self._remembered = remembered
        self._recalled = recalled
        self._lives: dict[str, _Life] = {}
        self._steps: dict[str, int] = {}
        self._loaded: set[str] = set()
        self._wanted: asyncio.Queue[str] = asyncio.Queue()
        self._kept: dict[str, KeptSummary] = {}

    # -- taking in -------------------------------------------------------------------------

    def answered(self, query: Query, applied: Applied, window: Window) -> None:
        """Take in that the gym answered.

        Args:
            query: What was asked; only answers about rollouts tell anything.
            applied: What the answer did to the store.
            window: When it was answered, on the server's clock.
        """
        self.dropped(applied.delta.rollouts_removed)
        if not isinstance(query, RolloutsOf | RunningRollouts):
            return
        moved = applied.delta.rollouts_added | applied.delta.rollouts_changed
        self.observer.unchanged((i for i in applied.ids if i not in moved), window)
        seen = [self._look(row, window) for i in moved if (row := self._store.rollouts.get(i))]
        if self._journal is not None:
            kept = [sighting for sighting in seen if sighting is not None]
            if kept:
                self._journal.record(kept)
        if isinstance(query, RolloutsOf):
            run = self._store.runs.get(query.run_id)
            if run is not None and run.active:
                self.recall(query.run_id)
            self._keep_summary(query.run_id)

    def _look(self, row: RolloutRow, window: Window) -> Sighting | None:
        rollout = row.rollout
        if rollout is None:
            return None
        rollout_id, finished = row.rollout_id, is_finished(rollout)
        if finished and self.observer.looked_at(rollout_id) is None:
            return None  # its change was not observed: the server's own times say all there is
        if rollout.run_id != row.run_id:
            rollout = rollout.model_copy(update={"run_id": row.run_id})
        if rollout.current_step is not None:
            self._steps[rollout_id] = rollout.current_step
        sighting = self.observer.look(rollout, window)
        if finished:
            self.observer.forget([rollout_id])
        if sighting is not None:
            life = self._lives.setdefault(rollout_id, _Life())
            life.sightings = (*life.sightings, sighting)
        return sighting

    def dropped(self, rollout_ids: Iterable[str]) -> None:
        """Forget rollouts that the store no longer holds; the journal keeps what was seen."""
        for rollout_id in rollout_ids:
            self.observer.forget([rollout_id])
            self._steps.pop(rollout_id, None)
            life = self._lives.pop(rollout_id, None)
            if life is not None:
                self._loaded -= {sighting.run_id for sighting in life.sightings}

    def forget(self, run_ids: Iterable[str]) -> None:
        """Forget runs that were deleted, in the journal too."""
        gone = tuple(run_ids)
        for run_id in gone:
            self.observer.forget_run(run_id)
            self._loaded.discard(run_id)
            self._kept.pop(run_id, None)
        if gone and self._journal is not None:
            self._journal.forget(*gone)

    # -- reading ---------------------------------------------------------------------------

    @property
    def last_steps(self) -> Mapping[str, int]:
        """The last step each rollout was seen at: ended ones no longer say it. Read only."""
        return MappingProxyType(self._steps)

    def sightings(self, rollout_id: str) -> Sequence[Sighting]:
        """What was observed of a rollout, by time."""
        life = self._lives.get(rollout_id)
        return life.sightings if life is not None else ()

    def looked_at(self, row: RolloutRow) -> datetime:
        """When a rollout was last looked at, on the server's clock."""
        return self.observer.looked_at(row.rollout_id) or datetime.fromtimestamp(row.at, UTC)

    def segments(self, row: RolloutRow) -> tuple[Segment, ...]:
        """A rollout's life up to the last look at it; nothing for one that could not be read."""
        rollout = row.rollout
        if rollout is None:
            return ()
        life = self._lives.setdefault(row.rollout_id, _Life())
        now = self.looked_at(row)
        # An ended rollout's picture no longer depends on when it is drawn.
        made_from = (row.raw, len(life.sightings), None if is_finished(rollout) else now)
        if life.drawn is None or life.drawn[0] != made_from:
            life.drawn = (made_from, segments(rollout, life.sightings, now))
        return life.drawn[1]

    def time_spent(self, run_id: str) -> TimeSpent:
        """Where a run's time went; a large run is looked through a part at a time.

        Args:
            run_id: Of a run whose rollouts the store holds.
        """
        spent_s: list[Mapping[str, float] | None] = []
        left = DRAWN_AT_ONCE
        for row in self._store.rollouts_of(run_id):
            if row.rollout is None or not is_finished(row.rollout):
                continue
            life = self._lives.setdefault(row.rollout_id, _Life())
            made_from = (row.raw, len(life.sightings))
            if life.spent is None or life.spent[0] != made_from:
                if life.sightings and left <= 0:
                    left -= 1
                    continue
                # One that nobody watched has nothing to work out.
                left -= bool(life.sightings)
                spent = time_spent_s(self.segments(row)) if life.sightings else None
                life.spent = (made_from, spent)
            spent_s.append(life.spent[1])
        return TimeSpent(shares(spent_s), self._usual(run_id, spent_s), left >= 0)

    def _usual(self, run_id: str, spent_s: Iterable[Mapping[str, float] | None]) -> UsualTimes:
        watched = [spent for spent in spent_s if spent is not None]

        def p95(kind: Kind) -> float | None:
            return quantile(sorted(spent[kind] for spent in watched), 0.95)

        return UsualTimes(
            step_s=quantile(sorted(self.observer.step_gaps_s(run_id)), 0.95),
            build_s=p95(Kind.BUILDING),
            verify_s=p95(Kind.VERIFYING),
        )

    # -- the journal -----------------------------------------------------------------------

    def recall(self, run_id: str) -> None:
        """Have what the journal keeps of a run loaded, once."""
        if self._journal is not None and run_id not in self._loaded:
            self._loaded.add(run_id)
            self._wanted.put_nowait(run_id)

    async def run(self) -> None:
        """Load what is wanted of the journal until cancelled, never holding the screen up."""
        journal = self._journal
        if journal is None:
            return
        summaries = await asyncio.to_thread(journal.summaries)
        self._kept = {kept.run_id: kept for kept in summaries} | self._kept
        final = {kept.run_id: from_kept(kept) for kept in summaries}
        self._remembered({run_id: summary for run_id, summary in final.items() if summary})
        while True:
            run_id = await self._wanted.get()
            loaded = await asyncio.to_thread(journal.load, run_id)
            if loaded and run_id in self._loaded:
                self._join(loaded)
                self._recalled(run_id)

    def _join(self, loaded: Iterable[Sighting]) -> None:
        """Take the journal's sightings in; those of this session are among them already."""
        by_rollout: dict[str, dict[Sighting, None]] = {}
        for sighting in loaded:
            by_rollout.setdefault(sighting.rollout_id, {})[sighting] = None
        for rollout_id, kept in by_rollout.items():
            life = self._lives.setdefault(rollout_id, _Life())
            both = {**kept, **dict.fromkeys(life.sightings)}
            life.sightings = tuple(sorted(both, key=lambda sighting: sighting.seen_at))
            steps = [sighting.step for sighting in life.sightings if sighting.step is not None]
            if steps:
                self._steps[rollout_id] = max(self._steps.get(rollout_id, 0), *steps)

    def _keep_summary(self, run_id: str) -> None:
        """Keep a run's numbers once they are final, and again whenever they changed after all."""
        summary = self._store.summary(run_id)
        if self._journal is None or summary is None:
            return
        kept = to_keep(run_id, summary)
        if kept.final and kept != self._kept.get(run_id):
            self._kept[run_id] = kept
            self._journal.keep(kept)

    def close(self) -> None:
        """Write down up to when everything was watched, so that the next session knows."""
        if self._journal is not None:
            self._journal.record(self.observer.still())
