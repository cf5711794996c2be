"""Rollouts by run and task, kept up to date task by task; and what the tasks of a run add up to.

What stands in a row is `store.stats.task_rows`. The numbers of a task are `store.stats.run_stats`,
the formulas `store.stats.formulas`.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from gymtui.api.models import Rollout
from gymtui.core.replacement import replace
from gymtui.store.outcome import VERDICTS, Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats import formulas
from gymtui.store.stats.formulas import NO_VERDICTS, AtK, Interval, Tally, TaskKinds
from gymtui.store.stats.run_stats import share_of
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow, row_id_of

AT_ONCE = 500  # rollouts counted before others get their turn: some 5 ms

_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Matrix:
    """The rollouts of some runs, by run and task."""

    def __init__(self) -> None:
        self._rollouts: dict[tuple[str, str], dict[str, RolloutRow]] = {}
        self._place: dict[str, tuple[str, str]] = {}
        self._of_run: dict[str, set[str]] = {}
        self._steps: dict[str, int | None] = {}
        self._rows: dict[tuple[str, str], TaskRow] = {}
        self._stale: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        return len(self._place)

    def __contains__(self, rollout_id: object) -> bool:
        return rollout_id in self._place

    def of_run(self, run_id: str) -> frozenset[str]:
        """The ids of a run's rollouts."""
        return frozenset(self._of_run.get(run_id, ()))

    def take(self, row: RolloutRow, last_step: int | None = None) -> None:
        """Take a rollout in as it is now; one that could not be read has no task to stand in."""
        if row.rollout is None:
            self.drop(row.rollout_id)
            return
        place = (row.run_id, row_id_of(row.rollout.task_id))
        if self._place.get(row.rollout_id, place) != place:
            self.drop(row.rollout_id)
        members = self._rollouts.setdefault(place, {})
        if members.get(row.rollout_id) is row and self._steps[row.rollout_id] == last_step:
            return
        self._steps[row.rollout_id] = last_step
        self._place[row.rollout_id] = place
        self._of_run.setdefault(row.run_id, set()).add(row.rollout_id)
        members[row.rollout_id] = row
        self._stale.add(place)

    def drop(self, rollout_id: str) -> None:
        """Take a rollout out, if it is in."""
        place = self._place.pop(rollout_id, None)
        if place is not None:
            del self._rollouts[place][rollout_id], self._steps[rollout_id]
            self._of_run[place[0]].discard(rollout_id)
            self._stale.add(place)

    def refresh_in_pieces(
        self, *, we_cancelled: Collection[str] = frozenset(), last_steps: Mapping[str, int]
    ) -> Generator[None, None, None]:
        """Count the tasks anew that were touched, stopping now and then for keys."""
        stale, self._stale = self._stale, set()
        counted = 0
        for place in stale:
            if counted >= AT_ONCE:
                counted = 0
                yield
            rows = self._rollouts.get(place)
            if not rows:
                self._rollouts.pop(place, None)
                self._rows.pop(place, None)
                continue
            counted += len(rows)
            (self._rows[place],) = by_task(
                rows.values(), we_cancelled=we_cancelled, last_steps=last_steps
            )

    def tasks(self, run_id: str, k: int | None = None) -> dict[str, TaskRow]:
        """The tasks of one run, by row id; for the k of the last time, if None is given."""
        found: dict[str, TaskRow] = {}
        for (run, row_id), row in self._rows.items():
            if run == run_id:
                if k is not None and row.k != k:
                    row = self._rows[run, row_id] = replace(row, k=k)
                found[row_id] = row
        return found

    def together(
        self,
        run_ids: Sequence[str],
        k: int,
        *,
        we_cancelled: Collection[str] = frozenset(),
        last_steps: Mapping[str, int],
    ) -> dict[str, TaskRow]:
        """The tasks of several runs as if these were one: a run and its reruns, by row id."""
        rows = [
            row
            for (run_id, _), members in self._rollouts.items()
            if run_id in run_ids
            for row in members.values()
        ]
        tasks = by_task(rows, k=k, we_cancelled=we_cancelled, last_steps=last_steps)
        return {row_id_of(task.task_id): task for task in tasks}

    def across(self, run_ids: Sequence[str]) -> dict[str, TaskAcrossRuns]:
        """The tasks of several runs, by row id, with a cell for each run."""
        columns = {run_id: column for column, run_id in enumerate(run_ids)}
        cells: dict[str, list[TaskRow | None]] = {}
        for (run_id, row_id), row in self._rows.items():
            if run_id in columns:
                cells.setdefault(row_id, [None] * len(run_ids))[columns[run_id]] = row
        return {
            row_id: TaskAcrossRuns(
                next(cell.task_id for cell in row if cell is not None), tuple(row)
            )
            for row_id, row in cells.items()
        }


