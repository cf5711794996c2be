"""Asking before something is destroyed: what goes, and the cursor on "keep"."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from gymtui.session.confirmation import Question
from gymtui.tui.kit.dialog import QuestionScreen
from gymtui.tui.kit.styled_text import Cell, StyledText

_LISTED = 8


def target_lines(question: Question) -> list[Cell]:
    """What goes, a line each: ids, how much still runs, what the filter hides."""
    lines: list[Cell] = []
    for target in question.targets[:_LISTED]:
        size = StyledText(f"  {target.size}", "warning" if target.unfinished else "muted")
        hidden_words = StyledText("  hidden by the filter" if target.hidden else "", "warning")
        name = StyledText(target.run_id, "strong")
        lines.append((StyledText("  "), name, size, hidden_words))
    rest = question.targets[_LISTED:]
    if rest:
        unfinished = sum(target.unfinished for target in rest)
        hidden = sum(target.hidden for target in rest)
        words = f"  and {len(rest)} more"
        words += f", {unfinished} rollouts unfinished" if unfinished else ""
        words += f", {hidden} hidden by the filter" if hidden else ""
        lines.append((StyledText(words, "muted"),))
    return lines


class ConfirmScreen(QuestionScreen):
    """Asks before runs are destroyed; where many are, one must type what the question says."""

    DEFAULT_CSS = """
    ConfirmScreen > Vertical { width: 76; border: round $warning; }
    """

    def __init__(self, question: Question) -> None:
        what = (*target_lines(question), (), (StyledText(question.consequence, "muted"),))
        super().__init__(question.title, what, do=question.verb, keep="keep")
        self._question = question
        self._typed = ""

    def answers(self) -> Sequence[Cell]:
        """The two keys, or the line for what must be typed and the key that leaves it."""
        question = self._question
        if question.to_type is None:
            return super().answers()
        cursor = StyledText("▏", "accent")
        return [
            (StyledText(f"To {question.verb}, type "), StyledText(question.to_type, "warning")),
            (StyledText("› ", "accent"), StyledText(self._typed, "strong"), cursor),
            (),
            self.keep_cell(self.services.keys.key_while_typing("keep")),
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where something must be typed, `y` and `n` are letters."""
        return not (action == "confirm" and self._question.to_type is not None)

    def on_key(self, event: events.Key) -> None:
        wanted = self._question.to_type
        if wanted is None:
            return
        if event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.character is not None and event.is_printable:
            self._typed += event.character
        else:
            return
        event.stop()
        event.prevent_default()
        if self._typed == wanted:
            self.dismiss(True)
        else:
            self.show()
