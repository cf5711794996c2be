"""The columns of the matrix screens: a task's attempts, or a task in several runs.

Both are walked cell by cell; the cell under the cursor stands in brackets, which shows without
colour too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from gymtui.core.text import ABSENT, fit
from gymtui.store import formats
from gymtui.store.records import RolloutRow
from gymtui.store.stats.formulas import AtK
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column, number_column
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell

RUN_CELLS = 13
"""How narrow a run's column may be: `[100% of 160]` fits into it."""


def attempts_cell(
    attempts: Sequence[RolloutRow],
    cells: int,
    *,
    at: int,
    here: bool,
    most: int,
    only: Collection[str] | None = None,
) -> Cell:
    """A glyph for each attempt, one cell apart; of more than fit, those around the cursor.

    Args:
        at: Which attempt the cursor stands on, in every row.
        most: The most attempts that any row has: all rows are scrolled alike.
        only: Rollouts that stand out, all others being drawn as of second rank.
    """
    first, room = _window(cells, at, most)
    shown = attempts[first : first + room]
    before, after = first > 0, len(attempts) > first + room
    cursor = min(at, len(attempts) - 1) - first if here else -1
    pieces: list[StyledText] = []
    for number, row in enumerate(shown):
        if number == cursor:
            pieces.append(StyledText("[", "key"))
        elif number == cursor + 1 and cursor >= 0:
            pieces.append(StyledText("]", "key"))
        else:
            pieces.append(StyledText("‹" if before and not number else " ", "muted"))
        faded = only is not None and row.rollout_id not in only
        glyph = outcome_text.outcome_glyph(row)
        pieces.append(StyledText(glyph.text, "bar") if faded else glyph)
    if cursor == len(shown) - 1 and cursor >= 0:
        pieces.append(StyledText("]", "key"))
    elif after:
        pieces.append(StyledText("›", "muted"))
    return tuple(pieces)


def attempt_at(offset: int, cells: int, *, at: int, most: int) -> int:
    """Which attempt is drawn so far from the left edge of an attempts cell."""
    first, room = _window(cells, at, most)
    return first + max(0, min((offset - 1) // 2, room - 1))


def _window(cells: int, at: int, most: int) -> tuple[int, int]:
    """The first attempt that is drawn, and how many fit."""
    room = max((cells - 1) // 2, 1)
    return max(0, min(at - room // 2, most - room)), room


def rate_cell(row: TaskRow | None) -> Cell:
    """`75% of 4`: dimmed while attempts are unfinished, with a mark where some broke."""
    if row is None:
        return (StyledText(f"{ABSENT:>4}", "muted"),)
    rate = row.pass_rate
    style = "passed" if rate == 1 else "failed" if rate == 0 else ""
    if row.unfinished or rate is None:
        style = "muted"
    pieces = [StyledText(f"{formats.percent(rate):>4}", style)]
    if rate is not None:
        pieces.append(StyledText(f" of {row.tally.verdicts}", "muted"))
    return tuple(pieces)


def at_k_cells(name: str, at: AtK) -> Cell:
    """`pass@3 94% (31/34 tasks)`."""
    tasks = f" ({at.tasks}/{formats.of_many(at.of_tasks, 'task')})"
    rate = StyledText(formats.percent(at.rate), "strong")
    return (StyledText(f"{name}{at.k} "), rate, StyledText(tasks, "muted"))


def task_columns(
    attempts: Callable[[TaskRow, int], Cell], most: int, k: Callable[[], int]
) -> tuple[Column[TaskRow], ...]:
    """The columns of one run's tasks."""

    def share(value: Callable[[TaskRow], float | None]) -> Callable[[TaskRow, int], Cell]:
        def cell(row: TaskRow, cells: int) -> Cell:
            return value_cell(formats.percent(value(row)), "muted" if row.unfinished else "")

        return cell

    def kind(row: TaskRow, cells: int) -> Cell:
        return value_cell(row.kind, "muted" if row.unfinished or not row.kind else _KIND[row.kind])

    def steps(row: TaskRow) -> int | None:
        return None if row.median_steps is None else int(row.median_steps)

    return (
        Column("task", "TASK", 14, _task, ideal=24, whole=True, cut="middle"),
        Column("attempts", "ATTEMPTS", 9, attempts, flex=3, most=max(2 * most + 1, 9)),
        Column("pass", "PASS@1", 10, lambda row, cells: rate_cell(row)),
        Column("pass@k", lambda: f"PASS@{k()}", 6, share(lambda row: row.at_k), 2, align="right"),
        Column("pass^k", lambda: f"PASS^{k()}", 6, share(lambda row: row.hat_k), 2, align="right"),
        Column("kind", "KIND", 8, kind, priority=4),
        number_column("steps", "STEPS", 5, steps, priority=1),
        number_column("time", "TIME", 6, lambda row: formats.duration(row.median_s), priority=1),
        Column("errors", "ERR", 3, _errors, align="right"),
    )


def _task(row: TaskRow | TaskAcrossRuns, cells: int) -> Cell:
    return value_cell(row.name, "muted" if row.task_id is None else "")


_KIND = {"all-pass": "passed", "mixed": "", "all-fail": "failed"}


def _errors(row: TaskRow, cells: int) -> Cell:
    return value_cell(formats.nonzero_count(row.errors), "error" if row.errors else "muted")


def across_columns(
    run_ids: Sequence[str], here: Callable[[TaskAcrossRuns, int], bool]
) -> tuple[Column[TaskAcrossRuns], ...]:
    """The columns of several runs' tasks; `here` knows a row's cell of a run under the cursor."""

    def difference(row: TaskAcrossRuns, cells: int) -> Cell:
        if row.difference is None:
            return value_cell(None, "muted")
        points = round(row.difference * 100)
        if not points:
            return value_cell("=", "muted")
        return (
            value_cell(f"{points}pp", "warning")
            if row.clear
            else value_cell(f"~{points}pp", "muted")
        )

    def of_run(index: int) -> Callable[[TaskAcrossRuns, int], Cell]:
        def cell(row: TaskAcrossRuns, cells: int) -> Cell:
            inside = rate_cell(row.cells[index])
            if not here(row, index):
                return (StyledText(" "), *inside)
            return (StyledText("[", "key"), *inside, StyledText("]", "key"))

        return cell

    def titled(name: str) -> Callable[[int], Cell]:
        # The tail of a checkpoint's name is what differs.
        return lambda cells: (StyledText(fit(name, cells), "heading"),)

    return (
        Column("task", "TASK", 16, _task, whole=True, cut="middle"),
        Column("difference", "DIFF", 6, difference, align="right"),
        *(
            Column(
                f"run{index + 1}",
                f" {index + 1} {run_id}",
                RUN_CELLS,
                of_run(index),
                priority=1,
                whole=True,
                heading=titled(f" {index + 1} {run_id}"),
            )
            for index, run_id in enumerate(run_ids)
        ),
    )
