"""The way to a screen, at the left end of its status line."""

from __future__ import annotations

from gymtui.core.text import clean, fit, width
from gymtui.tui.kit.styled_text import StyledText

LEAST_NAME_CELLS = 12
_LINK_CELLS = 40
"""What the status line keeps for `runs › ` and for how fresh the picture is."""


def runs_crumb(target: str = "runs") -> tuple[StyledText, ...]:
    """The first step of the way to a screen, and what a click on it asks for."""
    return (StyledText("runs", "muted", target), StyledText(" › ", "muted"))


def fit_name_in(cells: int, name: str) -> str:
    """A name on a status line of so many cells, cut in the middle where that hid what follows."""
    room = max(cells - _LINK_CELLS, LEAST_NAME_CELLS)
    cleaned = clean(name)
    return cleaned if width(cleaned) <= room else fit(cleaned, room, cut="middle")
