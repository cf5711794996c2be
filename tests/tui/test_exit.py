"""The program can be left at any moment, that in which a screen opens included."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.screen import Screen

from gymtui.tui.app.app import GymtuiApp
from tests.tui.scripted import ScriptedGym, scripted_dashboard


@pytest.mark.fair_part(3)
@pytest.mark.parametrize(
    "keys",
    ["enter", "m", "a", "n", "question_mark", "colon", "d", "o", "enter enter", "enter m"],
)
async def test_leaving_while_a_screen_opens_is_no_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    gym = ScriptedGym()
    gym.add("alpha", "book_room", "pass", "fail", "running")
    push = GymtuiApp.push_screen
    opened: list[Screen[Any]] = []

    def push_and_leave(self: GymtuiApp, screen: Screen[Any], *rest: Any, **options: Any) -> Any:
        opened.append(screen)
        awaitable = push(self, screen, *rest, **options)
        self.exit(return_code=0)
        return awaitable

    *before, last = keys.split()
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha")
        for key in before:
            await person.press(key)
            await person.sees("✓ pass")
        monkeypatch.setattr(GymtuiApp, "push_screen", push_and_leave)
        # The pilot would wait for the new screen's answer, which will not come.
        person.app.post_message(events.Key(last, last if len(last) == 1 else None))
        while person.app.is_running:  # noqa: ASYNC110 - the app tells nobody
            await asyncio.sleep(0.01)
    assert opened, "the key opens a screen"
    assert person.app.return_code == 0
    assert person.app.reporter.path is None, "nothing is reported"


async def test_what_is_cancelled_before_it_begins_leaves_nothing_that_waits(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    async with scripted_dashboard(ScriptedGym(), tmp_path) as person:
        await person.sees("no runs")
        recwarn.clear()
        person.app._preload()
        person.app._save()
        for group in ("preload", "arrangement"):
            assert person.app.workers.cancel_group(person.app, group)
        await person.pilot.pause()
        gc.collect()
        said = [str(told.message) for told in recwarn if told.category is RuntimeWarning]
        # The framework leaves some of its own, which the tests before may have left, too.
        assert [words for words in said if "Screen._watch_selections" not in words] == []
