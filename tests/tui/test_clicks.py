"""The mouse does what keys do: footer, breadcrumb and what leads somewhere can be clicked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.tui.active.screen import ActiveScreen
from gymtui.tui.help.screen import HelpScreen
from gymtui.tui.matrix.screen import MatrixScreen
from gymtui.tui.rollouts.screen import RolloutsScreen
from gymtui.tui.runs.screen import RunsScreen
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, scripted_dashboard


@pytest.fixture
def gym() -> ScriptedGym:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass", "running")
    return gym


async def click(person: Person, word: str, line: int) -> None:
    """Click the middle of a word on a line of the screen."""
    text = person.screen().splitlines()[line]
    assert word in text, text
    await person.pilot.click(offset=(text.index(word) + len(word) // 2, line % person.app.size[1]))
    await person.pilot.pause()


async def ready(person: Person) -> None:
    await person.sees("nightly")
    await person.until(lambda: len(person.app.session.store.rollouts) == 2)


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 36), (200, 50)])
async def test_each_footer_item_runs_its_key(
    gym: ScriptedGym, size: tuple[int, int], tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        await ready(person)
        await click(person, "help", -1)
        assert isinstance(person.app.screen, HelpScreen)
        await person.press("escape")
        await click(person, "open", -1)
        assert isinstance(person.app.screen, RolloutsScreen)
        await click(person, "filter", -1)
        assert person.app.screen.is_filtering
        await person.press("escape")
        await click(person, "back", -1)
        assert isinstance(person.app.screen, RunsScreen)


async def test_what_lies_between_footer_items_does_nothing(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await ready(person)
        text = person.screen().splitlines()[-1]
        await person.pilot.click(offset=(text.index("open") + 4, 35))
        await person.pilot.click(offset=(0, 35))
        await person.pilot.click(offset=(40, 0))
        assert isinstance(person.app.screen, RunsScreen)


async def test_the_way_here_goes_back_to_what_is_clicked(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await ready(person)
        await person.press("enter")
        rollouts = person.app.screen
        await person.press("enter")
        assert isinstance(person.app.screen, TranscriptScreen)
        await click(person, "nightly", 0)
        assert person.app.screen is rollouts
        await person.press("m")
        assert isinstance(person.app.screen, MatrixScreen)
        await person.press("enter")
        await click(person, "runs", 0)
        assert isinstance(person.app.screen, RunsScreen)
        assert len(person.app.screen_stack) == 2


async def test_a_run_on_the_way_here_that_was_not_passed_is_opened(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await ready(person)
        await person.press("a")
        assert isinstance(person.app.screen, ActiveScreen)
        await person.press("enter")
        await person.sees("Not finished yet")
        await click(person, "nightly", 0)
        assert isinstance(person.app.screen, RolloutsScreen)
        await person.press("escape")
        assert isinstance(person.app.screen, RunsScreen)
