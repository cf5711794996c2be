"""The demo's gym: its story goes on after a restart, its place is had by one, and none is left."""

import asyncio
import fcntl
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gymtui.gym.clock import Pace
from gymtui.gym.demo import schedule
from gymtui.gym.demo.agents import (
    AGENTS,
    IMAGE_PULL,
    OUTAGE,
    OUTAGE_S,
    SILENCE_S,
    RunTroubles,
    is_worse,
    plan_troubles,
)
from gymtui.gym.demo.lock import hold_lock
from gymtui.gym.demo.process import BROKEN, DATABASE, GYM_LOCK, PREFIX, demo_directory, sweep
from gymtui.gym.demo.schedule import (
    AT_ONCE,
    PAST_RUNS,
    PlannedRun,
    file_of,
    later_run,
    launch_runs,
    troubles_of,
)
from gymtui.gym.demo.schedule import FIRST_RUNS as PLANNED
from gymtui.gym.engine.database_file import DatabaseFile
from gymtui.gym.engine.engine import CUT_OFF, Engine
from gymtui.gym.engine.troubles import RolloutPosition, Trouble, TroubleKind
from tests.gym.engines import Turnstile, engine_at, finish, start
from tests.gym.running_gym import until

FIRST_RUNS = (
    PlannedRun("one", "scripted/careful", 1, 3, 1),
    PlannedRun("two", "scripted/hasty", 1, 1, 1),
)


@contextmanager
def launching(engine: Engine, **options: Any) -> Iterator[None]:
    """Have the story told until the block ends; what happens at once, unless fast."""
    options = {"speed": 1e-9, "seed": 7, "first": FIRST_RUNS, "past": (), **options}
    task = asyncio.create_task(launch_runs(engine, **options))
    try:
        yield
    finally:
        task.cancel()


def names(engine: Engine) -> list[str]:
    _, runs = engine.database.runs(
        scenario_id=None, source=None, limit=1000, offset=0, with_ids=False
    )
    return [run.run_id for run in reversed(runs)]


# -- the story -----------------------------------------------------------------------------------


async def test_what_was_told_is_not_told_again(tmp_path: Path) -> None:
    path = tmp_path / "db"

    async def opened() -> bool:
        return names(engine)[:2] == ["one", "two"]

    async def full() -> bool:
        return engine.unfinished_runs == AT_ONCE

    async with engine_at(path, temperaments=AGENTS) as engine:
        with launching(engine):
            await until(opened)
        await finish(engine, "one")
        await finish(engine, "two")
        engine.delete("two")
    async with engine_at(path, Pace(sleep=Turnstile().sleep), temperaments=AGENTS) as engine:
        with launching(engine):
            await until(full)
        assert names(engine) == ["one", *(later_run(number, 7).name for number in (1, 2, 3))]
    async with engine_at(path, Pace(sleep=Turnstile().sleep), temperaments=AGENTS) as engine:
        with launching(engine):
            await until(full)
        assert len(names(engine)) == 4, "what waited goes on"
        for number in (1, 2, 3):
            engine.delete(later_run(number, 7).name)
        with launching(engine):
            await until(full)
        assert names(engine) == ["one", *(later_run(number, 7).name for number in (4, 5, 6))]


async def test_a_story_broken_off_in_its_opening_is_told_to_the_end(tmp_path: Path) -> None:
    async def opened() -> bool:
        return names(engine)[:2] == ["one", "two"]

    async with engine_at(tmp_path / "db", temperaments=AGENTS) as engine:
        with launching(engine, first=FIRST_RUNS[:1]):
            await until(lambda: asyncio.sleep(0, names(engine) == ["one"]))
        with launching(engine):
            await until(opened)


async def test_the_oldest_of_what_has_ended_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "FINISHED_KEPT", 1)
    async with engine_at(tmp_path / "db", temperaments=AGENTS) as engine:
        with launching(engine, speed=1e9):
            await until(lambda: asyncio.sleep(0, file_of(engine).runs_ever > 7))
        assert len(names(engine)) <= 1 + AT_ONCE + 1


