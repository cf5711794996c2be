"""What colour codes in tool output (SGR) ask for, as data; whole text is `text.spans`'s to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gymtui.core.replacement import replace


@dataclass(frozen=True, slots=True)
class Style:
    """How a stretch of tool output asked to be drawn; blinking and concealment are not granted."""

    # ``#rrggbb`` or one of rich's 16 names (``red``, ``bright_black``); None is the default.
    fg: str | None = None
    bg: str | None = None  # the same, behind the text
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Style()
_HUES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_NAMES = (*_HUES, *(f"bright_{hue}" for hue in _HUES))
_SET: dict[int, tuple[str, object]] = {
    **{1: ("bold", True), 2: ("dim", True), 3: ("italic", True), 4: ("underline", True)},
    **{7: ("reverse", True), 9: ("strike", True), 21: ("underline", True), 22: ("bold", False)},
    **{23: ("italic", False), 24: ("underline", False), 27: ("reverse", False)},
    **{29: ("strike", False), 39: ("fg", None), 49: ("bg", None)},
    **{30 + hue: ("fg", name) for hue, name in enumerate(_HUES)},
    **{40 + hue: ("bg", name) for hue, name in enumerate(_HUES)},
    **{90 + hue: ("fg", f"bright_{name}") for hue, name in enumerate(_HUES)},
    **{100 + hue: ("bg", f"bright_{name}") for hue, name in enumerate(_HUES)},
}


@lru_cache(maxsize=1024)
def apply_codes(style: Style, parameters: str) -> Style:
    """Apply what stands between ``CSI`` and ``m`` in an SGR sequence (ECMA-48 8.3.117).

    Colours by index and RGB are as xterm reads them; what is malformed changes nothing.
    """
    codes = _codes(parameters)
    for code, colour in codes:
        if code == 0:
            style = PLAIN
        elif code in (38, 48) and colour is not None:
            style = _with(style, "fg" if code == 38 else "bg", colour)
        elif code in _SET:
            name, value = _SET[code]
            style = _with(style, name, value)
            if code == 22:
                style = replace(style, dim=False)
    return style


def _codes(parameters: str) -> Iterator[tuple[int, str | None]]:
    """Read SGR parameters as (code, colour if it sets one); what is malformed sets nothing."""
    fields = iter(parameters.split(";"))
    for field in fields:
        head, *sub = field.split(":")
        code = _number(head)
        if code in (38, 48, 58):
            if not sub:
                kind = next(fields, "")
                count = {"5": 1, "2": 3}.get(kind, 0)
                sub = [kind, *(part for _, part in zip(range(count), fields, strict=False))]
            elif sub[0] == "2" and len(sub) > 4:  # 38:2:colour space:r:g:b
                sub = ["2", *sub[2:5]]
            yield code, _colour([_number(part) for part in sub])
        elif code == 4 and sub:
            yield (24 if sub[0] == "0" else 4), None
        else:
            yield code, None


def _colour(parts: list[int]) -> str | None:
    match parts:
        case [5, index] if index < 256:
            return _palette(index)
        case [2, red, green, blue] if max(red, green, blue) < 256:
            return f"#{red:02x}{green:02x}{blue:02x}"
        case _:
            return None


def _palette(index: int) -> str:
    """Name the first 16 of xterm's 256 colours, which are the theme's; work out the rest."""
    if index < 16:
        return _NAMES[index]
    if index >= 232:
        grey = 8 + 10 * (index - 232)
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    levels = (0, 95, 135, 175, 215, 255)
    cube = index - 16
    red, green, blue = levels[cube // 36], levels[cube // 6 % 6], levels[cube % 6]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _number(digits: str) -> int:
    return int(digits) if 0 < len(digits) < 5 else 0


def _with(style: Style, name: str, value: object) -> Style:
    changes: dict[str, Any] = {name: value}
    return replace(style, **changes)
