"""One run on screen: its numbers, its timelines, and what is said about the rollout chosen."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gymtui.config.schema import StuckThresholds
from gymtui.tui.kit.grid import Grid
from gymtui.tui.rollouts.timeline_bar import FILLS
from tests.gym.running_gym import running_gym
from tests.tui.person import Person, dashboard
from tests.tui.scripted import ScriptedGym, at, scripted_dashboard

SIZES = [(80, 24), (120, 36), (200, 50)]


@pytest.fixture
def gym() -> ScriptedGym:
    """Three attempts of each of two tasks, some of them errors."""
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass", "pass", "pass")
    gym.add("nightly", "call_back", "pass", "fail", "limit", "env", "cancelled")
    return gym


async def opened(person: Person, *words: str) -> str:
    """Open the run under the cursor and wait until it shows these words."""
    await person.sees("nightly", "PASS@1")
    await person.press("enter")
    return await person.sees("runs › nightly", *words)


def line(person: Person, word: str) -> str:
    """The line of the screen with this word in it."""
    return next(text for text in person.screen().split("\n") if word in text)


@pytest.mark.parametrize("size", SIZES)
async def test_the_header_says_how_it_goes_at_any_size(
    gym: ScriptedGym, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        shown = await opened(person, "8/8 done", "pass@1 67%", " of 6", "1 env, 1 cancelled")
        header = shown.split("\n")[1:4]
        assert "took 2m00s" in header[1]
        assert "p50 2m00s p95 2m00s" in header[1]
        assert "pass@3 100% (2/2 tasks)" in header[1]
        assert "/min (2m00s)" in header[2]
        assert "build –" in header[2], "nobody watched it"
        assert max(map(len, shown.split("\n"))) <= size[0]


async def test_with_one_attempt_a_task_the_rate_is_said_once(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass")
    gym.add("nightly", "call_back", "fail")
    async with scripted_dashboard(gym, tmp_path) as person:
        shown = await opened(person, "2/2 done", "pass@1 50%", " of 2")
        assert "tasks)" not in shown and "all-pass" not in shown


async def test_an_unfinished_run_says_where_its_rate_may_still_end(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass", "fail", "running", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "2/4 done", "2 running", "pass@1 50%", "ETA –")
        assert "pass@1 will end within 25–75%" in person.screen()


async def test_what_waits_while_nothing_runs_is_stalled(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass", "fail", "pass", "waiting")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "3/4 done", "stalled")


async def test_a_run_whose_rollouts_are_not_known_has_no_rate(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass", "pass")
    gym.hidden.add("nightly")
    async with scripted_dashboard(gym, tmp_path) as person:
        shown = await opened(person, "2/2 done", "pass@1 –")
        assert "0%" not in shown


async def test_without_a_verdict_nothing_is_a_rate(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "env", "cancelled")
    async with scripted_dashboard(gym, tmp_path) as person:
        shown = await opened(person, "pass@1 –", "1 env, 1 cancelled")
        assert "pass@2" not in shown, "errors are in no pass@k"


async def test_the_details_say_why_it_failed_and_what_the_judge_found(tmp_path: Path) -> None:
    gym = ScriptedGym()
    result = {
        "success": False,
        "message": "The plan names no interviewer",
        "score": 0.35,
        "verdict": "FAIL",
        "failed_criteria": ["names an interviewer", "keeps the budget"],
    }
    gym.add(
        "nightly",
        "plan",
        "fail",
        result=result,
        termination_reason="agent_finished",
        model_config={"model": "qwen3-32b", "provider": "custom", "temperature": 0.2},
    )
    async with scripted_dashboard(gym, tmp_path) as person:
        shown = await opened(person, "The plan names no interviewer", "ended: agent_finished")
        assert "score 0.35 FAIL" in shown
        assert "failed: names an interviewer; keeps the budget" in shown
        assert "qwen3-32b custom · T 0.2" in shown
        assert "score 0.35 of 1" in shown, "the run's too"


async def test_a_life_that_nobody_watched_is_one_stretch_not_seen(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "8/8 done", FILLS["unseen"] * 20)
        passed, failed = line(person, "✓ pass"), line(person, "✗ fail ")
        assert not passed.rstrip().endswith("✓"), "what passed needs no mark"
        assert failed.split()[-1].endswith("✗")
        assert line(person, "✗ fail ⊣").split()[-1].endswith("⊣")
        assert line(person, "! env").split()[-1].endswith("!")
        assert "not observed 2m00s" in person.screen()


async def test_a_rollout_watched_from_its_middle_shows_what_was_before_as_not_seen(
    tmp_path: Path,
) -> None:
    gym = ScriptedGym()
    (running,) = gym.add("nightly", "book_room", "running", created_at=at(95), started_at=at(90))
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "▸ acting", FILLS["unseen"] * 20)
        gym.rollout(running).update(phase="verifying", current_step=None)
        await person.sees("▸ verifying", "verify ", "not observed ")
        assert person.screen().count("not observed") == 1
        assert line(person, "verifying").rstrip().endswith("▸"), "the front"


async def test_the_last_step_seen_is_kept_for_a_rollout_that_no_longer_says_it(
    tmp_path: Path,
) -> None:
    gym = ScriptedGym()
    (running,) = gym.add("nightly", "book_room", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "3/30")
        done = {"success": True, "message": "done"}
        ended = {"status": "completed", "phase": None, "current_step": None, "result": done}
        gym.rollout(running).update(ended, completed_at=at())
        await person.sees("✓ pass", "3/30", "steps p50 3")
        # The last step passed between two looks; once its artifacts are read, that is known.
        gym.artifacts[running] = {"steps_taken": 4, "max_steps": 30, "messages": []}
        await person.press("enter")
        await person.sees("4/30 steps")
        await person.press("escape")
        await person.sees("✓ pass", " 4/30")


async def test_one_that_ended_at_the_step_limit_took_all_steps(tmp_path: Path) -> None:
    gym = ScriptedGym()
    (running,) = gym.add("nightly", "book_room", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "3/30")
        ended = {"status": "failed", "phase": None, "current_step": None}
        gym.rollout(running).update(
            ended, termination_reason="max_steps", result={"success": False}, completed_at=at()
        )
        await person.sees("✗ fail ⊣", "30/30", "steps p50 30")


async def test_zoom_pan_and_fit_move_the_axis(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "8/8 done")
        whole = line(person, "TASK")
        assert "1m" in whole
        await person.press("plus")
        closer = line(person, "TASK")
        assert "30s" in closer
        await person.press("right", "right")
        later = line(person, "TASK")
        assert later != closer
        await person.press("left", "left")
        assert line(person, "TASK") == closer
        await person.press("minus")
        assert line(person, "TASK") == whole
        await person.press("equals_sign", "equals_sign", "right", "0")
        assert line(person, "TASK") == whole


async def test_by_the_clock_the_axis_has_the_time_of_day(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass", created_at=at(900))
    async with scripted_dashboard(gym, tmp_path, size=(200, 50)) as person:
        await opened(person, "1/1 done")
        await person.press("T")
        hour = datetime.now(UTC).astimezone().strftime("%H:")
        before = await person.sees(FILLS["queued"] * 3)
        axis = line(person, "TASK").split("ROLLOUT")[1]
        assert all(":" in label for label in axis.split() if label != "MESSAGE")
        assert hour in axis or f"{(int(hour[:2]) - 1) % 24:02d}:" in axis
        await person.press("T")
        assert FILLS["queued"] not in await person.sees_no(FILLS["queued"] * 3)
        assert before != person.screen()


async def test_the_timeline_gives_way_to_columns_and_comes_back(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, FILLS["unseen"] * 20)
        await person.press("t")
        await person.sees("MESSAGE", "Missing: calendar event 7")
        assert FILLS["unseen"] * 20 not in person.screen()
        await person.press("t")
        await person.sees(FILLS["unseen"] * 20)


async def test_grouped_by_task_each_name_stands_once_with_its_passes(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "8/8 done")
        await person.press("b")
        shown = await person.sees("book_room 3/3", "call_back 1/3")
        assert shown.count("book_room") == 1
        assert shown.count("″") == 6
        await person.press("slash", *"!outcome:passed", "enter")
        await person.sees("call_back 0/2")
        await person.press("escape")
        await person.sees("book_room 3/3", "call_back 1/3")
        await person.press("b")
        await person.until(lambda: person.screen().count("book_room") == 3)


@pytest.mark.parametrize("offset_s", [420.0, -420.0])
async def test_a_servers_clock_that_is_off_changes_nothing(tmp_path: Path, offset_s: float) -> None:
    async with (
        running_gym(tmp_path, held=True, clock_offset_s=offset_s) as gym,
        dashboard(gym, tmp_path) as person,
    ):
        began_s = time.monotonic()
        person.launch("nightly", rollout_count=1)
        await opened(person, "▸ ")
        await person.sees_every_step("nightly")
        await person.sees("1/1 done")
        await person.sees("build ", "agent ", "verify ")
        # That it is over is known before its rollout is, and how long it took after both.
        took = await person.until(
            lambda: re.search(r"took (?:(\d+)m)?(\d+)s", person.screen()), "never how long"
        )
        passed_s = time.monotonic() - began_s
        assert 60 * int(took[1] or 0) + int(took[2]) <= passed_s + 1
        await person.press("T")
        now = datetime.now(UTC).astimezone()
        axis = line(person, "TASK").split("ROLLOUT")[1]
        hour, minute, second = map(int, axis.split()[0].split(":"))
        apart_s = abs((now - now.replace(hour=hour, minute=minute, second=second)).total_seconds())
        assert min(apart_s, 86400 - apart_s) < passed_s + 60, "the time of day is ours"


async def test_two_thousand_rollouts_add_up_and_answer_every_key(tmp_path: Path) -> None:
    """How soon they do is `tests/bench/bench_large_run.py`."""
    gym = ScriptedGym()
    outcomes = ("pass", "fail", "running", "waiting")
    for task in range(50):
        gym.add("nightly", f"task_{task:02d}", *(outcomes * 10))
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "1000/2000 done", "500 running")
        assert "of 1,000 verdicts" in person.screen()
        grid = person.app.screen.query_one(Grid)
        assert len(grid.rows) == 2000
        axes = [line(person, "ROLLOUT")]
        for key in ("plus", "T", "T"):
            await person.press(key)
            axes.append(line(person, "ROLLOUT"))
        assert len(set(axes)) == 3
        assert axes[3] == axes[0]
        await person.press("j", "j", "k")
        assert grid.cursor_index == 1
        rollout = gym.rollout("nightly.003")
        rollout |= {"status": "completed", "completed_at": at(), "result": {"success": True}}
        person.app.refresh_now()
        await person.sees("1001/2000 done", "of 1,001 verdicts", "499 running")
        assert grid.cursor_index == 1


async def test_where_only_stuck_rollouts_are_left_that_stands_for_the_end(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path, held=True) as gym,
        dashboard(gym, tmp_path, stuck=StuckThresholds(floor_s=0.5)) as person,
    ):
        person.launch("hung")
        await person.sees("hung", "1 active")
        await person.press("enter")
        await person.sees("▸ building")
        for phase in ("seeding", "acting"):
            gym.step()
            await person.sees(f"▸ {phase}")
        await person.sees(" stuck · time")


async def test_scores_have_a_column_where_there_are_any(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("plain", "enrol", "pass", "fail")
    gym.add("judged", "enrol", "pass", "fail")
    gym.rollout("judged.002")["result"] = {"success": False, "output": {"score": 0.5}}
    async with scripted_dashboard(gym, tmp_path, size=(200, 50)) as person:
        await person.sees("plain", "judged", "SCORE", "0.50")
        await person.press("slash", *"plain", "enter", "enter")
        await person.sees("plain.001", "ROLLOUT", "MESSAGE")
        assert "SCORE" not in person.screen()
        gym.rollout("plain.001")["result"] = {"success": True, "reward": 1}
        await person.press("ctrl+r")
        await person.sees("SCORE")
        (line,) = [line for line in person.screen().split("\n") if "plain.002" in line[:120]]
        assert " – " in line, "a score that is not known is not 0"


async def test_tokens_and_cost_have_columns_once_artifacts_were_read(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("judged", "enrol", "pass", "fail")
    usage = {"prompt_tokens_total": 12_000, "completion_tokens_total": 345}
    metrics = {"token_usage": usage, "cost": {"estimated_cost_usd": 0.0123}}
    gym.artifacts["judged.001"] = {
        "rollout_id": "judged.001",
        "artifacts": {
            "messages": [{"role": "assistant", "content": "done"}],
            "metadata": {"rollout_metrics": metrics},
        },
    }
    async with scripted_dashboard(gym, tmp_path, size=(200, 50)) as person:
        await person.sees("judged")
        await person.press("enter")
        await person.sees("judged.001", "ROLLOUT")
        assert "TOKENS" not in person.screen()
        await person.press("enter")
        await person.sees("done", "12k tokens", "$0.0123")
        await person.press("escape")
        await person.sees("TOKENS", "COST", "12k", "$0.0123")
        # A rollout that is listed again, changed, still has what its artifacts said.
        gym.rollout("judged.001")["result"] = {"success": True, "message": "looked at again"}
        await person.press("ctrl+r")
        await person.sees("looked at again", "12k")
        await person.press("slash", *"tokens>1k", "enter")
        await person.sees("1 shown")
        assert "judged.002" not in person.screen()
