"""The columns of a run's rollouts: what each cell of one shows.

What moves while a run is under way stands left: a terminal line is sent up to its last change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType

from gymtui.core.text import fit
from gymtui.store import formats
from gymtui.store.records import RolloutRow, score_of
from gymtui.store.rollout_times import elapsed_s
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.styled_text import Cell, StyledText, styled
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
    return (
        Column("task", "TASK", 18, partial(_task, heads), whole=True, cut="middle"),
        Column("state", "STATE", 12, _state),
        Column("steps", "STEPS", 7, partial(_steps, last_steps), align="right"),
        Column("elapsed", "ELAPSED", 7, partial(_elapsed, now), align="right"),
        Column("score", "SCORE", 5, _score, align="right", priority=2),
        Column("tokens", "TOKENS", 6, _tokens, align="right", priority=4),
        Column("cost", "COST", 9, _cost, align="right", priority=4),
        Column("note", "NOTE", 8, _note, whole=True, most=60, priority=2),
        Column("rollout", "ROLLOUT", 12, _name, whole=True, cut="middle", priority=2),
    )


def timeline_column(chart: TimeWindow) -> Column[RolloutRow]:
    """The column of what rollouts spent their time on."""
    return Column("timeline", "TIMELINE", 24, chart.cell, 1, flex=8, heading=chart.heading)


def message_column(*, flex: int = 0, priority: int = 3) -> Column[RolloutRow]:
    """The column of why rollouts ended as they did."""
    return Column("message", "MESSAGE", 32, _reason, priority, whole=True, flex=flex, most=120)


def _name(row: RolloutRow, cells: int) -> Cell:
    return styled(row.rollout_id, "muted")


def _task(heads: Mapping[str, tuple[str, str]], row: RolloutRow, cells: int) -> Cell:
    if heads:
        head = heads.get(row.rollout_id)
        if head is None:
            return _SAME_TASK
        name, tally = head
        return (
            StyledText(fit(name, cells - len(tally) - 1, cut="middle")),
            StyledText(f" {tally}", "muted"),
        )
    return styled(row.rollout.task_id if row.rollout else None)


def _state(row: RolloutRow, cells: int) -> Cell:
    return outcome_text.state(row)


def _steps(last_steps: Callable[[], Mapping[str, int]], row: RolloutRow, cells: int) -> Cell:
    if row.rollout is None or row.rollout.current_step is not None:
        return styled(formats.steps(row.rollout) if row.rollout else None)
    step = last_steps().get(row.rollout_id)
    # Seen, not said: there may have been another step after it, until its artifacts are read.
    return styled(formats.steps(row.rollout, step), "muted")


def _elapsed(now: Callable[[], datetime], row: RolloutRow, cells: int) -> Cell:
    return styled(formats.duration(elapsed_s(row, now())))


def _score(row: RolloutRow, cells: int) -> Cell:
    return outcome_text.score_cell(score_of(row))


def _tokens(row: RolloutRow, cells: int) -> Cell:
    number = row.usage.tokens if row.usage is not None else None
    return styled(formats.thousands(number), "muted")


def _cost(row: RolloutRow, cells: int) -> Cell:
    return styled(formats.cost(row.usage.cost_usd if row.usage is not None else None), "muted")


def _note(row: RolloutRow, cells: int) -> Cell:
    return styled(row.note, "accent")


def _reason(row: RolloutRow, cells: int) -> Cell:
    return styled(formats.why(row), "muted")
