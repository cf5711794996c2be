"""What ends a rollout from outside: a cancel, a delete, a restart, a full disk."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.gym.clock import Pace
from gymtui.gym.engine.database_file import DatabaseFile
from gymtui.gym.engine.engine import Engine
from gymtui.gym.engine.records import StorageError
from gymtui.gym.engine.restart import CUT_OFF
from gymtui.gym.http.server import GymOptions, create_app
from gymtui.gym.models.limiter import Timer
from gymtui.gym.wire import ModelConfig
from tests.gym.engines import Turnstile, engine_at, finish, start
from tests.gym.model_server import HANG, FakeTime, ModelServer, error, model_server
from tests.gym.one_rollout import DONE, LOOK
from tests.gym.running_gym import FAST, launch_body, until


@asynccontextmanager
async def client_of(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    app = httpx.ASGITransport(create_app(engine, GymOptions()))
    async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
        yield client


async def hanging(server: ModelServer, count: int = 1) -> None:
    async def hangs() -> bool:
        return server.in_flight == count and not server.plays[1:]

    await until(hangs, what=f"{count} requests that hang")


async def test_a_cancel_ends_the_request_in_flight(tmp_path: Path) -> None:
    async with model_server(LOOK, HANG) as server, engine_at(tmp_path / "db") as engine:
        run_id = await start(engine, model="m", base_url=server.url)
        await hanging(server)
        assert engine.cancel(run_id) == 1
        [rollout] = await finish(engine, run_id)
        await hanging(server, 0)
        artifacts = engine.database.artifacts(rollout.rollout_id)
    assert (rollout.status, rollout.termination_reason) == ("failed", "cancelled")
    assert artifacts is not None
    assert (artifacts.error, len(artifacts.tool_results)) == ("Cancelled", 1)


async def test_a_cancel_ends_the_wait_for_another_try(tmp_path: Path) -> None:
    held = Turnstile()
    async with (
        model_server(error(429, {}, Retry_After="120")) as server,
        engine_at(tmp_path / "db", timer=Timer(sleep=held.sleep)) as engine,
    ):
        run_id = await start(engine, model="m", base_url=server.url)
        await held.settle(1)
        engine.cancel(run_id)
        [rollout] = await finish(engine, run_id)
    assert (rollout.status, rollout.termination_reason) == ("failed", "cancelled")


async def test_a_delete_ends_the_request_in_flight(tmp_path: Path) -> None:
    async with model_server(HANG) as server, engine_at(tmp_path / "db") as engine:
        run_id = await start(engine, model="m", base_url=server.url, rollout_count=3)
        await hanging(server, 3)
        assert engine.delete(run_id) == 3
        await hanging(server, 0)
        assert engine.database.rollouts() == []


async def test_a_real_models_rollout_takes_the_time_it_takes(tmp_path: Path) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    async with (
        model_server(LOOK, DONE) as server,
        engine_at(tmp_path / "db", Pace(sleep=note), failure_share=1.0) as engine,
    ):
        [rollout] = await finish(engine, await start(engine, model="m", base_url=server.url))
        phases = engine.database.phases(rollout.rollout_id)
    assert rollout.status == "completed"
    assert sum(waited) == 0
    assert [span.phase for span in phases or []] == [
        *("building_environment", "seeding", "agent_running", "verifying")
    ]


async def test_every_phase_is_seen_by_who_asks_often_enough(tmp_path: Path) -> None:
    turnstile = Turnstile()
    async with (
        model_server(DONE) as server,
        engine_at(tmp_path / "db", Pace(sleep=turnstile.sleep)) as engine,
    ):
        run_id = await start(engine, model="m", base_url=server.url)
        seen = []
        while engine.database.count_active(run_id):
            await turnstile.settle(1)
            [rollout] = engine.database.rollouts(run_id=run_id)
            seen.append(rollout.phase)
            turnstile.let_through()

            async def moved() -> bool:
                return turnstile.waiting == 1 or engine.database.count_active(run_id) == 0

            await until(moved)
    assert seen == ["building_environment", "seeding", "agent_running", "verifying"]


# -- a restart ------------------------------------------------------------------------------------


async def test_what_is_cut_off_keeps_what_happened_and_what_waits_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "db"
    async with model_server(LOOK, HANG) as server:
        async with engine_at(path) as engine:
            run_id = await start(
                engine, model="m", base_url=server.url, rollout_count=3, max_parallel=1
            )
            await hanging(server)
        server.plays = [DONE]
        async with engine_at(path) as engine, client_of(engine) as client:
            cut, *others = await finish(engine, run_id)
            answer = (await client.get(f"/rollouts/{cut.rollout_id}/artifacts")).json()
        assert "authorization" not in server.sent[-1].headers, "the key was not kept"
    assert (cut.status, cut.termination_reason) == ("failed", CUT_OFF)
    kept = answer["artifacts"]
    assert [message["role"] for message in kept["messages"]] == ["user", "assistant", "tool"]
    assert (kept["steps_taken"], kept["error"]) == (1, CUT_OFF)
    assert "Nadia Petrov" in str(kept["tool_results"])
    assert {other.status for other in others} == {"completed"}


async def test_what_cannot_go_on_after_a_restart_says_what_it_takes(tmp_path: Path) -> None:
    path = tmp_path / "db"
    async with model_server(HANG) as server:
        about = {"model": "m", "base_url": server.url, "rollout_count": 2, "max_parallel": 1}
        judge = ModelConfig.model_validate({"model": "j", "api_key": "", "base_url": server.url})
        overrides = {"schedule_phone_screen": {"rubric_markdown": "# R"}}
        async with engine_at(path, judge=judge) as engine:
            run_id = await start(engine, **about, task_overrides=overrides)
            await hanging(server)
        async with engine_at(path) as engine:
            cut, waiting = await finish(engine, run_id)
    assert cut.termination_reason == CUT_OFF
    words = "it cannot go on: Start the gym with --judge-model to have this judged"
    assert waiting.termination_reason == f"{CUT_OFF}, and {words}"


async def test_nothing_is_kept_twice(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "db") as engine:
        [rollout] = await finish(engine, await start(engine))
        assert engine.database.progress(rollout.rollout_id) == []


def test_a_database_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "db"
    DatabaseFile(path).close()
    old = sqlite3.connect(path)
    old.executescript("DROP TABLE progress; PRAGMA user_version = 1")
    old.close()
    with DatabaseFile(path) as database:
        assert database.progress("none") == []


# -- a full disk ----------------------------------------------------------------------------------


class FullDisk:
    """A connection to a database on a disk that is full when a test says so."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.full = False

    def execute(self, statement: str, *values: Any) -> Any:
        if self.full and statement.split()[0] in ("BEGIN", "INSERT", "UPDATE", "DELETE"):
            raise StorageError("database or disk is full")
        return self.connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


