"""Runs beside each other: what they were launched with, how they did, which tasks flipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.tui.compare.screen import CompareScreen
from gymtui.tui.matrix.comparison_screen import CompareRunsScreen
from gymtui.tui.matrix.screen import MatrixScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, at, scripted_dashboard
from tests.tui.staged import picture
from tests.tui.transcript.test_pictures import SIZES, artifacts, assert_pictured

PROMPT = "You schedule interviews. " * 8


@pytest.fixture
def gym() -> ScriptedGym:
    """Two checkpoints on five tasks: one got clearly worse at one, and lucky at another."""
    gym = ScriptedGym()
    old = {"model": "ckpt-4000", "temperature": 0.7, "system_prompt": PROMPT + "Be brief."}
    new = {"model": "ckpt-5000", "temperature": 1.0, "system_prompt": PROMPT + "Be kind."}
    for run, settings, worse in (("nightly-4000", old, "pass"), ("nightly-5000", new, "fail")):
        began = 7200 if run == "nightly-4000" else 3600
        fields = {"model_config": settings, "created_at": at(began)}
        gym.add(run, "book_room", *["pass"] * 4, **fields)
        gym.add(run, "call_back", *[worse] * 4, **fields)
        gym.add(run, "draft_plan", "fail", "fail", "fail", worse, **fields)
        gym.add(run, "enrol", "pass", "pass", "fail", "env", **fields)
        gym.add(run, "file_leave", *["fail" if worse == "pass" else "pass"] * 2, **fields)
    for run in gym.runs.values():
        for rollout in run:
            gym.artifacts[rollout["rollout_id"]] = artifacts()
    return gym


async def listed(person: Person) -> None:
    """Wait until both runs are there with their numbers, and change places no more."""
    await person.sees("nightly-4000", "nightly-5000")
    await person.until(lambda: person.screen().count(" of ") == 2)


async def compared(person: Person) -> CompareRunsScreen:
    await listed(person)
    await person.press("slash", *"nightly", "enter", "g", "space", "space", "C")
    await person.sees("compare 2 runs", "1: nightly-4000", "book_room")
    await person.until(lambda: "differ" in person.screen() and "by task" in person.screen())
    screen = person.app.screen
    assert isinstance(screen, CompareRunsScreen)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_it_looks_as_pictured(gym: ScriptedGym, size: str, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path, size=SIZES[size]) as person:
        await compared(person)
        assert_pictured(f"compare-runs-{size}", picture(person))


async def test_what_differs_is_ranked_by_what_it_is_worth(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path, size=(160, 36)) as person:
        await compared(person)
        names = ("call_back", "file_leave", "draft_plan", "book_room", "enrol")
        lines = person.screen().split("\n")
        tasks = [line for line in lines if line.strip("▌ ").startswith(names)]
        assert [line.strip("▌ ").split()[0] for line in tasks] == list(names)
        assert "weak evidence, p = 0.029" in tasks[0]
        assert "not significant" in tasks[1]
        assert "one attempt" in tasks[2]
        await person.sees("3 differ · 1 significant", "1 by one attempt only")
        # Where there is little room both runs are seen; the evidence stands with the cursor's task.
        await person.pilot.resize_terminal(60, 24)
        await person.until(lambda: "EVIDENCE" not in person.screen())
        shown = person.screen()
        assert "DIFF" in shown and "p = 0.029" in shown
        assert shown.count("100% of 4") >= 2 and "0% of 4" in shown


async def test_eleven_checkpoints_say_what_p_is_adjusted_for(tmp_path: Path) -> None:
    """The last two never pass what all others always do."""
    gym = ScriptedGym()
    names = [f"s{number:02d}" for number in range(1, 12)]
    for number, run in enumerate(names):
        for task in range(9):
            outcome = "fail" if number > 8 else "pass"
            gym.add(run, f"t{task}", *[outcome] * 4, created_at=at(7200 - number))
    async with scripted_dashboard(gym, tmp_path, size=(120, 50)) as person:
        await person.until(lambda: person.screen().count(" of 36") == 11)
        await person.press("slash", *"s", "enter", "g", *["space"] * 11, "C")
        await person.sees("compare 11 runs", "9 differ", "adjusted p = 0.039")
        await person.sees("p vs 1 adjusted for 10 comparisons (Holm)", "9 significant")
        lines = {line.split()[0]: line for line in person.screen().split("\n") if line.split()}
        assert "by task -100pp · adjusted p = 0.039 · 9 tasks vs 1" in lines["11:"]
        assert "by task +0pp · adjusted p = 1 · 9 tasks vs 1" in lines["2:"]
        assert "strong, p<0.0001" in lines["▌"]
        await person.sees("best 1, worst 10 of 11: strong evidence, p < 0.0001")


async def test_enter_compares_a_pass_with_a_fail_of_the_task(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await compared(person)
        await person.press("g", "enter")
        await person.until(lambda: isinstance(person.app.screen, CompareScreen))
        await person.sees("✓ pass", "✗ fail", "the same calls", "nightly-4000", "nightly-5000")
        await person.press("q", "G", "enter")
        await person.until(lambda: isinstance(person.app.screen, MatrixScreen))


async def test_one_run_alone_is_not_compared(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly-4000")
        await person.press("slash", *"run:nightly-4000", "enter", "C")
        await person.sees("mark two or more runs to compare")


async def test_the_matrix_of_runs_leads_to_their_comparison(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await listed(person)
        await person.press("g", "space", "space", "m")
        await person.sees("matrix of 2 runs", "book_room")
        await person.press("C")
        await person.sees("compare 2 runs")
