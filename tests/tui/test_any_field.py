"""Whatever a gym puts into a field, screens go on: each place and value in a row of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

from gymtui.api import response
from gymtui.api.models import Task
from gymtui.tui.launch.form_screen import FormScreen
from tests.conftest import THOROUGH
from tests.helpers.odd_fields import (
    ARTIFACTS,
    RUN,
    SCENARIO,
    TASK,
    OddGym,
    odd_levels,
    odd_ones,
    rollout,
)
from tests.tui.person import Person
from tests.tui.scripted import scripted_dashboard

NONSENSE = re.compile(r"\bnan\b|\binf(inity)?\b|(?<![\w-])-\d+(%|s|m|/)|\d{15}|e\+\d\d")
"""Numbers that no screen may show."""


async def go(person: Person, *keys: str) -> set[str]:
    """Press keys; after each the program goes on.

    Returns:
        The screens that were there.
    """
    seen = set()
    for key in keys:
        await person.press(key)
        seen.add(type(person.app.screen).__name__)
        assert person.app.return_code is None and person.app._exception is None
    return seen


async def look(person: Person, *keys: str) -> set[str]:
    """Press keys; after each the screen is there, and no number on it is nonsense."""
    seen = set()
    for key in keys:
        seen |= await go(person, key)
        numbers = NONSENSE.search(person.screen())
        assert not numbers, f"{numbers[0]} after {key}:\n{person.screen()}"
    return seen


async def test_any_field_of_a_run(tmp_path: Path) -> None:
    gym = OddGym(runs=list(odd_ones(RUN, "run_id")))
    async with scripted_dashboard(gym, tmp_path, interval_s=5) as person:
        await person.until(lambda: len(person.app.session.store.runs) > len(gym.odd_runs) * 0.9)
        pages = len(person.app.session.store.runs) // 25 + 1
        await look(person, *["pagedown"] * pages, "g")
        for _ in range(3):
            await look(person, "b", *["pagedown"] * 3, "g")
        seen = await look(person, "b", "O", *["pagedown"] * 3, "d", "escape", "f", "f")
        seen |= await look(person, *["space"] * 6, "C", "escape", "m", "escape", "u")
        seen |= await look(person, "a", "escape", "N", "escape")
    assert seen >= {"DescribeScreen", "CompareRunsScreen", "RunsMatrixScreen", "ActiveScreen"}
    assert "LaunchScreen" in seen


async def rollouts_are_looked_at(person: Person, gym: OddGym) -> None:
    await person.until(lambda: len(person.app.session.store.runs) == 2)
    await look(person, "O", "g")
    await person.press("slash", *"run", "colon", *"odd", "enter", "enter")
    await person.sees("runs › odd")
    held = person.app.session.store.rollouts
    await person.until(lambda: len(held) > len(gym.odd_rollouts) * 0.9)
    pages = len(held) // 20 + 1
    await look(person, *["pagedown"] * pages, "g")
    await look(person, "t", *["pagedown"] * pages, "T", "plus", "minus", "0", "b", "G", "b", "t")
    seen = await look(person, "d", "pagedown", "escape", "m", *["pagedown"] * 5, "right", "escape")
    two = ("pageup", "space", "space")
    seen |= await look(person, *two, "C", "escape", "u", "enter", "escape")
    assert seen >= {"DescribeScreen", "MatrixScreen", "CompareScreen", "TranscriptScreen"}


async def test_any_field_of_a_rollout_that_has_ended(tmp_path: Path) -> None:
    gym = OddGym(rollouts=list(odd_ones(rollout("completed"), "rollout_id")))
    async with scripted_dashboard(gym, tmp_path, interval_s=5) as person:
        await rollouts_are_looked_at(person, gym)


async def test_any_field_of_a_rollout_that_runs(tmp_path: Path) -> None:
    gym = OddGym(rollouts=list(odd_ones(rollout("running"), "rollout_id")))
    async with scripted_dashboard(gym, tmp_path, interval_s=5) as person:
        await rollouts_are_looked_at(person, gym)
        assert "ActiveScreen" in await look(person, *["escape"] * 3, "a", *["pagedown"] * 20)


async def test_any_field_of_artifacts(tmp_path: Path) -> None:
    gym = OddGym()
    # Read they are all in the test of the commands; it is drawn from what was read of them.
    documents = list(odd_levels({"artifacts": ARTIFACTS}))[:: 3 if THOROUGH else 7]
    for document in documents:
        (rollout_id,) = gym.add("sound", "task", "fail")
        gym.artifacts[rollout_id] = document
    async with scripted_dashboard(gym, tmp_path, interval_s=5) as person:
        await person.until(lambda: len(person.app.session.store.runs) == 2)
        await person.press("slash", *"run", "colon", *"sound", "enter", "enter")
        await person.sees("runs › sound")
        await person.until(lambda: len(person.app.session.store.rollouts) > len(documents))
        assert "TranscriptScreen" in await go(person, "enter")
        for number in range(len(documents)):
            await go(person, "right_square_bracket")
            if number % 20 == 0:
                await go(person, "Z", "G", "r", "r", "e", "t")


async def test_any_field_of_what_a_launch_is_offered(tmp_path: Path) -> None:
    gym = OddGym()
    gym.scenarios = list(odd_ones(SCENARIO, "scenario_id"))
    gym.tasks = list(odd_ones(TASK, "task_id"))
    offered = response.models_of(Task, json.dumps(gym.tasks).encode(), "tasks", "a test")
    async with scripted_dashboard(gym, tmp_path, interval_s=5) as person:
        await person.until(lambda: len(person.app.session.store.runs) == 2)
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, FormScreen))
        assert "PickScreen" in await go(person, "enter", *["pagedown"] * 12, "up", "enter")
        await person.until(lambda: isinstance(person.app.screen, FormScreen))
        await person.sees("▌tasks", f"list of {len(offered)}")
        assert "PickScreen" in await go(person, "enter", *["pagedown"] * 12, "enter")
