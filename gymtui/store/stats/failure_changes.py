"""What runs fail in, beside another run: how often in each, and whether that can be chance. Pure.

The groups are `store.stats.failures`, the tasks `store.stats.matrix`; the same figures are on
screen, in reports and in JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from gymtui.core.replacement import replace
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failures import AT_ONCE, FailureGroup, Failures, FailureView
from gymtui.store.stats.formulas import Interval, Tally, difference_interval
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.significance import SOME, fisher, holm
from gymtui.store.stats.task_rows import TaskRow


@dataclass(frozen=True, slots=True)
class RateChange:
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
    changes: tuple[RateChange | None, ...] = ()

    @property
    def change(self) -> RateChange | None:
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
) -> Generator[None, None, tuple[FailureRow, ...]]:
    """Group the failures of some runs, and compare runs by how often they fail so, in pieces."""
    groups = yield from failures.groups_in_pieces(by=by, runs=runs)
    sides = []
    for pair in pairs:
        tasks = [matrix.tasks(run_id) for run_id in (pair.now, pair.before)]
        shared = tasks[0].keys() & tasks[1].keys()
        side: _Side = []
        for run_id, own in zip((pair.now, pair.before), tasks, strict=True):
            hit = yield from failures.count_in_pieces(by, run_id, shared)
            ended = yield from _ended([own[task] for task in shared])
            side.append((hit, ended))
        sides.append(side)
    rows = []
    for group in groups:
        yield  # a test of thousands of rollouts takes its time
        rows.append(FailureRow(group, tuple(_change(group, side) for side in sides)))
    ps = [change.p for row in rows for change in row.changes if change is not None]
    adjusted = iter(holm(ps))

    def with_all(change: RateChange | None) -> RateChange | None:
        return change and replace(change, adjusted=next(adjusted), comparisons=len(ps))

    return tuple(replace(row, changes=tuple(map(with_all, row.changes))) for row in rows)


@dataclass(frozen=True, slots=True)
class _Ended:
    """The attempts out of which some failed, or broke."""

    verdicts: int
    rollouts: int


_Side = list[tuple[Counter[tuple[str, str]], _Ended]]
"""Of two runs, in the tasks that both have: how many rollouts are in which group, of how many."""


def _change(group: FailureGroup, side: _Side) -> RateChange | None:
    """How much more often the one run fails so; None where they share no such task."""
    broke = group.outcome is not Outcome.FAILED
    now, before = (
        Tally(hit[group.key], ended.rollouts if broke else ended.verdicts) for hit, ended in side
    )
    interval = difference_interval(now, before)
    if interval is None:
        return None
    p = fisher(now, before)
    return RateChange(now, before, interval, p, p, 1)


def _ended(tasks: Sequence[TaskRow]) -> Generator[None, None, _Ended]:
    verdicts = rollouts = counted = 0
    for task in tasks:
        counted += len(task.attempts)
        if counted >= AT_ONCE:
            counted = 0
            yield
        verdicts += task.tally.verdicts
        rollouts += task.ended
    return _Ended(verdicts, rollouts)


class CoFailures:
    """What fails in the same rollouts, of all groups that are shown together."""

    def __init__(self, groups: Iterable[FailureGroup]) -> None:
        self._groups = tuple(groups)
        self._places: dict[str, list[int]] = {}
        for place, group in enumerate(self._groups):
            for rollout_id in group.rollout_ids:
                self._places.setdefault(rollout_id, []).append(place)
        self._found: dict[tuple[str, str], tuple[tuple[FailureGroup, int], ...]] = {}

    def with_group(self, group: FailureGroup, most: int = 3) -> Sequence[tuple[FailureGroup, int]]:
        """The groups with most rollouts of one, the most alike first (Jaccard 1912)."""
        if group.key not in self._found:
            self._found[group.key] = self._with(group)
        return self._found[group.key][:most]

    def _with(self, group: FailureGroup) -> tuple[tuple[FailureGroup, int], ...]:
        own = len(group.rollout_ids)
        places = (self._places.get(rollout_id, ()) for rollout_id in group.rollout_ids)
        shared = Counter(chain.from_iterable(places))
        found = [
            (other, number)
            for place, number in shared.items()
            if (other := self._groups[place]).key != group.key and other.outcome is group.outcome
        ]
        found.sort(key=lambda pair: -pair[1] / (own + len(pair[0].rollout_ids) - pair[1]))
        return tuple(found)


def attempts_of(
    group: FailureGroup, runs: Sequence[Mapping[str, TaskRow]]
) -> Iterator[tuple[RolloutRow, ...]]:
    """All attempts of the tasks in which rollouts failed so, task by task, run after run."""
    for task in group.task_row_ids:
        attempts = tuple(attempt for run in runs if task in run for attempt in run[task].attempts)
        if attempts:
            yield attempts
