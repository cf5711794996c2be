"""The columns of the active screen: what each cell of a running rollout shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gymtui.store import formats
from gymtui.store.rollout_times import elapsed_s
from gymtui.store.running_rollouts import RunningRow
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column, name_column, number_column
from gymtui.tui.kit.styled_text import Cell, StyledText


def active_columns(now: Callable[[], datetime]) -> tuple[Column[RunningRow], ...]:
    """The columns of all running rollouts."""

    def task(running: RunningRow) -> str | None:
        return running.row.rollout.task_id if running.row.rollout else None

    def state(running: RunningRow, cells: int) -> Cell:
        return outcome_text.state_cell(running.row)

    def steps(running: RunningRow) -> str | None:
        return formats.steps(running.row.rollout) if running.row.rollout else None

    def idle(running: RunningRow, cells: int) -> Cell:
        style = "warning" if running.stuck(now()) else ""
        return (StyledText(formats.duration(idle_s(running, now())), style),)

    def stuck(running: RunningRow, cells: int) -> Cell:
        return (StyledText("stuck", "warning"),) if running.stuck(now()) else ()

    def elapsed(running: RunningRow) -> str:
        return formats.duration(elapsed_s(running.row, now()))

    return (
        name_column("run", 10, lambda running: running.row.run_id or None, ideal=20),
        name_column("task", 10, task, ideal=20),
        Column("state", "STATE", 11, state),
        number_column("steps", "STEPS", 7, steps, priority=1),
        Column("idle", "IDLE", 6, idle, align="right"),
        Column("stuck", "", 5, stuck),
        number_column("elapsed", "ELAPSED", 7, elapsed, "muted", priority=2),
        name_column("rollout", 12, lambda running: running.row.rollout_id, "muted", priority=3),
    )


def idle_s(running: RunningRow, now: datetime) -> float | None:
    """For how long a rollout has not moved, in seconds, at the least; None if it is not watched."""
    if running.moved_at is None:
        return None
    return max((now - running.moved_at).total_seconds(), 0.0)
