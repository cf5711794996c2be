"""What the viewer, its outline, a search and a comparison look like, at three sizes.

The pictures lie in `pictures/`, without the footer; `GYMTUI_DRAW=1` draws them anew.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from gymtui.transcript.diff import compare
from gymtui.transcript.outline import outline
from gymtui.transcript.readers.artifact import read
from gymtui.tui.app.file_app import FileApp, FileScreen
from gymtui.tui.compare.pairs_pane import PairsPane
from gymtui.tui.kit.transcript.view import TranscriptView
from gymtui.tui.runtime.crash_report import Reporter
from tests.helpers.places import PICTURES
from tests.tui.palettes import NIGHT
from tests.tui.scripted import ScriptedGym, scripted_dashboard
from tests.tui.staged import picture

SIZES = {"small": (80, 24), "middle": (120, 36), "large": (200, 50)}
DEADLINE_S = 60.0


def stamp(second: int) -> str:
    return f"2026-03-20T10:00:{second:02d}+00:00"


def calling(second: int, words: str, tool: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    call = {"id": f"c{second}", "type": "function", "function": function}
    content = {"content": words, "tool_calls": [call]}
    return {"role": "assistant", "timestamp": stamp(second), "content": content}


def answer(second: int, of: int, summary: str, *, error: bool = False) -> dict[str, Any]:
    content = {"tool_call_id": f"c{of}", "is_error": error, "summary": summary}
    return {"role": "tool", "timestamp": stamp(second), "content": content}


def artifacts(title: str = "Panel") -> dict[str, Any]:
    events = json.dumps(
        {"events": [{"id": n, "title": f"Event {n}", "日本": "語🙂"} for n in range(9)]}
    )
    return {
        "rollout_id": "rol_003",
        "artifacts": {
            "task_id": "schedule_phone_screen",
            "model": "gpt-4o",
            "steps_taken": 3,
            "max_steps": 30,
            "messages": [
                {
                    "role": "user",
                    "timestamp": stamp(0),
                    "content": "Schedule **the panel**.\n\n- `Room Kepler`\n- Thursday",
                },
                calling(3, "I'll check the calendars first.", "calendar__list", attendee="jun"),
                answer(4, 3, events),
                calling(12, "", "calendar__create_event", title=title, start="2026-03-19T14:00"),
                answer(13, 12, '{"error": "conflict", "with": "evt_19"}', error=True),
                calling(40, "", "email__send", to="jun", body="Dear Jun,\n\nthe panel moves.\n"),
                answer(41, 40, "[STATE DIFF]\n+ email to jun\n- draft\n\x1b[32mdone\x1b[0m"),
                {"role": "assistant", "timestamp": stamp(59), "content": "Done " * 60},
            ],
        },
    }


def measured(app: App[Any]) -> bool:
    """Whether every height is known: until then the scroll bar is a guess."""
    return all(view._measuring is None for view in app.screen.query(TranscriptView))


def drawn(app: FileApp) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips[:-1]) + "\n"


async def until(pilot: Pilot[None], what: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not what():
            await pilot.pause(0.02)
        await pilot.pause()


def assert_pictured(name: str, found: str) -> None:
    path = PICTURES / f"{name}.txt"
    if os.environ.get("GYMTUI_DRAW"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SIZES)
async def test_viewer_outline_and_search_look_as_pictured(size: str, tmp_path: Path) -> None:
    path = tmp_path / "pictured" / "artifacts.json"
    path.parent.mkdir()
    path.write_text(json.dumps(artifacts()))
    app = FileApp([path], Reporter(tmp_path, secrets=[]))
    async with app.run_test(size=SIZES[size]) as pilot:
        screen = app.screen
        assert isinstance(screen, FileScreen)
        await until(pilot, lambda: screen.transcript is not None and "1 user" in drawn(app))
        await until(pilot, lambda: measured(app))
        assert_pictured(f"viewer-{size}", drawn(app))
        await pilot.press("e", "ctrl+o")
        await until(pilot, lambda: measured(app))
        assert_pictured(f"error-{size}", drawn(app))
        screen.apply_filter("Event 8")
        await until(pilot, lambda: screen._search.done and measured(app))
        assert_pictured(f"search-{size}", drawn(app))


@pytest.mark.parametrize("cells", [76, 116])
def test_a_comparison_looks_as_pictured(cells: int) -> None:
    left, right = read(artifacts()), read(artifacts("Phone screen"))
    rows = compare(left, right)
    pane = PairsPane(NIGHT)
    shown = [row.same.name.lower().ljust(9) for row in rows]
    entries = outline(left), outline(right)
    lines = [
        f"{mark} {pane.line(row, *entries, cells).text.rstrip()}"
        for mark, row in zip(shown, rows, strict=True)
    ]
    assert_pictured(f"comparison-{cells}", "\n".join(lines) + "\n")


@pytest.mark.parametrize("size", SIZES)
async def test_a_comparison_screen_looks_as_pictured(size: str, tmp_path: Path) -> None:
    gym = ScriptedGym()
    left, right = gym.add("nightly", "schedule_phone_screen", "pass", "fail")
    gym.artifacts = {left: artifacts(), right: artifacts("Phone screen, and the panel after it")}
    messages = gym.artifacts[right]["artifacts"]["messages"]
    messages[5:5] = [calling(20, "", "calendar__list", attendee="jun"), answer(21, 20, "[]")]
    async with scripted_dashboard(gym, tmp_path, size=SIZES[size]) as person:
        await person.sees("nightly")
        await person.press("enter")
        await person.sees("2/2 done", "✗ fail")
        await person.press("space", "space", "C")
        await person.sees("difference 1 of 2")
        await person.until(lambda: measured(person.app))
        await person.pilot.pause()
        assert_pictured(f"compare-{size}", picture(person))
        await person.press("n")
        await person.sees("difference 2 of 2", "± only in B")
