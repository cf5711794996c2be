"""How many requests model servers get at once, and how many rollouts run."""

import asyncio
from pathlib import Path
from unittest.mock import AsyncMock

import httpcore
import httpx
import pytest

from gymtui.gym.engine.engine import Engine
from gymtui.gym.models import probe
from gymtui.gym.models.limiter import Limiter, Timer
from gymtui.gym.models.model_client import ModelClient
from gymtui.gym.models.model_servers import ModelServers, ServerLimits
from gymtui.gym.models.transport import JoinedWrites
from gymtui.gym.wire import ModelConfig
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import CUT, HANG, FakeTime, ModelServer, error, model_server
from tests.gym.one_rollout import DONE
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


async def test_one_request_begins_in_a_round_of_the_event_loop() -> None:
    rounds = 0
    begun_in: list[int] = []

    def answer(_request: httpx.Request) -> httpx.Response:
        begun_in.append(rounds)
        return httpx.Response(200, json={"choices": []})

    async def count_rounds() -> None:
        nonlocal rounds
        while True:
            await asyncio.sleep(0)
            rounds += 1

    servers = ModelServers(ModelClient(httpx.MockTransport(answer)))
    settings = ModelConfig(model="m", api_key="", base_url="http://127.0.0.1:1/v1")
    counting = asyncio.create_task(count_rounds())
    await asyncio.gather(*(servers.complete(settings, {"messages": []}) for _ in range(6)))
    counting.cancel()
    await servers.close()
    assert len(set(begun_in)) == 6, "what else the loop serves goes on between them"


async def test_one_server_has_one_limit_however_it_is_written() -> None:
    servers = ModelServers(ModelClient(httpx.MockTransport(lambda _request: httpx.Response(200))))
    urls = ("http://host/v1", "http://host/v1/", "http://HOST/v1", "http://u:p@host/v1")
    limiters = [servers.limiter(ModelConfig(model="m", api_key="", base_url=url)) for url in urls]
    assert len({id(limiter) for limiter in limiters}) == 1
    await servers.close()


async def test_a_server_that_says_nothing_is_not_waited_for_at_launch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "REACH_TIMEOUT_S", 0.01)

    async def silent(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    servers = ModelServers(ModelClient(httpx.MockTransport(silent)))
    settings = ModelConfig(model="m", api_key="", base_url="http://127.0.0.1:1/v1")
    words = await probe.probe_model(servers, settings)
    assert words == "cannot reach http://127.0.0.1:1/v1: timeout"
    await servers.close()


# -- connections ----------------------------------------------------------------------------------


async def test_a_connection_is_used_again_and_no_more_are_opened_than_at_once() -> None:
    async with model_server(DONE) as server, ModelClient() as client:
        for _ in range(5):
            assert (await client.post(f"{server.url}/chat/completions", json={})).is_success
        assert server.connections_ever == 1
        server.plays = [HANG]
        asked = [client.post(f"{server.url}/chat/completions", json={}) for _ in range(7)]
        together = asyncio.gather(*asked)
        await in_flight(server, 7)
        server.let_go()
        await together
        assert server.connections_ever == 7


async def test_a_request_goes_out_whole() -> None:
    wire = AsyncMock(httpcore.AsyncNetworkStream)
    stream = JoinedWrites(wire)
    await stream.write(b"head")
    await stream.write(b"body")
    assert await stream.read(9) is await stream.read(9)
    wire.write.assert_awaited_once_with(b"headbody", None)


async def test_whoever_hung_up_early_may_have_said_why() -> None:
    wire = AsyncMock(httpcore.AsyncNetworkStream)
    wire.write.side_effect = httpcore.WriteError("closed")
    wire.read.return_value = b"413"
    stream = JoinedWrites(wire)
    await stream.write(b"too long")
    assert await stream.read(9) == b"413"


async def test_what_was_cut_or_cancelled_leaves_a_way_that_works() -> None:
    async with model_server(CUT, DONE, HANG) as server, ModelClient() as client:
        url = f"{server.url}/chat/completions"
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(url, json={})
        assert (await client.post(url, json={})).is_success
        asked = asyncio.create_task(client.post(url, json={}))
        await in_flight(server, 1)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await in_flight(server, 0)
        server.plays = [DONE]
        assert (await client.post(url, json={})).is_success


async def test_a_proxy_of_the_environment_is_used_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with model_server(error(418, {})) as proxy:
        for name in ("ALL_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
            async with ModelClient() as client:
                url = httpx.URL("http://models.test/v1/chat/completions")
                asked, opened = await client.post(url), await client.open("POST", url, b"{}", {})
                await opened.aclose()
            assert asked.status_code == opened.status_code == 418
            monkeypatch.delenv(name)
    assert [one.path for one in proxy.sent] == ["http://models.test/v1/chat/completions"] * 4
