"""The columns of what went wrong: what each cell of a criterion, a tool or a message shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gymtui.store.formats import GLYPH, percent, points
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failure_changes import FailureRow, RateChange
from gymtui.store.stats.tool_errors import ToolTally
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column, text_cell
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell
from gymtui.tui.matrix.failure_groups import PaneContent, PaneRow, PaneView


def change_words(change: RateChange) -> str:
    """`+13 (+2 to +29)`, in percentage points."""
    low, high = points(change.interval.low), points(change.interval.high)
    return f"{points(change.difference)} ({low} to {high})"


def failure_columns(content: Callable[[], PaneContent]) -> tuple[Column[PaneRow], ...]:
    """The columns of what went wrong, of every view, for what is shown now."""

    def name(row: PaneRow, cells: int) -> Cell:
        if isinstance(row, ToolTally):
            return value_cell(row.tool)
        glyph = StyledText(
            f"{GLYPH[row.group.outcome]} ", outcome_text.OUTCOME_STYLES[row.group.outcome]
        )
        guessed = row.group.guessed and content().view is PaneView.CRITERION
        guess = (StyledText("~ ", "muted"),) if guessed else ()
        return (glyph, *guess, StyledText(row.group.text))

    def attempts(row: FailureRow, cells: int) -> Cell:
        return _attempts_cell(row, content().attempts(row), cells)

    def fails_with(row: FailureRow, cells: int) -> Cell:
        found = content().together.with_group(row.group, 1)
        if not found or row.group.outcome is not Outcome.FAILED:
            return ()
        other, number = found[0]
        return (StyledText(f"{number}× ", "muted"), StyledText(other.text, "muted"))

    rollouts = _of_failure(text_cell(lambda row: len(row.group.rollout_ids)))
    tasks = _of_failure(text_cell(lambda row: len(row.group.task_row_ids), "muted"))
    runs = _of_failure(text_cell(lambda row: len(row.group.run_ids), "muted"))
    failed_in = _of_tool(text_cell(lambda row: len(row.rollout_ids), "muted"))
    share = _of_tool(text_cell(lambda row: percent(row.error_share)))
    answer = _of_tool(text_cell(lambda row: row.commonest or "", "muted"))
    return (
        Column("name", lambda: content().view.upper(), 16, name, ideal=34, whole=True, flex=1),
        Column("rollouts", "N", 4, rollouts, align="right"),
        Column("tasks", "TASKS", 5, tasks, 1, align="right"),
        Column("runs", "RUNS", 4, runs, 2, align="right"),
        Column("change", "CHANGE, pp", 18, _of_failure(_change), 2),
        Column("attempts", "ATTEMPTS", 8, _of_failure(attempts), 3, flex=2, most=40),
        Column("with", "FAILS WITH", 16, _of_failure(fails_with), 4, flex=3, most=60),
        Column("calls", "CALLS", 5, _of_tool(text_cell(lambda row: row.calls)), align="right"),
        Column("errors", "ERRORS", 6, _of_tool(_errors), align="right"),
        Column("share", "SHARE", 5, share, 2, align="right"),
        Column("in-rollouts", "ROLLOUTS", 8, failed_in, 3, align="right"),
        Column("answer", "COMMONEST ERROR", 16, answer, 1, flex=2),
    )


def _of_failure(cell: Callable[[FailureRow, int], Cell]) -> Callable[[PaneRow, int], Cell]:
    return lambda row, cells: cell(row, cells) if isinstance(row, FailureRow) else ()


def _of_tool(cell: Callable[[ToolTally, int], Cell]) -> Callable[[PaneRow, int], Cell]:
    return lambda row, cells: cell(row, cells) if isinstance(row, ToolTally) else ()


def _change(row: FailureRow, cells: int) -> Cell:
    if row.change is None:
        return value_cell(None, "muted")
    return value_cell(change_words(row.change), "warning" if row.change.clear else "muted")


def _errors(row: ToolTally, cells: int) -> Cell:
    return value_cell(row.errors, "error" if row.errors else "muted")


def _attempts_cell(row: FailureRow, tasks: Iterable[Sequence[RolloutRow]], cells: int) -> Cell:
    """A glyph an attempt of the tasks concerned; those that did not fail so stand back."""
    hit = frozenset(row.group.rollout_ids)
    pieces: list[StyledText] = []
    used = 0
    last = len(row.group.task_row_ids) - 1
    for number, attempts in enumerate(tasks):
        if number:
            pieces.append(StyledText(" "))
            used += 1
        for attempt in attempts:
            if used >= cells - 1 and (attempt is not attempts[-1] or number < last):
                return (*pieces, StyledText("›", "muted"))
            glyph = outcome_text.outcome_glyph(attempt)
            own = attempt.rollout_id in hit
            pieces.append(glyph if own else StyledText(glyph.text, "muted"))
            used += 1
    return tuple(pieces)
