"""Tools of a server somewhere else: the vendor's HTTP form (`GET /tools`, `POST /step`), or MCP."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from gymtui.gym.json_text import parse
from gymtui.gym.response_body import TooLargeError, read_body
from gymtui.gym.tools.mcp_session import McpError, McpSession
from gymtui.gym.tools.toolbox import SEPARATOR, Call, Observation

TIMEOUT_S = 60.0  # of one call
MCP_OPEN_S = 10.0
"""How long a server may take to begin a conversation by MCP; one that speaks none never does."""
SERVER = "tools"  # what a server is called that has no name of its own


class ToolServerError(Exception):
    """The server cannot be used; the message says why, in words of ours."""


class RemoteTools:
    """The tools of one server, which may speak the vendor's HTTP form or MCP."""

    def __init__(self, client: httpx.AsyncClient, url: str, server: str = SERVER) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self.server = server
        # The tools as OpenAI function definitions; none before `open`.
        self.functions: list[dict[str, Any]] = []
        self._session: McpSession | None = None

    async def open(self) -> None:
        """Ask what there is: in the vendor's form, and by MCP where that is none.

        Raises:
            ToolServerError: There is no answer, or none that lists tools.
        """
        try:
            listed = await self._listed()
        except ToolServerError as error:
            self._session = McpSession(self._url, self._own_client)
            try:
                listed = await self._session.open(MCP_OPEN_S)
            except McpError as other:
                raise ToolServerError(f"{error}; {other}") from None
        self.functions = [_function(item, self.server) for item in listed]
        if not self.functions:
            raise ToolServerError("it has no tools")

    async def close(self) -> None:
        """End the conversation, where there is one."""
        if self._session is not None:
            await self._session.close()

    async def _listed(self) -> list[Any]:
        answer = await self._ask("GET", "/tools", None)
        listed = answer.get("tools") if isinstance(answer, Mapping) else answer
        if not isinstance(listed, list):
            raise ToolServerError("its answer to GET /tools lists no tools")
        return listed

    def _own_client(self) -> httpx.AsyncClient:
        host = httpx.URL(self._url).host
        is_near = host in ("localhost", "127.0.0.1", "::1")
        # This machine is reached through no proxy, whatever the environment says.
        return httpx.AsyncClient(timeout=httpx.Timeout(TIMEOUT_S), trust_env=not is_near)

    def has(self, call: Call) -> bool:
        return any(item["function"]["name"] == call.function_name for item in self.functions)

    async def call(self, call: Call) -> Observation:
        """Make a call. Whatever is wrong with it is an observation, never an exception."""
        if not self.has(call):
            return Observation({"error": "unknown_tool", "tool": call.function_name}, is_error=True)
        try:
            answer = await self._made(call)
        except (ToolServerError, McpError) as error:
            return Observation({"error": "tool_server", "text": str(error)}, is_error=True)
        seen = answer.get("observation", answer) if isinstance(answer, Mapping) else answer
        return Observation(seen, is_error=isinstance(seen, Mapping) and bool(seen.get("is_error")))

    async def _made(self, call: Call) -> Any:
        if self._session is not None:
            return await self._session.call(call.tool, dict(call.parameters), TIMEOUT_S)
        action = {"tool_name": call.tool, "parameters": dict(call.parameters)}
        return await self._ask("POST", "/step", {"action": action})

    async def _ask(self, method: str, path: str, body: Any) -> Any:
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._client.stream(method, self._url + path, json=body) as response,
            ):
                raw = await read_body(response.aiter_bytes())
        except TimeoutError:
            raise ToolServerError(
                f"no answer to {method} {path} within {TIMEOUT_S:.0f} s"
            ) from None
        except TooLargeError as error:
            raise ToolServerError(f"it answers {method} {path} with {error}") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ToolServerError(f"no answer to {method} {path}") from None
        if not response.is_success:
            raise ToolServerError(f"it answers {method} {path} with {response.status_code}")
        try:
            return parse(raw)
        except ValueError:
            raise ToolServerError(f"its answer to {method} {path} is not JSON") from None


def _function(item: Any, server: str) -> dict[str, Any]:
    name = item.get("name") if isinstance(item, Mapping) else None
    if not isinstance(name, str) or not name:
        raise ToolServerError("one of its tools has no name")
    schema = item.get("input_schema") or item.get("parameters")
    return {
        "type": "function",
        "function": {
            "name": f"{item.get('tool_server') or server}{SEPARATOR}{name}",
            "description": str(item.get("description") or ""),
            "parameters": schema if isinstance(schema, dict) else {"type": "object"},
        },
    }
