"""Columns of a list as data, and which of them have room on a terminal of some width.

Drawing them is the grid's; what their cells say is `tui.columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gymtui.tui.ink import Align, Cell, Cut

R = TypeVar("R")

GUTTER = 2
"""Cells left of the first column, for cursor and mark."""
GAP = 2
"""Cells between columns."""
MARGIN = 1
"""Cells right of the last column."""
EXTRA = 3
"""From this priority on a column is worth less than that others have their good width."""


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """A column as data.

    Attributes:
        key: Its name, for ordering and remembering.
        title: Its heading; asked for where it is not always the same.
        width: Cells it needs at least.
        cell: What it shows of a record, given the record and the cells it has.
        priority: 0 stays always; higher ones are dropped first when the terminal is narrow.
        good: Cells with which it says all that it should: extras come after that.
        flex: Its share of the cells that are left over.
        most: Cells it takes at most.
        align: Where short text stands.
        cut: Where long text is cut; names in the middle, since tails tell them apart.
        heading: What is drawn in place of the title, given the cells it has.
    """

    key: str
    title: str | Callable[[], str]
    width: int
    cell: Callable[[R, int], Cell]
    priority: int = 0
    good: int = 0
    flex: int = 0
    most: int = 200
    align: Align = "left"
    cut: Cut = "end"
    heading: Callable[[int], Cell] | None = None

    @property
    def called(self) -> str:
        """Its heading as it is now."""
        return self.title if isinstance(self.title, str) else self.title()


@dataclass(frozen=True, slots=True)
class Placed(Generic[R]):
    """A column where it stands: its first cell and how many it has."""

    column: Column[R]
    x: int
    width: int


def place(columns: Sequence[Column[R]], cells: int) -> tuple[Placed[R], ...]:
    """Choose the columns that fit and share out the width.

    Args:
        columns: All columns, left to right.
        cells: The width there is, gutter included.

    Returns:
        Columns that stay, in order. Those of the highest priority number go first, the
        rightmost of equals before the others; the last one left is never dropped.
    """
    shown = list(columns)
    room = cells - GUTTER - MARGIN

    def need(worst: int) -> int:
        wanted = (
            max(column.width, column.good) if column.priority < worst else column.width
            for column in shown
        )
        return sum(cells + GAP for cells in wanted) - GAP

    while len(shown) > 1:
        index = max(range(len(shown)), key=lambda index: (shown[index].priority, index))
        worst = shown[index].priority
        if need(worst if worst >= EXTRA else 0) <= room:
            break
        del shown[index]
    widths = {column.key: min(column.width, room) for column in shown}
    spare = room - need(0)
    for column in sorted(shown, key=lambda column: column.priority):
        more = max(0, min(column.good - widths[column.key], spare))
        widths[column.key] += more
        spare -= more
    while spare > 0:
        hungry = [c for c in shown if c.flex and widths[c.key] < c.most]
        if not hungry:
            break
        share = sum(column.flex for column in hungry)
        given = 0
        for column in hungry:
            more = max(1, spare * column.flex // share)
            more = min(more, column.most - widths[column.key], spare - given)
            widths[column.key] += more
            given += more
        spare -= given
    placed: list[Placed[R]] = []
    x = GUTTER
    for column in shown:
        placed.append(Placed(column, x, widths[column.key]))
        x += widths[column.key] + GAP
    return tuple(placed)
