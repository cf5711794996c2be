"""What of each list is seen at which width, and that a poll never moves a column."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.tui.kit.list_screen import ListScreen
from tests.tui.scripted import ScriptedGym, scripted_dashboard

RUN = "nightly-qwen3-32b-rl-checkpoint-s4000"
TASK = "onboard-a-new-hire-with-laptop-badge-and-parking-permit"
OTHER = "answer-a-question-about-parental-leave-in-the-other-office"


@pytest.fixture
def gym() -> ScriptedGym:
    gym = ScriptedGym()
    for run_id in (RUN, "sweep-temp-0.7"):
        for task in (TASK, OTHER, "reset"):
            gym.add(run_id, task, "pass", "fail", "env", "running", "waiting")
    return gym


def heading(screen: str) -> str:
    return next(line for line in screen.splitlines() if "TASK" in line or "RUN " in line)


@pytest.mark.parametrize("cells", [60, 80, 120, 200])
async def test_what_matters_of_a_run_is_seen_at_any_width(
    gym: ScriptedGym, cells: int, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path, size=(cells, 24)) as person:
        await person.sees("s4000")
        await person.until(lambda: person.screen().count("50%") == 2)
        screen = person.screen()
        words = heading(screen).split()
        for title in ("RUN", "DONE", "PASS@1", "ERR", "▸", "ETA"):
            assert title in words
        row = next(line for line in screen.splitlines() if "s4000" in line)
        assert "9/15" in row
        assert "50%" in row


@pytest.mark.parametrize("keys", [("enter",), ("a",)], ids=["rollouts", "active"])
async def test_with_room_no_name_is_cut(
    gym: ScriptedGym, keys: tuple[str, ...], tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path, size=(200, 50)) as person:
        await person.sees(RUN)
        await person.until(lambda: len(person.app.session.store.rollouts) == 30)
        await person.press(*keys)
        await person.sees(TASK, OTHER)


@pytest.mark.parametrize("cells", [120, 200])
@pytest.mark.parametrize("length", [8, 30, 90])
async def test_a_long_name_of_a_run_leaves_room_for_its_model(
    length: int, cells: int, tmp_path: Path
) -> None:
    gym = ScriptedGym()
    name = ("run-" + "long-" * 30)[: length - 5] + "s4000"
    gym.add(name, "reset", "pass", "running", model_config={"model": "qwen3-32b-s4000"})
    async with scripted_dashboard(gym, tmp_path, size=(cells, 24)) as person:
        await person.sees("qwen3-32b-s4000", "AGE", "PROGRESS", "ETA")
        row = next(line for line in person.screen().splitlines() if "qwen3" in line)
        assert (name if length == 8 or (cells, length) == (200, 30) else "s4000 ") in row


@pytest.mark.parametrize("cells", [80, 120, 200])
@pytest.mark.parametrize("length", [8, 30, 90])
async def test_a_task_in_the_matrix_is_cut_only_where_there_is_no_room(
    length: int, cells: int, tmp_path: Path
) -> None:
    gym = ScriptedGym()
    name = ("task-" + "long-" * 30)[: length - 2] + "-z"
    gym.add("nightly", name, "pass", "fail", "env")
    gym.add("nightly", "reset", "pass", "fail", "agent")
    async with scripted_dashboard(gym, tmp_path, size=(cells, 36)) as person:
        await person.sees("nightly", "PASS@1")
        await person.press("m")
        await person.sees("CRITERION", "reset")
        screen = person.app.screen
        assert isinstance(screen, ListScreen)
        await person.until(lambda: len(screen._rows) == 2)
        if name not in person.screen():
            # Then nothing stands beside the tasks, and the columns take all of the width.
            last = screen._grid.placed_columns[-1]
            assert last.x + last.width == cells - 1
            assert screen._grid.placed_columns[0].width >= 18


async def test_columns_stay_where_they_are_while_counts_move(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path, size=(120, 36)) as person:
        await person.sees("s4000", "9/15")
        screen = person.app.screen
        assert isinstance(screen, ListScreen)
        before = [(at.column.key, at.x, at.width) for at in screen._grid.placed_columns]
        for item in gym.runs[RUN]:
            item.update(status="completed", phase=None, result={"success": True})
        gym.add(RUN, "reset", *["running"] * 15)
        await person.sees("15/30")
        assert [(at.column.key, at.x, at.width) for at in screen._grid.placed_columns] == before


async def test_a_longer_name_that_comes_moves_the_columns_once(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path, size=(200, 50)) as person:
        await person.sees(RUN)
        longer = RUN + "-and-then-some-more-of-it-0001"
        gym.add(longer, TASK, "running")
        await person.sees(longer)
