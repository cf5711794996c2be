"""The grid: what stays where when rows come, go and move, and what is drawn again."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from gymtui.core.column_widths import EXTRA
from gymtui.core.replacement import replace
from gymtui.tui.kit.column import Column, place_columns
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.row_lines import RowLines
from gymtui.tui.kit.styled_text import Cell, value_cell
from tests.tui.palettes import NIGHT


def shown(record: str, cells: int) -> Cell:
    return value_cell(record)


COLUMNS = (
    Column("name", "NAME", 10, shown, flex=1, most=40, cut="middle"),
    Column("size", "SIZE", 6, lambda record, cells: value_cell(len(record)), align="right"),
    Column("note", "NOTE", 8, lambda record, cells: value_cell("note"), priority=1),
    Column("more", "MORE", 8, lambda record, cells: value_cell("more"), priority=2),
)


class Watched(Grid[str]):
    """A grid that remembers which regions it asked to draw again."""

    def __init__(self, records: dict[str, str]) -> None:
        super().__init__(COLUMNS, records.get, NIGHT, empty="nothing", id="grid")
        self.asked: list[Region] = []

    def refresh(self, *regions: Region, **options: Any) -> Any:
        self.asked += regions or [Region(0, 0, 999, 999)]
        return super().refresh(*regions, **options)


class Table(App[None]):
    """One grid."""

    def __init__(self, records: dict[str, str]) -> None:
        super().__init__()
        self.grid = Watched(records)
        self.opened: list[str] = []
        self.headings: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.grid

    def on_grid_opened(self, event: Grid.Opened) -> None:
        self.opened.append(event.row_id)

    def on_grid_header_clicked(self, event: Grid.HeaderClicked) -> None:
        self.headings.append(event.key)


@asynccontextmanager
async def table(
    rows: list[str], records: dict[str, str] | None = None, size: tuple[int, int] = (60, 12)
) -> AsyncIterator[tuple[Watched, Pilot[None], Table]]:
    known = records if records is not None else {row: row for row in rows}
    app = Table(known)
    async with app.run_test(size=size) as pilot:
        app.grid.set_rows(rows)
        app.grid.focus()
        await pilot.pause()
        yield app.grid, pilot, app


def lines(grid: Watched) -> list[str]:
    return [grid.render_line(y).text for y in range(grid.size.height)]


NAMES = [f"row-{number:03d}" for number in range(100)]


async def test_the_cursor_stays_with_its_row_when_order_changes() -> None:
    async with table(NAMES) as (grid, pilot, _):
        await pilot.press("down", "down", "down")
        assert grid.cursor_id == "row-003"
        grid.set_rows(list(reversed(NAMES)))
        await pilot.pause()
        assert grid.cursor_id == "row-003"


async def test_a_cursor_that_nobody_moved_stays_on_the_first_row_while_a_list_fills() -> None:
    async with table(["row-004"]) as (grid, pilot, _):
        for rows in (["row-002", "row-004", "row-007"], ["row-009", *NAMES[:8]]):
            grid.set_rows(rows)
            await pilot.pause()
            assert (grid.cursor_id, grid.cursor_index) == (rows[0], 0)


async def test_what_arrives_in_a_list_that_stands_does_not_take_the_cursor() -> None:
    async with table(["row-004"]) as (grid, _, _):
        grid.set_rows(["row-002", "row-004"], filling=False)
        assert (grid.cursor_id, grid.cursor_index) == ("row-004", 1)
        grid.set_rows(["row-002", "row-007"], filling=False)
        assert grid.cursor_id == "row-002", "of a row that is gone nothing is left to stay with"


@pytest.mark.parametrize("keys", [("down", "up"), ("space", "up"), ("enter",), ("v",), ("g",)])
async def test_a_cursor_that_was_put_somewhere_stays_with_its_row(keys: tuple[str, ...]) -> None:
    async with table(NAMES[3:6]) as (grid, pilot, _):
        await pilot.press(*keys)
        grid.set_rows(NAMES)
        await pilot.pause()
        assert grid.cursor_id == "row-003"


async def test_a_row_that_the_program_selected_keeps_the_cursor() -> None:
    async with table(NAMES[3:6]) as (grid, pilot, _):
        grid.select("row-003")
        grid.set_rows(NAMES)
        await pilot.pause()
        assert grid.cursor_id == "row-003"


async def test_the_wheel_does_not_let_go_of_what_is_being_read() -> None:
    async with table(NAMES) as (grid, pilot, _):
        grid.scroll_by_lines(20)
        await pilot.pause()
        before = lines(grid)[1:]
        grid.set_rows(["new-1", *NAMES])
        await pilot.pause()
        assert lines(grid)[1:] == before


async def test_rows_that_arrive_above_do_not_move_the_row_being_read() -> None:
    async with table(NAMES) as (grid, pilot, _):
        grid.move_to(50)
        await pilot.pause()
        before = next(y for y, line in enumerate(lines(grid)) if "row-050" in line)
        grid.set_rows(["new-1", "new-2", *NAMES])
        await pilot.pause()
        assert "row-050" in lines(grid)[before]


async def test_a_removed_row_leaves_the_cursor_at_its_place() -> None:
    async with table(NAMES) as (grid, pilot, _):
        grid.move_to(5)
        grid.set_rows([name for name in NAMES if name != "row-005"])
        await pilot.pause()
        assert grid.cursor_id == "row-006"
        grid.set_rows([])
        await pilot.pause()
        assert grid.cursor_id is None
        assert any("nothing" in line for line in lines(grid))


async def test_marks_stay_with_their_rows_and_ranges_go_by_what_is_shown() -> None:
    async with table(NAMES) as (grid, pilot, _):
        await pilot.press("space", "down", "down", "v")
        assert grid.marks == {"row-000", "row-001", "row-002", "row-003"}
        grid.set_rows(list(reversed(NAMES)))
        assert grid.marks == {"row-000", "row-001", "row-002", "row-003"}
        await pilot.press("u")
        assert not grid.marks


async def test_only_lines_that_show_something_else_are_drawn_again() -> None:
    records = {name: name for name in NAMES}
    async with table(NAMES, records) as (grid, pilot, _):
        grid.asked.clear()
        grid.sync()
        assert grid.asked == []
        records["row-004"] = "changed"
        records["row-090"] = "out of sight"
        grid.sync()
        assert [region.y for region in grid.asked] == [5]
        await pilot.pause()
        assert "changed" in lines(grid)[5]


async def test_moving_the_cursor_draws_two_lines() -> None:
    async with table(NAMES) as (grid, pilot, _):
        grid.asked.clear()
        await pilot.press("down")
        assert sorted(region.y for region in grid.asked) == [1, 2]


async def test_the_cursor_is_kept_in_view_and_pages_reach_both_ends() -> None:
    async with table(NAMES) as (grid, pilot, _):
        await pilot.press("G")
        assert grid.cursor_id == "row-099"
        assert "row-099" in lines(grid)[-1]
        await pilot.press("g")
        assert "row-000" in lines(grid)[1]
        for _page in range(20):
            await pilot.press("pagedown")
        assert grid.cursor_id == "row-099"


async def test_a_click_moves_a_second_opens_and_a_heading_is_told() -> None:
    async with table(NAMES) as (grid, pilot, app):
        await pilot.click("#grid", offset=(5, 3))
        assert grid.cursor_id == "row-002"
        await pilot.click("#grid", offset=(5, 3), times=2)
        assert app.opened == ["row-002"]
        await pilot.click("#grid", offset=(3, 0))
        assert app.headings == ["name"]
        await pilot.press("enter")
        assert app.opened == ["row-002", "row-002"]


async def test_only_the_pane_that_keys_go_to_has_the_cursors_own_colour() -> None:
    class Panes(App[None]):
        def compose(self) -> ComposeResult:
            for name in ("left", "right"):
                grid = Grid(COLUMNS, {n: n for n in NAMES}.get, NIGHT, id=name)
                grid.set_rows(NAMES)
                yield grid

    def behind(grid: Grid[str]) -> object:
        [*_, last] = grid.render_line(1)
        assert last.style is not None
        return last.style.bgcolor

    app = Panes()
    async with app.run_test(size=(60, 12)) as pilot:
        left, right = app.query_one("#left", Grid), app.query_one("#right", Grid)
        for here, there in ((left, right), (right, left)):
            here.focus()
            await pilot.pause()
            assert (behind(here), behind(there)) == (NIGHT.cursor.bgcolor, NIGHT.bar.bgcolor)
            assert here.render_line(1).text.startswith("▌")
            assert there.render_line(1).text.startswith("▌")
        # A terminal in the background has no pane with the focus: nothing becomes another's.
        app.screen.set_focus(None)
        await pilot.pause()
        assert behind(right) == NIGHT.cursor.bgcolor


async def test_the_cursor_covers_its_whole_line_when_the_terminal_was_made_wider() -> None:
    async with table(NAMES, size=(40, 12)) as (_grid, pilot, app):
        for columns in (90, 50):
            await pilot.resize_terminal(columns, 12)
            await pilot.pause()
            drawn = app.screen._compositor.render_strips()[1]
            cells = [(style, c) for text, style, _ in drawn for c in text]
            under = [style.bgcolor for style, _ in cells[:-1] if style]
            assert under == [NIGHT.cursor.bgcolor] * (columns - 1)  # the last is the scrollbar's


async def test_the_heading_stays_while_rows_scroll() -> None:
    async with table(NAMES) as (grid, pilot, _):
        grid.move_to(80)
        await pilot.pause()
        assert "NAME" in lines(grid)[0]


@pytest.mark.parametrize(
    "name",
    [
        "日本語の名前がとても長い場合はどうなるか",
        "a\x1b[31mb\x9b0m",
        "[/x]",
        "e\u0301" * 40,
        "👩‍👩‍👧‍👦" * 9,
    ],
)
async def test_any_name_fills_its_line_exactly(name: str) -> None:
    async with table(["one"], {"one": name}) as (grid, _, _app):
        line = grid.render_line(1)
        assert line.cell_length == grid.size.width
        assert line.text.isprintable()


async def test_a_long_name_keeps_its_tail() -> None:
    name = "nightly-" + "x" * 80 + "-s4000"
    async with table(["one"], {"one": name}) as (grid, _, _app):
        assert "s4000" in lines(grid)[1]
        assert "nightly" in lines(grid)[1]


def test_narrow_terminals_drop_columns_by_priority_and_never_squeeze_one() -> None:
    assert [at.column.key for at in place_columns(COLUMNS, 60)] == ["name", "size", "note", "more"]
    assert [at.column.key for at in place_columns(COLUMNS, 36)] == ["name", "size", "note"]
    assert [at.column.key for at in place_columns(COLUMNS, 24)] == ["name", "size"]
    for cells in range(22, 120):
        placed = place_columns(COLUMNS, cells)
        assert all(at.width >= at.column.width for at in placed)
        assert placed[-1].x + placed[-1].width < cells


def test_what_is_left_over_goes_to_the_flexible_column_up_to_its_most() -> None:
    assert place_columns(COLUMNS, 70)[0].width > place_columns(COLUMNS, 60)[0].width
    assert place_columns(COLUMNS, 200)[0].width == 40


def test_extras_come_only_where_the_others_have_their_good_width() -> None:
    columns: tuple[Column[str], ...] = (
        Column("name", "NAME", 10, lambda _row, _cells: ()),
        Column("rate", "RATE", 8, lambda _row, _cells: (), priority=1, ideal=14),
        Column("more", "MORE", 6, lambda _row, _cells: (), priority=EXTRA),
    )

    def widths(cells: int) -> dict[str, int]:
        return {at.column.key: at.width for at in place_columns(columns, cells)}

    assert widths(23) == {"name": 10, "rate": 8}
    assert widths(31) == {"name": 10, "rate": 14}
    assert widths(36) == {"name": 10, "rate": 14}
    assert widths(37) == {"name": 10, "rate": 14, "more": 6}


async def test_a_frame_of_many_longer_names_is_drawn_anew_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"{n:03}" if n < 40 else f"a-name-of-some-length-{n:03}" for n in range(80)]
    kept_whole = replace(COLUMNS[0], whole=True, flex=0, ideal=30)
    monkeypatch.setattr("tests.tui.kit.test_grid.COLUMNS", (kept_whole, *COLUMNS[1:]))
    async with table(names) as (grid, pilot, _):
        drawn: list[int] = []
        for name in ("sync", "redraw"):
            does = getattr(grid, name)
            monkeypatch.setattr(grid, name, lambda does=does: (drawn.append(1), does()))
        grid.scroll_to(y=45, animate=False, force=True)
        await pilot.pause()  # draws at its end what was scrolled to
        await pilot.pause()
        assert "a-name-of-some-length-050" in "".join(lines(grid))
        assert len(drawn) == 1


async def test_other_contents_are_not_given_the_room_of_those_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {f"a-name-of-some-length-{n}": f"a-name-of-some-length-{n}" for n in range(3)}
    kept_whole = replace(COLUMNS[0], whole=True, flex=0, ideal=30)
    monkeypatch.setattr("tests.tui.kit.test_grid.COLUMNS", (kept_whole, *COLUMNS[1:]))
    app = Table(names)
    async with app.run_test(size=(60, 8)) as pilot:
        app.grid.set_rows(tuple(names))
        await pilot.pause()
        wide = app.grid.fit_columns(app.grid.columns)[0].width
        names.update(dict.fromkeys(names, "short"))
        app.grid.hide_columns(())
        await pilot.pause()
        assert app.grid.fit_columns(app.grid.columns)[0].width < wide


def test_a_cell_of_nothing_but_its_record_is_asked_for_once_and_one_of_the_time_each_time() -> None:
    asked: list[tuple[str, str]] = []

    def column(key: str, of_record: bool) -> Column[str]:
        def cell(record: str, _cells: int) -> Cell:
            asked.append((key, record))
            return value_cell(record)

        return Column(key, key, 8, cell, of_record=of_record)

    records = {"a": "one"}
    lines = RowLines(records.get, NIGHT)
    lines.place_columns([column("still", True), column("timed", False)], 40)
    first = lines.row("a", keep=9)
    assert lines.row("a", keep=9) is first
    assert Counter(asked) == {("still", "one"): 1, ("timed", "one"): 2}
    records["a"] = "two"
    assert lines.row("a", keep=9) is not first
    assert asked[-2:] == [("still", "two"), ("timed", "two")]
