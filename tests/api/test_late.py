"""A client that is made when it is first needed: once, off the event loop, its faults told."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gymtui.api import lazy_client
from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import UnsafeUrl
from gymtui.api.lazy_client import LazyClient
from gymtui.api.models import Rollout, RunStatus, build_models
from gymtui.api.request import Call
from gymtui.api.response import Answer
from gymtui.core.secret import ApiKey


class Gym(Endpoints):
    """Answers everything; knows where it was made and whether it is closed."""

    def __init__(self) -> None:
        self.made_in = threading.current_thread()
        self.asked: list[str] = []
        self.closed = False

    async def _ask(self, call: Call) -> Answer:
        self.asked.append(call.name)
        return Answer(b"{}", None, 0.0, 0.0, 2)

    def use_key(self, key: ApiKey) -> None:
        self.key = key

    async def aclose(self) -> None:
        self.closed = True


async def test_it_is_made_once_and_not_on_the_event_loop() -> None:
    made: list[Gym] = []

    def make() -> Gym:
        made.append(Gym())
        return made[-1]

    client = LazyClient(make)
    assert made == []
    await asyncio.gather(client.list_runs(), client.list_rollouts())
    await client.get_run("r")
    [gym] = made
    assert gym.made_in is not threading.current_thread()
    assert sorted(gym.asked) == ["GET /rollouts", "GET /runs", "GET /runs/{run_id}"]
    await client.aclose()
    assert gym.closed


async def test_what_reads_answers_is_built_once_beside_the_first_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built_in: list[threading.Thread] = []

    def build() -> None:
        built_in.append(threading.current_thread())
        build_models()

    client = LazyClient(Gym)
    monkeypatch.setattr(lazy_client, "build_models", build)
    for _ in range(2):
        await client.list_runs()
        assert Rollout.__pydantic_complete__
        assert RunStatus.__pydantic_complete__
    [thread] = built_in
    assert thread is not threading.current_thread()


async def test_what_keeps_it_from_being_made_is_told_to_each_who_asks() -> None:
    faults = [UnsafeUrl("base URL plain http"), UnsafeUrl("base URL plain http")]

    def make() -> Gym:
        if faults:
            raise faults.pop()
        return Gym()

    client = LazyClient(make)
    for _ in range(2):
        with pytest.raises(UnsafeUrl, match="plain http"):
            await client.list_runs()
    assert (await client.list_runs()).body == b"{}"
    await client.aclose()


async def test_a_question_given_up_while_it_is_made_leaves_it_to_the_others() -> None:
    go_on = threading.Event()
    gym = Gym()

    def make() -> Gym:
        assert go_on.wait(60)
        return gym

    client = LazyClient(make)
    first, second = (asyncio.create_task(client.get_run(run_id)) for run_id in ("a", "b"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    go_on.set()
    await second
    assert gym.asked == ["GET /runs/{run_id}"]


async def test_closing_one_that_was_never_needed_makes_none() -> None:
    await LazyClient(Gym).aclose()
    failing = LazyClient(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    await failing.aclose()