def by_task(
    rows: Iterable[RolloutRow],
    *,
    k: int = 1,
    we_cancelled: Collection[str] = frozenset(),
    last_steps: Mapping[str, int] | None = None,
) -> tuple[TaskRow, ...]:
    """The tasks of some rollouts, of whichever runs, in the order in which they are first met."""
    groups: dict[str | None, list[tuple[RolloutRow, Rollout]]] = {}
    for row in rows:
        if row.rollout is not None:
            groups.setdefault(row.rollout.task_id, []).append((row, row.rollout))
    tasks = []
    for task_id, attempts in groups.items():
        attempts.sort(key=lambda each: (each[1].created_at or _EARLIEST, each[1].rollout_id))
        parts = [share_of(rollout, we_cancelled, last_steps) for _, rollout in attempts]
        tasks.append(
            TaskRow(
                task_id,
                tuple(row for row, _ in attempts),
                Tally(
                    sum(part.outcome is Outcome.PASSED for part in parts),
                    sum(part.outcome in VERDICTS for part in parts),
                ),
                _median(part.steps for part in parts),
                _median(part.ran_s for part in parts),
                k,
            )
        )
    return tuple(tasks)


def _median(values: Iterable[float | None]) -> float | None:
    return formulas.quantile(sorted(value for value in values if value is not None), 0.5)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the tasks of a run add up to."""

    tasks: int  # how many tasks there are, rollouts without one not counted
    rollouts: int
    unfinished: int  # how many of them run or wait
    not_run: int  # how many a dead run did not begin, or not end
    errors: int  # how many ended without a verdict
    tally: Tally
    # The 95 % interval of pass@1, clustered by task; None without verdicts.
    interval: Interval | None
    kinds: TaskKinds
    at_k: AtK  # pass@k with its coverage
    hat_k: AtK

    @property
    def pass_rate(self) -> float | None:
        """pass@1, 0..1; None without a verdict."""
        return self.tally.passes / self.tally.verdicts if self.tally.verdicts else None


def sum_tasks(rows: Iterable[TaskRow], k: int) -> Totals:
    """Add the tasks of one run up."""
    rows = tuple(rows)
    named = [row.tally for row in rows if row.task_id is not None]
    tally = Tally(sum(row.tally.passes for row in rows), sum(row.tally.verdicts for row in rows))
    # One row at most is of rollouts without a task.
    alone = next((row.tally for row in rows if row.task_id is None), NO_VERDICTS)
    return Totals(
        tasks=len(named),
        rollouts=sum(len(row.attempts) for row in rows),
        unfinished=sum(row.unfinished for row in rows),
        not_run=sum(row.not_run for row in rows),
        errors=sum(row.errors for row in rows),
        tally=tally,
        interval=formulas.pass_rate_interval(named, alone),
        kinds=formulas.task_kinds(named),
        at_k=formulas.pass_at_k(named, k),
        hat_k=formulas.pass_hat_k(named, k),
    )


def usual_k(rows: Iterable[TaskRow]) -> int:
    """The k of pass@k until the person says: what half of the tasks with verdicts reach."""
    reached = sorted((row.tally.verdicts for row in rows if row.task_id is not None), reverse=True)
    reached = [verdicts for verdicts in reached if verdicts]
    return reached[ceil(len(reached) / 2) - 1] if reached else 1


def most_verdicts(rows: Iterable[TaskRow]) -> int:
    """The largest k that can be asked for, at least 1."""
    return max((row.tally.verdicts for row in rows if row.task_id is not None), default=1) or 1
