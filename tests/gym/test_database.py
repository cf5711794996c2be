"""The gym's memory, in a file and in PostgreSQL: the same statements read what was written."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gymtui.gym.engine.database import Database
from gymtui.gym.engine.database_place import Place, SharedDatabase
from gymtui.gym.engine.database_server import SERVER_VERSION
from gymtui.gym.engine.databases import open_database
from gymtui.gym.engine.records import (
    VERSION,
    DatabaseRefusedError,
    Ending,
    NewRollout,
    NewRun,
    PhaseSpan,
    RunNameTakenError,
)
from gymtui.gym.http.server import GymOptions, open_engine
from gymtui.gym.wire import Artifacts, Result
from tests.gym.engines import finish, start
from tests.gym.running_gym import FAST
from tests.helpers.postgres_server import Server, run_sql

T0, T1, T2 = (f"2026-11-29T12:00:0{n}.000000+00:00" for n in range(3))


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a gym may keep what it remembers, in turn."""
    if request.param == "file":
        return tmp_path / "gym.sqlite3"
    server: Server = request.getfixturevalue("postgres")
    return SharedDatabase(server.gym_database())


def add(database: Database, run_id: str, *tasks: str, scenario_id: str = "hr") -> int:
    run = NewRun(run_id, scenario_id, T0, {"model": "m", "provider": "custom"}, 2, None, {})
    rollouts = (NewRollout(f"{run_id}.{n}", task, n, 30) for n, task in enumerate(tasks))
    return database.add_run(run, rollouts)


def artifacts(text: str) -> Artifacts:
    return Artifacts(
        task_id="t",
        task="do it",
        model="m",
        provider="custom",
        messages=[{"role": "user", "content": text, "timestamp": T1}],
        tool_calls=[],
        tool_results=[],
        steps_taken=1,
        max_steps=30,
        final_observation=text,
        created_at=T1,
        metadata={},
        error=None,
    )


def test_a_rollout_is_read_as_it_was_written_and_over_a_restart(place: Place) -> None:
    with open_database(place) as database:
        assert add(database, "one", "a", "b") == 1
        assert database.begin("one.0", T1)
        assert not database.begin("one.0", T1), "it has begun"
        spans = [PhaseSpan("agent_running", T1)]
        database.set_phase("one.0", "agent_running", spans)
        database.set_step("one.0", 3)
        database.add_progress("one.0", '{"n": 1}')
        database.add_progress("one.0", '{"n": 2}')
        rollout = database.rollout("one.0")
        assert rollout is not None
        assert (rollout.phase, rollout.current_step) == ("agent_running", 3)
        assert database.progress("one.0") == [{"n": 1}, {"n": 2}]
        result = Result(success=True, message="ünï 😀", output={"score": 0.5})
        kept = artifacts("said 😀 \0")
        database.finish("one.0", Ending("completed", T2, result, None, kept, spans))
    with open_database(place) as database:
        done, waiting = database.rollouts(run_id="one")
        assert (done.status, done.phase, done.current_step) == ("completed", "completed", None)
        assert (done.started_at, done.completed_at, done.result) == (T1, T2, result)
        assert [(item.status, item.timestamp) for item in done.status_events] == [
            *(("pending", T0), ("running", T1), ("completed", T2))
        ]
        assert done.settings == {"model": "m", "provider": "custom"}
        assert (waiting.status, waiting.started_at) == ("pending", None)
        assert database.artifacts("one.0") == kept
        assert database.artifacts("one.1") is None
        assert (database.progress("one.0"), database.phases("one.0")) == ([], spans)
        assert database.phases("none") is None
        [left] = database.waiting_runs()
        assert (left.number, left.run.run_id, left.run.max_parallel) == (1, "one", 2)
        assert left.rollouts == [NewRollout("one.1", "b", 1, 30)]


def test_runs_are_listed_newest_first_a_page_at_a_time(place: Place) -> None:
    with open_database(place) as database:
        for number in range(5):
            add(database, f"r{number}", "a", "b", scenario_id="hr" if number % 2 else "shop")
        database.begin("r4.0", T1)
        database.fail(T1, "why", statuses=("pending",), run_id="r4")
        asked = {"source": None, "with_ids": True}
        total, runs = database.runs(scenario_id=None, limit=2, offset=1, **asked)
        assert (total, [run.run_id for run in runs]) == (5, ["r3", "r2"])
        assert runs[0].rollout_ids == ["r3.0", "r3.1"]
        total, runs = database.runs(scenario_id="shop", limit=9, offset=0, **asked)
        assert (total, [run.run_id for run in runs]) == (3, ["r4", "r2", "r0"])
        assert (runs[0].total, runs[0].running, runs[0].failed, runs[0].pending) == (2, 1, 1, 0)
        assert database.runs(scenario_id="none", limit=9, offset=9, **asked) == (0, [])
        assert database.run("none") is None
        assert database.finished_runs(but_newest=0) == []
        database.fail(T2, "why", statuses=("pending", "running"))
        assert database.finished_runs(but_newest=3) == ["r1", "r0"]


