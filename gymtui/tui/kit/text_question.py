"""A question that is answered by a line of text, on top of a screen; such as a note on runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from gymtui.store.history.notes import LONGEST, NoteOf
from gymtui.tui.context.selection import Selection
from gymtui.tui.context.services import Services
from gymtui.tui.kit.dialog import Dialog
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.prompt import PromptInput
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import StyledText


class TextQuestionScreen(Dialog[str | None]):
    """Its result is what was typed, or None.

    Args:
        longest: Characters that may be typed.
        check: What is wrong with a text, or None.
        completions: All that a text can be gone on with.
    """

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False, id="menu-leave"),
        Binding("ctrl+q", "app.quit", show=False, priority=True, id="quit"),
    ]
    DEFAULT_CSS = """
    TextQuestionScreen Input { border: none; padding: 0; background: $surface; height: 1; }
    """

    def __init__(
        self,
        title: str,
        text: str,
        *,
        hint: str,
        longest: int,
        check: Callable[[str], str | None] = lambda _text: None,
        completions: Callable[[str], Sequence[str]] = lambda _text: (),
    ) -> None:
        super().__init__()
        self._check = check
        self._completions = completions
        self._title = title
        self._text = text
        self._hint = hint
        self._longest = longest

    def compose(self) -> ComposeResult:
        palette = self.services.palette
        with Vertical():
            yield Lines(palette, height=2, id="asked")
            yield PromptInput(self._completions)
            yield Lines(palette, height=2, id="hint")

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.cursor_blink = False
        field.max_length = self._longest
        field.value = self._text
        field.cursor_position = len(field.value)
        self.query_one("#asked", Lines).show([Line((StyledText(self._title, "strong"),))])
        self._show_hint(None)

    def _show_hint(self, wrong: str | None) -> None:
        """Say what may be typed, or what is wrong with what was."""
        if wrong is not None:
            self.query_one("#hint", Lines).show([Line(()), Line((StyledText(wrong, "warning"),))])
            return
        leave = self.services.keys.key_while_typing("menu-leave")
        keys = (
            StyledText("↵ " if not self.services.keys.plain else "Enter ", "key"),
            StyledText("save  ", "muted"),
            StyledText(f"{leave} ", "key"),
            StyledText(f"cancel   {self._hint}", "muted"),
        )
        self.query_one("#hint", Lines).show([Line(()), Line(keys)])

    def on_key(self, event: events.Key) -> None:
        """Take what was typed in one burst with the key that opened it."""
        field = self.query_one(Input)
        if self.focused is field:
            return
        if event.character is not None and event.is_printable:
            event.stop()
            event.prevent_default()
            field.insert_text_at_cursor(event.character)
        elif event.key == "enter":
            event.stop()
            self._submit(field.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show_hint(self._check(event.value) if event.value.strip() else None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._submit(event.value)

    def _submit(self, text: str) -> None:
        wrong = self._check(text)
        self._show_hint(wrong)
        if wrong is None:
            self.dismiss(text)

    def action_leave(self) -> None:
        self.dismiss(None)


def edit_note(screen: Screen[Any], services: Services, chosen: Selection) -> None:
    """Ask for a note on what is chosen, and keep it; an empty one removes it."""
    session = services.session
    if session is None:
        refuse(screen, "notes are on what a gym lists")
        return
    kind, ids = (
        (NoteOf.ROLLOUT, chosen.rollout_ids) if chosen.rollout_ids else (NoteOf.RUN, chosen.run_ids)
    )
    if not ids:
        refuse(screen, "nothing to write a note on")
        return

    def typed(text: str | None) -> None:
        if text is None:
            return
        try:
            session.notes.write(kind, ids, text)
        except OSError as error:
            words = f"the note is not kept on disk: {error.strerror}"
            services.notify(words, severity="warning")

    title = f"Note on {ids[0]}" if len(ids) == 1 else f"Note on {len(ids)} {kind}"
    known = session.notes.all(kind).get(ids[0], "")
    screen.app.push_screen(
        TextQuestionScreen(title, known, hint="#word is a tag", longest=LONGEST), typed
    )
