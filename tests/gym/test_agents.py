"""Agents on a model server, with the server played by the test."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.models.model_client import ModelClient
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.models.probe import probe
from gymtui.gym.wire import ModelConfig
from tests.gym.engines import engine_at, finish, start

BASE_URL = "http://models.test/v1"


class Server:
    """Plays a model server: answers each completion with the next of `turns`."""

    def __init__(self, *turns: dict[str, Any] | httpx.Response | Exception) -> None:
        self.turns = list(turns)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"data": []})
        self.requests.append(request)
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        if isinstance(turn, httpx.Response):
            return turn
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        return httpx.Response(200, json={"choices": [{"message": turn}], "usage": usage})

    @property
    def transport(self) -> httpx.MockTransport:
        """The way to it."""
        return httpx.MockTransport(self)


def calling(name: str, arguments: str) -> dict[str, Any]:
    call = {"id": "call_a", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


async def one(path: Path, server: Server, **changes: Any) -> tuple[Any, Any]:
    """Run one rollout on a played server and return it with its artifacts."""
    async with engine_at(path, model_transport=server.transport) as engine:
        run_id = await start(engine, model="some-model", base_url=BASE_URL, **changes)
        [rollout] = await finish(engine, run_id)
        return rollout, engine.database.artifacts(rollout.rollout_id)


async def test_a_served_model_acts_through_the_tools(tmp_path: Path) -> None:
    search = calling("hr_records__search_candidates", '{"query": "Nadia"}')
    server = Server(search, {"role": "assistant", "content": "That is all."})
    rollout, artifacts = await one(tmp_path / "db", server)
    assert rollout.status == "completed"
    assert rollout.result.success is False
    assert artifacts.final_observation == "That is all."
    assert artifacts.steps_taken == 1
    assert artifacts.tool_results[0].observation["candidates"][0]["name"] == "Nadia Petrov"
    tokens = artifacts.metadata["rollout_metrics"]["token_usage"]
    assert tokens["prompt_tokens_total"] == 200
    assert "cost" not in artifacts.metadata["rollout_metrics"]

    first, second = (json.loads(request.content) for request in server.requests)
    assert server.requests[0].url == f"{BASE_URL}/chat/completions"
    assert server.requests[0].headers["authorization"] == "Bearer not-needed"
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert (first["model"], first["temperature"]) == ("some-model", 0.7)
    names = {tool["function"]["name"] for tool in first["tools"]}
    assert {"calendar__create_event", "email__send_email"} <= names
    assert [message["role"] for message in second["messages"]][2:] == ["assistant", "tool"]
    assert second["messages"][3]["tool_call_id"] == "call_a"
    assert "Nadia Petrov" in second["messages"][3]["content"]


async def test_arguments_that_are_no_json_are_told_to_the_model(tmp_path: Path) -> None:
    server = Server(
        calling("email__read_email", "{oops"), calling("nonsense", ""), {"content": "I give up."}
    )
    rollout, artifacts = await one(tmp_path / "db", server)
    assert rollout.status == "completed"
    assert [result.is_error for result in artifacts.tool_results] == [True, True]
    assert artifacts.tool_results[0].observation["error"] == "invalid_parameters"


async def test_a_model_that_never_ends_reaches_the_step_limit(tmp_path: Path) -> None:
    server = Server(*[calling("email__list_emails", "{}")] * 2)
    rollout, _ = await one(tmp_path / "db", server, max_steps=2)
    assert (rollout.status, rollout.termination_reason) == ("completed", "max_steps")


class LateCall:
    """Plays a server on which the run is cancelled while the model answers."""

    cancel: Callable[[], object]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            return httpx.Response(200)
        self.cancel()
        message = calling("email__list_emails", "{}")
        return httpx.Response(200, json={"choices": [{"message": message}]})


async def test_what_a_model_asks_for_after_a_cancel_is_not_carried_out(tmp_path: Path) -> None:
    late_call = LateCall()
    async with engine_at(tmp_path / "db", model_transport=httpx.MockTransport(late_call)) as engine:
        late_call.cancel = lambda: engine.cancel(run_id)
        run_id = await start(engine, model="some-model", base_url=BASE_URL)
        [rollout] = await finish(engine, run_id)
        artifacts = engine.database.artifacts(rollout.rollout_id)
    assert (rollout.status, rollout.termination_reason) == ("failed", "cancelled")
    assert artifacts is not None
    assert (artifacts.error, artifacts.tool_calls) == ("Cancelled", [])


async def test_an_endpoint_that_cannot_be_reached_is_refused_at_launch(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    transport = httpx.MockTransport(refuse)
    async with engine_at(tmp_path / "db", model_transport=transport) as engine:
        with pytest.raises(LaunchRefusedError) as refusal:
            await start(engine, model="m", base_url=BASE_URL)
        assert refusal.value.problems[0].loc == ("model_config", "base_url")
        assert engine.database.rollouts() == []


def answering(status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status)


def late(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("late")


@pytest.mark.parametrize(
    ("play", "error_type"),
    [
        (answering(200), None),
        (answering(401), "authentication_error"),
        (answering(404), "invalid_model"),
        (answering(429), "rate_limit"),
        (answering(400), "bad_request"),
        (answering(500), "unknown"),
        (late, "timeout"),
    ],
)
async def test_a_probe_names_what_went_wrong(
    play: Callable[[httpx.Request], httpx.Response], error_type: str | None
) -> None:
    settings = ModelConfig.model_validate({"model": "m", "base_url": BASE_URL, "api_key": "ck_x"})
    async with ModelClient(httpx.MockTransport(play)) as client:
        result = await probe(ModelServers(client), settings)
    assert (result.success, result.error_type) == (error_type is None, error_type)
    assert "ck_x" not in result.message
