"""What commands print: tables for people, JSON for programs. Nothing is asked for here.

Tables are cleaned and aligned in cells; on a terminal they fit its width and have colour, off one
they are never cut. JSON is ASCII: ids are exact in it, and no terminal acts on it.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TextIO, TypeVar

from gymtui.core.column_widths import ColumnNeed, fit_widths
from gymtui.core.json_output import json_text
from gymtui.core.text import clean, fit, width

R = TypeVar("R")

Form = Literal["table", "json", "jsonl", "csv"]
Colour = Literal["", "bold", "dim", "red", "green", "yellow", "blue", "cyan"]

_SGR: Mapping[Colour, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
_GAP = 2
_FORMULA = ("=", "+", "-", "@")  # what a spreadsheet computes rather than shows


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table: anything as received, and a colour of the terminal's."""

    text: object
    colour: Colour = ""


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    title: str
    cell: Callable[[R], Cell]
    right: bool = False  # whether it is aligned to the right, as numbers are
    # To how many cells its texts may be cut where there is little room; None: never.
    least: int | None = None
    priority: int = 0  # where there is less still, the column of the highest goes first; 0 stays


@dataclass(frozen=True, slots=True)
class Printer:
    stream: TextIO
    width: int | None = None  # how many cells a line may have; None where nothing may be cut
    colour: bool = False

    @classmethod
    def standard(cls) -> Printer:
        """Standard output, as wide and colourful as it is."""
        return cls.of(sys.stdout, os.environ)

    @classmethod
    def of(cls, stream: TextIO, env: Mapping[str, str]) -> Printer:
        """A stream, judged by whether it is a terminal and what the environment says of that."""
        if not stream.isatty():
            return cls(stream)
        plain = bool(env.get("NO_COLOR")) or env.get("TERM") == "dumb"
        return cls(stream, shutil.get_terminal_size((120, 24)).columns, not plain)

    def write(self, text: str) -> None:
        """Write text, at once; what the stream's encoding does not have becomes `?`."""
        encoding = self.stream.encoding or "utf-8"
        self.stream.write(text.encode(encoding, "replace").decode(encoding))
        self.stream.flush()

    def lines(self, lines: Iterable[str]) -> None:
        self.write("".join(f"{line}\n" for line in lines))

    def table(self, columns: Sequence[Column[R]], rows: Sequence[R]) -> None:
        self.lines(table(columns, rows, self.width, colour=self.colour))

    def document(self, document: Any) -> None:
        self.write(json_text(document, indent=2) + "\n")

    def records(
        self,
        form: str,
        name: str,
        documents: Sequence[Mapping[str, Any]],
        keys: Iterable[str] = (),
        **beside: Any,
    ) -> None:
        """Write documents in the form of a list: one JSON document, a JSON object a line, or CSV.

        Args:
            name: What they are, the key of the one document.
            keys: What the heading of CSV has where there are no documents.
            beside: What else the one document has.
        """
        if form == "json":
            self.document({**beside, name: documents})
        elif form == "csv":
            self.comma_separated(documents, keys)
        else:
            self.objects(documents)

    def objects(self, documents: Iterable[Any]) -> None:
        """Write a JSON document a line."""
        self.lines(map(json_text, documents))

    def comma_separated(self, documents: Sequence[Mapping[str, Any]], keys: Iterable[str]) -> None:
        """Write documents as CSV (RFC 4180), a line each, their keys as the heading."""
        flat = [dict(_flat(document)) for document in documents]
        names = list(dict.fromkeys(name for row in flat for name in row)) or list(keys)
        self.csv_rows([names, *([row.get(name) for name in names] for row in flat)])

    def csv_rows(self, rows: Iterable[Sequence[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(map(_csv_cell, row) for row in rows)
        self.write(text.getvalue())


def _flat(document: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{within}{name}.")
        else:
            yield within + name, value


def _csv_cell(value: Any) -> Any:
    """A value as CSV has it: nothing acts on a terminal or in a spreadsheet."""
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json_text(value)
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return f"'{shown}" if shown[:1] in _FORMULA else shown


def table(
    columns: Sequence[Column[R]], rows: Sequence[R], cells: int | None, *, colour: bool = False
) -> list[str]:
    """A table as lines, its heading first.

    Args:
        cells: The width there is; None for as much as it takes.

    Returns:
        Clean lines, but for the colours. Names are cut where there is no room for them, then
        columns are left out; a number is never cut.
    """
    drawn = [[column.cell(row) for column in columns] for row in rows]
    texts = [[clean(cell.text) for cell in row] for row in drawn]
    natural = [
        max([width(column.title), *(width(row[place]) for row in texts)])
        for place, column in enumerate(columns)
    ]
    widths = dict(enumerate(natural))
    if cells is not None:
        widths = fit_widths(list(map(_need, columns, natural)), cells, _GAP, beyond=True)
    lines = [
        _line(columns, widths, [Cell(column.title, "bold") for column in columns], colour=colour)
    ]
    for row, cleaned in zip(drawn, texts, strict=True):
        named = [Cell(text, cell.colour) for text, cell in zip(cleaned, row, strict=True)]
        lines.append(_line(columns, widths, named, colour=colour))
    return lines


def _need(column: Column[R], natural: int) -> ColumnNeed:
    least = natural if column.least is None else min(natural, column.least)
    return ColumnNeed(least, wanted=natural, priority=column.priority)


def coloured(text: str, colour: Colour) -> str:
    return f"\x1b[{_SGR[colour]}m{text}\x1b[m" if colour and text.strip() else text


def _line(
    columns: Sequence[Column[R]],
    widths: Mapping[int, int],
    cells: Sequence[Cell],
    *,
    colour: bool,
) -> str:
    pieces = []
    last = max(widths, default=0)
    for place, size in widths.items():
        right = columns[place].right
        text = fit(
            cells[place].text, size, cut="middle", pad=True, align="right" if right else "left"
        )
        if place == last:
            text = text.rstrip()
        pieces.append(coloured(text, cells[place].colour) if colour else text)
    return (" " * _GAP).join(pieces).rstrip()
