"""A line of several things to say, of which the less important go where there is no room."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gymtui.tui.kit.styled_text import Cell, StyledText, width_of

BETWEEN = " · "


class LinePart(Struct, frozen=True):
    """One thing to say."""

    cell: Cell
    priority: int = 0  # 0 stays always; of the others the higher ones go first


def part(text: str, style: str = "", priority: int = 0) -> LinePart:
    """A text as part of a line; an empty one is left out."""
    return LinePart((StyledText(text, style),) if text else (), priority)


def join_fitting(things: Sequence[LinePart], cells: int) -> Cell:
    """Join what there is room for, never cutting a number in two.

    Returns:
        Those that stay, with a dot between them. Of those of one priority the last goes first.
    """
    kept = [thing for thing in things if thing.cell]

    def need() -> int:
        return sum(width_of(thing.cell) + len(BETWEEN) for thing in kept) - len(BETWEEN)

    while kept and need() > cells:
        worst = max(range(len(kept)), key=lambda index: (kept[index].priority, index))
        if not kept[worst].priority:
            break
        del kept[worst]
    pieces: list[StyledText] = []
    for thing in kept:
        if pieces:
            pieces.append(StyledText(BETWEEN, "muted"))
        pieces += thing.cell
    return tuple(pieces)


def room_beside(right: Cell, cells: int) -> int:
    """What a line of so many cells has left of what stands at its right end."""
    return cells - 2 - (width_of(right) + len(BETWEEN) if right else 0)
