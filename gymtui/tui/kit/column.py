"""Columns of a list as data, and which of them have room on a terminal of some width.

Drawing them is the grid's; what their cells say is `tui.runs.columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Generic, TypedDict, TypeVar, Unpack

from msgspec import Struct

from gymtui.core.column_widths import ColumnNeed, fit_widths
from gymtui.core.text import clean, width
from gymtui.tui.kit.styled_text import Align, Cell, Cut, value_cell

R = TypeVar("R")

GUTTER = 2
"""Cells left of the first column, for cursor and mark."""
GAP = 2
"""Cells between columns."""
MARGIN = 1
"""Cells right of the last column."""


class Column(Struct, Generic[R], frozen=True):
    """A column as data."""

    key: str  # its name, for ordering and remembering
    title: str | Callable[[], str]  # its heading; asked for where it is not always the same
    width: int  # cells it needs at least
    # What it shows of a record, given the record and the cells it has.
    cell: Callable[[R, int], Cell]
    priority: int = 0  # 0 stays always; higher ones are dropped first when the terminal is narrow
    ideal: int = 0  # cells with which it says all that it should: extras come after that
    whole: bool = False  # whether its texts are shown whole where there is room, however long
    flex: int = 0  # its share of the cells that nobody needs
    most: int = 200  # cells it takes at most
    align: Align = "left"
    cut: Cut = "end"  # where long text is cut; names in the middle, since tails tell them apart
    of_record: bool = False  # whether it shows its record alone: no age, nothing of the screen
    # What is drawn in place of the title, given the cells it has.
    heading: Callable[[int], Cell] | None = None

    @property
    def heading_text(self) -> str:
        """Its heading as it is now."""
        return self.title if isinstance(self.title, str) else self.title()


def text_cell(value: Callable[[R], object], style: str = "") -> Callable[[R, int], Cell]:
    """How a column draws one value of a record, as far as it is known."""
    return lambda record, _cells: value_cell(value(record), style)


class Room(TypedDict, total=False):
    """Which room a column takes, as in `Column`."""

    ideal: int
    priority: int
    most: int


def name_column(
    key: str, width: int, value: Callable[[R], object], style: str = "", **room: Unpack[Room]
) -> Column[R]:
    """A column of names under its own: whole where there is room, else cut in the middle."""
    cell = text_cell(value, style)
    return Column(key, key.upper(), width, cell, whole=True, cut="middle", **room)


def note_column(value: Callable[[R], object], *, priority: int) -> Column[R]:
    """The column of what a person noted."""
    cell = text_cell(value, "accent")
    return Column("note", "NOTE", 8, cell, priority, whole=True, most=60)


def number_column(
    key: str,
    title: str,
    width: int,
    value: Callable[[R], object],
    style: str = "",
    **room: Unpack[Room],
) -> Column[R]:
    """A column of numbers."""
    return Column(key, title, width, text_cell(value, style), align="right", **room)


class PlacedColumn(Struct, Generic[R], frozen=True):
    """A column where it stands: its first cell and how many it has."""

    column: Column[R]
    x: int
    width: int


def place_columns(
    columns: Sequence[Column[R]], cells: int, longest: Mapping[str, int] = MappingProxyType({})
) -> tuple[PlacedColumn[R], ...]:
    """Choose the columns that fit and share out the width, by how long texts are known to be."""
    needs = [_need(column, longest.get(column.key, 0)) for column in columns]
    placed: list[PlacedColumn[R]] = []
    x = GUTTER
    for number, share in fit_widths(needs, cells - GUTTER - MARGIN, GAP).items():
        placed.append(PlacedColumn(columns[number], x, share))
        x += share + GAP
    return tuple(placed)


def _need(column: Column[R], longest: int) -> ColumnNeed:
    """What a column needs: of names no more than the longest has."""
    wanted, ideal, most = 0, column.ideal, column.most
    if column.whole:
        wanted = min(max(longest, column.width, width(clean(column.heading_text))), most)
        ideal = min(ideal, wanted)
    return ColumnNeed(column.width, ideal, wanted, column.priority, column.flex, most)
