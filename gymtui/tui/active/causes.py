"""What is going wrong now, a row a cause; `enter` leads to the rollouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.message import Message

from gymtui.store import formats
from gymtui.store.stats.failures import FailureGroup
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.styled_text import Cell, StyledText, styled


class CausesGrid(Grid[FailureGroup]):
    """Causes of errors over all runs, the largest first.

    Args:
        window: Over which time, in words.
    """

    DEFAULT_CSS = "CausesGrid { height: auto; }"

    unmarkable: ClassVar[str] = "causes cannot be marked: open one, then mark its rollouts"

    class Chosen(Message):
        """Enter, or a second click, on a cause."""

        def __init__(self, cause: FailureGroup) -> None:
            super().__init__()
            self.cause = cause

    def __init__(self, palette: Palette, window: str) -> None:
        self._causes: dict[str, FailureGroup] = {}
        super().__init__(_columns(window), self._causes.get, palette, empty="", id="causes")

    def show_causes(self, causes: Sequence[FailureGroup], most: int) -> None:
        """Show these, the cursor staying on its cause."""
        self._causes.clear()
        self._causes.update({"\n".join(cause.key): cause for cause in causes})
        self.styles.height = 1 + min(len(causes), most) if causes else 0
        self.can_focus = bool(causes)
        self.set_rows(tuple(self._causes))

    def action_open(self) -> None:
        """Choose the cursor's cause."""
        cause = self._causes.get(self.cursor_id or "")
        if cause is not None:
            self.post_message(self.Chosen(cause))


def _columns(window: str) -> tuple[Column[FailureGroup], ...]:
    def why(cause: FailureGroup, cells: int) -> Cell:
        return (
            StyledText("! ", "error"),
            StyledText(f"{formats.WORD[cause.outcome]:<6}", "muted"),
            StyledText(cause.text),
        )

    def runs(cause: FailureGroup, cells: int) -> Cell:
        return styled(len(cause.run_ids), "muted")

    def tasks(cause: FailureGroup, cells: int) -> Cell:
        return styled(len(cause.task_row_ids), "muted")

    def rollouts(cause: FailureGroup, cells: int) -> Cell:
        return styled(len(cause.rollout_ids))

    return (
        Column("why", f"GOING WRONG, {window}", 30, why, flex=1),
        Column("rollouts", "ROLLOUTS", 8, rollouts, align="right"),
        Column("runs", "RUNS", 4, runs, align="right"),
        Column("tasks", "TASKS", 5, tasks, 1, align="right"),
    )
