"""Verdicts task by task, small enough to be kept of every run; and added up over runs.

Attempts of one task are alike in whichever run they were made, so that the interval of a rate over
several runs needs to know which tasks they share.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from functools import lru_cache
from operator import itemgetter, le

from msgspec import Struct

from gymtui.store.stats.formulas import NO_VERDICTS, Interval, Tally, TaskSums


class TaskTallies(Struct, frozen=True):
    """The verdicts of one run, task by task. Runs of the same tasks share their names."""

    names: tuple[str, ...]  # the tasks that have a verdict
    passes: array[int]  # of each
    verdicts: array[int]  # of each
    # Of rollouts that name no task, each of which counts as a task of its own.
    loose: Tally = NO_VERDICTS

    @classmethod
    def of(cls, tasks: Mapping[str, Tally], loose: Tally = NO_VERDICTS) -> TaskTallies:
        """Keep the tally of each task that has a verdict, and that of rollouts without a task."""
        names = tuple(sorted(tasks))  # whatever order verdicts came in, the same names once
        tallies = [tasks[name] for name in names]
        return cls(
            _shared(names),
            array("I", (tally.passes for tally in tallies)),
            array("I", (tally.verdicts for tally in tallies)),
            loose,
        )

    @classmethod
    def read(cls, tasks: Mapping[str, tuple[int, int]], loose: Tally) -> TaskTallies | None:
        """Keep tallies as written down, quickly: there are thousands; None if they are none."""
        names = tuple(sorted(tasks))
        tallies = [*map(tasks.__getitem__, names), (loose.passes, loose.verdicts)]
        try:
            passes = array("I", map(itemgetter(0), tallies))
            verdicts = array("I", map(itemgetter(1), tallies))
        except OverflowError:
            return None
        if not all(map(le, passes, verdicts)):
            return None
        return cls(_shared(names), passes[:-1], verdicts[:-1], loose)

    def __iter__(self) -> Iterator[tuple[str, Tally]]:
        """Each task and its tally, those without a name left out."""
        for name, passes, verdicts in zip(self.names, self.passes, self.verdicts, strict=True):
            yield name, Tally(passes, verdicts)


@lru_cache(1024)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


class RunsTogether:
    """Verdicts of several runs, tasks they share being one; kept up to date run by run."""

    def __init__(self) -> None:
        self._tasks: dict[str | None, dict[str, list[int]]] = {}
        self._loose = [0, 0]
        self._unknown = 0

    def count(self, scenario_id: str | None, tallies: TaskTallies | None, by: int) -> None:
        """Count a run in, or out again.

        Args:
            scenario_id: Its scenario: tasks of the same name in two scenarios are two.
        """
        if tallies is None:
            self._unknown += by
            return
        tasks = self._tasks.setdefault(scenario_id, {})
        # Thousands of runs are grouped with one key press: nothing is made per task here.
        for name, passes, verdicts in zip(
            tallies.names, tallies.passes, tallies.verdicts, strict=True
        ):
            held = tasks.get(name)
            if held is None:
                held = tasks[name] = [0, 0]
            held[0] += by * passes
            held[1] += by * verdicts
            if not held[1]:
                del tasks[name]
        self._loose[0] += by * tallies.loose.passes
        self._loose[1] += by * tallies.loose.verdicts

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of their pass rate, clustered by task; None where that is not known.

        A cost of the tasks they have in all, not of the runs.
        """
        if self._unknown:
            return None
        sums = TaskSums()
        for tasks in self._tasks.values():
            for passes, verdicts in tasks.values():
                sums.add(Tally(passes, verdicts))
        sums.add_alone(Tally(*self._loose))
        return sums.interval()
