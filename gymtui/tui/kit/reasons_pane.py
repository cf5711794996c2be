"""The pane of what went wrong: one row a reason, with how many rollouts it hit."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from gymtui.store.outcome import Outcome
from gymtui.store.stats.failure_reasons import Reason
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, StyledText, styled

NOT_KNOWN = "not known yet"
"""What is said of runs whose rollouts were not read."""

ReasonKey = tuple[str, str]
"""What names a group while its members come and go: its outcome and its folded words."""


def key_of(reason: Reason) -> ReasonKey:
    """What names a reason."""
    return (str(reason.outcome), reason.text)


class ReasonsGrid(Grid[Reason]):
    """Reasons, largest first; `enter` chooses one.

    Args:
        runs: Whether to show how many runs each has hit.
    """

    class Chosen(Message):
        """Enter, or a second click, on a reason."""

        def __init__(self, reason: Reason) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, palette: Palette, *, runs: bool) -> None:
        self._reasons: dict[str, Reason] = {}
        super().__init__(
            _columns(runs=runs), self._reasons.get, palette, empty=NOT_KNOWN, id="reasons"
        )

    def show_reasons(self, reasons: Sequence[Reason], *, known: bool) -> None:
        """Show these, the cursor staying on its reason.

        Args:
            known: Whether the rollouts of every run are: else that no failures is not known.
        """
        self.empty = "no failures" if known else NOT_KNOWN
        self._reasons.clear()
        self._reasons.update({"\n".join(key_of(reason)): reason for reason in reasons})
        self.set_rows(tuple(self._reasons))

    @property
    def chosen(self) -> Reason | None:
        """The cursor's reason."""
        return self._reasons.get(self.cursor_id or "")

    def action_open(self) -> None:
        """Choose the cursor's reason."""
        reason = self.chosen
        if reason is not None:
            self.post_message(self.Chosen(reason))
        else:
            refuse(self, f"{self.empty}: no reason to choose")

    def action_mark(self) -> None:
        """Reasons are not marked."""
        refuse(self, "reasons cannot be marked: open one, then mark its tasks")

    def action_mark_range(self) -> None:
        """Reasons are not marked."""
        self.action_mark()

    def action_unmark(self) -> None:
        """Reasons are not marked."""
        self.action_mark()


def _columns(*, runs: bool) -> tuple[Column[Reason], ...]:
    def number(reason: Reason, cells: int) -> Cell:
        return styled(len(reason.rollout_ids))

    def kind(reason: Reason, cells: int) -> Cell:
        outcome = reason.outcome
        word = "cancel" if outcome is Outcome.CANCELLED else outcome_text.WORD[outcome]
        return (StyledText(f"{outcome_text.GLYPH[outcome]} {word}", outcome_text.STYLE[outcome]),)

    def text(reason: Reason, cells: int) -> Cell:
        return styled(reason.text)

    def hit(reason: Reason, cells: int) -> Cell:
        return styled(len(reason.run_ids), "muted")

    columns = [
        Column("count", "N", 4, number, align="right"),
        Column("cause", "", 8, kind),
        Column("why", "FAILURE REASON", 16, text, flex=1),
    ]
    if runs:
        columns.append(Column("in-runs", "RUNS", 4, hit, align="right", priority=1))
    return tuple(columns)
