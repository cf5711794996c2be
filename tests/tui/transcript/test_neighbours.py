"""Reading the rollouts of a list one after the other: the place in it, and where one comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, scripted_dashboard

LISTS = {
    "rollouts": ("enter",),
    "rollouts, filtered and turned round": ("enter", "O", "slash", *"task:budget", "enter", "g"),
    "rollouts by task": ("enter", "b"),
    "active": ("a",),
    "matrix": ("m",),
    "matrix of a reason": ("m", "tab", "enter"),
}


@pytest.fixture
def gym() -> ScriptedGym:
    """A run of three tasks, four attempts each; all but a few still run."""
    gym = ScriptedGym()
    for task in ("book_room", "budget", "answer"):
        gym.add("nightly", task, "fail", "running", "running", "fail")
    return gym


def under_cursor(screen: Any) -> str | None:
    """The rollout that the cursor of a list stands on."""
    found = screen.copy_text()
    return None if found is None else str(found)


@pytest.mark.parametrize("keys", LISTS.values(), ids=LISTS)
async def test_one_comes_back_to_the_rollout_read_last(
    gym: ScriptedGym, keys: tuple[str, ...], tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        screen = await listed(person, keys)
        ids = list(screen.rollout_ids())  # type: ignore[attr-defined]
        count = len(ids)
        assert count >= 4
        await person.press("enter")
        reader = person.app.screen
        assert isinstance(reader, TranscriptScreen)
        first = ids.index(reader.rollout_id)
        await person.sees(f"{first + 1} of {count}")
        step = 1 if first + 2 < count else -1
        key = "right_square_bracket" if step > 0 else "left_square_bracket"
        for number in (1, 2):
            await person.press(key)
            await person.sees(f"{first + 1 + step * number} of {count}")
        assert reader.rollout_id == ids[first + 2 * step]
        await person.press("escape")
        await person.until(lambda: person.app.screen is screen)
        assert under_cursor(screen) == ids[first + 2 * step]


async def listed(person: Person, keys: tuple[str, ...]) -> ListScreen[Any]:
    """Go to a list, once all that is known of the gym is."""
    await person.sees("nightly")
    await person.until(lambda: len(person.app.session.store.rollouts) == 12)
    await person.press(*keys)
    screen = person.app.screen
    assert isinstance(screen, ListScreen)
    await person.until(lambda: len(screen._rows) >= 2)
    return screen


async def test_a_rollout_that_left_the_list_has_no_place_in_it(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        screen = await listed(person, ("a",))
        await person.press("enter")
        await person.sees("1 of 6")
        reader = person.app.screen
        assert isinstance(reader, TranscriptScreen)
        gone = reader.rollout_id
        gym.rollout(gone).update(status="completed", result={"success": True}, phase=None)
        await person.sees("✓ pass")
        await person.press("right_square_bracket")
        await person.until(lambda: reader.rollout_id != gone)
        await person.press("escape")
        await person.until(lambda: gone not in screen._rows)
        assert under_cursor(screen) == reader.rollout_id


@pytest.mark.parametrize("cells", [60, 80, 120])
async def test_the_place_is_seen_at_any_width(gym: ScriptedGym, cells: int, tmp_path: Path) -> None:
    gym.add("nightly-of-a-checkpoint-whose-name-is-very-long-0042", "book_room", "fail", "fail")
    async with scripted_dashboard(gym, tmp_path, size=(cells, 24)) as person:
        await person.sees("0042")
        await person.press("slash", *"0042", "enter", "enter")
        await person.sees("2/2")
        await person.press("enter")
        await person.sees("1 of 2", "live")
