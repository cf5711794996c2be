"""A task in one run, and a task in several: the rows of the matrix screens, and their columns.

They are kept up to date by `store.stats.matrix` and added up there; drawing is the screens'
business.
"""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from gymtui.store.column_def import Field, Schema, ValueKind, name_column
from gymtui.store.outcome import ACTIVE, ERRORS, Outcome
from gymtui.store.phases import is_finished
from gymtui.store.records import RolloutRow
from gymtui.store.stats import formulas
from gymtui.store.stats.formulas import Tally
from gymtui.store.stats.significance import SOME, fisher

NO_TASK = "no task"


def row_id_of(task_id: str | None) -> str:
    """The id of a task's row; rollouts that name no task share one of their own."""
    return "-" if task_id is None else f"={task_id}"


class TaskRow(Struct, frozen=True, dict=True):
    """One task in one run."""

    task_id: str | None  # which task; None for the rollouts that name none
    attempts: tuple[RolloutRow, ...]  # its rollouts, by when they were created, then by id
    tally: Tally
    median_steps: float | None  # over verdicts whose steps are known; None without
    median_s: float | None  # how long a rollout with a verdict ran, in seconds; None without
    k: int = 1  # what its pass@k and pass^k are for

    @property
    def name(self) -> str:
        """Its id as received."""
        return NO_TASK if self.task_id is None else self.task_id

    @property
    def pass_rate(self) -> float | None:
        """pass@1, 0..1; None without a verdict."""
        return self.tally.passes / self.tally.verdicts if self.tally.verdicts else None

    @cached_property
    def at_k(self) -> float | None:
        """pass@k of this task alone; None with fewer than k verdicts, or where tasks are mixed."""
        return None if self.task_id is None else formulas.pass_at_k([self.tally], self.k).rate

    @cached_property
    def hat_k(self) -> float | None:
        """pass^k likewise."""
        return None if self.task_id is None else formulas.pass_hat_k([self.tally], self.k).rate

    @property
    def kind(self) -> str | None:
        """Whether all verdicts are passes, all fails, or some of each; None without any."""
        passes, verdicts = self.tally.passes, self.tally.verdicts
        if not verdicts:
            return None
        return "all-pass" if passes == verdicts else "mixed" if passes else "all-fail"

    @cached_property
    def unfinished(self) -> int:
        """Rollouts that run or wait, or are in a state unknown here without having ended."""
        return sum(
            row.outcome in ACTIVE or (row.rollout is not None and not is_finished(row.rollout))
            for row in self.attempts
            if row.outcome is not Outcome.NOT_RUN
        )

    @cached_property
    def not_run(self) -> int:
        """Rollouts that a dead run did not begin, or not end."""
        return sum(row.outcome is Outcome.NOT_RUN for row in self.attempts)

    @property
    def ended(self) -> int:
        """Rollouts that are over, whichever way."""
        return len(self.attempts) - self.unfinished - self.not_run

    @cached_property
    def errors(self) -> int:
        """Rollouts that ended without a verdict."""
        return sum(row.outcome in ERRORS for row in self.attempts)


class TaskAcrossRuns(Struct, frozen=True, dict=True):
    """One task in several runs."""

    task_id: str | None  # which task; None for the rollouts that name none
    # The task in each run, in the order of the runs; None where a run has it not.
    cells: tuple[TaskRow | None, ...]

    @property
    def name(self) -> str:
        """Its id as received."""
        return NO_TASK if self.task_id is None else self.task_id

    @cached_property
    def _ends(self) -> tuple[TaskRow, TaskRow] | None:
        """The run that does worst and the one that does best."""
        rated = [cell for cell in self.cells if cell is not None and cell.tally.verdicts]
        if len(rated) < 2:
            return None
        return (
            min(rated, key=lambda cell: cell.pass_rate or 0.0),
            max(rated, key=lambda cell: cell.pass_rate or 0.0),
        )

    @property
    def difference(self) -> float | None:
        """The best run's pass rate less the worst one's, 0..1; None with fewer than two."""
        if self._ends is None:
            return None
        worst, best = self._ends
        return (best.pass_rate or 0.0) - (worst.pass_rate or 0.0)

    @cached_property
    def p(self) -> float:
        """How often chance alone would part its runs so far, 0..1: one test of all of them."""
        return fisher(*(cell.tally for cell in self.cells if cell is not None))

    @property
    def clear(self) -> bool:
        """Whether its runs differ by more than chance, as far as this task alone tells.

        Nothing is made of how many tasks are looked at.
        """
        return self.p <= SOME


TASKS: Schema[TaskRow] = Schema(
    [
        name_column("task", lambda row: row.name),
        Field("attempts", ValueKind.NUMBER, lambda row: len(row.attempts)),
        Field("pass", ValueKind.PERCENT, lambda row: row.pass_rate, ("pass@1",)),
        Field("pass@k", ValueKind.PERCENT, lambda row: row.at_k),
        Field("pass^k", ValueKind.PERCENT, lambda row: row.hat_k),
        Field(
            "kind", ValueKind.TEXT, lambda row: row.kind, choices=("all-pass", "mixed", "all-fail")
        ),
        Field("steps", ValueKind.NUMBER, lambda row: row.median_steps),
        Field("time", ValueKind.DURATION, lambda row: row.median_s),
        Field("verdicts", ValueKind.NUMBER, lambda row: row.tally.verdicts),
        Field("errors", ValueKind.NUMBER, lambda row: row.errors, ("err",)),
        Field("unfinished", ValueKind.NUMBER, lambda row: row.unfinished),
        Field("not_run", ValueKind.NUMBER, lambda row: row.not_run),
    ]
)
"""The columns by which the tasks of a run are filtered and ordered."""


def across_schema(runs: int) -> Schema[TaskAcrossRuns]:
    """The columns by which tasks of several runs are: as above, with run1, run2 and so on."""

    def rate(index: int) -> Field[TaskAcrossRuns]:
        def value(row: TaskAcrossRuns) -> float | None:
            cell = row.cells[index]
            return cell.pass_rate if cell is not None else None

        return Field(f"run{index + 1}", ValueKind.PERCENT, value)

    return Schema(
        [
            name_column("task", lambda row: row.name),
            Field(
                "difference",
                ValueKind.PERCENT,
                lambda row: row.difference,
                ("diff",),
                # Those that are more than noise come before all others.
                order=lambda row: row.difference and row.difference + row.clear,
            ),
            Field("clear", ValueKind.FLAG, lambda row: row.clear),
            *(rate(index) for index in range(runs)),
        ]
    )
