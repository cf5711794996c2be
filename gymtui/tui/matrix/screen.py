"""One run as tasks by attempts: a glyph a rollout, and what each task's attempts add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gymtui.session.rollout_ref import RolloutRef
from gymtui.store import formats
from gymtui.store.outcome import steps_of
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_times import duration_s
from gymtui.store.stats.matrix import most_verdicts, sum_tasks, usual_k
from gymtui.store.stats.task_rows import TASKS, TaskRow, row_id_of
from gymtui.tui.context import routes
from gymtui.tui.context.selection import Selection
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.run_marks import run_marks, why_empty
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.matrix.columns import at_k_cells, attempt_at, attempts_cell, task_columns
from gymtui.tui.matrix.panes import MatrixPanes

_USUAL_ATTEMPTS = 16
"""How many there is room made for while nothing is known of the run."""


class MatrixScreen(MatrixPanes[TaskRow]):
    """The matrix of one run, or of a run and those along it, parent and reruns, read as one.

    It begins at a task's row, or at the first.
    """

    layout_name = "matrix"
    prompt = "words, or kind:mixed pass<50% steps>=20"

    def __init__(
        self, run_id: str, task: str | None = None, *, related: Sequence[str] = ()
    ) -> None:
        super().__init__((run_id, *related), TASKS, "task")
        self.run_id = run_id
        self._related = tuple(related)
        self._first_task = task
        self._k: int | None = None
        self._sums = sum_tasks((), 1)
        self._most = 1

    def _task_rows(self, k: int | None = None) -> Mapping[str, TaskRow]:
        """The tasks of the run, or of all that are read as one."""
        if not self._related:
            return self._counted.matrix.tasks(self.run_id, k)
        cancelled, steps = self.session.store.we_cancelled, self.session.tracker.last_steps
        together = self._counted.matrix.together
        return together(self.run_ids, k or 1, we_cancelled=cancelled, last_steps=steps)

    def columns(self) -> tuple[Column[TaskRow], ...]:
        rows = (row for run_id in self.run_ids for row in self.session.store.rollouts_of(run_id))
        tasks = Counter(row.rollout.task_id for row in rows if row.rollout is not None)
        most = max(tasks.values(), default=_USUAL_ATTEMPTS)
        return task_columns(self._attempts, most, lambda: self._sums.at_k.k)

    def _attempts(self, row: TaskRow, cells: int) -> Cell:
        here = self._grid.cursor_id == row_id_of(row.task_id)
        return attempts_cell(
            row.attempts,
            cells,
            at=self._cursor_cell,
            here=here,
            most=self._most,
            only=self.highlighted,
        )

    def breadcrumb(self) -> Cell:
        name = self.fit_name(self.run_id, beside=9)
        run = StyledText(name, "strong", f"run:{self.run_id}")
        here = (run, StyledText(" › ", "muted"), StyledText("matrix", "strong"))
        return (*runs_crumb(), *here, *run_marks(self.session, self.run_id), *self._relations())

    def _relations(self) -> list[StyledText]:
        """Which runs are read as one with it, or could be."""
        if self._related:
            return [StyledText(f"  combined with {' and '.join(self._related)}", "accent")]
        others = len(self.session.launches.family(self.run_id)) - 1
        if not others:
            return []
        key = self.services.keys.key_for("with-reruns")
        runs = "its rerun" if others == 1 else f"{others} related runs"
        words = StyledText(f"combined with {runs}", "muted")
        return [StyledText("   "), StyledText(f"{key} ", "key"), words]

    # -- what it shows ---------------------------------------------------------------------

    def compared_runs(self) -> tuple[str, str] | None:
        before = None if self._related else self.session.baseline.compared_with(self.run_id)
        return None if before is None else (self.run_id, before)

    def tasks(self) -> Mapping[str, TaskRow]:
        """The tasks, with pass@k and pass^k: for the k chosen, as far as any task reaches it."""
        known = self._task_rows().values()
        k = usual_k(known) if self._k is None else min(self._k, most_verdicts(known))
        tasks = self._task_rows(k)
        before, self._sums = self._sums, sum_tasks(tasks.values(), k)
        if (before.at_k.k == 1) is not (k == 1):
            self._grid.hide_columns(self.hidden_columns())
        self._most = max((len(row.attempts) for row in tasks.values()), default=1)
        return tasks

    def hidden_columns(self) -> frozenset[str]:
        """Those not wanted; of one attempt, pass@k and pass^k would say pass@1 again."""
        hidden = super().hidden_columns()
        return hidden | {"pass@k", "pass^k"} if self._sums.at_k.k == 1 else hidden

    def _show(self) -> None:
        super()._show()
        if self._first_task is not None and self._first_task in self._rows:
            first_task, self._first_task = self._first_task, None
            self._grid.select(first_task)

    def summary_lines(self) -> Sequence[Cell]:
        if not self._counted.counted_runs:
            why = why_empty(self.session, self.run_id)
            unknown = StyledText("the rollouts of this run are not loaded yet", "muted")
            return (StyledText(why, "warning") if why else unknown,), ()
        sums = self._sums
        done = sums.rollouts - sums.unfinished - sums.not_run
        width = self.size.width - 2
        style = "muted" if sums.unfinished else "strong"
        rate = [StyledText("pass@1 "), StyledText(formats.percent(sums.pass_rate), style)]
        if sums.interval is not None:
            between = f" {formats.interval_words(sums.interval)} of {sums.tally.verdicts}"
            rate.append(StyledText(between, "muted"))
        things = [part(f"{done}/{sums.rollouts} done", "strong"), LinePart(tuple(rate))]
        if sums.at_k.k > 1 or self._k is not None:  # else it would say the rate again
            things.append(LinePart(at_k_cells("pass@", sums.at_k), 1))
            things.append(LinePart(at_k_cells("pass^", sums.hat_k), 1))
        if sums.errors:
            things.append(part(formats.of_many(sums.errors, "error"), "error", 2))
        if sums.not_run:
            things.append(part(f"{sums.not_run:,} not run", "waiting", 2))
        kinds = sums.kinds
        second: list[StyledText] = [StyledText(f"{formats.of_many(sums.tasks, 'task')}  ", "muted")]
        for number, word, kind_style in (
            (kinds.all_pass, "all-pass", "passed"),
            (kinds.mixed, "mixed", ""),
            (kinds.all_fail, "all-fail", "failed"),
            (kinds.none, "no verdict", "muted"),
        ):
            if number:
                # What is open may still turn a task: as with the rate, that is not yet said loud.
                second.append(
                    StyledText(f"{number} {word}  ", "muted" if sums.unfinished else kind_style)
                )
        return join_fitting(things, width), tuple(second)

    @property
    def _chosen_attempt(self) -> RolloutRow | None:
        row = self.cursor_record
        if row is None or not row.attempts:
            return None
        return row.attempts[min(self._cursor_cell, len(row.attempts) - 1)]

    def detail(self) -> Cell:
        attempt = self._chosen_attempt
        if attempt is None or attempt.rollout is None:
            return ()
        rollout = attempt.rollout
        steps = steps_of(rollout, self.session.tracker.last_steps.get(rollout.rollout_id))
        row = self._rows.records[self._grid.cursor_id or ""]
        number = row.attempts.index(attempt) + 1
        place = StyledText(f"{number}/{len(row.attempts)}  ", "muted")
        ran_s = duration_s(rollout)
        things = [
            LinePart((place, *outcome_text.state_cell(attempt))),
            part(attempt.rollout_id, "strong"),
            part("" if steps is None else formats.of_many(steps, "step"), "muted", 1),
            part("" if ran_s is None else formats.duration(ran_s), "muted", 1),
        ]
        why = formats.why(attempt)
        return (*join_fitting(things, self.size.width - 2), StyledText(f"  {why}" if why else ""))

    def cell_count(self) -> int:
        return len(self.cursor_record.attempts) if self.cursor_record is not None else 0

    def cell_at(self, key: str, offset: int, cells: int) -> int | None:
        if key != "attempts":
            return None
        return attempt_at(offset, cells, at=self._cursor_cell, most=self._most)

    def open_row(self, row_id: str) -> None:
        attempt = self._chosen_attempt
        if attempt is not None:
            self.services.navigate(routes.OpenTranscript(attempt.run_id, attempt.rollout_id, self))

    def rollout_ids(self) -> Sequence[str]:
        records = self._rows.records
        return [a.rollout_id for row_id in self._rows for a in records[row_id].attempts]

    def select_rollout(self, rollout_id: str) -> None:
        for row_id in self._rows:
            attempts = self._rows.records[row_id].attempts
            for number, attempt in enumerate(attempts):
                if attempt.rollout_id == rollout_id:
                    self._grid.select(row_id)
                    self.move_cursor_to(number)
                    return

    def selection(self) -> Selection:
        attempt = self._chosen_attempt
        if attempt is None:
            return Selection()
        return Selection((attempt.run_id,), (attempt.rollout_id,))

    def action_compare(self) -> None:
        attempt = self._chosen_attempt
        chosen = [RolloutRef(attempt.run_id, attempt.rollout_id)] if attempt is not None else []
        self.services.navigate(routes.CompareRollouts(tuple(chosen)))

    def action_k(self, step: int) -> None:
        most = most_verdicts(self._task_rows().values())
        now, self._k = self._sums.at_k.k, max(1, min(self._sums.at_k.k + step, most))
        if self._k == now:
            verdicts = formats.of_many(most, "verdict")
            refuse(self, f"no task has more than {verdicts}" if step > 0 else "k is already 1")
        self._show()

    def action_baseline(self) -> None:
        self.toggle_baseline(self.run_id)
        self.services.view_changed()
        self.changed(self.session.everything())  # with what it is now compared with

    def action_describe(self) -> None:
        attempt = self._chosen_attempt
        if attempt is not None:
            self.services.navigate(
                routes.Describe(attempt.rollout_id, attempt.raw, attempt.malformed)
            )
        else:
            refuse(self, "no rollout to describe")

    def copy_text(self) -> str | None:
        attempt = self._chosen_attempt
        return attempt.rollout_id if attempt is not None else None

    def action_launch_again(self) -> None:
        records = self._rows.records
        marked = [records[i].task_id for i in self._rows if i in self._grid.marks]
        tasks = tuple(task for task in marked if task is not None)
        if marked and not tasks:
            refuse(self, "the marked rows have no task to rerun")
        else:
            self.services.navigate(routes.OpenLaunch(self.run_id, rerun=True, tasks=tasks or None))

    def action_with_reruns(self) -> None:
        family = self.session.launches.family(self.run_id)
        others = [] if self._related else [run for run in family if run != self.run_id]
        if not others and not self._related:
            self.services.notify("this run has no known reruns or parent", timeout=3)
            return
        task = self._grid.cursor_id
        run_ids = (self.run_id, *others)
        self.services.navigate(routes.OpenMatrix(run_ids, combined=True, task=task, replace=True))
