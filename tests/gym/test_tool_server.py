"""Tools of a server somewhere else, in the vendor's HTTP form."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.response_body import MOST_BYTES
from gymtui.gym.tools import remote
from gymtui.gym.wire import ModelConfig
from tests.gym.engines import engine_at, start
from tests.gym.model_server import CUT, Play, Raw, Sent, calling, error, model_server, saying
from tests.gym.one_rollout import DONE, rolled_out

TASK = "schedule_phone_screen"
ECHO = {
    "name": "echo",
    "description": "Says it again.",
    "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}},
}
LISTED = Raw(json.dumps({"tools": [ECHO]}).encode())
SEEN = {"is_error": False, "text": "hello", "content": [], "structured_content": {"n": 1}}
STEP = Raw(json.dumps({"observation": SEEN, "reward": None, "done": False}).encode())


class ToolServer:
    """What it was asked, and what it answers."""

    def __init__(self, url: str, sent: list[Sent]) -> None:
        self.url = url
        self._sent = sent

    @property
    def steps(self) -> list[Any]:
        return [one.body for one in self._sent if one.path.endswith("/step")]


@asynccontextmanager
async def tool_server(tools: Play = LISTED, step: Play = STEP) -> AsyncIterator[ToolServer]:
    """A server of tools; it ends with the block."""
    async with model_server(lambda body: tools if body is None else step) as server:
        yield ToolServer(server.url.removesuffix("/v1"), server.sent)


async def with_tools(directory: Path, url: str, *plays: Play) -> Any:
    """One rollout of an agent whose tools are there, judged by a rubric."""
    async with model_server(saying('{"score": 1}')) as judging:
        judge = ModelConfig.model_validate({"model": "j", "api_key": "k", "base_url": judging.url})
        return await rolled_out(
            directory,
            *plays,
            settings={"tool_server_url": url},
            task_overrides={TASK: {"rubric_markdown": "# R"}},
            gym={"judge": judge},
        )


async def test_an_agent_calls_the_tools_there(tmp_path: Path) -> None:
    async with tool_server() as tools:
        say = calling("tools__echo", '{"text": "hello"}')
        ended = await with_tools(tmp_path, tools.url, say, DONE)
    assert (ended.rollout.status, ended.rollout.result.success) == ("completed", True)
    [function] = ended.server.bodies[0]["tools"]
    assert function["function"] == {
        "name": "tools__echo",
        "description": "Says it again.",
        "parameters": ECHO["input_schema"],
    }
    assert tools.steps == [{"action": {"tool_name": "echo", "parameters": {"text": "hello"}}}]
    [result] = ended.artifacts.tool_results
    assert (result.observation, result.is_error) == (SEEN, False)
    assert json.loads(ended.server.bodies[1]["messages"][-1]["content"]) == SEEN
    [told] = [m["content"] for m in ended.artifacts.messages if m["role"] == "tool"]
    assert (told["tool_server"], told["tool_name"], told["summary"]) == ("tools", "echo", "hello")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (error(500, {}), "answers POST /step with 500"),
        (CUT, "no answer to POST /step"),
        (Raw(b"<html>"), "not JSON"),
        (Raw(b" " * (MOST_BYTES + 1)), "larger than 16 MiB"),
    ],
)
async def test_a_call_that_fails_is_told_to_the_agent(
    tmp_path: Path, step: Play, words: str
) -> None:
    async with tool_server(step=step) as tools:
        ended = await with_tools(tmp_path, tools.url, calling("tools__echo"), DONE)
    assert ended.rollout.status == "completed"
    [result] = ended.artifacts.tool_results
    assert result.is_error
    assert words in result.observation["text"]


@pytest.mark.parametrize("answer", [{"observation": {"is_error": True, "text": "no"}}, [1], None])
async def test_any_answer_is_kept(tmp_path: Path, answer: Any) -> None:
    async with tool_server(step=Raw(json.dumps(answer).encode())) as tools:
        ended = await with_tools(tmp_path, tools.url, calling("tools__echo"), DONE)
    [result] = ended.artifacts.tool_results
    expected = answer["observation"] if isinstance(answer, dict) else answer
    assert result.observation == expected
    assert result.is_error == isinstance(answer, dict)


async def test_a_tool_that_is_not_there_is_an_error_of_the_agents(tmp_path: Path) -> None:
    async with tool_server() as tools:
        ended = await with_tools(tmp_path, tools.url, calling("email__list_emails"), DONE)
        assert tools.steps == []
    assert ended.artifacts.tool_results[0].observation["error"] == "unknown_tool"


@pytest.mark.parametrize(
    "tools",
    [
        *(CUT, error(404, {}), Raw(b"<html>"), Raw(b"{}"), Raw(b'{"tools": []}')),
        Raw(b'{"tools": [{"description": "x"}]}'),
        Raw(b'{"tools": [7]}'),
    ],
)
async def test_a_server_that_lists_no_tools_is_refused_at_launch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: Play
) -> None:
    monkeypatch.setattr(remote, "MCP_OPEN_S", 0.2)
    async with tool_server(tools=tools) as server, model_server(DONE) as model:
        judge = ModelConfig.model_validate({"model": "j", "api_key": "k", "base_url": model.url})
        async with engine_at(tmp_path / "db", judge=judge) as engine:
            settings = {
                **{"model": "m", "api_key": "k", "base_url": model.url},
                "tool_server_url": server.url,
            }
            overrides = {TASK: {"rubric_markdown": "# R"}}
            with pytest.raises(LaunchRefusedError) as refusal:
                await start(engine, model_config=settings, task_overrides=overrides)
    assert [item.loc for item in refusal.value.problems] == [("model_config", "tool_server_url")]


async def test_what_the_verifiers_cannot_see_needs_a_rubric(tmp_path: Path) -> None:
    async with (
        tool_server() as server,
        model_server(DONE) as model,
        engine_at(tmp_path / "db") as engine,
    ):
        settings = {"model": "m", "api_key": "k", "base_url": model.url}
        with pytest.raises(LaunchRefusedError, match="rubric_markdown"):
            await start(engine, model_config={**settings, "tool_server_url": server.url})
