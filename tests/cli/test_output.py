"""Tables of commands: aligned in cells, fitted without cutting a number; JSON exact and inert."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gymtui.cli.output import Cell, Column, Printer, table
from gymtui.core.text import width
from tests.helpers.clean_text import is_clean

Row = tuple[str, str, int]
COLUMNS: tuple[Column[Row], ...] = (
    Column("NAME", lambda row: Cell(row[0], "bold"), least=6),
    Column("DONE", lambda row: Cell(row[2]), right=True),
    Column("WHY", lambda row: Cell(row[1]), least=8, priority=1),
    Column("EXTRA", lambda row: Cell(f"x{row[2]}"), priority=2),
)
ROWS: list[Row] = [("nightly-qwen-s4000", "Missing: an email", 7), ("日本", "ok", 12345)]


def test_columns_line_up_in_cells_and_end_without_blanks() -> None:
    assert table(COLUMNS, ROWS, None) == [
        "NAME                 DONE  WHY                EXTRA",
        "nightly-qwen-s4000      7  Missing: an email  x7",
        "日本                12345  ok                 x12345",
    ]


def test_names_give_way_before_columns_do_and_numbers_never() -> None:
    for cells in range(13, 60):
        lines = table(COLUMNS, ROWS, cells)
        assert all(width(line) <= cells for line in lines)
        assert "12345" in lines[2]
    assert "EXTRA" not in table(COLUMNS, ROWS, 30)[0]
    assert "WHY" in table(COLUMNS, ROWS, 30)[0]
    assert table(COLUMNS, ROWS, 13)[0] == "NAME     DONE"


def test_where_even_numbers_have_no_room_lines_are_longer_rather_than_wrong() -> None:
    assert "12345" in table(COLUMNS, ROWS, 5)[2]


@given(st.lists(st.tuples(st.text(), st.text(), st.integers(0, 10**6)), max_size=5))
def test_whatever_stands_in_it_a_table_is_clean_and_fits(rows: list[Row]) -> None:
    for cells in (None, 40):
        lines = table(COLUMNS, rows, cells)
        assert len(lines) == len(rows) + 1
        assert all(is_clean(line) for line in lines)
        assert cells is None or all(width(line) <= cells for line in lines)


def test_no_rows_leave_the_heading() -> None:
    assert table(COLUMNS, [], 80) == ["NAME  DONE  WHY  EXTRA"]


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("env", "colour"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(env: dict[str, str], colour: bool) -> None:
    assert Printer.of(Screen(), env).colour is colour
    assert not Printer.of(io.StringIO(), env).colour
    assert Printer.of(io.StringIO(), env).width is None


def test_colour_changes_nothing_but_colour() -> None:
    coloured = table(COLUMNS, ROWS, 40, colour=True)
    assert "\x1b[1m" in coloured[1]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in coloured]
    assert plain == table(COLUMNS, ROWS, 40)


@given(st.text())
@example("\x7f\x9b31m\x1b]0;t\x07\ud800\u202e")
def test_json_is_exact_and_no_terminal_acts_on_it(text: str) -> None:
    stream = io.StringIO()
    Printer(stream).objects([{"id": text}])
    written = stream.getvalue()
    assert json.loads(written) == {"id": text}
    assert is_clean(written.removesuffix("\n"))
    assert written.isascii()


def test_what_an_encoding_does_not_have_is_replaced() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    Printer(stream).lines(["✓ pass"])
    assert raw.getvalue() == b"? pass\n"
