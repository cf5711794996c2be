"""What one session watched of rollouts, joined with what the journal kept of earlier ones.

The poller feeds it each answer, the screens read it. It asks the gym nothing and draws nothing; how
looks become observations is `store.history.observer`, how observations become segments
`store.history.timeline`, where the time of runs went `poll.time_spent`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType

from msgspec import Struct

from gymtui.core.server_clock import Window
from gymtui.poll.journal_intake import JournalIntake
from gymtui.poll.time_spent import RunTimes, TimeSpent
from gymtui.store.delta import Query, RolloutsOf, RunningRollouts
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.history.last_steps import last_step, lives_of
from gymtui.store.history.observer import (
    Observer,
    ObserverState,
    StateObservation,
    StepTimes,
    UnchangedPoll,
)
from gymtui.store.history.recall import recall_gaps_s, recall_watched
from gymtui.store.history.timeline import Segment, segments
from gymtui.store.phases import is_finished
from gymtui.store.records import RolloutRow
from gymtui.store.stats.eta import UsualTimes
from gymtui.store.stats.run_summary import RunSummary, to_keep
from gymtui.store.store import Applied, Store

LOOKED_AT_ONCE = 250  # rollouts that moved, taken in before others get their turn: some 2 ms
LISTED_AT_ONCE = 5_000  # rollouts that did not move, likewise


class _Life(Struct):
    # By time; those of the journal among them once they were loaded.
    observations: tuple[StateObservation, ...] = ()
    # Its segments, and what they were made from.
    drawn: tuple[object, tuple[Segment, ...]] | None = None


class TrackerState(Struct, frozen=True):
    """All that was observed, as a recording keeps it."""

    observer: ObserverState
    lives: Mapping[str, tuple[StateObservation, ...]]  # by rollout, its observations
    steps: Mapping[str, int]  # by rollout, the last step it was seen at
    listed: Mapping[str, datetime]  # by run, when its rollouts were last listed
    running_listed: datetime | None  # when all running rollouts were


class RolloutTracker:
    """Watches every rollout that the poller lists; a `StepPace` of these.

    Args:
        remembered: Called once on the event loop with the final numbers of earlier sessions.
        recalled: Called on the event loop with each run whose earlier observations came in.
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
        self._times = RunTimes(store, self._watched_segments, self.observer.step_gaps_s)
        self._listed: dict[str, datetime] = {}
        self._running_listed: datetime | None = None
        self.recalled_runs: set[str] = set()  # the runs whose earlier observations were asked for
        # Runs of which it is known which steps earlier sessions saw: later ones are kept.
        self._stepping: set[str] = set()
        self._kept: dict[str, SavedSummary] = {}
        self.journal_intake = None if journal is None else JournalIntake(journal, self)

    # -- taking in -------------------------------------------------------------------------

    def take_answer_in_pieces(
        self, query: Query, applied: Applied, window: Window
    ) -> Generator[None, None, None]:
        """Take in that the gym answered, stopping now and then so that keys are answered meanwhile.

        Call it right after the store took the answer in, whose rows it looks at. What comes
        of it is to be finished before that of a later answer is begun: looks are taken in order.
        """
        delta = applied.delta
        moved = delta.rollouts_added | delta.rollouts_changed
        known = self._store.rollouts
        rows = [row for rollout_id in moved if (row := known.get(rollout_id)) is not None]
        return self._take_in_pieces(query, applied, window, rows)

    def _take_in_pieces(
        self, query: Query, applied: Applied, window: Window, rows: Sequence[RolloutRow]
    ) -> Generator[None, None, None]:
        self.drop(applied.delta.rollouts_removed)
        if not isinstance(query, RolloutsOf | RunningRollouts):
            return
        known = self._store.rollouts
        kept: list[StateObservation] = []
        for count, row in enumerate(rows, start=1):
            # What was dropped while others had their turn is not to be watched again.
            observation = self._look(row, window) if row.rollout_id in known else None
            if observation is not None:
                kept.append(observation)
            if count % LOOKED_AT_ONCE == 0:
                yield
        whole = applied.total is None or applied.total <= len(applied.ids)
        if isinstance(query, RolloutsOf) and whole:
            self.observer.note_list(query.run_id, window)
        else:
            moved = {row.rollout_id for row in rows}
            still = (rollout_id for rollout_id in applied.ids if rollout_id not in moved)
            while part := tuple(islice(still, LISTED_AT_ONCE)):
                self.observer.note_unchanged(part, window)
                if len(part) == LISTED_AT_ONCE:
                    yield
        if self._journal is not None:
            if kept:
                self._journal.record(kept)
            if looks := self._looks(query, window):
                self._journal.record_unchanged(looks)
            if steps := self._steps_in(rows, window):
                self._journal.record_steps(steps)
        if isinstance(query, RunningRollouts):
            self._running_listed = window.latest
            for run_id in {row.run_id for row in rows if row.run_id in self._store.active_runs}:
                self.recall(run_id)
            return
        self._listed[query.run_id] = window.latest
        run = self._store.runs.get(query.run_id)
        if run is not None and run.active:
            self.recall(query.run_id)
        self._keep_summary(query.run_id)

    def _looks(
        self, query: RolloutsOf | RunningRollouts, window: Window
    ) -> tuple[UnchangedPoll, ...]:
        """What an answer tells beyond changes: a run's own list that all of it was looked at."""
        if isinstance(query, RunningRollouts):
            return self.observer.unchanged_polls()
        run = self._store.runs.get(query.run_id)
        running = run is not None and run.active and run.run is not None and run.run.running != 0
        return (UnchangedPoll(query.run_id, window.earliest, window.latest),) if running else ()

    def _steps_in(self, rows: Iterable[RolloutRow], window: Window) -> tuple[StepTimes, ...]:
        ids = [row.rollout_id for row in rows if row.run_id in self._stepping]
        steps = self.observer.step_times(ids)
        return tuple(one for one in steps if one.seen_at == window.latest)

    def _look(self, row: RolloutRow, window: Window) -> StateObservation | None:
        rollout = row.rollout
        self._times.note_change(row)
        if rollout is None:
            return None
        rollout_id, finished = row.rollout_id, is_finished(rollout)
        if finished and self.observer.last_seen_at(rollout_id) is None:
            return None  # its change was not observed: the server's own times say all there is
        if rollout.run_id != row.run_id:
            rollout = rollout.model_copy(update={"run_id": row.run_id})
        if rollout.current_step is not None:
            self._steps[rollout_id] = rollout.current_step
        observation = self.observer.observe(rollout, window)
        if finished:
            self.observer.forget([rollout_id])
        if observation is not None:
            life = self._lives.setdefault(rollout_id, _Life())
            life.observations = (*life.observations, observation)
            if rollout.current_step is None and last_step(life.observations) is None:
                # Nobody looked for so long that the agent took others before it was done.
                self._steps.pop(rollout_id, None)
        return observation

    def drop(self, rollout_ids: Iterable[str]) -> None:
        """Forget rollouts that the store no longer holds; the journal keeps what was seen."""
        for rollout_id in rollout_ids:
            self.observer.forget([rollout_id])
            self._steps.pop(rollout_id, None)
            self._times.drop(rollout_id)
            life = self._lives.pop(rollout_id, None)
            if life is not None:
                self.recalled_runs -= {observation.run_id for observation in life.observations}

    def note_steps(self, rollout_id: str, steps: int) -> None:
        """Artifacts say how many steps an ended rollout took: the last may have passed unseen."""
        self._steps[rollout_id] = steps

    def forget(self, run_ids: Iterable[str]) -> None:
        """Forget runs that were deleted, in the journal too."""
        deleted = tuple(run_ids)
        for run_id in deleted:
            self.observer.forget_run(run_id)
            self.recalled_runs.discard(run_id)
            self._stepping.discard(run_id)
            self._kept.pop(run_id, None)
            self._listed.pop(run_id, None)
            self._times.forget(run_id)
        if deleted and self._journal is not None:
            self._journal.forget(*deleted)

    @property
    def state(self) -> TrackerState:
        """What was observed; good until the next answer."""
        lives = {i: life.observations for i, life in self._lives.items() if life.observations}
        observer = self.observer.state
        return TrackerState(observer, lives, self._steps, self._listed, self._running_listed)

    def restore(self, state: TrackerState) -> None:
        """Know what was observed by then, and nothing else."""
        self.observer.restore(state.observer)
        self._lives = {i: _Life(observations) for i, observations in state.lives.items()}
        self._steps, self._listed = dict(state.steps), dict(state.listed)
        self._running_listed = state.running_listed
        self._times.clear()

    # -- reading ---------------------------------------------------------------------------

    @property
    def last_steps(self) -> Mapping[str, int]:
        """The last step each rollout was seen at; all it took, where its artifacts were read.

        Ended ones no longer say it. Read only.
        """
        return MappingProxyType(self._steps)

    def observations(self, rollout_id: str) -> Sequence[StateObservation]:
        """What was observed of a rollout, by time."""
        return life.observations if (life := self._lives.get(rollout_id)) is not None else ()

    def last_seen_at(self, row: RolloutRow) -> datetime:
        """When a rollout was last looked at, on the server's clock: the latest it may have been."""
        looked = self.observer.last_seen_at(row.rollout_id) or datetime.fromtimestamp(row.at, UTC)
        life = self._lives.get(row.rollout_id)
        if life is not None and life.observations and life.observations[-1].seen_from <= looked:
            # The time may have been known less well when it changed, here or in another session.
            # It changed before this look all the same: its edge stays as it was drawn.
            return max(looked, life.observations[-1].seen_at)
        return looked

    def segments(self, row: RolloutRow) -> tuple[Segment, ...]:
        """A rollout's life up to the last look at it; nothing for one that could not be read."""
        rollout = row.rollout
        if rollout is None:
            return ()
        life = self._lives.setdefault(row.rollout_id, _Life())
        now = self.last_seen_at(row)
        # An ended rollout's picture no longer depends on when it is drawn.
        made_from = (row.raw, len(life.observations), None if is_finished(rollout) else now)
        if life.drawn is None or life.drawn[0] != made_from:
            life.drawn = (made_from, segments(rollout, life.observations, now))
        return life.drawn[1]

    def listed_at(self, run_id: str) -> datetime | None:
        """When a run's rollouts were last listed, those that run at least; None if never."""
        listed, running = self._listed.get(run_id), self._running_listed
        return max(listed, running) if listed is not None and running is not None else listed

    def moved_at(self, rollout_id: str) -> datetime | None:
        """When one last took a step, or changed phase or status; None if it is not watched."""
        return self.observer.moved_at(rollout_id)

    def phase_seen_at(self, rollout_id: str) -> datetime | None:
        """By when one had reached the phase it is in; None if it is not watched."""
        return self.observer.phase_seen_at(rollout_id)

    def usual(self, run_id: str) -> UsualTimes:
        """What is usual in a run."""
        return self.time_spent(run_id).usual

    def time_spent(self, run_id: str) -> TimeSpent:
        """Where a run's time went whose rollouts are held; of a large one a part more each time."""
        return self._times.spent(run_id)

    def _watched_segments(self, row: RolloutRow) -> tuple[Segment, ...] | None:
        return self.segments(row) if self.observations(row.rollout_id) else None

    # -- the journal -----------------------------------------------------------------------

    @property
    def is_recalling(self) -> bool:
        """Whether what the journal keeps of a run is still to come in."""
        return self.journal_intake is not None and self.journal_intake.is_reading

    def recall(self, run_id: str) -> None:
        """Have what the journal keeps of a run loaded, once."""
        if self.journal_intake is not None and run_id not in self.recalled_runs:
            self.recalled_runs.add(run_id)
            self.journal_intake.want(run_id)

    async def run(self, *, follow: bool = True) -> None:
        """Load what is wanted of the journal, in threads, and follow shared ones till cancelled."""
        if self.journal_intake is not None:
            await self.journal_intake.run(follow=follow)

    def take_summaries(self, kept: Iterable[SavedSummary], final: Mapping[str, RunSummary]) -> None:
        """Take in numbers that are kept; the arguments are those of `JournalListener`."""
        self._kept = {summary.run_id: summary for summary in kept} | self._kept
        self._remembered(final)

    def take_run(
        self, run_id: str, loaded: Sequence[StateObservation], steps: Sequence[StepTimes]
    ) -> None:
        """Take in what is kept of a run."""
        if run_id not in self.recalled_runs:
            return
        self.join(loaded)
        if run_id not in self._stepping:
            self._stepping.add(run_id)
            self.recall_earlier(run_id, lives_of(loaded), steps)
        if loaded or steps:
            self._recalled(run_id)

    def take_observations(self, observations: Iterable[StateObservation]) -> None:
        """Take in what others have just seen of the runs that are loaded."""
        seen = [one for one in observations if one.run_id in self.recalled_runs]
        self.join(seen)
        for run_id in {one.run_id for one in seen}:
            self._recalled(run_id)

    def recall_earlier(
        self,
        run_id: str,
        lives: Mapping[str, Sequence[StateObservation]],
        steps: Sequence[StepTimes],
    ) -> None:
        """Take in since when the run's rollouts are as they are, and keep what came meanwhile."""
        observer, own = self.observer, self.observer.watched_of(run_id)
        gaps_s = recall_gaps_s(steps, observer.step_gaps_s(run_id))
        observer.remember(recall_watched(own, lives, steps), run_id, gaps_s)
        if self._journal is not None:
            self._journal.record_steps(observer.step_times(own))

    def join(self, loaded: Iterable[StateObservation]) -> None:
        """Take the journal's observations in; those of this session are among them already."""
        by_rollout: dict[str, dict[StateObservation, None]] = {}
        for observation in loaded:
            by_rollout.setdefault(observation.rollout_id, {})[observation] = None
        for rollout_id, kept in by_rollout.items():
            life = self._lives.setdefault(rollout_id, _Life())
            both = {**kept, **dict.fromkeys(life.observations)}
            life.observations = tuple(sorted(both, key=lambda observation: observation.seen_at))
            step = last_step(life.observations)
            if step is not None:
                self._steps[rollout_id] = max(self._steps.get(rollout_id, 0), step)
            row = self._store.rollouts.get(rollout_id)
            if row is not None:
                self._times.note_change(row)

    def _keep_summary(self, run_id: str) -> None:
        """Keep a run's numbers once they are final, and again whenever they changed after all."""
        summary = self._store.summary(run_id)
        if self._journal is None or summary is None:
            return
        kept = to_keep(run_id, summary)
        if kept.final and kept != self._kept.get(run_id):
            self._kept[run_id] = kept
            self._journal.keep_summaries(kept)

    def close(self) -> None:
        """Write down up to when everything was watched, so that the next session knows."""
        if self._journal is not None:
            self._journal.record(self.observer.last_looks())
