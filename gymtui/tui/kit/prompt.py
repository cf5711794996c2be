"""A line to type into: what `tab` makes of it, and where what is wrong in it is marked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from rich.highlighter import Highlighter
from rich.style import Style
from rich.text import Text
from textual import events
from textual.widgets import Input

from gymtui.tui.kit.refusal import refuse

_UNDERLINE = Style(underline=True)


class _MistakeHighlighter(Highlighter):
    """For the framework's line of input."""

    def __init__(self, wrong: Callable[[], tuple[range, Style]]) -> None:
        self._wrong = wrong

    def highlight(self, text: Text) -> None:
        """Underline what is wrong: that shows without colour too."""
        at, style = self._wrong()
        if at:
            text.stylize(style + _UNDERLINE, at.start, at.stop)


class PromptInput(Input):
    """One line of input: `tab` completes, never moves the focus.

    Here, so that it completes what was typed before it in the same burst.

    Args:
        wrong: Which characters are wrong just now, none if the range is empty, and their style.
    """

    def __init__(
        self,
        completions: Callable[[str], Sequence[str]],
        *,
        placeholder: str = "",
        wrong: Callable[[], tuple[range, Style]] = lambda: (range(0), _UNDERLINE),
    ) -> None:
        super().__init__(
            compact=True,
            select_on_focus=False,
            placeholder=placeholder,
            highlighter=_MistakeHighlighter(wrong),
        )
        self._completions = completions
        self._cycle: tuple[str, ...] = ()
        self._completed = ""
        """What the last `tab` made of the text up to the cursor."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("tab", "shift+tab"):
            event.stop()
            event.prevent_default()
            self._complete(-1 if event.key == "shift+tab" else 1)

    def _complete(self, step: int) -> None:
        """Go on as far as it is clear; from there through all that can be meant, by 1 or -1."""
        before, after = self.value[: self.cursor_position], self.value[self.cursor_position :]
        if not self._cycle or before != self._completed:
            self._cycle = tuple(self._completions(before))
            clear = os.path.commonprefix(self._cycle)  # noqa: RUF071  (characters are meant)
            if clear.startswith(before) and clear != before:
                self._set_text(clear, after)
                return
        if not self._cycle:
            refuse(self, "no completions")
            return
        at = self._cycle.index(before) if before in self._cycle else min(-step, 0)
        self._set_text(self._cycle[(at + step) % len(self._cycle)], after)

    def _set_text(self, text: str, after: str) -> None:
        self._completed = text
        self.value = text + after
        self.cursor_position = len(text)
