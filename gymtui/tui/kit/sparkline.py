"""Numbers as bars of one line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

_SPARKS, _PLAIN_SPARKS = "▁▂▃▄▅▆▇█", "_.-:=+*#"


def sparkline(numbers: Sequence[float], *, plain: bool = False) -> str:
    """Numbers as bars, a cell each; none at all is a blank, not a low bar."""
    chars = _PLAIN_SPARKS if plain else _SPARKS
    most = max(numbers, default=0)
    return "".join(
        chars[ceil(number * len(chars) / most) - 1] if number and most else " "
        for number in numbers
    )
