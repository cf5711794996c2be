"""The screen that bytes make, and what the cells that changed would cost alone.

The emulator is pyte's; starting programs on a pty is `tests.terminal.harness`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyte

_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=][0-9;]*u|\x1b\[\?[0-9;]*\$p")


@dataclass(frozen=True, slots=True)
class Look:
    """How one cell looks."""

    text: str
    style: tuple[object, ...]


Picture = Sequence[Sequence[Look]]


class Mirror:
    """A terminal that shows what it is given.

    Args:
        columns: Its width, in cells.
        rows: Its height.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> None:
        """Show what a program wrote."""
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))

    def lines(self) -> list[str]:
        """The text of each line."""
        return list(self._screen.display)

    def picture(self) -> Picture:
        """All cells as they are."""
        screen = self._screen
        return [
            [_look(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)
        ]


def _look(cell: pyte.screens.Char) -> Look:
    style = (cell.fg, cell.bg, cell.bold, cell.italics, cell.underscore, cell.reverse)
    return Look(cell.data, style)


def least_bytes(before: Picture, after: Picture) -> int:
    """What it takes at least to make one picture out of another by writing cells.

    Each run of changed cells is reached by one move; a colour is said when it differs from the
    one said last, whole, as terminals are told colours; nothing is said twice.

    Args:
        before: What the terminal shows.
        after: What it is to show.
    """
    sent = 0
    said: tuple[object, ...] | None = None
    for y, (old, new) in enumerate(zip(before, after, strict=True)):
        x_now = -1
        for x, look in enumerate(new):
            if look == old[x]:
                continue
            if x != x_now:
                sent += len(f"\x1b[{x + 1}G" if x_now > 0 else f"\x1b[{y + 1};{x + 1}H")
            if look.style != said:
                sent += _colours(look.style, said)
                said = look.style
            sent += len(look.text.encode())
            x_now = x + 1
    return sent


def _colours(style: tuple[object, ...], said: tuple[object, ...] | None) -> int:
    """Bytes of the sequence that says what differs from the style before."""
    codes = [
        part
        for place, part in enumerate(_codes(style))
        if said is None or style[place] != said[place]
    ]
    return len("\x1b[m") + len(";".join(codes))


def _codes(style: tuple[object, ...]) -> list[str]:
    codes = []
    for colour, kind in ((style[0], "38"), (style[1], "48")):
        rgb = re.fullmatch("[0-9a-f]{6}", str(colour))
        codes.append(f"{kind};2;255;255;255" if rgb else "39")
    return [*codes, *("1" if on else "22" for on in style[2:])]
