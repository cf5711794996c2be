"""Marks what is wrong in what is typed, in its place. What is wrong is the screens' business."""

from __future__ import annotations

from collections.abc import Callable

from rich.highlighter import Highlighter
from rich.style import Style
from rich.text import Text

_UNDER = Style(underline=True)


class MistakeHighlighter(Highlighter):
    """For the framework's line of input.

    Args:
        wrong: Which characters are wrong just now, none if the range is empty, and their style.
    """

    def __init__(self, wrong: Callable[[], tuple[range, Style]]) -> None:
        self._wrong = wrong

    def highlight(self, text: Text) -> None:
        """Underline them: that shows without colour too."""
        at, style = self._wrong()
        if at:
            text.stylize(style + _UNDER, at.start, at.stop)
