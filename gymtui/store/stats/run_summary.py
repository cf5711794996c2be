"""What a run's rollouts add up to: outcomes counted apart, times, model.

Kept up to date rollout by rollout, so that one change among thousands costs one, for every run
there is. What is shown of the one run that is open, times and tasks included, is
`store.stats.run_stats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from copy import copy
from datetime import datetime

from msgspec import Struct

from gymtui.api.models import Rollout
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.outcome import (
    ACTIVE,
    VERDICTS,
    Outcome,
    at_step_limit,
    errors_in,
    score_in,
    verdicts_in,
)
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_times import started_at
from gymtui.store.stats.formulas import Interval, Tally, TaskSums
from gymtui.store.stats.task_tallies import TaskTallies


class RunSummary(Struct, frozen=True):
    """The numbers of one run, over the rollouts that were seen of it."""

    known: int  # how many rollouts these numbers are over
    counts: Counter[Outcome]  # rollouts by outcome; outcomes that do not occur are absent
    model: str | None  # the model's name, or None; of several, the first with how many more
    provider: str | None  # the first provider named
    created_at: datetime | None  # when the first rollout was created
    started_at: datetime | None  # when the first rollout started
    ended_at: datetime | None  # when the last one ended; None while any is unfinished
    # Rollouts not known to be over: those that run or wait, and those of a status that nobody has
    # described and without an end.
    unfinished: int = 0
    at_limit: int = 0  # fails that reached the step limit
    # The 95 % interval of the pass rate, clustered by task where tasks repeat.
    interval: Interval | None = None
    # The verdicts task by task, where they are known: journals of earlier versions did not keep
    # them.
    tallies: TaskTallies | None = None
    scored: int = 0  # how many rollouts have a score
    score: float | None = None  # their mean score, 0..1; None without any

    @property
    def passes(self) -> int:
        """Verdicts that are passes."""
        return self.counts[Outcome.PASSED]

    @property
    def verdicts(self) -> int:
        """Finished rollouts with a yes or no from the verifier."""
        return verdicts_in(self.counts)

    @property
    def errors(self) -> int:
        """Rollouts that ended without a verdict, cancelled ones included."""
        return errors_in(self.counts)

    @property
    def ended(self) -> int:
        """Rollouts that are over, whichever way."""
        return self.known - self.unfinished - self.not_run

    @property
    def not_run(self) -> int:
        """Rollouts that a dead run did not begin, or not end: nothing more is to come of them."""
        return self.counts[Outcome.NOT_RUN]

    @property
    def settled(self) -> bool:
        """Whether no change is expected: all have ended, and completed ones have results."""
        return not self.unfinished and not self.counts[Outcome.DONE]


class SummaryBuilder:
    """A run's numbers while its rollouts come and change, one at a time."""

    def __init__(self) -> None:
        self._known = 0
        self._unfinished = 0
        self._counts: Counter[Outcome] = Counter()
        self._at_limit = 0
        self._scored = 0
        self._score_billionths = 0  # whole numbers come out the same in whatever order
        self._tasks: dict[str, Tally] = {}
        self._loose = Tally(0, 0)
        self._sums = TaskSums()
        self._tallies: TaskTallies | None = None
        self._models: Counter[str] = Counter()
        self._providers: Counter[str] = Counter()
        self._created_at: datetime | None = None
        self._started_at: datetime | None = None
        self._ended_at: datetime | None = None
        self._times_stale = False
        self._built: RunSummary | None = None

    def copy(self) -> SummaryBuilder:
        """The same numbers, to go on from without touching these: a cost of the tasks alone."""
        other = copy(self)
        other._counts = self._counts.copy()
        other._tasks = self._tasks.copy()
        other._sums = copy(self._sums)
        other._models = self._models.copy()
        other._providers = self._providers.copy()
        return other

    def add(self, row: RolloutRow) -> None:
        """Count a rollout in; one that could not be read counts for nothing."""
        if row.rollout is None or row.outcome is None:
            return
        self._count(row.rollout, row.outcome, 1)
        self._stretch_to(row.rollout)

    def remove(self, row: RolloutRow) -> None:
        """Count a rollout out again."""
        rollout = row.rollout
        if rollout is None or row.outcome is None:
            return
        self._count(rollout, row.outcome, -1)
        edges = (
            (rollout.created_at, self._created_at),
            (started_at(rollout), self._started_at),
            (rollout.completed_at, self._ended_at),
        )
        # Only what stood at an edge moves it; which one is next is found when it is asked for.
        self._times_stale |= any(time is not None and time == edge for time, edge in edges)

    def replace(self, before: RolloutRow, after: RolloutRow) -> None:
        """Count a rollout as it is now instead of as it was."""
        was_stale = self._times_stale
        # In this order, so that a name it alone holds keeps its place among the names.
        self.add(after)
        self.remove(before)
        if before.rollout is not None and after.rollout is not None:
            moved = _times(before.rollout) != _times(after.rollout)
            self._times_stale = was_stale or (self._times_stale and moved)

    def summary(self, rows: Iterable[RolloutRow]) -> RunSummary:
        """The numbers; rows are read only when the first or last of them changed its times."""
        if self._built is None:
            if self._times_stale:
                self._find_times(rows)
            if self._tallies is None:
                self._tallies = TaskTallies.of(self._tasks, self._loose)
            first, *others = self._models or (None,)
            self._built = RunSummary(
                known=self._known,
                counts=Counter({outcome: n for outcome, n in self._counts.items() if n}),
                model=f"{first} +{len(others)}" if others else first,
                provider=next(iter(self._providers), None),
                created_at=self._created_at,
                started_at=self._started_at,
                ended_at=None if self._unfinished else self._ended_at,
                unfinished=self._unfinished,
                at_limit=self._at_limit,
                interval=self._sums.interval(),
                tallies=self._tallies,
                scored=self._scored,
                score=self._score_billionths / _BILLION / self._scored if self._scored else None,
            )
        return self._built

    def _count(self, rollout: Rollout, outcome: Outcome, by: int) -> None:
        self._built = None
        self._known += by
        self._counts[outcome] += by
        unknown = outcome is Outcome.UNKNOWN and rollout.completed_at is None
        if unknown or outcome in ACTIVE:
            self._unfinished += by
        score = score_in(rollout)
        if score is not None and outcome is not Outcome.RUNNING:
            self._scored += by
            self._score_billionths += by * round(score * _BILLION)
        if outcome in VERDICTS:
            self._judge(rollout, outcome, by)
        if rollout.settings is not None:
            _count(self._models, rollout.settings.model, by)
            _count(self._providers, rollout.settings.provider, by)

    def _judge(self, rollout: Rollout, outcome: Outcome, by: int) -> None:
        self._at_limit += by * (outcome is Outcome.FAILED and at_step_limit(rollout))
        one = Tally(int(outcome is Outcome.PASSED), 1)
        self._tallies = None
        if rollout.task_id is None:
            self._loose = Tally(self._loose.passes + by * one.passes, self._loose.verdicts + by)
            self._sums.add(one, by)
            return
        before = self._tasks.get(rollout.task_id, Tally(0, 0))
        after = Tally(before.passes + by * one.passes, before.verdicts + by)
        self._sums.add(before, -1)
        self._sums.add(after)
        if after.verdicts:
            self._tasks[rollout.task_id] = after
        else:
            del self._tasks[rollout.task_id]

    def _find_times(self, rows: Iterable[RolloutRow]) -> None:
        self._created_at = self._started_at = self._ended_at = None
        for row in rows:
            if row.rollout is not None:
                self._stretch_to(row.rollout)
        self._times_stale = False

    def _stretch_to(self, rollout: Rollout) -> None:
        self._created_at = _earlier(self._created_at, rollout.created_at)
        self._started_at = _earlier(self._started_at, started_at(rollout))
        self._ended_at = _later(self._ended_at, rollout.completed_at)


