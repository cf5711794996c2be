"""What runs fail in, beside another run: how often in each, and whether that can be chance. Pure.

The groups are `store.stats.failures`, the tasks `store.stats.matrix`; the same figures are on
screen, in reports and in JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failures import FailureGroup, Failures, FailureView
from gymtui.store.stats.formulas import Interval, Tally, difference_interval
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.significance import SOME, fisher, holm
from gymtui.store.stats.task_rows import TaskRow


@dataclass(frozen=True, slots=True)
class Change:
    """How much more or less often a run fails so than another, in the tasks that both have."""

    now: Tally  # in how many of how many: of verdicts, for errors of rollouts that ended
    before: Tally  # the same of the run compared with
    interval: Interval  # of the difference, -1..1, with 95 % confidence in this one alone
    p: float  # how often chance alone would part them as far, 0..1 (Fisher's exact test)
    adjusted: float  # the same with Holm's correction for all the groups it is one of
    comparisons: int  # how many these are

    @property
    def difference(self) -> float:
        """One share less the other, -1..1."""
        return self.now.passes / self.now.verdicts - self.before.passes / self.before.verdicts

    @property
    def clear(self) -> bool:
        """Whether it is more than chance."""
        return self.adjusted <= SOME


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A group of failures of some runs."""

    group: FailureGroup
    # For each pair of runs that is compared; None where they share no task.
    changes: tuple[Change | None, ...] = ()

    @property
    def change(self) -> Change | None:
        """The first of them."""
        return self.changes[0] if self.changes else None


@dataclass(frozen=True, slots=True)
class RunPair:
    """A run that is compared, and the one that it is compared with."""

    now: str
    before: str


def failure_rows(
    failures: Failures,
    matrix: Matrix,
    by: FailureView,
    runs: Collection[str],
    pairs: Sequence[RunPair] = (),
) -> tuple[FailureRow, ...]:
    """Group the failures of some runs, and compare runs by how often they fail so.

    Args:
        failures: Of these runs and those compared with.
        matrix: The tasks of these.

    Returns:
        The largest group first.
    """
    groups = failures.groups(by=by, runs=runs)
    sides = [_Side(failures, matrix, by, pair) for pair in pairs]
    rows = [FailureRow(group, tuple(side.change(group) for side in sides)) for group in groups]
    ps = [change.p for row in rows for change in row.changes if change is not None]
    adjusted = iter(holm(ps))

    def with_all(change: Change | None) -> Change | None:
        return change and replace(change, adjusted=next(adjusted), comparisons=len(ps))

    return tuple(replace(row, changes=tuple(map(with_all, row.changes))) for row in rows)


class _Side:
    """Two runs' failures in the tasks that both have."""

    def __init__(self, failures: Failures, matrix: Matrix, by: FailureView, pair: RunPair) -> None:
        runs = (pair.now, pair.before)
        tasks = [matrix.tasks(run_id) for run_id in runs]
        self._shared = tasks[0].keys() & tasks[1].keys()
        self._hit: list[Counter[tuple[str, str]]] = []
        self._ended = []
        for run_id, side in zip(runs, tasks, strict=True):
            hit: Counter[tuple[str, str]] = Counter()
            for group in failures.groups(by=by, runs={run_id}):
                hit[group.key] = sum(matrix.task_of(i) in self._shared for i in group.rollout_ids)
            self._hit.append(hit)
            shared = [side[task] for task in self._shared]
            self._ended.append({broke: _ended(shared, broke=broke) for broke in (False, True)})

    def change(self, group: FailureGroup) -> Change | None:
        """How much more often the one fails so; None where they share no such task."""
        broke = group.outcome is not Outcome.FAILED
        now, before = (
            Tally(hit[group.key], ended[broke])
            for hit, ended in zip(self._hit, self._ended, strict=True)
        )
        interval = difference_interval(now, before)
        if interval is None:
            return None
        p = fisher(now, before)
        return Change(now, before, interval, p, p, 1)


def _ended(tasks: Iterable[TaskRow], *, broke: bool) -> int:
    """The attempts out of which some failed, or broke."""
    return sum(len(t.attempts) - t.unfinished if broke else t.tally.verdicts for t in tasks)


def together_with(
    group: FailureGroup, groups: Sequence[FailureGroup], most: int = 3
) -> tuple[tuple[FailureGroup, int], ...]:
    """What fails in the same rollouts as a group.

    Returns:
        Groups with how many rollouts they share, the most alike first (Jaccard 1912).
    """
    own = frozenset(group.rollout_ids)
    shared = [
        (other, len(own.intersection(other.rollout_ids)))
        for other in groups
        if other.key != group.key and other.outcome is group.outcome
    ]
    found = [(other, number) for other, number in shared if number]
    found.sort(key=lambda pair: -pair[1] / (len(own) + len(pair[0].rollout_ids) - pair[1]))
    return tuple(found[:most])


def attempts_of(
    group: FailureGroup, runs: Sequence[Mapping[str, TaskRow]]
) -> tuple[tuple[RolloutRow, ...], ...]:
    """All attempts of the tasks in which rollouts failed so, task by task.

    Args:
        runs: The tasks of each run by row id, in the order in which runs stand.
    """
    found = (
        tuple(attempt for run in runs if task in run for attempt in run[task].attempts)
        for task in group.task_row_ids
    )
    return tuple(filter(None, found))
