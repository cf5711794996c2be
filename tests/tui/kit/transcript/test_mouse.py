"""Reading with a mouse: what is selected is the text as it was before it was wrapped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from gymtui.core.text import width
from gymtui.tui.app.file_app import FileApp, FileScreen
from gymtui.tui.kit.transcript import mouse_view
from gymtui.tui.kit.transcript.reader import TranscriptReader
from gymtui.tui.runtime.crash_report import Reporter

LONG = " ".join(f"word{number:03}" for number in range(120))
WIDE = "日本語のテキスト🙂を選ぶ"
ENDLESS = "".join(f"<{number:06}>" for number in range(5_000))
"""One line, longer than what is laid out at a time."""


class Hand:
    """Someone with a mouse, before a transcript."""

    def __init__(self, app: FileApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        assert isinstance(app.screen, FileScreen)
        self.screen = app.screen
        self.view = app.screen.query_one(TranscriptReader)

    def lines(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    def at(self, text: str, *, after: bool = False) -> tuple[int, int]:
        """Where a text stands: its first cell, or its last."""
        region = self.view.region
        for y, line in enumerate(self.lines()):
            if region.y <= y < region.bottom and (x := line.find(text, region.x)) >= 0:
                return (width(line[: x + len(text)]) - 1 if after else width(line[:x]), y)
        raise AssertionError(f"{text!r} is not on screen:\n" + "\n".join(self.lines()))

    async def until(self, what: Callable[[], Any]) -> None:
        async with asyncio.timeout(60):
            while not what():
                await self.pilot.pause(0.02)

    async def drag(self, start: tuple[int, int], *ways: tuple[int, int]) -> None:
        await self.pilot.mouse_down(offset=start)
        for way in ways:
            await self.pilot.hover(offset=way)

    async def drop(self, where: tuple[int, int]) -> None:
        await self.pilot.mouse_up(offset=where)
        await self.pilot.pause()

    async def copied(self, start: tuple[int, int], *ways: tuple[int, int]) -> str:
        """Pull from here to there, and press the key that copies."""
        await self.drag(start, *ways)
        return await self.copied_here(ways[-1])

    async def copied_here(self, where: tuple[int, int]) -> str:
        """Pull to here, let go, and press the key that copies."""
        await self.pilot.hover(offset=where)
        await self.drop(where)
        await self.pilot.press("ctrl+c")
        await self.pilot.pause()
        return self.app.clipboard

    async def wheel(self, where: tuple[int, int], notches: int) -> None:
        kind = events.MouseScrollDown if notches > 0 else events.MouseScrollUp
        await self.pilot._post_mouse_events([kind], offset=where, times=abs(notches))
        await self.pilot.pause()


@asynccontextmanager
async def reading(directory: Path, messages: list[dict[str, Any]]) -> AsyncIterator[Hand]:
    path = directory / "artifacts.json"
    path.write_text(json.dumps({"rollout_id": "r", "artifacts": {"messages": messages}}))
    app = FileApp([path], Reporter(directory, secrets=[]))
    async with app.run_test(size=(80, 24)) as pilot:
        hand = Hand(app, pilot)
        await hand.until(lambda: hand.screen.transcript is not None)
        await pilot.pause()
        yield hand


def between(text: str, first: str, last: str) -> str:
    """From one word to another, both of them included."""
    return text[text.index(first) : text.index(last) + len(last)]


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text} for text in texts]


async def test_wrapped_text_is_copied_as_one_line(tmp_path: Path) -> None:
    async with reading(tmp_path, said(LONG)) as hand:
        start, end = hand.at("word003"), hand.at("word071", after=True)
        assert end[1] - start[1] > 5
        assert await hand.copied(start, end) == between(LONG, "word003", "word071")


async def test_it_does_not_matter_from_which_end_it_is_pulled(tmp_path: Path) -> None:
    async with reading(tmp_path, said(LONG)) as hand:
        start, end = hand.at("word071", after=True), hand.at("word003")
        assert await hand.copied(start, end) == between(LONG, "word003", "word071")


async def test_lines_and_turns_keep_their_ends(tmp_path: Path) -> None:
    async with reading(tmp_path, said("first\nsecond\n\nfourth", "answer")) as hand:
        copied = await hand.copied(hand.at("second"), hand.at("answer", after=True))
        assert copied == "second\n\nfourth\n◆ 2 user\nanswer"


@pytest.mark.parametrize("offset", [0, 1])
async def test_either_cell_of_a_wide_character_takes_it(tmp_path: Path, offset: int) -> None:
    async with reading(tmp_path, said(f"begin {WIDE} end")) as hand:
        (left, y), (right, _) = hand.at("語"), hand.at("🙂")
        assert await hand.copied((left + offset, y), (right + offset, y)) == "語のテキスト🙂"


async def test_a_letter_keeps_its_marks(tmp_path: Path) -> None:
    text = "cafe\u0301 noir"
    async with reading(tmp_path, said(text)) as hand:
        x, y = hand.at("cafe")
        assert await hand.copied((x + 3, y), (x + 5, y)) == "e\u0301 n"


async def test_beyond_the_end_of_a_line_everything_of_it_is_taken(tmp_path: Path) -> None:
    async with reading(tmp_path, said("short\nlines")) as hand:
        x, y = hand.at("short")
        assert await hand.copied((x + 2, y), (70, y)) == "ort"
        assert await hand.copied((x + 30, y), (x + 1, y + 1)) == "\nli"


async def test_a_pull_that_ends_on_a_blank_line_takes_no_more_than_is_seen(tmp_path: Path) -> None:
    async with reading(tmp_path, said("one two", *["later"] * 40)) as hand:
        x, y = hand.at("two")
        assert await hand.copied((x, y), (x, y + 1)) == "two"


async def test_what_is_folded_away_is_not_copied(tmp_path: Path) -> None:
    result = "\n".join(f"line {number}" for number in range(40))
    messages = [{"role": "tool", "content": result}, *said("after")]
    async with reading(tmp_path, messages) as hand:
        await hand.until(lambda: any("z unfolds" in line for line in hand.lines()))
        copied = await hand.copied(hand.at("line 6"), hand.at("after", after=True))
        end = "".join(f"line {number}\n" for number in range(36, 40))
        assert copied == f"line 6\nline 7\n{end}◆ 2 user\nafter"


async def test_scrolling_while_pulling_goes_on_selecting(tmp_path: Path) -> None:
    text = "\n".join(f"line {number:03}" for number in range(200))
    async with reading(tmp_path, said(text)) as hand:
        start = hand.at("line 004")
        await hand.drag(start, (20, 10))
        await hand.wheel((20, 10), 20)
        end = hand.at("line 066", after=True)
        assert await hand.copied_here(end) == between(text, "line 004", "line 066")


async def test_pulling_over_the_edge_scrolls_until_it_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mouse_view, "_EVERY_S", 0.01)
    text = "\n".join(f"line {number:03}" for number in range(200))
    async with reading(tmp_path, said(text)) as hand:
        await hand.drag(hand.at("line 004"), (20, 12), (20, 23))
        await hand.until(lambda: any("line 090" in line for line in hand.lines()))
        end = (20, 10)
        await hand.pilot.hover(offset=end)
        shown = hand.lines()[10].strip("▐ ")
        assert await hand.copied_here(end) == between(text, "line 004", shown)
        before = hand.view.top_place
        await hand.pilot.pause(0.1)
        assert hand.view.top_place == before
        # And upwards, over what is above the text.
        await hand.drag((20, 10), (20, 5), (20, 0))
        await hand.until(lambda: hand.view.top_place[3] == 0)
        await hand.drop((20, 0))


async def test_a_selection_stays_on_its_text_when_that_is_wrapped_anew(tmp_path: Path) -> None:
    async with reading(tmp_path, said(LONG)) as hand:
        wanted = await hand.copied(hand.at("word010"), hand.at("word020", after=True))
        await hand.pilot.resize_terminal(50, 30)
        await hand.pilot.press("w", "w", "ctrl+c")
        assert hand.app.clipboard == wanted == between(LONG, "word010", "word020")


async def test_a_line_longer_than_what_is_laid_out_at_once_has_no_seam(tmp_path: Path) -> None:
    async with reading(tmp_path, said(ENDLESS)) as hand:
        seam = 16_384 // 8
        hand.screen.apply_filter(f"<{seam:06}>")
        await hand.until(lambda: hand.screen._search.done)
        await hand.until(lambda: any(f"<{seam:06}>" in line for line in hand.lines()))
        first, last = f"<{seam - 8:06}>", f"<{seam + 8:06}>"
        copied = await hand.copied(hand.at(first), hand.at(last, after=True))
        assert copied == between(ENDLESS, first, last)


async def test_two_clicks_take_a_word_and_three_a_line(tmp_path: Path) -> None:
    async with reading(tmp_path, said(LONG + "\nnext")) as hand:
        x, y = hand.at("word050")
        await hand.pilot.click(offset=(x + 2, y), times=2)
        await hand.pilot.press("ctrl+c")
        assert hand.app.clipboard == "word050"
        await hand.pilot.click(offset=(x + 2, y), times=3)
        await hand.pilot.press("ctrl+c")
        assert hand.app.clipboard == LONG


async def test_how_much_is_selected_is_said_and_escape_drops_it(tmp_path: Path) -> None:
    async with reading(tmp_path, said("one two three")) as hand:
        await hand.drag(hand.at("two"), hand.at("two", after=True))
        await hand.drop(hand.at("two", after=True))
        assert "3 characters selected" in "\n".join(hand.lines())
        await hand.pilot.press("escape")
        assert "characters selected" not in "\n".join(hand.lines())
        await hand.pilot.press("ctrl+c")
        assert hand.app.clipboard == ""


async def test_a_pull_over_a_folded_line_leaves_it_and_a_click_unfolds_it(
    tmp_path: Path,
) -> None:
    result = "\n".join(f"line {number}" for number in range(40))
    async with reading(tmp_path, [{"role": "tool", "content": result}]) as hand:
        x, y = hand.at("⋯ ")
        await hand.copied((x, y - 2), (x + 4, y))
        assert any("z unfolds" in line for line in hand.lines())
        await hand.pilot.press("escape")
        await hand.pilot.click(offset=(x, y))
        await hand.until(lambda: not any("z unfolds" in line for line in hand.lines()))


async def test_the_wheel_scrolls_text_and_outline_each_by_itself(tmp_path: Path) -> None:
    async with reading(tmp_path, said(*[f"turn {n}\nmore" for n in range(90)])) as hand:
        await hand.pilot.press("ctrl+o")
        await hand.pilot.pause()
        await hand.wheel((60, 10), 4)
        assert hand.screen.query_one(TranscriptReader).top_place[0] == 3
        await hand.wheel((60, 10), -4)
        assert hand.view.top_place[0] == 0
        await hand.wheel((5, 10), 5)
        assert hand.view.top_place[0] == 0
        assert "16 ◆" in "\n".join(hand.lines()[2:4])