async def test_a_name_that_a_person_took_is_left_to_them(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "db", temperaments=AGENTS) as engine:
        taken = later_run(3, 7).name
        await start(engine, run_name="theirs")
        await start(engine, run_name=taken)
        with launching(engine, speed=1e9):
            await until(lambda: asyncio.sleep(0, later_run(4, 7).name in names(engine)))
        assert names(engine).count(taken) == 1


def test_a_sequel_is_the_same_on_any_day() -> None:
    assert later_run(5, 7) == later_run(5, 7)
    assert len({later_run(number, 7).name for number in range(1, 200)}) == 199


async def test_what_lies_behind_happened_then_and_took_its_time(tmp_path: Path) -> None:
    past = PlannedRun("past", "baseline-8b", 2, 2, 4, timedelta(hours=3))
    async with engine_at(tmp_path / "db", Pace(), temperaments=AGENTS) as engine:
        with launching(engine, first=(), past=(past,)):
            await until(lambda: asyncio.sleep(0, "past" in names(engine)))
            rollouts = await finish(engine, "past")
    began = datetime.now(UTC) - timedelta(hours=3, minutes=2)
    for rollout in rollouts:
        start_at = datetime.fromisoformat(rollout.started_at or "")
        end_at = datetime.fromisoformat(rollout.completed_at or "")
        assert began <= start_at < end_at < began + timedelta(hours=2)
        assert end_at - start_at > timedelta(seconds=4)


async def test_one_checkpoint_of_the_story_is_worse_than_the_one_before(tmp_path: Path) -> None:
    passes = {}
    async with engine_at(tmp_path / "db", temperaments=AGENTS) as engine:
        for run in (*PAST_RUNS, *PLANNED):
            if run.name.startswith("policy-8b"):
                await engine.launch(schedule._request(run, Random(7)))
                rollouts = await finish(engine, run.name)
                passes[run.name] = sum(bool(r.result and r.result.success) for r in rollouts)
    assert passes["policy-8b-s3000"] < passes["policy-8b-s2000"] < passes["policy-8b-s4000"]
    assert [number for number in range(1, 9) if is_worse(number)] == [3, 7]


# -- what goes wrong ------------------------------------------------------------------------------


