"""How much of notices fits on the screen: what does not is left out, the oldest first. Pure.

Notices that are higher than the screen leave parts of themselves on it when they go (Textual 8.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gymtui.core.text import fit, width

_SHARE: Final = 0.8
"""How wide a notice may be, of the screen: as in `app.tcss`."""
_FRAME: Final = 8
"""Cells beside its words, and what breaking lines between words loses."""
_BELOW: Final = 5
"""Lines of the screen that notices keep off."""
_BETWEEN: Final = 1


def shorten(text: str, cells: int, lines: int) -> str:
    """A text of which a notice has room for all."""
    room, wide = _room(lines) - 2, _text_cells(cells)
    kept: list[str] = []
    for line in text.split("\n"):
        if (left := room - _rows(kept, wide)) <= 0:
            kept[-1] = "…"
            break
        kept.append(line if _rows([line], wide) <= left else fit(line, left * wide, cut="end"))
    return "\n".join(kept)


def count_removed(shown: Sequence[str], new: str, cells: int, lines: int) -> int:
    """How many of the notices shown, the oldest first, must go for another one.

    Their titles are lines of their texts.
    """
    room, wide = _room(lines), _text_cells(cells)
    room -= _rows(new.split("\n"), wide) + _BETWEEN
    for older, text in enumerate(reversed(shown)):
        room -= _rows(text.split("\n"), wide) + _BETWEEN
        if room < 0:
            return len(shown) - older
    return 0


def _room(lines: int) -> int:
    return max(3, lines - _BELOW)


def _text_cells(cells: int) -> int:
    return max(10, int(cells * _SHARE) - _FRAME)


def _rows(texts: Sequence[str], wide: int) -> int:
    return sum(max(1, -(-width(text) // wide)) for text in texts)