async def test_a_full_disk_fails_the_run_and_says_so(tmp_path: Path) -> None:
    time, held = FakeTime(), Turnstile()
    with DatabaseFile(tmp_path / "db") as database:
        disk = database._connection = FullDisk(database._connection)  # type: ignore[assignment]

        async def make_room(seconds: float) -> None:
            disk.full = False

        engine = Engine(
            database,
            pace=Pace(sleep=held.sleep),
            failure_share=0.0,
            timer=Timer(time.now, make_room),
        )
        run_id = await start(engine, rollout_count=5, max_parallel=2)
        await held.settle(2)
        disk.full = True
        held.let_through()
        rollouts = await finish(engine, run_id)
        assert {item.status for item in rollouts} == {"failed"}
        reasons = {item.termination_reason for item in rollouts}
        assert reasons == {"the gym cannot keep what happens: database or disk is full"}
        assert engine.unfinished_runs == 0
        again = await start(engine)
        await held.settle(1)
        held.let_through()
        assert engine.database.has_run(again)
        await engine.stop()


async def test_what_was_reserved_makes_room_at_once(tmp_path: Path) -> None:
    reserve = tmp_path / "db-reserve"
    held = Turnstile()
    with DatabaseFile(tmp_path / "db") as database:
        assert reserve.stat().st_size >= 1 << 20
        disk = database._connection = FullDisk(database._connection)  # type: ignore[assignment]
        engine = Engine(database, pace=Pace(sleep=held.sleep), failure_share=0.0)
        run_id = await start(engine)
        await held.settle(1)
        disk.full = True
        make_room = database.make_room

        def room_is_made() -> None:
            make_room()
            disk.full = False

        database.make_room = room_is_made  # type: ignore[method-assign]
        held.let_through()
        [rollout] = await finish(engine, run_id)
        assert "disk is full" in str(rollout.termination_reason)
        assert not reserve.exists()
        # The next run is not begun without one: it could not be failed.
        database._reserve = tmp_path / "nowhere" / "db-reserve"
        with pytest.raises(StorageError, match="disk is full"):
            await start(engine)
        database._reserve = tmp_path / "other-reserve"
        await start(engine)
        assert database._reserve.stat().st_size >= 1 << 20
        await engine.stop()


async def test_a_launch_on_a_full_disk_is_refused(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "db", Pace(FAST)) as engine, client_of(engine) as client:
        disk = engine.database._connection = FullDisk(engine.database._connection)  # type: ignore[assignment]
        disk.full = True
        answer = await client.post("/runs", json=launch_body())
        assert answer.status_code == 507
        assert "disk is full" in answer.json()["detail"]
        disk.full = False
        assert (await client.get("/runs")).json()["total"] == 0


# -- whom it answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8765"}, 200),
        ({"Host": "[::1]:8765"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "evil.example:8765"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "192.0.2.1"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "[oops"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
    ],
)
async def test_a_page_of_another_site_is_not_answered(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with engine_at(tmp_path / "db") as engine, client_of(engine) as client:
        assert (await client.get("/runs", headers=headers)).status_code == status
