"""Tools of a server that speaks MCP, on a server of the test's that records what it is sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.tools import mcp_session
from tests.gym.model_server import Play, Raw, calling, error, model_server
from tests.gym.one_rollout import DONE
from tests.gym.test_tool_server import with_tools

ECHO = {
    "name": "echo",
    "description": "Says it again.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
}
MORE = {"name": "more", "inputSchema": {"type": "object"}}
SAID = {"content": [{"type": "text", "text": "hello"}], "isError": False}


def speaking_mcp(**results: Any) -> Play:
    """A server whose requests have these results; its tools come on two pages."""

    def listed(params: Any) -> Any:
        is_second = (params or {}).get("cursor") == "2"
        return {"tools": [MORE]} if is_second else {"tools": [ECHO], "nextCursor": "2"}

    def play(body: Any) -> Raw:
        if body is None:
            return error(405, {})
        if "id" not in body:
            return Raw(b"", 202)
        method, params = body["method"], body.get("params")
        if method == "initialize":
            about = {"serverInfo": {"name": "t", "version": "1"}, "capabilities": {"tools": {}}}
            result: Any = {"protocolVersion": params["protocolVersion"], **about}
        else:
            result = listed(params) if method == "tools/list" else results[method]
        answer = {"jsonrpc": "2.0", "id": body["id"]}
        if isinstance(result, str):
            return Raw(json.dumps({**answer, "error": {"code": -1, "message": result}}).encode())
        return Raw(json.dumps({**answer, "result": result}).encode())

    return play


async def test_an_agent_calls_the_tools_there(tmp_path: Path) -> None:
    pytest.importorskip("mcp", reason="the extra `mcp` is not installed")
    async with model_server(speaking_mcp(**{"tools/call": SAID})) as server:
        say = calling("tools__echo", '{"text": "hello"}')
        ended = await with_tools(tmp_path, server.url, say, DONE)
        called = [one.body for one in server.sent if one.body and "call" in one.body["method"]]
    assert ended.rollout.status == "completed", ended.reason
    functions = [item["function"] for item in ended.server.bodies[0]["tools"]]
    assert [item["name"] for item in functions] == ["tools__echo", "tools__more"]
    assert functions[0]["parameters"] == ECHO["inputSchema"]
    assert [item["params"]["arguments"] for item in called] == [{"text": "hello"}]
    [result] = ended.artifacts.tool_results
    assert (result.observation["text"], result.is_error) == ("hello", False)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"content": [{"type": "text", "text": "no such text"}], "isError": True}, "no such text"),
        ("it broke", "no answer by MCP (McpError)"),
    ],
)
async def test_a_call_that_fails_is_told_to_the_agent(
    tmp_path: Path, result: Any, words: str
) -> None:
    pytest.importorskip("mcp", reason="the extra `mcp` is not installed")
    async with model_server(speaking_mcp(**{"tools/call": result})) as server:
        ended = await with_tools(tmp_path, server.url, calling("tools__echo"), DONE)
    assert ended.rollout.status == "completed", ended.reason
    [seen] = ended.artifacts.tool_results
    assert seen.is_error
    assert words in seen.observation["text"]


async def test_a_server_that_speaks_neither_form_is_refused_at_launch(tmp_path: Path) -> None:
    pytest.importorskip("mcp", reason="the extra `mcp` is not installed")
    async with model_server(error(404, {})) as server:
        with pytest.raises(LaunchRefusedError) as refusal:
            await with_tools(tmp_path, server.url, DONE)
    [problem] = refusal.value.problems
    assert problem.loc == ("model_config", "tool_server_url")
    assert "answers GET /tools with 404" in problem.message
    assert "it answers MCP with 404" in problem.message


async def test_without_the_extra_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_session, "find_spec", lambda _name: None)
    async with model_server(speaking_mcp()) as server:
        with pytest.raises(LaunchRefusedError, match=r"gymtui\[mcp\]"):
            await with_tools(tmp_path, server.url, DONE)
