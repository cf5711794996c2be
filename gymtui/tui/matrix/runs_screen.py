"""Several runs as tasks by runs: where they differ, and whether that can be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gymtui.store import formats
from gymtui.store.column_def import Schema
from gymtui.store.stats.formulas import wilson
from gymtui.store.stats.matrix import Totals, sum_tasks
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow, across_schema, row_id_of
from gymtui.tui.context.keymap import Key
from gymtui.tui.context.routes import CompareRuns, Describe, OpenMatrix, Route
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.run_marks import why_empty
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.matrix.columns import across_columns
from gymtui.tui.matrix.panes import MatrixPanes

_NOT_HERE = frozenset({"more-k", "launch-again-tasks"})


class RunsMatrixScreen(MatrixPanes[TaskAcrossRuns]):
    """The matrix of several runs, filtered and ordered by more than `across_schema` if wanted."""

    layout_name = "matrix of runs"
    prompt = "words, or clear: diff>=50% run1<50%"
    has_tip = False

    def __init__(
        self, run_ids: Sequence[str], schema: Schema[TaskAcrossRuns] | None = None
    ) -> None:
        super().__init__(run_ids, schema or across_schema(len(run_ids)), "difference")
        self._rows.set_order("difference", reverse=True)
        self._first = 0
        self._sums: tuple[Totals | None, ...] = ()

    def columns(self) -> tuple[Column[TaskAcrossRuns], ...]:
        return across_columns(self.run_ids, self._is_cursor_cell_of)

    def _is_cursor_cell_of(self, row: TaskAcrossRuns, run: int) -> bool:
        return run == self._cursor_cell and self._grid.cursor_id == row_id_of(row.task_id)

    def breadcrumb(self) -> Cell:
        runs = formats.of_many(len(self.run_ids), "run")
        return (*runs_crumb(), StyledText(f"matrix of {runs}", "strong"))

    # -- what it shows ---------------------------------------------------------------------

    def compared_runs(self) -> tuple[str, str] | None:
        """The run under the cursor, else the last, with the first."""
        return (self.run_ids[self._cursor_cell or -1], self.run_ids[0])

    def tasks(self) -> Mapping[str, TaskAcrossRuns]:
        matrix, seen = self._counted.matrix, self._counted.counted_runs
        self._sums = tuple(
            sum_tasks(matrix.tasks(run_id).values(), 1) if run_id in seen else None
            for run_id in self.run_ids
        )
        return matrix.across(self.run_ids)

    def summary_lines(self) -> Sequence[Cell]:
        """pass@1 of each run as far as there is room, and how many tasks differ."""
        things = [
            LinePart(self._run_cell(number, sums), number) for number, sums in enumerate(self._sums)
        ]
        rows = self._rows.records.values()
        differ = [row for row in rows if row.difference]
        clear = sum(row.clear for row in differ)
        tasks = StyledText(f"{formats.of_many(len(rows), 'task')} · ", "muted")
        significant = f", {clear} significant" if differ else ""
        second = [tasks, StyledText(self.how_many_differ())]
        second.append(StyledText(significant, "warning" if clear else ""))
        shown = [self._number(column) for column in self._placed_runs()]
        if shown and len(shown) < len(self.run_ids):
            place_said = f" · runs {shown[0] + 1}–{shown[-1] + 1} of {len(self.run_ids)}"
            second.append(StyledText(place_said, "accent"))
        return join_fitting(things, self.size.width - 2), tuple(second)

    def how_many_differ(self) -> str:
        """`4 differ`; where no task has verdicts of two runs, that is not known."""
        found = [row.difference for row in self._rows.records.values()]
        if found and all(difference is None for difference in found):
            return "none comparable yet"
        number = sum(bool(difference) for difference in found)
        return f"{number} {'differs' if number == 1 else 'differ'}"

    def _run_cell(self, number: int, sums: Totals | None) -> Cell:
        """`2: 83% 74–91 of 60`: a run's pass@1, under the number its column has."""
        begin = StyledText(f"{number + 1}: ", "key" if number == self._cursor_cell else "muted")
        if sums is None:
            why = why_empty(self.session, self.run_ids[number])
            unknown = StyledText("not known yet", "muted")
            return (begin, StyledText(why.partition(":")[0], "warning") if why else unknown)
        style = "muted" if sums.unfinished else "strong"
        rate = StyledText(formats.percent(sums.pass_rate), style)
        if sums.interval is None:
            return (begin, rate)
        between = f" {formats.interval_words(sums.interval)} of {sums.tally.verdicts}"
        return (begin, rate, StyledText(between, "muted"))

    def detail(self) -> Cell:
        row = self.cursor_record
        if row is None:
            return ()
        run_id = self.run_ids[self._cursor_cell]
        things = [
            part(run_id, "strong"),
            LinePart(self._task_cell(row.cells[self._cursor_cell]), 1),
        ]
        if row.difference:
            points = round(row.difference * 100)
            things.append(part(f"max − min {points}pp", "muted", 2))
            things.append(LinePart(self.describe_significance(row)))
        return join_fitting(things, self.size.width - 2)

    def describe_significance(self, row: TaskAcrossRuns) -> Cell:
        """What the difference of a task is worth."""
        return (StyledText("significant" if row.clear else "not significant (~)", "muted"),)

    def _task_cell(self, cell: TaskRow | None) -> Cell:
        if cell is None:
            return (StyledText("this run does not have this task", "muted"),)
        tally = cell.tally
        interval = wilson(tally.passes, tally.verdicts)
        not_run = f", {cell.not_run} not run" if cell.not_run else ""
        if interval is None:
            attempts = formats.of_many(len(cell.attempts), "attempt")
            return (StyledText(f"no verdicts of {attempts}{not_run}"),)
        left = f", {cell.unfinished} unfinished{not_run}" if cell.unfinished else not_run
        broke = f", {formats.of_many(cell.errors, 'error')}" if cell.errors else ""
        rest = StyledText(f"{formats.interval_words(interval)}%{left}{broke}", "muted")
        return (StyledText(f"{tally.passes} of {tally.verdicts} passed "), rest)

    @staticmethod
    def _number(column: str) -> int:
        return int(column.removeprefix("run")) - 1

    def _placed_runs(self) -> list[str]:
        """The runs' columns that stand on screen, by their keys."""
        placed = self._grid.fit_columns(self.shown_columns())
        return [at.column.key for at in placed if at.column.key.startswith("run")]

    def hidden_columns(self) -> frozenset[str]:
        """What the person does not want, and runs left of those on screen."""
        return super().hidden_columns() | {f"run{number + 1}" for number in range(self._first)}

    def move_cursor_to(self, cell: int) -> None:
        """Put the cursor on a run, and bring that on screen."""
        self._cursor_cell = cell
        first, self._first = self._first, min(self._first, cell)
        last = f"run{cell + 1}"
        while self._first < cell and last not in self._placed_runs():
            self._first += 1
        if self._first != first:
            self._grid.hide_columns(self.hidden_columns())
        super().move_cursor_to(cell)
        self._show_failures()

    def cell_count(self) -> int:
        return len(self.run_ids)

    def cell_at(self, key: str, offset: int, cells: int) -> int | None:
        return self._number(key) if key.startswith("run") else None

    def open_row(self, row_id: str) -> None:
        self.services.navigate(OpenMatrix((self.run_ids[self._cursor_cell],), task=row_id))

    def action_baseline(self) -> None:
        run_id = self.run_ids[self._cursor_cell]
        if self._cursor_cell == 0:
            refuse(self, f"the others are compared with {run_id} already: go to another run")
            return
        self.session.baseline.choose(run_id)
        self.services.navigate(self.route_with(self.session.baseline.first(self.run_ids)))

    def route_with(self, run_ids: tuple[str, ...]) -> Route:
        """The way to these runs in another order, in the place of this screen."""
        return OpenMatrix(run_ids, replace=True)

    def action_compare(self) -> None:
        self.services.navigate(CompareRuns(tuple(self.run_ids)))

    def action_k(self, step: int) -> None:
        refuse(self, "several runs are compared by pass@1 only")

    def action_launch_again(self) -> None:
        refuse(self, f"one run at a time · {self.services.keys.label('open')} shows its own matrix")

    action_with_reruns = action_launch_again

    def footer_keys(self) -> list[Key]:
        return [key for key in super().footer_keys() if key.name not in _NOT_HERE]

    def action_describe(self) -> None:
        run_id = self.run_ids[self._cursor_cell]
        row = self.session.store.runs.get(run_id)
        if row is not None:
            self.services.navigate(Describe(run_id, row.raw, row.malformed))
        else:
            refuse(self, "this run is unknown")

    def copy_text(self) -> str | None:
        return self.run_ids[self._cursor_cell]