def counts_alike(before: RolloutRow, after: RolloutRow) -> bool:
    """Whether an unfinished rollout still adds the same to its run: most changes are steps."""
    one, other = before.rollout, after.rollout
    return (
        one is not None
        and other is not None
        and before.outcome is after.outcome
        and after.outcome in ACTIVE
        and _times(one) == _times(other)
        and _names(one) == _names(other)
        and score_in(one) == score_in(other)
    )


def to_keep(run_id: str, summary: RunSummary) -> SavedSummary:
    """A run's numbers as the journal keeps them."""
    interval, tallies = summary.interval, summary.tallies
    return SavedSummary(
        run_id=run_id,
        final=bool(summary.known) and summary.settled,
        known=summary.known,
        counts={outcome.value: count for outcome, count in summary.counts.items()},
        at_limit=summary.at_limit,
        interval_low=None if interval is None else interval.low,
        interval_high=None if interval is None else interval.high,
        model=summary.model,
        provider=summary.provider,
        created_at=summary.created_at,
        started_at=summary.started_at,
        ended_at=summary.ended_at,
        tasks=None if tallies is None else {name: (t.passes, t.verdicts) for name, t in tallies},
        loose=(0, 0) if tallies is None else (tallies.loose.passes, tallies.loose.verdicts),
        scored=summary.scored,
        score=summary.score,
    )


def from_kept(kept: SavedSummary) -> RunSummary | None:
    """A run's kept numbers, if they are final and of outcomes that this version knows."""
    if not kept.final or not kept.counts.keys() <= _OUTCOMES:
        return None
    low, high = kept.interval_low, kept.interval_high
    scored = kept.score is not None and 0 <= kept.score <= 1 and 0 < kept.scored <= kept.known
    return RunSummary(
        known=kept.known,
        counts=Counter({Outcome(name): count for name, count in kept.counts.items()}),
        model=kept.model,
        provider=kept.provider,
        created_at=kept.created_at,
        started_at=kept.started_at,
        ended_at=kept.ended_at,
        at_limit=kept.at_limit,
        interval=None if low is None or high is None else Interval(low, high),
        tallies=TaskTallies.read(kept.tasks, Tally(*kept.loose))
        if kept.tasks is not None
        else None,
        scored=kept.scored if scored else 0,
        score=kept.score if scored else None,
    )


def final_numbers(kept: Iterable[SavedSummary]) -> dict[str, RunSummary]:
    """By run, the numbers that are final; thousands take a while."""
    found = ((summary.run_id, from_kept(summary)) for summary in kept)
    return {run_id: numbers for run_id, numbers in found if numbers is not None}


_BILLION = 10**9
_OUTCOMES = frozenset(outcome.value for outcome in Outcome)


def _times(rollout: Rollout) -> tuple[datetime | None, ...]:
    return rollout.created_at, started_at(rollout), rollout.completed_at


def _names(rollout: Rollout) -> tuple[str | None, str | None]:
    settings = rollout.settings
    return (None, None) if settings is None else (settings.model, settings.provider)


def _count(names: Counter[str], name: str | None, by: int) -> None:
    if name is None:
        return
    names[name] += by
    if not names[name]:
        del names[name]


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