def test_a_name_is_taken_once_and_free_after_a_delete(place: Place) -> None:
    with open_database(place) as database:
        first = add(database, "one", "a")
        with pytest.raises(RunNameTakenError):
            add(database, "one", "b")
        assert [item.task_id for item in database.rollouts()] == ["a"]
        database.add_progress("one.0", "{}")
        assert database.delete_run("one") == 1
        assert database.delete_run("one") is None
        assert (database.rollouts(), database.progress("one.0")) == ([], [])
        assert add(database, "one", "b") > first


def test_what_ends_all_at_once_ends_where_it_was_meant(place: Place) -> None:
    with open_database(place) as database:
        add(database, "one", "a", "b")
        add(database, "two", "a")
        database.begin("one.0", T1)
        assert database.count_active("one") == 2
        assert database.fail(T2, "cancelled", statuses=("pending",), run_id="one") == 1
        assert database.fail(T2, "nothing", statuses=(), run_id="one") == 0
        assert [item.status for item in database.rollouts()] == ["running", "failed", "pending"]
        assert database.fail(T2, "cut off", statuses=("running",)) == 1
        assert [item.termination_reason for item in database.rollouts()] == [
            *("cut off", "cancelled", None)
        ]


@pytest.mark.parametrize("name", ["a\0b", "😀/%s?'\"\\", "​x", "%"])
def test_any_name_is_found_again(place: Place, name: str) -> None:
    with open_database(place) as database:
        add(database, name, name)
        assert database.has_run(name)
        assert not database.has_run(f"{name}.")
        [rollout] = database.rollouts(run_id=name, task_id=name)
        database.finish(rollout.rollout_id, Ending("failed", T1, termination_reason=name))
        assert database.count_active(name) == 0


def reached(place: Place) -> Callable[[str], object]:
    """What changes a database behind the gym's back."""
    if isinstance(place, SharedDatabase):
        return lambda statement: run_sql(place.url, f"SET search_path = gymtui_gym; {statement}")

    def change(statement: str) -> None:
        version = statement.replace("UPDATE version SET version", "PRAGMA user_version")
        with closing(sqlite3.connect(place)) as file:
            file.executescript(version)

    return change


def test_an_older_database_is_brought_to_this_version_and_a_newer_one_refused(
    place: Place,
) -> None:
    with open_database(place) as database:
        add(database, "one", "a")
    change = reached(place)
    if isinstance(place, SharedDatabase):
        change(
            "DROP TABLE workers, run_secrets, gym;"
            " ALTER TABLE rollouts DROP worker_id, DROP deaths;"
            " ALTER TABLE runs DROP cancelled, DROP is_open, DROP places"
        )
    change("DROP TABLE progress; UPDATE version SET version = 1")
    with open_database(place) as database:
        database.add_progress("one.0", "{}")
        assert database.progress("one.0") == [{}]
    newer = (SERVER_VERSION if isinstance(place, SharedDatabase) else VERSION) + 1
    change(f"UPDATE version SET version = {newer}")
    with pytest.raises(DatabaseRefusedError, match=f"is of version {newer}, this gym"):
        open_database(place)


async def test_a_gym_rolls_out_the_same_wherever_it_remembers(place: Place, tmp_path: Path) -> None:
    async def outcomes(at: Place) -> list[object]:
        async with open_engine(at, GymOptions(FAST, seed=7, failure_share=0.0)) as engine:
            tasks = ["schedule_phone_screen", "record_title_change"]
            run_id = await start(engine, task_ids=tasks, rollout_count=2, run_name="one")
            ended = await finish(engine, run_id)
            kept = [engine.database.artifacts(item.rollout_id) for item in ended]
            return [
                (item.task_id, item.status, item.result, found and found.tool_calls)
                for item, found in zip(ended, kept, strict=True)
            ]

    assert await outcomes(place) == await outcomes(tmp_path / "other")
