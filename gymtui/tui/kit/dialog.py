"""Boxes on top of a screen, and the one that asks before something costs or loses something.

What is asked before runs are destroyed is `confirm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.services import Services, services_of
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.runtime.frame_timer import FrameTimerMixin

ResultT = TypeVar("ResultT")


class Dialog(FrameTimerMixin, ModalScreen[ResultT]):
    """A box over what one looks at."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > Vertical {
        width: 90; max-width: 96%; height: auto; max-height: 90%;
        border: round $primary; background: $background; padding: 0 1;
    }
    """

    @property
    def services(self) -> Services:
        """What the program around it offers."""
        return services_of(self)


class QuestionScreen(Dialog[bool]):
    """Asks what it is about, a line each; its result is whether to `do` it.

    Nothing but the keys named on it does anything: not the key that opened it, no paste, no lone
    modifier, no loss of focus.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.CONFIRM),
        Binding("ctrl+q", "app.quit", show=False, priority=True, id="quit"),
    ]
    DEFAULT_CSS = "QuestionScreen > Vertical { padding: 1 1; }"

    def __init__(self, title: str, about: Sequence[Cell], *, do: str, keep: str) -> None:
        super().__init__()
        self._title_text = title
        self._about = tuple(about)
        self._do = do
        self._keep = keep

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Lines(self.services.palette, id="question")

    def on_mount(self) -> None:
        self.show()

    def show(self) -> None:
        """Draw the question, what it is about, and what can be answered."""
        lines = [(StyledText(self._title_text, "strong"),), (), *self._about, (), *self.answers()]
        self.query_one("#question", Lines).show([Line(cell) for cell in lines])

    def answers(self) -> Sequence[Cell]:
        """What can be answered, a line each."""
        keys = self.services.keys
        keep, key = (
            self.keep_cell(keys.key_for("keep")),
            StyledText(f"{keys.key_for('do-it')} ", "key"),
        )
        return [(*keep, StyledText("     "), key, StyledText(self._do))]

    def keep_cell(self, key: str) -> Cell:
        """What leaves everything as it is, under the cursor; with its key as people write it."""
        cursor = StyledText("▌", "accent")
        return (cursor, StyledText(f"{key} ", "key"), StyledText(self._keep, "strong"))

    def action_confirm(self) -> None:
        self.dismiss(True)

    def action_keep(self) -> None:
        self.dismiss(False)
