"""A box that asks for one line of text, with completions and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from gymtui.tui.context.services import Services, services_of
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.mistake_mark import MistakeHighlighter
from gymtui.tui.kit.prompt import PromptInput
from gymtui.tui.kit.styled_text import StyledText
from gymtui.tui.runtime.frame_timer import SoonDrawn


class LinePromptScreen(SoonDrawn, ModalScreen[str | None]):
    """Its result is what was typed, or None.

    Args:
        title: What is asked for.
        value: What stands there at first.
        check: What is wrong with a text, or None.
        completions: All that a text can be gone on with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False, priority=True),
        Binding("ctrl+q", "app.quit", show=False, priority=True, id="quit"),
    ]
    DEFAULT_CSS = """
    LinePromptScreen { align: center middle; background: $background 60%; }
    LinePromptScreen > Vertical {
        width: 76; max-width: 96%; height: auto;
        border: round $primary; background: $background; padding: 0 1;
    }
    LinePromptScreen Input { border: none; padding: 0; background: $surface; height: 1; }
    """

    def __init__(
        self,
        title: str,
        value: str = "",
        *,
        check: Callable[[str], str | None],
        completions: Callable[[str], Sequence[str]] = lambda _text: (),
    ) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._check = check
        self._completions = completions

    @property
    def services(self) -> Services:
        """What the program around it offers."""
        return services_of(self)

    def compose(self) -> ComposeResult:
        """One box."""
        palette = self.services.palette
        with Vertical():
            yield Lines(palette, id="asked")
            yield PromptInput(
                self._completions,
                placeholder="",
                highlighter=MistakeHighlighter(lambda: (range(0), palette.styles["failed"])),
            )
            yield Lines(palette, id="wrong")

    def on_mount(self) -> None:
        """Ask."""
        self.query_one("#asked", Lines).show([Line((StyledText(self._title, "strong"),))])
        field = self.query_one(Input)
        field.cursor_blink = False
        field.value = self._value
        field.select_all()
        field.focus()
        self._say(None)

    def _say(self, wrong: str | None) -> None:
        keys = (StyledText("↵ ", "key"), StyledText("done   ", "muted"), StyledText("esc ", "key"))
        said = (StyledText(wrong, "warning"),) if wrong else (*keys, StyledText("leave", "muted"))
        self.query_one("#wrong", Lines).show([Line(said)])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong while it is typed."""
        event.stop()
        self._say(self._check(event.value) if event.value.strip() else None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it, if nothing is wrong with it."""
        event.stop()
        wrong = self._check(event.value)
        self._say(wrong)
        if wrong is None:
            self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)
