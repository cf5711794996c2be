"""How many requests model servers get at once, and how many rollouts run."""

import asyncio
from pathlib import Path

import pytest

from gymtui.gym.engine.engine import Engine
from gymtui.gym.models.limiter import Limiter, Timer
from gymtui.gym.models.model_servers import ServerLimits
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import HANG, FakeTime, ModelServer, model_server
from tests.gym.running_gym import until


async def in_flight(server: ModelServer, count: int) -> None:
    async def so_many() -> bool:
        return server.in_flight == count

    await until(so_many, what=f"{count} requests at once")


async def test_as_many_requests_at_once_as_rollouts(tmp_path: Path) -> None:
    async with (
        model_server(HANG) as server,
        engine_at(tmp_path / "db", server_limits=ServerLimits(at_once=150)) as engine,
    ):
        run_id = await start(
            engine, model="m", base_url=server.url, rollout_count=160, max_parallel=150
        )
        await in_flight(server, 150)
        server.let_go()
        rollouts = await finish(engine, run_id)
    assert {rollout.status for rollout in rollouts} == {"completed"}


async def test_one_limit_for_a_model_over_all_runs(tmp_path: Path) -> None:
    async with (
        model_server(HANG) as server,
        engine_at(tmp_path / "db", server_limits=ServerLimits(at_once=3)) as engine,
    ):
        one, other = [
            await start(engine, model="m", base_url=server.url, rollout_count=4) for _ in range(2)
        ]
        beside = await start(engine, model="another", base_url=server.url, rollout_count=2)
        await in_flight(server, 3 + 2)
        server.let_go()
        for run_id in (one, other, beside):
            assert {item.status for item in await finish(engine, run_id)} == {"completed"}
    assert server.peak == 5


async def test_a_limit_over_all_runs(tmp_path: Path) -> None:
    async with (
        model_server(HANG) as server,
        engine_at(tmp_path / "db", most_parallel=5) as engine,
    ):
        one, other = [
            await start(engine, model="m", base_url=server.url, rollout_count=4, max_parallel=count)
            for count in (2, 4)
        ]
        await in_flight(server, 5)
        assert (running(engine, one), running(engine, other)) == (2, 3)
        server.let_go()
        for run_id in (one, other):
            assert {item.status for item in await finish(engine, run_id)} == {"completed"}
    assert server.peak == 5


def running(engine: Engine, run_id: str) -> int:
    run = engine.database.run(run_id)
    assert run is not None
    return run.running


async def test_a_server_that_is_asked_too_much_is_asked_less() -> None:
    time = FakeTime()
    limiter = Limiter(16, Timer(time.now, time.sleep))

    async def asks(much: bool) -> None:
        async with limiter.slot() as round_:
            await asyncio.sleep(0)
            if much:
                limiter.slower(round_, 10.0)
            else:
                limiter.faster()

    await asyncio.gather(*(asks(True) for _ in range(16)))
    assert limiter.limit == 8, "those who were refused together count once"
    assert time.now_s == 0.0
    await asks(False)
    assert time.now_s == pytest.approx(10.0), "whoever comes next waits for the pause to end"
    for _ in range(200):
        await asks(False)
    assert limiter.limit == 16


async def test_who_is_cancelled_while_waiting_leaves_no_place_taken() -> None:
    limiter = Limiter(1, Timer())

    async def holds(until_told: asyncio.Event) -> None:
        async with limiter.slot():
            await until_told.wait()

    told = asyncio.Event()
    first = asyncio.create_task(holds(told))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(holds(told)) for _ in range(3)]
    await asyncio.sleep(0)
    told.set()
    waiting[0].cancel()
    # The place is given to the second waiter in the very turn in which it is cancelled.
    await first
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with limiter.slot():
        pass
