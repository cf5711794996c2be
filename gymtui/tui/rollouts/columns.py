"""The columns of a run's rollouts: what each cell of one shows.

What moves while a run is under way stands left: a terminal line is sent up to its last change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import groupby
from types import MappingProxyType

from gymtui.core.replacement import replace
from gymtui.core.text import ABSENT, fit
from gymtui.store import formats
from gymtui.store.outcome import VERDICTS, Outcome
from gymtui.store.records import RolloutRow, score_of
from gymtui.store.rollout_times import elapsed_s
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column, name_column, note_column, number_column, text_cell
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell
from gymtui.tui.rollouts.time_window import TimeWindow

_SAME_TASK: Cell = (StyledText("  ″", "muted"),)


def rollout_columns(
    now: Callable[[], datetime],
    last_steps: Callable[[], Mapping[str, int]],
    heads: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> tuple[Column[RolloutRow], ...]:
    """The columns of rollouts, up to their ids.

    Args:
        last_steps: The last step each rollout was seen at: ended ones no longer say it.
        heads: While grouped by task, the task of the first rollout of each, and how many of its
            verdicts are passes; by rollout. The others then show that they are of the same task.
    """

    def elapsed(row: RolloutRow) -> str:
        return formats.duration(elapsed_s(row, now()))

    def score(row: RolloutRow, cells: int) -> Cell:
        return outcome_text.score_cell(score_of(row))

    def tokens(row: RolloutRow) -> str:
        return formats.thousands(row.usage.tokens if row.usage is not None else None)

    def cost(row: RolloutRow) -> str:
        return formats.cost(row.usage.cost_usd if row.usage is not None else None)

    columns: tuple[Column[RolloutRow], ...] = (
        Column("task", "TASK", 18, partial(_task, heads), whole=True, cut="middle"),
        Column("state", "STATE", 12, lambda row, _cells: outcome_text.state_cell(row)),
        Column("steps", "STEPS", 7, partial(_steps, last_steps), align="right"),
        number_column("elapsed", "ELAPSED", 7, elapsed),
        Column("score", "SCORE", 5, score, align="right", priority=2),
        number_column("tokens", "TOKENS", 6, tokens, "muted", priority=4),
        number_column("cost", "COST", 9, cost, "muted", priority=4),
        note_column(lambda row: row.note, priority=2),
        name_column("rollout", 12, lambda row: row.rollout_id, "muted", priority=2),
    )
    # Where its task begins, the last step seen and the time are no fields of it.
    by_more = {"task", "steps", "elapsed"}
    return tuple(replace(column, of_record=column.key not in by_more) for column in columns)


def timeline_column(chart: TimeWindow) -> Column[RolloutRow]:
    """The column of what rollouts spent their time on."""
    return Column("timeline", "TIMELINE", 24, chart.cell, 1, flex=8, heading=chart.heading)


def message_column(*, flex: int = 0) -> Column[RolloutRow]:
    """The column of why rollouts ended as they did."""
    why = text_cell(formats.why, "muted")
    return Column("message", "MESSAGE", 32, why, 3, whole=True, flex=flex, most=120, of_record=True)


def _task(heads: Mapping[str, tuple[str, str]], row: RolloutRow, cells: int) -> Cell:
    if heads:
        head = heads.get(row.rollout_id)
        if head is None:
            return _SAME_TASK
        name, tally = head
        shown = fit(name, cells - len(tally) - 1, cut="middle")
        return (StyledText(shown), StyledText(f" {tally}", "muted"))
    return value_cell(row.rollout.task_id if row.rollout else None)


def _steps(last_steps: Callable[[], Mapping[str, int]], row: RolloutRow, cells: int) -> Cell:
    if row.rollout is None or row.rollout.current_step is not None:
        return value_cell(formats.steps(row.rollout) if row.rollout else None)
    step = last_steps().get(row.rollout_id)
    # Seen, not said: there may have been another step after it, until its artifacts are read.
    return value_cell(formats.steps(row.rollout, step), "muted")


def task_heads(listed: Iterable[str], rows: Mapping[str, RolloutRow]) -> dict[str, tuple[str, str]]:
    """By each task's first rollout as listed, its name and its passes of verdicts, as `3/4`.

    A filter that hides half of a task says so in its count.
    """
    heads: dict[str, tuple[str, str]] = {}
    for task, members in groupby((rows[row_id] for row_id in listed), key=_task_of):
        together = list(members)
        outcomes = [row.outcome for row in together]
        verdicts = sum(outcome in VERDICTS for outcome in outcomes)
        passes = f"{outcomes.count(Outcome.PASSED)}/{verdicts}" if verdicts else ""
        heads[together[0].rollout_id] = (task, passes)
    return heads


def _task_of(row: RolloutRow) -> str:
    return (row.rollout.task_id if row.rollout is not None else None) or ABSENT
