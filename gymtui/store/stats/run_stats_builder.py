"""The numbers of one run kept up to date rollout by rollout, so that a change costs that change.

What they are, and what a rollout brings to them, is `store.stats.run_stats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from gymtui.api.models import Rollout
from gymtui.store.outcome import VERDICTS, Outcome
from gymtui.store.stats import formulas
from gymtui.store.stats.run_stats import RolloutShare, RunStats, share_of
from gymtui.store.stats.sorted_numbers import SortedNumbers


@dataclass(slots=True)
class _Task:
    """What the rollouts of a task add up to; it is forgotten with the last of them."""

    rollouts: int = 0
    passes: int = 0
    verdicts: int = 0


class _Values(NamedTuple):
    """What is kept in order, so that quantiles and ends are found at once: by `RolloutShare`."""

    ran_s: SortedNumbers
    held_s: SortedNumbers
    steps: SortedNumbers
    verdict_at_s: SortedNumbers
    running_since_s: SortedNumbers
    start_s: SortedNumbers
    end_s: SortedNumbers
    score: SortedNumbers


_values_of = attrgetter(*_Values._fields)


class RunStatsBuilder:
    """What a run's rollouts add up to while they come, change and go."""

    def __init__(self) -> None:
        self._parts: dict[str, RolloutShare] = {}
        self._counts: Counter[Outcome] = Counter()
        self._open = 0
        self._at_limit = 0
        self._tasks: dict[str | None, _Task] = {}
        self._values = _Values(*(SortedNumbers() for _ in _Values._fields))
        self._spread: formulas.Spread | None = None
        self._spread_stale = False

    def put(self, rollout_id: str, part: RolloutShare | None) -> None:
        """Count a rollout by what it brings now, instead of before; for None it is counted out."""
        before = self._parts.get(rollout_id)
        if part == before:
            return
        if before is not None:
            self._count(self._parts.pop(rollout_id), -1)
            for values, value in zip(self._values, _values_of(before), strict=True):
                values.remove(value)
        if part is not None:
            self._parts[rollout_id] = part
            self._count(part, 1)
            for values, value in zip(self._values, _values_of(part), strict=True):
                values.add(value)

    def add_all(self, parts: Mapping[str, RolloutShare]) -> None:
        """Count rollouts that were not counted before: sorted once, not number by number."""
        self._parts.update(parts)
        for part in parts.values():
            self._count(part, 1)
        columns = zip(*map(_values_of, parts.values()), strict=True)
        for values, column in zip(self._values, columns, strict=False):  # of no parts, no column
            values.extend(value for value in column if value is not None)
            values.sort()

    def numbers(self, total: int | None = None) -> RunStats:
        """The numbers, which stay as they are; `total`: how many rollouts the run says it has."""
        values = self._values
        if self._spread_stale:
            self._spread = formulas.spread(values.score)
            self._spread_stale = False
        known = len(self._parts)
        loose = self._tasks.get(None, _Task())
        return RunStats(
            known=known,
            unknown=max((total or 0) - known, 0),
            counts={outcome: count for outcome, count in self._counts.items() if count},
            open=self._open,
            at_limit=self._at_limit,
            tasks={
                task_id: formulas.Tally(task.passes, task.verdicts)
                for task_id, task in self._tasks.items()
                if task_id is not None
            },
            loose=formulas.Tally(loose.passes, loose.verdicts),
            durations_s=values.ran_s[:],
            held_s=values.held_s[:],
            steps=[int(steps) for steps in values.steps],
            verdicts_at_s=values.verdict_at_s[:],
            running_since_s=values.running_since_s[:],
            first_start_s=values.start_s.first,
            last_end_s=values.end_s.last,
            scores=self._spread,
        )

    def _count(self, part: RolloutShare, by: int) -> None:
        self._counts[part.outcome] += by
        self._open += by * part.is_open
        self._at_limit += by * part.at_limit
        self._spread_stale |= part.score is not None
        task = self._tasks.setdefault(part.task_id, _Task())
        task.rollouts += by
        task.passes += by * (part.outcome is Outcome.PASSED)
        task.verdicts += by * (part.outcome in VERDICTS)
        if not task.rollouts:
            del self._tasks[part.task_id]


def run_numbers(
    rollouts: Iterable[Rollout], *, total: int | None = None, last_steps: Mapping[str, int] = {}
) -> RunStats:
    """Add up a run's rollouts at one go; the arguments are those of `share_of` and `numbers`."""
    builder = RunStatsBuilder()
    builder.add_all({r.rollout_id: share_of(r, last_steps=last_steps) for r in rollouts})
    return builder.numbers(total)
