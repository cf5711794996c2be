"""The line filter that drops whatever could still act on a terminal just before it is written.

Text is made fit for the screen in `gymtui.core.text`; this only catches what the framework's own
widgets let through, and on clean lines costs one `str.isprintable` a segment.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_ACTING: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks, overrides, isolates of direction
    r"\u2028\u2029\ufff9-\ufffb"  # line and paragraph separators, interlinear annotation
    r"\U000e0000-\U000e007f]"  # tags
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


@lru_cache(4096)
def scrub(text: str) -> str:
    """Drop what could act on a terminal. What goes has no width, so the line keeps its cells.

    Returns:
        The same text without C0, C1, DEL, bidi controls, separators; lone surrogates, which
        no encoding can write, as U+FFFD.
    """
    return _SURROGATE.sub("\ufffd", _ACTING.sub("", text))


@lru_cache(1024)
def _without_link(style: Style) -> Style:
    # A link's address is written into an OSC 8 sequence as it is: one that could end it goes.
    link = style.link
    return (
        style.update_link(None) if link and not (link.isascii() and link.isprintable()) else style
    )


class OutputFilter(LineFilter):
    """Drops control characters from every line of every widget, borders and titles included."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Scrub one line; it is the same list when nothing had to go.

        The text of segments is written raw, `control` or not.
        """
        for text, style, _ in segments:
            if not text.isprintable() or (style is not None and style._link):
                break
        else:
            return segments
        return [
            Segment(
                text if text.isprintable() else scrub(text),
                _without_link(style) if style is not None and style._link else style,
                control,
            )
            for text, style, control in segments
        ]


BACKSTOP: Final = OutputFilter()
"""The one instance: lines remember what a filter made of them by the filter's identity."""
