"""What happened since a time: runs that began, finished and regressed, and errors by cause. Pure.

A run regressed if it passes less than the run of its name that ended before it (`nightly-s4000`
after `nightly-s3000`), by Fisher's exact test over their verdicts, corrected by Holm over all runs
that are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from gymtui.store.formats import of_many, percent
from gymtui.store.lists.columns import RunView
from gymtui.store.lists.groups import stem
from gymtui.store.outcome import ERRORS, Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.formulas import Tally
from gymtui.store.stats.significance import SOME, fisher, holm

_CAUSES = {
    Outcome.ENVIRONMENT: "environment error",
    Outcome.AGENT: "agent error",
    Outcome.CANCELLED: "cancelled rollout",
}


class Regression(Struct, frozen=True):
    """A run that passes less than the one before it."""

    run: RunView
    before: RunView
    p: float  # adjusted for all that were compared


class Digest(Struct, frozen=True):
    """What happened since a time."""

    since: datetime
    began: tuple[RunView, ...] = ()  # runs that started since
    finished: tuple[RunView, ...] = ()  # runs that ended since, the last first
    regressed: tuple[Regression, ...] = ()
    # Rollouts that ended without a verdict since, by cause.
    errors: Mapping[Outcome, int] = field(default_factory=dict)
    # Of each run with such rollouts, how many.
    failing: Mapping[str, int] = field(default_factory=dict)
    # By cause, the runs with such rollouts.
    failing_by: Mapping[Outcome, tuple[str, ...]] = field(default_factory=dict)
    active: tuple[RunView, ...] = ()  # runs that go on
    unread: int = 0  # finished runs whose rollouts are not known: whether these ended since is not

    def __bool__(self) -> bool:
        return bool(self.began or self.finished or self.errors)

    @property
    def line(self) -> str:
        """The same in a line: `since 18:02: 6 finished, 2 regressed, 8 environment errors`."""
        parts = [f"{len(self.began)} began"] if self.began else []
        parts += [f"{len(self.finished)} finished"] if self.finished else []
        parts += [f"{len(self.regressed)} regressed"] if self.regressed else []
        parts += [self._count(cause) for cause in self.errors]
        return f"since {self.at}: {', '.join(parts) if parts else 'nothing happened'}"

    def lines(self, name: Callable[[str], str] = str) -> list[tuple[str, str]]:
        """What to look at, worst first: ids of runs, each with what happened.

        Args:
            name: How an id is written, which by itself is as received.
        """
        worse = {each.run.name: each for each in self.regressed}
        ended = {run.name: run for run in self.finished}
        found = []
        for run_id in dict.fromkeys((*worse, *self.failing, *ended, *(r.name for r in self.began))):
            run, words = ended.get(run_id), []
            if run_id in worse:
                before = worse[run_id].before
                words.append(f"regressed from {percent(_rate(before))} of {name(before.name)}")
            elif run is not None:
                words.append("finished")
            if run is not None and run.summary is not None and run.summary.verdicts:
                words.append(f"pass@1 {percent(_rate(run))} of {run.summary.verdicts}")
            if run_id in self.failing:
                words.append(of_many(self.failing[run_id], "error"))
            found.append((run_id, f"{name(run_id)}: {', '.join(words) or 'began'}"))
        return found

    def causes(self) -> list[tuple[Outcome, str]]:
        """Why rollouts ended without a verdict: each cause with how many, in how many runs."""
        return [
            (cause, f"{self._count(cause)} in {of_many(len(self.failing_by[cause]), 'run')}")
            for cause in self.errors
        ]

    def _count(self, cause: Outcome) -> str:
        return of_many(self.errors[cause], _CAUSES[cause])

    @property
    def at(self) -> str:
        """The time in words, with its date: a digest may be read on another day."""
        return self.since.astimezone().strftime("%Y-%m-%d %H:%M")


def digest(
    runs: Sequence[RunView], rollouts: Mapping[str, Sequence[RolloutRow]], since: datetime
) -> Digest:
    """Tell what happened since a time.

    Args:
        rollouts: By run, where they were listed. Of others, a run that began since is counted by
            its summary.
    """
    finished = [run for run in runs if (_ended(run) or since) > since]
    finished.sort(key=lambda run: _ended(run) or since, reverse=True)
    errors: Counter[Outcome] = Counter()
    failing: Counter[str] = Counter()
    failing_by: dict[Outcome, tuple[str, ...]] = {}
    for run in runs:
        for cause, count in _errors_of(run, rollouts.get(run.name), since).items():
            errors[cause] += count
            failing[run.name] += count
            failing_by[cause] = (*failing_by.get(cause, ()), run.name)
    return Digest(
        since,
        tuple(run for run in runs if run.began_at is not None and run.began_at > since),
        tuple(finished),
        tuple(_find_regressions(finished, runs)),
        {cause: errors[cause] for cause in ERRORS if errors[cause]},
        dict(failing.most_common()),
        failing_by,
        tuple(run for run in runs if run.row.active),
        sum(r.summary is None and not (r.row.active or r.row.is_deleted) for r in runs),
    )


def _find_regressions(finished: Sequence[RunView], runs: Sequence[RunView]) -> list[Regression]:
    pairs = [(run, before) for run in finished if (before := _before(run, runs)) is not None]
    ps = holm([fisher(_tally(run), _tally(before)) for run, before in pairs])
    return [
        Regression(run, before, p)
        for (run, before), p in zip(pairs, ps, strict=True)
        if p < SOME and _rate(run) < _rate(before)
    ]


def _before(run: RunView, runs: Sequence[RunView]) -> RunView | None:
    """The run of the same name and scenario that ended last before it."""
    ended, name = _ended(run), stem(run.name)
    if ended is None or not _tally(run).verdicts:
        return None
    earlier = [
        (at, other.name, other)
        for other in runs
        if (at := _ended(other)) is not None
        and at < ended
        and stem(other.name) == name
        and _scenario(other) == _scenario(run)
        and _tally(other).verdicts
    ]
    return max(earlier, key=lambda found: found[:2])[2] if earlier else None


def _errors_of(
    run: RunView, rows: Sequence[RolloutRow] | None, since: datetime
) -> Counter[Outcome]:
    counts: Counter[Outcome] = Counter()
    if rows is not None:
        for row in rows:
            ended = row.rollout.completed_at if row.rollout is not None else None
            if row.outcome in ERRORS and row.outcome and ended is not None and ended > since:
                counts[row.outcome] += 1
    elif run.summary is not None and run.began_at is not None and run.began_at > since:
        counts.update({cause: run.summary.counts[cause] for cause in ERRORS})
    return +counts


def _ended(run: RunView) -> datetime | None:
    return None if run.row.active or run.summary is None else run.summary.ended_at


def _tally(run: RunView) -> Tally:
    summary = run.summary
    return Tally(summary.passes, summary.verdicts) if summary is not None else Tally(0, 0)


def _rate(run: RunView) -> float:
    tally = _tally(run)
    return tally.passes / tally.verdicts


def _scenario(run: RunView) -> str | None:
    return run.row.run.scenario_id if run.row.run is not None else None
