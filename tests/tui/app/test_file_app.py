"""Transcripts from disk on a narrow screen: what is said of a search, and what has no room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.events import Key
from textual.pilot import Pilot

from gymtui.tui.app.file_app import FileApp
from gymtui.tui.app.palette import PaletteCommands
from gymtui.tui.context.key_bindings import DEFAULT_BINDINGS, KeyBindings, rebind
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.preferences import Preferences
from gymtui.tui.kit.line_parts import LinePart, join_fitting
from gymtui.tui.kit.styled_text import StyledText
from gymtui.tui.runtime.crash_report import Reporter
from tests.tui.scripted import ScriptedGym, scripted_dashboard

MESSAGES = {
    "messages": [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "one\ntwo"}]},
    ],
    "steps_taken": 1,
}


def screen(app: FileApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def sees(pilot: Pilot[None], text: str) -> None:
    async with asyncio.timeout(60):
        while text not in screen(pilot.app):  # type: ignore[arg-type]
            await pilot.pause(0.02)


@asynccontextmanager
async def reading(
    directory: Path, *names: str, keys: KeyBindings = DEFAULT_BINDINGS
) -> AsyncIterator[tuple[FileApp, Pilot[None]]]:
    paths = [directory / name for name in names]
    for path in paths:
        path.write_text(json.dumps(MESSAGES))
    app = FileApp(paths, Reporter(directory, secrets=[]), Preferences(keys=keys))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "hello")
        yield app, pilot


async def test_a_mistake_in_a_search_is_told_at_once(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json") as (_, pilot):
        await pilot.press("slash", *"re", "colon", "left_parenthesis")
        await sees(pilot, "no regular expression")


async def test_a_search_longer_than_the_line_takes_the_headlines_place(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json") as (app, pilot):
        await pilot.press("slash", *("x" * 90), "enter")
        await pilot.pause()
        assert "hello" in screen(app)


async def test_a_search_typed_in_one_burst_loses_no_letter(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json") as (app, pilot):
        for character in "/hello":  # all before any is acted on, as a slow line delivers them
            app.post_message(Key("slash" if character == "/" else character, character))
        await sees(pilot, "/ hello")


async def test_the_keys_that_a_transcript_tells_of_are_the_persons_own(tmp_path: Path) -> None:
    wanted = {"fold": ["x"], "user-turns": ["u"], "assistant-turns": ["m"]}
    async with reading(tmp_path, "a.json", keys=rebind(wanted, {})) as (_, pilot):
        await sees(pilot, "1 more line · x unfolds")
        await pilot.press("u", "m")
        await sees(pilot, "all turns are hidden: 1 u m 4 show them")


async def test_one_file_has_no_next_one(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json") as (app, _):
        assert "] next" not in screen(app)
        assert "1 step " in screen(app)
    async with reading(tmp_path, "b.json", "c.json") as (app, _):
        assert "] next" in screen(app)


async def test_a_file_that_is_no_json_says_what_it_is(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json", "b.json") as (_, pilot):
        (tmp_path / "b.json").write_text('{"messages": [')
        await pilot.press("right_square_bracket")
        await sees(pilot, "b.json: JSON that is cut off")


def test_where_there_is_no_room_at_all_only_what_stays_is_said() -> None:
    assert join_fitting([], -5) == ()
    assert join_fitting([LinePart((StyledText("1 step"),), 1)], -5) == ()
    assert join_fitting(
        [LinePart((StyledText("failed"),)), LinePart((StyledText("1 step"),), 1)], -5
    ) == (StyledText("failed"),)


def offered(app: FileApp) -> set[str]:
    """What footer, help and palette may tell of."""
    return {key.name for key in app.keys.of(Scope, read_only=False)}


async def test_what_needs_a_gym_is_told_of_nowhere(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json") as (app, pilot):
        names = offered(app)
        assert {"next-error", "export", "text-down", "palette", "menu-choose"} <= names
        assert not {"redact", "compare-this", "next-rollout", "open", "launch", "do-it"} & names
        await pilot.press("question_mark", *"redact")
        await sees(pilot, "no matching keys")
        await pilot.press("escape", *"rollout")
        await sees(pilot, "no matching keys")
        await pilot.press("escape", *"tool")
        await sees(pilot, "next tool call")
        await pilot.press("escape", "escape")
        words = [str(hit.text) async for hit in PaletteCommands(app.screen).discover()]
        assert any(said.startswith("next error") for said in words)
        assert not any(said.startswith(("redact", "compare", "next rollout")) for said in words)


async def test_of_several_files_the_next_one_is_told_of(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json", "b.json") as (app, _):
        assert {"next-rollout", "previous-rollout"} <= offered(app)


async def test_enter_on_a_mistake_in_a_search_keeps_its_line_open(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json") as (app, pilot):
        await pilot.press("slash", *"re", "colon", "left_parenthesis", "enter")
        await sees(pilot, "no regular expression")
        assert app.screen.has_class("filtering")


RECORD = {
    "rollout_id": "a",
    "status": "completed",
    "result": {
        "success": False,
        "message": "Missing: calendar event",
        "score": 0.25,
        "failed_criteria": ["event created", "room booked"],
    },
    "termination_reason": "gave up",
}


async def test_the_headline_says_how_it_ended_by_the_record_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.rollout.json").write_text(json.dumps(RECORD))
    async with reading(tmp_path, "a.json", "b.json") as (app, pilot):
        await sees(pilot, "✗ fail · score 0.25 · failed: event created, room booked")
        await pilot.press("G")
        await sees(pilot, "ended: gave up")
        await pilot.press("right_square_bracket")
        await sees(pilot, "no b.rollout.json beside it: its outcome is unknown")
        assert "✗ fail" not in screen(app)
        (tmp_path / "b.rollout.json").write_text('{"rollout_id": "b')
        await pilot.press("ctrl+r")
        await sees(pilot, "b.rollout.json: JSON that is cut off")
        await sees(pilot, "hello")


async def test_the_files_are_chosen_from_by_how_they_ended(tmp_path: Path) -> None:
    (tmp_path / "a.rollout.json").write_text(json.dumps(RECORD))
    passed = {"rollout_id": "b", "status": "completed", "result": {"success": True}}
    (tmp_path / "b.rollout.json").write_text(json.dumps(passed))
    async with reading(tmp_path, "a.json", "b.json", "c.json") as (app, pilot):
        await pilot.press("f")
        await sees(pilot, "MESSAGE")
        listed = [line for line in screen(app).splitlines() if ".json" in line]
        assert " fail " in listed[0] and "0.25" in listed[0] and "failed: event" in listed[0]
        assert " pass " in listed[1]
        assert "no c.rollout.json" in listed[2]
        await pilot.press(*"state", "colon", *"pass", "enter")
        await sees(pilot, "2 of 3 files")
        await sees(pilot, "hello")
        await pilot.press("f", "escape")
        await sees(pilot, "2 of 3 files")


async def test_one_file_has_no_list(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json") as (app, _):
        assert "files" not in offered(app) and "pick-take" not in offered(app)


async def test_ctrl_c_speaks_of_no_runs_where_there_are_none(tmp_path: Path) -> None:
    async with reading(tmp_path, "a.json") as (app, pilot):
        await pilot.press("ctrl+c")
        [notice] = app._notifications
        assert notice.message == "ctrl+q quits"


async def test_what_is_saved_as_received_keeps_its_record(tmp_path: Path) -> None:
    (tmp_path / "a.rollout.json").write_text(json.dumps(RECORD))
    async with reading(tmp_path, "a.json") as (_, pilot):
        for name in ("copy.json", "copy.md"):
            await pilot.press("ctrl+s", "ctrl+u", *str(tmp_path / name), "enter")
            async with asyncio.timeout(60):
                while not (tmp_path / name).exists():
                    await pilot.pause(0.02)
    assert json.loads((tmp_path / "copy.rollout.json").read_text()) == RECORD
    assert "✗ fail" in (tmp_path / "copy.md").read_text()


async def test_what_is_saved_from_a_gym_keeps_its_record(tmp_path: Path) -> None:
    gym = ScriptedGym()
    (rollout_id,) = gym.add("run", "task", "fail")
    gym.artifacts[rollout_id] = {"rollout_id": rollout_id, "artifacts": MESSAGES}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("▌ run")
        await person.press("enter")
        await person.sees("✗ fail")
        await person.press("enter")
        await person.sees("hello")
        await person.press("ctrl+s", "ctrl+u", *str(tmp_path / "copy.json"), "enter")
        record = tmp_path / "copy.rollout.json"
        await person.until(record.exists)
        assert json.loads(record.read_text()) == gym.rollout(rollout_id)
