"""The lines of a list: rows laid out in their columns, and made strips; each only when it changes.

Which row stands on which line, and who moves there, is `grid`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct, field
from rich.style import Style
from textual.strip import Strip

from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.column import GAP, GUTTER, Column, PlacedColumn, place_columns
from gymtui.tui.kit.styled_text import Cell, StyledText, fit_cells, make_strip, value_cell, width_of

R = TypeVar("R")

_STEP = 4
"""Cells by which a column is widened for longer texts."""


class FittedRow(Struct, eq=False):
    """A row laid out: one that says something else is another."""

    pieces: tuple[StyledText, ...] = ()
    cells_shown: tuple[Cell, ...] = ()  # what the cells said that it was laid out from
    record: object = None  # what they were of
    # The lines that were drawn of it, by how it was to look.
    strips: dict[RowStyles, Strip] = field(default_factory=dict)


class RowStyles(NamedTuple):
    """How a row styles, whatever it says."""

    width: int  # cells of the whole line
    dimmed: bool  # whether it is old
    gutter: bool = False  # whether there is room for cursor and mark before it
    cursor: bool = False
    focused: bool = False  # whether the cursor is where keys go
    marked: bool = False


class ShownRow(NamedTuple):
    """What a line shows: equal lines are not sent again."""

    row: FittedRow
    styles: RowStyles


class RowLines(Generic[R]):
    """Lays rows out and draws them.

    Args:
        record: A row's record by id, or None for an id that is no longer known.
        row_message: What a record says in place of its columns, if anything.
    """

    def __init__(
        self,
        record: Callable[[str], R | None],
        palette: Palette,
        row_message: Callable[[R], Cell | None] = lambda _record: None,
    ) -> None:
        self._record = record
        self._row_message = row_message
        self._palette = palette
        self._rows: dict[str, FittedRow] = {}
        self._other_lines: dict[object, FittedRow] = {}
        self._longest: dict[str, int] = {}
        self.placed_columns: tuple[PlacedColumn[R], ...] = ()
        self.is_too_narrow = False
        """Whether a text was met that is longer than all that the columns were placed for."""
        self.nothing = FittedRow()

    def fit_columns(self, columns: Sequence[Column[R]], cells: int) -> tuple[PlacedColumn[R], ...]:
        """Where columns would stand."""
        return place_columns(columns, cells, self._longest)

    def place_columns(self, columns: Sequence[Column[R]], cells: int) -> None:
        """Lay everything out anew."""
        self.placed_columns = self.fit_columns(columns, cells)
        self.is_too_narrow = False
        self._rows.clear()
        self._other_lines.clear()
        self.nothing = FittedRow()

    def forget_widths(self) -> None:
        """Columns show other things: how long the texts were says nothing of these."""
        self._longest.clear()

    def paint(self, palette: Palette) -> None:
        """Draw with another palette; what was laid out is to be laid out anew after it."""
        self._palette = palette

    def row(self, row_id: str, *, keep: int) -> FittedRow:
        """A row, laid out anew only if its cells say something else."""
        record = self._record(row_id)
        if record is None:
            return self.nothing
        row_message = self._row_message(record)
        known = self._rows.get(row_id)
        if row_message is not None:
            cells_shown: tuple[Cell, ...] = (row_message,)
        elif (
            known is not None
            and known.record is record
            and len(known.cells_shown) == len(self.placed_columns)
        ):
            cells_shown = tuple(
                [
                    cell if at.column.of_record else at.column.cell(record, at.width)
                    for at, cell in zip(self.placed_columns, known.cells_shown, strict=True)
                ]
            )
        else:
            cells_shown = tuple([at.column.cell(record, at.width) for at in self.placed_columns])
        if known is not None and known.cells_shown == cells_shown:
            known.record = record
            return known
        if len(self._rows) > keep:
            self._rows.clear()
        if row_message is None:
            self._measure(record, cells_shown)
            pieces = _joined(self._cells(cells_shown))
        else:
            pieces = fit_cells(row_message, self._cells_in_all)
        made = self._rows[row_id] = FittedRow(pieces, cells_shown, record)
        return made

    @property
    def _cells_in_all(self) -> int:
        last = self.placed_columns[-1]
        return last.x + last.width - GUTTER

    def _measure(self, record: R, cells_shown: Sequence[Cell]) -> None:
        """Learn how long texts are; only what fills its column can be longer than was known."""
        for at, cell in zip(self.placed_columns, cells_shown, strict=True):
            column = at.column
            if not column.whole or sum(map(_most_cells, cell)) < at.width:
                continue
            length = width_of(column.cell(record, column.most))
            # In steps, so that few of the texts to come move the columns again.
            length = min(-(-length // _STEP) * _STEP, column.most)
            if length > max(self._longest.get(column.key, 0), at.width):
                self._longest[column.key] = length
                self.is_too_narrow = True

    def _cells(self, cells_shown: Sequence[Cell]) -> Iterable[StyledText]:
        for number, (at, cell) in enumerate(zip(self.placed_columns, cells_shown, strict=True)):
            if number:
                yield StyledText(" " * GAP)
            yield from fit_cells(cell, at.width, align=at.column.align, cut=at.column.cut)

    def heading(self, order: tuple[str, bool] | None) -> FittedRow:
        """The columns' titles; by which one rows are ordered, and whether reversed, is marked."""
        pieces = [StyledText(" " * GUTTER)]
        for number, at in enumerate(self.placed_columns):
            if number:
                pieces.append(StyledText(" " * GAP))
            if at.column.heading is not None:
                pieces += fit_cells(at.column.heading(at.width), at.width)
                continue
            title = at.column.heading_text
            if order is not None and order[0] == at.column.key:
                title = f"{title}{'▼' if order[1] else '▲'}"
            # Its end says by what it is ordered, and which k it is for.
            pieces += fit_cells(
                value_cell(title, "heading"), at.width, align=at.column.align, cut="middle"
            )
        return self._other_line("heading", _joined(pieces))

    def note(self, text: str, cells: int) -> FittedRow:
        """A line of words in place of rows."""
        return self._other_line("note", fit_cells(value_cell(f"  {text}", "muted"), cells))

    def _other_line(self, name: str, pieces: tuple[StyledText, ...]) -> FittedRow:
        known = self._other_lines.get(name)
        if known is None or known.pieces != pieces:
            known = self._other_lines[name] = FittedRow(pieces)
        return known

    def line(self, shown: ShownRow) -> Strip:
        """Draw a line."""
        row, styles = shown
        line = row.strips.get(styles)
        if line is None:
            line = row.strips[styles] = self._draw(row.pieces, styles)
        return line

    def _draw(self, pieces: tuple[StyledText, ...], styles: RowStyles) -> Strip:
        palette = self._palette
        over = Style(dim=True) if styles.dimmed else Style.null()
        if styles.cursor:
            # Of several panes only the one that keys go to has the cursor's own colour.
            over += palette.cursor if styles.focused else palette.bar
        if styles.gutter:
            edge = StyledText(
                "▌" if styles.cursor else " ", "accent" if styles.focused else "muted"
            )
            pieces = (edge, StyledText("●" if styles.marked else " ", "mark"), *pieces)
        line = make_strip(pieces, palette.styles, palette.base, over)
        return line.adjust_cell_length(styles.width, palette.base + over)


def _most_cells(piece: StyledText) -> int:
    """The cells that a piece can take at most."""
    return len(piece.text) if piece.text.isascii() else 2 * len(piece.text)


def _joined(pieces: Iterable[StyledText]) -> tuple[StyledText, ...]:
    """Neighbours in one style as one piece: each is looked at many times until seen."""
    found: list[StyledText] = []
    for piece in pieces:
        if found and found[-1].style == piece.style:
            found[-1] = StyledText(found[-1].text + piece.text, piece.style)
        else:
            found.append(piece)
    return tuple(found)
