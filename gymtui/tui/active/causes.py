"""What is going wrong now, a row a cause; `enter` leads to the rollouts."""

from __future__ import annotations

from collections.abc import Sequence

from gymtui.store import formats
from gymtui.store.stats.failures import FailureGroup
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.column import Column, number_column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.styled_text import Cell, StyledText


class CausesGrid(Grid[FailureGroup]):
    """Causes of errors over all runs, within some time, the largest first."""

    DEFAULT_CSS = "CausesGrid { height: auto; }"

    why_unmarkable = "causes cannot be marked: open one, then mark its rollouts"

    def __init__(self, palette: Palette, window: str) -> None:
        self.causes: dict[str, FailureGroup] = {}
        super().__init__(_columns(window), self.causes.get, palette, empty="", id="causes")

    def show_causes(self, causes: Sequence[FailureGroup], most: int) -> None:
        """Show these, the cursor staying on its cause."""
        self.causes.clear()
        self.causes.update({"\n".join(cause.key): cause for cause in causes})
        self.styles.height = 1 + min(len(causes), most) if causes else 0
        self.can_focus = bool(causes)
        self.set_rows(tuple(self.causes))


def _columns(window: str) -> tuple[Column[FailureGroup], ...]:
    def why(cause: FailureGroup, cells: int) -> Cell:
        outcome = StyledText(f"{formats.WORD[cause.outcome]:<6}", "muted")
        return (StyledText("! ", "error"), outcome, StyledText(cause.text))

    return (
        Column("why", f"GOING WRONG, {window}", 30, why, flex=1),
        number_column("rollouts", "ROLLOUTS", 8, lambda row: len(row.rollout_ids)),
        number_column("runs", "RUNS", 4, lambda row: len(row.run_ids), "muted"),
        number_column("tasks", "TASKS", 5, lambda row: len(row.task_row_ids), "muted", priority=1),
    )
