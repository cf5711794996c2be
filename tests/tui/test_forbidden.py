"""What the key may not see is marked there, wherever one meets it, until it is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from .scripted import ScriptedGym, scripted_dashboard

WHY = "forbidden: the gym answers 403 for this run's rollouts; asked again in 10m"


def gym_with(*outcomes: str) -> ScriptedGym:
    gym = ScriptedGym()
    gym.add("theirs", "t1", *outcomes)
    gym.add("ours", "t1", "pass", "running")
    gym.forbidden.add("theirs")
    return gym


@pytest.mark.parametrize("outcomes", [("running", "waiting"), ("pass", "fail")])
@pytest.mark.parametrize("size", [(60, 24), (120, 36)])
async def test_the_run_is_marked_in_the_list_and_in_its_own_screens_until_it_is_answered(
    tmp_path: Path, outcomes: tuple[str, ...], size: tuple[int, int]
) -> None:
    gym = gym_with(*outcomes)
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        shown = await person.sees("theirs", "  forbidden ", "ours", "● live")
        assert shown.count("forbidden") == 1
        await person.press("slash", *"forbidden:", "enter")
        await person.sees("theirs")
        await person.sees_no("ours")
        await person.press("enter")
        await person.sees("theirs  forbidden", WHY[: size[0] - 4], "● live")
        await person.press("m")
        await person.sees("matrix  forbidden" if size[0] > 60 else "matrix", WHY[: size[0] - 4])
        gym.forbidden.clear()
        await person.press("ctrl+r")
        await person.sees_no("forbidden")
        await person.press("q")
        await person.sees("theirs.001")
        await person.sees_no("forbidden")
        await person.press("q", "escape")
        await person.sees("theirs", "ours")
        await person.sees_no("forbidden")


async def test_rollouts_that_were_seen_before_stay_with_the_mark_beside_them(
    tmp_path: Path,
) -> None:
    gym = gym_with("running")
    gym.forbidden.clear()
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("theirs")
        await person.press("slash", *"theirs", "enter", "enter")
        await person.sees("theirs.001")
        gym.forbidden.add("theirs")
        await person.sees("theirs  forbidden", "theirs.001", WHY[:60])
        await person.press("enter")
        await person.sees("theirs  forbidden › theirs.001")


async def test_a_form_made_from_it_says_so(tmp_path: Path) -> None:
    async with scripted_dashboard(gym_with("pass"), tmp_path) as person:
        await person.sees("  forbidden ")
        await person.press("slash", *"theirs", "enter", "N")
        await person.sees("theirs  forbidden › launch like it", WHY)
