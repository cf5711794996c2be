"""Asking before something is done that costs or loses something: what it is, the cursor on "keep".

What is asked before runs are destroyed is `confirm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from gymtui.tui.frame_timer import SoonDrawn
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Scope, bindings
from gymtui.tui.widgets.lines import Line, Lines

if TYPE_CHECKING:
    from gymtui.tui.app import GymtuiApp


class AskScreen(SoonDrawn, ModalScreen[bool]):
    """Asks; its result is whether to do it. Nothing but the keys named on it does anything.

    Args:
        title: The question.
        told: What it is about, a line each.
        do: What `y` does, in a word or two.
        keep: What `n`, `esc` and `enter` do.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.CONFIRM),
        Binding("ctrl+q", "app.quit", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    AskScreen { align: center middle; background: $background 60%; }
    AskScreen > Vertical {
        width: 90; max-width: 96%; height: auto; max-height: 90%;
        border: round $primary; background: $background; padding: 1 1;
    }
    """

    def __init__(self, title: str, told: Sequence[Cell], *, do: str, keep: str) -> None:
        super().__init__()
        self._asked = title
        self._told = tuple(told)
        self._do = do
        self._keep = keep

    def compose(self) -> ComposeResult:
        """One box."""
        with Vertical():
            yield Lines(cast("GymtuiApp", self.app).palette, id="question")

    def on_mount(self) -> None:
        """Ask."""
        lines = [Line((Ink(self._asked, "strong"),)), Line()]
        lines += [Line(cell) for cell in self._told]
        keep = (Ink("▌", "accent"), Ink("n ", "key"), Ink(self._keep, "strong"))
        lines += [Line(), Line((*keep, Ink("     "), Ink("y ", "key"), Ink(self._do)))]
        self.query_one("#question", Lines).show(lines)

    def action_confirm(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_keep(self) -> None:
        """Keep everything as it is."""
        self.dismiss(False)
