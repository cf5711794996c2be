"""Asking before something is destroyed: what goes, and the cursor on "keep"."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from gymtui.poll.question import Question
from gymtui.tui.frame_timer import SoonDrawn
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Scope, bindings
from gymtui.tui.widgets.lines import Line, Lines

if TYPE_CHECKING:
    from gymtui.tui.app import GymtuiApp

_LISTED = 8


def told(question: Question) -> list[Cell]:
    """What goes, a line each: ids, how much still runs, what the filter hides."""
    lines: list[Cell] = []
    for target in question.targets[:_LISTED]:
        lines.append(
            (
                Ink("  "),
                Ink(target.run_id, "strong"),
                Ink(f"  {target.size}", "warning" if target.unfinished else "muted"),
                Ink("  hidden by the filter" if target.hidden else "", "warning"),
            )
        )
    rest = question.targets[_LISTED:]
    if rest:
        unfinished = sum(target.unfinished for target in rest)
        hidden = sum(target.hidden for target in rest)
        words = f"  and {len(rest)} more"
        words += f", {unfinished} rollouts unfinished" if unfinished else ""
        words += f", {hidden} hidden by the filter" if hidden else ""
        lines.append((Ink(words, "muted"),))
    return lines


class ConfirmScreen(SoonDrawn, ModalScreen[bool]):
    """Asks; its result is whether to do it.

    Nothing but the keys named on it does anything: not the key that opened it, no paste, no lone
    modifier, no loss of focus.

    Args:
        question: What is asked.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.CONFIRM),
        Binding("ctrl+q", "app.quit", show=False, priority=True, id="quit"),
    ]
    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; background: $background 60%; }
    ConfirmScreen > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 90%;
        border: round $warning; background: $background; padding: 1 1;
    }
    """

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question
        self._typed = ""

    @property
    def gym(self) -> GymtuiApp:
        """The app, as what it is."""
        return cast("GymtuiApp", self.app)

    def compose(self) -> ComposeResult:
        """One box."""
        with Vertical():
            yield Lines(self.gym.palette, id="question")

    def on_mount(self) -> None:
        """Ask."""
        self._show()

    def _show(self) -> None:
        question = self._question
        lines: list[Line] = [Line((Ink(question.title, "strong"),)), Line()]
        lines += [Line(cell) for cell in told(question)]
        lines.append(Line())
        lines += [Line((Ink(question.consequence, "muted"),)), Line()]
        bound = self.gym.bound
        keep = (Ink("▌", "accent"), Ink(f"{bound.shown('keep')} ", "key"), Ink("keep", "strong"))
        if question.to_type is None:
            do = (Ink("     "), Ink(f"{bound.shown('do-it')} ", "key"), Ink(f"{question.verb}"))
            lines.append(Line((*keep, *do)))
        else:
            lines.append(
                Line((Ink(f"To {question.verb}, type ", ""), Ink(question.to_type, "warning")))
            )
            typed = (Ink("› ", "accent"), Ink(self._typed, "strong"), Ink("▏", "accent"))
            lines.append(Line(typed))
            out = Ink(f"{bound.untyped('keep')} ", "key")
            lines += [Line(), Line((*keep[:1], out, Ink("keep", "strong")))]
        self.query_one("#question", Lines).show(lines)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where something must be typed, `y` and `n` are letters."""
        return not (action == "confirm" and self._question.to_type is not None)

    def on_key(self, event: events.Key) -> None:
        """Take what is typed, where something must be typed."""
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
            self._show()

    def action_confirm(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_keep(self) -> None:
        """Keep everything."""
        self.dismiss(False)
