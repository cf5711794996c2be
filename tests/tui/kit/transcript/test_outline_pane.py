"""The outline beside a transcript: its cursor, and what lies past its ends."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from gymtui.core.replacement import replace
from gymtui.transcript.blocks import BlockKind
from gymtui.transcript.outline import Entry
from gymtui.tui.kit.transcript.outline_pane import OutlinePane, entry_label
from tests.tui.palettes import NIGHT


class Outline(App[None]):
    """One outline, and the turns that it asked for."""

    def __init__(self, entries: list[Entry], endings: list[Entry]) -> None:
        super().__init__()
        self.pane = OutlinePane(NIGHT)
        self.entries, self.endings = entries, endings
        self.chosen: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.show(self.entries, self.endings)
        self.pane.focus()

    def on_outline_pane_chosen(self, event: OutlinePane.Chosen) -> None:
        self.chosen.append(event.turn)
        self.pane.follow(event.turn)


def entry(turn: int, text: str, *, error: bool = False, took_s: float | None = None) -> Entry:
    return Entry(turn, BlockKind.ASSISTANT, (), False, text, error, took_s)


def outline(turns: int, *, ending: bool = False) -> Outline:
    endings = [entry(turns, "result")] if ending else []
    return Outline([entry(n, f"turn {n}") for n in range(turns)], endings)


def text_of(pane: OutlinePane, row: int) -> str:
    return pane.render_line(row).text


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)


@pytest.mark.parametrize("keys", [("G",), ("G", "j"), ("G", "pagedown"), ("pagedown",) * 9])
async def test_nothing_lies_past_the_last_row(keys: tuple[str, ...]) -> None:
    app = outline(20, ending=True)
    async with app.run_test(size=(36, 8)) as pilot:
        await press(pilot, *keys)
        assert app.chosen[-1] == 20
        assert "result" in text_of(app.pane, 7)
        assert text_of(app.pane, 8).strip(" │") == ""


@pytest.mark.parametrize("keys", [("k",), ("G", "g", "k"), ("pageup",)])
async def test_nothing_lies_before_the_first_row(keys: tuple[str, ...]) -> None:
    app = outline(20)
    async with app.run_test(size=(36, 8)) as pilot:
        await press(pilot, *keys)
        assert app.chosen[-1] == 0
        assert "turn 0" in text_of(app.pane, 0)


async def test_a_page_is_what_is_seen_less_the_line_that_stays() -> None:
    app = outline(40)
    async with app.run_test(size=(36, 8)) as pilot:
        await press(pilot, "pagedown", "pagedown", "pageup")
        assert app.chosen == [7, 14, 7]


async def test_an_empty_outline_takes_every_key() -> None:
    app = outline(0)
    async with app.run_test(size=(36, 8)) as pilot:
        await press(pilot, "j", "k", "g", "G", "pagedown", "pageup")
        await pilot.click(OutlinePane, offset=(3, 0))
        assert app.chosen == []
        assert text_of(app.pane, 0).strip(" │") == ""


async def test_a_click_goes_to_the_row_under_it_and_below_the_last_nowhere() -> None:
    app = outline(5)
    async with app.run_test(size=(36, 8)) as pilot:
        await pilot.click(OutlinePane, offset=(3, 4))
        await pilot.click(OutlinePane, offset=(3, 5))
        await pilot.click(OutlinePane, offset=(3, 7))
        assert app.chosen == [4]


async def test_the_wheel_ends_where_the_outline_does() -> None:
    app = outline(20)
    async with app.run_test(size=(36, 8)):
        app.pane.scroll_by_lines(100)
        assert "turn 19" in text_of(app.pane, 7)
        app.pane.scroll_by_lines(-100)
        assert "turn 0" in text_of(app.pane, 0)


async def test_rows_are_numbered_from_one_and_what_follows_the_turns_is_not() -> None:
    app = outline(2, ending=True)
    async with app.run_test(size=(36, 8)):
        assert [text_of(app.pane, row)[1:3].strip() for row in range(3)] == ["1", "2", ""]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("/home/ada/projects/spotter/app.js", "…ts/spotter/app.js"),
        ("tail -5 /tmp/a/b/c/d/e.out", "tail -5 …c/d/e.out"),
    ],
)
def test_of_a_path_the_end_is_seen_and_of_a_command_its_beginning_too(
    asked: str, shown: str
) -> None:
    made = replace(entry(0, ""), tools=("Bash",), calls=True, asked=asked)
    assert "".join(piece.text for piece in entry_label(made, 27)) == f"● → Bash {shown}"


async def test_an_error_a_mark_and_a_duration_of_a_second_are_shown() -> None:
    app = Outline(
        [entry(0, "quick", took_s=0.9), entry(1, "slow", took_s=1.0), entry(2, "bad", error=True)],
        [],
    )
    async with app.run_test(size=(36, 8)):
        app.pane.mark(frozenset({1}))
        rows = [text_of(app.pane, row) for row in range(3)]
        assert ["1s" in row for row in rows] == [False, True, False]
        assert ["✗" in row for row in rows] == [False, False, True]
        assert ["•" in row for row in rows] == [False, True, False]