class Told:
    """How long the story has been running, as a test says."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_workspaces_of_the_ordered_attempts_do_not_build(tmp_path: Path) -> None:
    planned = RunTroubles(unbuilt=frozenset({1}))
    ordered = plan_troubles(lambda _run: planned, Told())
    async with engine_at(tmp_path / "db", troubles=ordered) as engine:
        rollouts = await finish(engine, await start(engine, rollout_count=3))
    assert [r.status for r in rollouts].count("workspace_error") == 1
    assert [r.termination_reason for r in rollouts if r.status == "workspace_error"] == [IMAGE_PULL]


async def test_an_outage_fails_who_asks_while_it_lasts(tmp_path: Path) -> None:
    told = Told()
    ordered = plan_troubles(lambda _run: RunTroubles(outage=True), told)
    async with engine_at(tmp_path / "db", troubles=ordered) as engine:
        told.now_s = OUTAGE_S[0]
        (during,) = await finish(engine, await start(engine))
        told.now_s = OUTAGE_S[1]
        (after,) = await finish(engine, await start(engine))
    assert (during.status, after.status) == ("failed", "completed")
    assert OUTAGE in (during.termination_reason or "")


async def test_who_gets_no_answer_stands_still_until_there_is_one_or_it_is_cancelled(
    tmp_path: Path,
) -> None:
    told = Told()
    ordered = plan_troubles(lambda _run: RunTroubles(silent="schedule_phone_screen"), told)
    asked_in_vain: Counter[str] = Counter()

    def noted(moment: RolloutPosition) -> Trouble | None:
        trouble = ordered(moment)
        asked_in_vain[moment.run_id] += trouble is not None and trouble.kind is TroubleKind.SILENCE
        return trouble

    async def stands_still() -> bool:
        return asked_in_vain[run_id] > 1

    def step() -> int | None:
        (rollout,) = engine.database.rollouts(run_id=run_id)
        return rollout.current_step

    async with engine_at(tmp_path / "db", troubles=noted) as engine:
        run_id = await start(engine)
        await until(stands_still)
        assert step() == 5, "it waits for its sixth turn, and has taken five"
        engine.cancel(run_id)
        (cancelled,) = await finish(engine, run_id)
        run_id = await start(engine)
        await until(stands_still)
        assert step() == 5
        told.now_s = SILENCE_S
        (answered,) = await finish(engine, run_id)
    assert (cancelled.status, cancelled.termination_reason) == ("failed", "cancelled")
    assert answered.status == "completed"


def test_only_runs_of_the_story_have_a_script() -> None:
    assert troubles_of(7, "policy-8b-s4000") == PLANNED[2].troubles
    assert troubles_of(7, later_run(4, 7).name) == later_run(4, 7).troubles
    for name in ("theirs", "policy-8b-s", "policy-8b-s4999", "x-s5000"):
        assert troubles_of(7, name) is None


# -- a gym that goes on ---------------------------------------------------------------------------


async def test_what_waited_goes_on_and_what_ran_is_cut_off_when_it_was(tmp_path: Path) -> None:
    turnstile, path = Turnstile(), tmp_path / "db"
    async with engine_at(path, Pace(sleep=turnstile.sleep)) as engine:
        run_id = await start(engine, rollout_count=5, max_parallel=2)
        await turnstile.settle(2)
    os.utime(path, (1_900_000_000, 1_900_000_000))  # long after: not later than now
    with DatabaseFile(path) as database:
        engine = Engine(database, pace=Pace(1e9), seed=7, failure_share=0.0)
        engine.start()
        rollouts = await finish(engine, run_id)
        await engine.stop()
    assert [item.status for item in rollouts].count("completed") == 3
    cut = [item for item in rollouts if item.status == "failed"]
    assert {item.termination_reason for item in cut} == {CUT_OFF}


async def test_it_was_cut_off_when_the_gym_was_last_alive(tmp_path: Path) -> None:
    turnstile, path = Turnstile(), tmp_path / "db"
    async with engine_at(path, Pace(sleep=turnstile.sleep)) as engine:
        run_id = await start(engine)
        await turnstile.settle(1)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    async with engine_at(path) as engine:
        (rollout,) = engine.database.rollouts(run_id=run_id)
    assert rollout.completed_at == "2023-11-14T22:13:20.000000+00:00"


async def test_what_needs_an_agent_that_is_gone_does_not_go_on(
    tmp_path: Path,
) -> None:
    turnstile, path = Turnstile(), tmp_path / "db"
    async with engine_at(path, Pace(sleep=turnstile.sleep)) as engine:
        run_id = await start(engine, rollout_count=3, max_parallel=1)
        await turnstile.settle(1)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE runs SET settings = json_set(settings, '$.model', 'scripted/gone')")
    raw.close()
    with DatabaseFile(path) as database:
        engine = Engine(database)
        engine.start()
        assert engine.unfinished_runs == 0
        assert {item.status for item in database.rollouts(run_id=run_id)} == {"failed"}
        await engine.stop()


# -- its place ------------------------------------------------------------------------------------


def told_once(directory: Path) -> None:
    """A gym that has seen a run lies there."""
    with DatabaseFile(directory / DATABASE), sqlite3.connect(":memory:"):
        pass
    connection = sqlite3.connect(directory / DATABASE)
    connection.execute("INSERT INTO sqlite_sequence VALUES ('runs', 1)")
    connection.commit()
    connection.close()


@pytest.fixture
def wanted(tmp_path: Path) -> Path:
    directory = tmp_path / "demo"
    directory.mkdir()
    return directory


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    directory = tmp_path / "tmp"
    directory.mkdir()
    return directory


def test_a_place_is_found_again_unless_it_is_to_begin_anew(wanted: Path, temporary: Path) -> None:
    with demo_directory(wanted, fresh=False, temporary=temporary) as first:
        assert (first.directory, first.kept, first.anew, first.words) == (wanted, True, True, "")
    told_once(wanted)
    with demo_directory(wanted, fresh=False, temporary=temporary) as again:
        assert (again.kept, again.anew) == (True, False)
    with demo_directory(wanted, fresh=True, temporary=temporary) as fresh:
        assert (fresh.kept, fresh.anew, fresh.words) == (True, True, "")
    assert not list(temporary.iterdir())


def test_a_place_that_is_taken_is_left_to_its_holder(
    wanted: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gymtui.gym.demo.process.PATIENCE_S", 0.0)
    with (
        demo_directory(wanted, fresh=False, temporary=temporary),
        demo_directory(wanted, fresh=True, temporary=temporary) as second,
    ):
        assert not second.kept
        assert "not kept" in second.words
        assert (wanted / DATABASE).exists(), "fresh means one's own"
        assert second.directory.parent == temporary
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("damage", ["no database", "cut short", "newer", "rotten"])
def test_a_database_that_cannot_be_read_is_set_aside(
    wanted: Path, temporary: Path, damage: str
) -> None:
    told_once(wanted)
    database = wanted / DATABASE
    whole = database.read_bytes()
    if damage == "newer":
        with sqlite3.connect(database) as raw:
            raw.execute("PRAGMA user_version = 99")
        raw.close()
    else:
        changed = {
            "no database": b"half a sector of somebody's" * 200,
            "cut short": whole[: len(whole) // 2],
            "rotten": whole[:4096] + b"\xff" * (len(whole) - 4096),
        }[damage]
        database.write_bytes(changed)
    before = database.read_bytes()
    with demo_directory(wanted, fresh=False, temporary=temporary) as begun:
        assert (begun.kept, begun.anew) == (True, True)
        assert "begins anew" in begun.words
        with DatabaseFile(wanted / DATABASE) as sound:
            assert sound.runs_ever == 0
    assert (wanted / BROKEN).read_bytes()[100:] == before[100:]


def test_where_nothing_can_be_kept_the_demo_goes_on(tmp_path: Path, temporary: Path) -> None:
    with demo_directory(tmp_path / "nowhere", fresh=False, temporary=temporary) as found:
        assert not found.kept
        assert "not kept" in found.words


def test_what_killed_gyms_left_goes_and_nothing_else(temporary: Path, tmp_path: Path) -> None:
    left, alive, foreign = (temporary / f"{PREFIX}{name}" for name in ("left", "alive", "foreign"))
    for directory in (left, alive, foreign):
        directory.mkdir()
        (directory / "file").touch()
    (left / GYM_LOCK).touch()
    elsewhere = tmp_path / "precious"
    elsewhere.mkdir()
    (elsewhere / GYM_LOCK).touch()
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    with hold_lock(alive / GYM_LOCK) as mine:
        assert mine
        sweep(temporary)
    assert not left.exists()
    assert alive.exists()
    assert foreign.exists()
    assert (elsewhere / GYM_LOCK).exists()


def test_a_lock_is_let_go_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from gymtui.gym.demo.lock import hold_lock\n"
        "with hold_lock(Path(sys.argv[1])) as got:\n    print(got, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        with hold_lock(path) as got:
            assert not got
        holder.kill()
        with hold_lock(path, patience_s=20) as got:
            assert got


def test_it_tells_where_it_serves_and_ends_with_its_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gymtui.gym.demo.process", "--directory", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--speed", "0.001"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as gym:
        assert gym.stdout is not None
        told = json.loads(gym.stdout.readline())
        assert told["url"].startswith("http://127.0.0.1:")
        assert (told["kept"], told["anew"], told["words"]) == (True, True, "")
        gym.communicate(timeout=60)
        assert gym.returncode == 0
    with (tmp_path / GYM_LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_what_lies_behind_is_seen_only_once_it_is_over(tmp_path: Path) -> None:
    past = PlannedRun("past", "baseline-8b", 2, 2, 4, timedelta(hours=3))
    async with engine_at(tmp_path / "db", Pace(), temperaments=AGENTS) as engine:
        with launching(engine, first=(), past=(past,)):
            await until(lambda: asyncio.sleep(0, "past" in names(engine)))
            assert engine.database.count_active("past") == 0
        rollouts = engine.database.rollouts(run_id="past")
        assert len(rollouts) == 4
        assert all(engine.database.artifacts(row.rollout_id) is not None for row in rollouts)
