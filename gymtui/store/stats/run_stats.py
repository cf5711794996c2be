"""The numbers of one run from its rollouts. Pure.

The formulas are `store.stats.formulas`; what a rollout counts as is `store.outcome`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct

from gymtui.api.models import Rollout
from gymtui.store.history.timeline import Segment
from gymtui.store.outcome import (
    ACTIVE,
    VERDICTS,
    Outcome,
    at_step_limit,
    errors_in,
    outcome_of,
    score_in,
    steps_of,
    verdicts_in,
)
from gymtui.store.phases import PHASES, SegmentKind
from gymtui.store.rollout_times import duration_s, started_at
from gymtui.store.stats import formulas
from gymtui.store.stats.eta import VERDICTS_FOR_ETA, TimeLeft, eta

RATE_WINDOW_S = 300.0  # five minutes: what a rate is counted over unless another window is named


class RunStats(Struct, frozen=True, dict=True):
    """What a run's rollouts add up to. Keep it until they change: it reads no clock.

    Every list of times is ascending, in seconds; instants are UNIX seconds on the server's clock.
    """

    known: int  # rollouts these numbers are over
    unknown: int  # further ones the run says it has
    counts: Mapping[Outcome, int]  # rollouts by outcome; outcomes that do not occur are absent
    open: int  # how many of them run, wait, or are in a state unknown here without having ended
    at_limit: int  # fails that reached the step limit
    tasks: Mapping[str, formulas.Tally]  # verdicts by task, tasks without any included
    loose: formulas.Tally  # verdicts of rollouts without a task id
    durations_s: Sequence[float]  # how long rollouts with a verdict ran
    # How long those ran that ended by themselves, errors included: a slot's use.
    held_s: Sequence[float]
    steps: Sequence[int]  # steps taken by rollouts with a verdict, where known
    verdicts_at_s: Sequence[float]  # when verdicts came
    running_since_s: Sequence[float]  # when the running ones started, where known
    first_start_s: float | None  # when the first rollout started; None if none did
    last_end_s: float | None  # when the last one that ended did; None if none did
    scores: formulas.Spread | None  # what verifiers scored, 0..1

    @property
    def passes(self) -> int:
        """Verdicts that are passes."""
        return self.counts.get(Outcome.PASSED, 0)

    @property
    def verdicts(self) -> int:
        """Finished rollouts with a pass or a fail."""
        return verdicts_in(self.counts)

    @property
    def errors(self) -> int:
        """Rollouts that ended without a verdict, whatever the cause."""
        return errors_in(self.counts)

    @property
    def judged(self) -> int:
        """Rollouts that ended with a result, verdict or not."""
        return self.verdicts + self.counts.get(Outcome.DONE, 0)

    @property
    def undecided(self) -> int:
        """Rollouts that may yet bring a verdict, those never listed included.

        One that ended without a verdict brings none: scores alone are not awaited.
        """
        return self.unknown + self.open

    @property
    def finished(self) -> bool:
        """Whether rollouts are known and none of them will bring anything more."""
        return bool(self.known) and not self.undecided

    @property
    def pass_rate(self) -> float | None:
        """pass@1 over verdicts, 0..1; None without any."""
        return self.passes / self.verdicts if self.verdicts else None

    @cached_property
    def interval(self) -> formulas.Interval | None:
        """The 95 % interval of the pass rate, clustered by task where tasks repeat."""
        return formulas.pass_rate_interval(self.tasks.values(), self.loose)

    @property
    def rate_with_errors(self) -> float | None:
        """The pass rate if every error counts as a fail; None with nothing ended."""
        ended = self.verdicts + self.errors
        return self.passes / ended if ended else None

    @property
    def final_bounds(self) -> formulas.Interval | None:
        """Where the pass rate can still end."""
        return formulas.final_bounds(self.passes, self.verdicts, self.undecided)

    @cached_property
    def task_kinds(self) -> formulas.TaskKinds:
        """Tasks that pass always, sometimes, never."""
        return formulas.task_kinds(self.tasks.values())

    @property
    def attempts(self) -> int:
        """The most verdicts that any task has: the largest k that can be asked for."""
        return max((task.verdicts for task in self.tasks.values()), default=0)

    def pass_at(self, k: int) -> formulas.AtK:
        """pass@k with its coverage."""
        return formulas.pass_at_k(list(self.tasks.values()), k)

    def pass_hat(self, k: int) -> formulas.AtK:
        """pass^k with its coverage."""
        return formulas.pass_hat_k(list(self.tasks.values()), k)

    def rate(self, now_s: float, window_s: float = RATE_WINDOW_S) -> formulas.Rate | None:
        """Verdicts a minute in the window that ends now; None before the first start."""
        if self.first_start_s is None:
            return None
        return formulas.rate(self.verdicts_at_s, now_s, self.first_start_s, window_s)

    def throughput(self, now_s: float, buckets: int) -> tuple[int, ...]:
        """Verdicts in equal stretches from the first start to the end, or now: a sparkline."""
        if self.first_start_s is None:
            return ()
        end_s = self.last_end_s if self.finished and self.last_end_s is not None else now_s
        return formulas.bucket_counts(self.verdicts_at_s, self.first_start_s, end_s, buckets)

    def eta(self, now_s: float, *, stuck: int = 0) -> TimeLeft | None:
        """When the run will be done; None where nothing can be said, or there is nothing to do.

        Rollouts that were never listed may be in any state, so nothing is said while there are.
        """
        if self.unknown or (self.verdicts < VERDICTS_FOR_ETA and not stuck):
            return None
        running = self.counts.get(Outcome.RUNNING, 0)
        ages_s = [max(now_s - since_s, 0.0) for since_s in self.running_since_s]
        return eta(
            waiting=self.counts.get(Outcome.WAITING, 0),
            ages_s=[*ages_s, *[0.0] * (running - len(ages_s))],
            ended_s=self.held_s,
            verdicts=self.verdicts,
            stuck=stuck,
        )


class RolloutShare(NamedTuple):
    """What one rollout brings to the numbers of its run; what it brings nothing to is None."""

    outcome: Outcome
    task_id: str | None
    start_s: float | None = None  # when it first began to run, UNIX seconds
    end_s: float | None = None  # when it ended, likewise; None while it runs
    held_s: float | None = None  # how long it ran, if it ended by itself
    ran_s: float | None = None  # how long it ran, if there is a verdict
    steps: int | None = None  # steps taken, likewise
    verdict_at_s: float | None = None  # when its verdict came, UNIX seconds
    score: float | None = None  # what the verifier scored it, 0..1, verdict or not
    at_limit: bool = False  # whether it failed at the step limit

    @property
    def is_open(self) -> bool:
        """Whether it may yet end otherwise than it stands."""
        unknown = self.outcome is Outcome.UNKNOWN and self.end_s is None
        return unknown or self.outcome in ACTIVE

    @property
    def running_since_s(self) -> float | None:
        """When it started, while it runs."""
        return self.start_s if self.outcome is Outcome.RUNNING else None


def share_of(
    rollout: Rollout,
    we_cancelled: Collection[str] = frozenset(),
    last_steps: Mapping[str, int] | None = None,
) -> RolloutShare:
    """What a rollout brings to the numbers of its run."""
    outcome = outcome_of(rollout, we_cancelled=rollout.rollout_id in we_cancelled)
    start, end = started_at(rollout), rollout.completed_at
    start_s = start.timestamp() if start is not None else None
    if outcome is Outcome.RUNNING:
        return RolloutShare(outcome, rollout.task_id, start_s)
    end_s = end.timestamp() if end is not None else None
    ran_s = duration_s(rollout)
    held_s = ran_s if outcome is not Outcome.CANCELLED else None
    score = score_in(rollout)
    if outcome not in VERDICTS:
        return RolloutShare(outcome, rollout.task_id, start_s, end_s, held_s, score=score)
    return RolloutShare(
        outcome,
        rollout.task_id,
        start_s,
        end_s,
        held_s,
        ran_s,
        steps_of(rollout, last_steps.get(rollout.rollout_id) if last_steps else None),
        end_s,
        score,
        outcome is Outcome.FAILED and at_step_limit(rollout),
    )


def time_spent_s(segments: Sequence[Segment]) -> Mapping[str, float] | None:
    """The seconds of each phase; None unless it ran, ended, and was watched all the way."""
    kinds = {segment.kind for segment in segments}
    if SegmentKind.ENDED not in kinds or SegmentKind.UNSEEN in kinds or kinds.isdisjoint(PHASES):
        return None
    spent_s = dict.fromkeys(PHASES, 0.0)
    for segment in segments:
        if segment.kind in spent_s:
            spent_s[segment.kind] += segment.duration.total_seconds()
    return {kind.value: seconds for kind, seconds in spent_s.items()}
