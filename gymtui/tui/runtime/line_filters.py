"""Line filters for terminals that can less: without colours, without signs beyond ASCII.

They come last: whatever any widget drew, the framework's own included, passes them.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

SIGNS: Final[dict[str, str]] = {
    # outcomes, marks, states
    **{"✓": "v", "✗": "x", "▸": ">", "·": ".", "•": "o", "⊣": "|", "●": "*", "○": "o", "⋮": ":"},
    **{"‖": "=", "■": "#", "□": "_", "▲": "^", "▼": "v", "≠": "!", "∴": ":", "⋯": "+"},
    **{"◆": "@", "◇": "$", "⚙": "%", "◌": "o", "◉": "@"},
    # punctuation and figures
    **{"–": "-", "—": "-", "…": "~", "±": "~", "×": "x", "µ": "u", "″": '"', "′": "'"},
    **{"‹": "<", "›": ">", "“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "°": "o"},
    **{"←": "<", "→": ">", "↑": "^", "↓": "v", "↵": "<", "⏎": "<", "␡": "?", "�": "?"},
    **{"≥": ">", "≤": "<", "≈": "~", "−": "-", "⌕": "/"},
    # bars, sparks, edges
    **dict.fromkeys("▁▂▃", "_"),
    **dict.fromkeys("▄▅▆▇█▉▊▋▀▓▙▛▜▟▚▞", "#"),
    **dict.fromkeys("▌▍▎▏▐▕", "|"),
    **{"▔": "-", "▒": ":", "░": ".", "▖": ".", "▗": ".", "▘": "'", "▝": "'"},
}
"""What is drawn for each sign that the program itself draws, of one cell each."""


@cache
def _table() -> dict[int, str]:
    """For `str.translate`: the signs, lines of boxes by their direction, symbols of controls."""
    table = {ord(sign): plain for sign, plain in SIGNS.items()}
    for code in range(0x2500, 0x2580):
        words = unicodedata.name(chr(code))
        across = any(word in words for word in ("HORIZONTAL", "LEFT", "RIGHT"))
        line = "+" if " AND " in words else "-" if across else "|"
        table[code] = "/" if "RIGHT TO LOWER" in words else "\\" if "DIAGONAL" in words else line
    table[ord("╳")] = "X"
    return table | dict.fromkeys(range(0x2400, 0x2421), "?")


@lru_cache(4096)
def plain(text: str, charset: str = "utf-8") -> str:
    """Text in ASCII, as far as it is the program's own; it keeps its cells.

    What else there is becomes question marks where the `charset` of the terminal has it not.
    """
    drawn = text.translate(_table())
    if drawn.isascii() or charset == "utf-8":
        return drawn
    shown = drawn.encode(charset, "replace").decode(charset)
    if cell_len(shown) == cell_len(text):
        return shown
    # Wide characters, and marks that have no cell of their own.
    return "".join(
        sign if sign.encode(charset, "replace") != b"?" else "?" * cell_len(sign) for sign in drawn
    ).ljust(cell_len(text))[: cell_len(text)]


class Ascii(LineFilter):
    """Draws the program's own signs with ASCII; a terminal shows its charset besides."""

    def __init__(self, charset: str = "utf-8") -> None:
        super().__init__()
        self._charset = charset

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Rewrite one line; it is the same list when it was ASCII already."""
        if all(segment.text.isascii() for segment in segments):
            return segments
        return [
            Segment(text if text.isascii() else plain(text, self._charset), style, control)
            for text, style, control in segments
        ]


class Colourless(LineFilter):
    """Takes all colours away; what stood on a colour of its own is reversed."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, None if style is None else _without_colour(style), control)
            for text, style, control in segments
        ]


@lru_cache(1024)
def _without_colour(style: Style) -> Style:
    paper = style.bgcolor
    set_off = paper is not None and not paper.is_default
    if style.color is None and paper is None:
        return style
    bare = style.without_color
    return bare + Style(reverse=not style.reverse) if set_off else bare
