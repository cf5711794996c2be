"""A tool server that speaks MCP, through the SDK, which is there with the extra `mcp`."""

import asyncio
import importlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from importlib.util import find_spec
from typing import Any

import httpx

EXTRA = "gymtui[mcp]"
CLOSE_S = 5.0
MOST_PAGES = 100


class McpError(Exception):
    """The server cannot be used; the message says why, in words of ours."""


def is_installed() -> bool:
    """Return whether the SDK is there."""
    return find_spec("mcp") is not None


class McpSession:
    """One conversation with a server, for as long as a rollout lasts: it may keep a state."""

    def __init__(self, url: str, make_client: Callable[[], httpx.AsyncClient]) -> None:
        """Begin one.

        Args:
            make_client: Makes a client for this session alone, which closes it.
        """
        self._url = url
        self._make_client = make_client
        self._session: Any = None
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self, timeout_s: float) -> list[dict[str, Any]]:
        """Connect and return the tools: name, description, input_schema.

        Raises:
            McpError: There is no answer, or it is not MCP.
        """
        if not is_installed():
            raise McpError(f"to ask it by MCP, install {EXTRA}")
        # Far from the event loop, and not counted: the SDK takes a second to import.
        await asyncio.to_thread(importlib.import_module, "mcp")
        ready: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()
        # What the SDK opens is to be closed by the task that opened it.
        self._task = asyncio.create_task(self._hold(ready))
        try:
            async with asyncio.timeout(timeout_s):
                return await ready
        except TimeoutError:
            self._task.cancel()
            await asyncio.wait({self._task})
            raise McpError(f"no answer by MCP within {timeout_s:.0f} s") from None

    async def _hold(self, ready: asyncio.Future[list[dict[str, Any]]]) -> None:
        try:
            async with AsyncExitStack() as until:
                mcp = importlib.import_module("mcp")
                transport = importlib.import_module("mcp.client.streamable_http")
                client = await until.enter_async_context(self._make_client())
                client.event_hooks = {"response": [partial(_note_refusal, ready)]}
                read, write, *_ = await until.enter_async_context(
                    transport.streamable_http_client(self._url, http_client=client)
                )
                session = await until.enter_async_context(mcp.ClientSession(read, write))
                await session.initialize()
                tools = await _tools(session)
                self._session = session
                if not ready.done():
                    ready.set_result(tools)
                await self._ended.wait()
        except (Exception, asyncio.CancelledError) as error:
            # Whatever the SDK raises, some of it in groups; its words may hold anything.
            if not ready.done():
                ready.set_exception(McpError(f"no answer by MCP ({_name(error)})"))
            if isinstance(error, asyncio.CancelledError):
                raise

    async def call(self, name: str, parameters: dict[str, Any], timeout_s: float) -> Any:
        """Make a call; returns the observation in the vendor's form.

        Raises:
            McpError: There is no answer.
        """
        try:
            async with asyncio.timeout(timeout_s):
                result = await self._session.call_tool(name, parameters)
        except TimeoutError:
            raise McpError(f"no answer by MCP within {timeout_s:.0f} s") from None
        except Exception as error:  # noqa: BLE001  (whatever the SDK raises)
            raise McpError(f"no answer by MCP ({_name(error)})") from None
        content = [item.model_dump(mode="json", exclude_none=True) for item in result.content]
        return {
            "is_error": bool(result.isError),
            "text": "\n".join(item["text"] for item in content if "text" in item),
            "content": content,
            "structured_content": result.structuredContent,
        }

    async def close(self) -> None:
        """End the conversation; what does not end by itself is cut off."""
        self._ended.set()
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=CLOSE_S)
            if not done:
                self._task.cancel()
                await asyncio.wait({self._task})


async def _note_refusal(ready: asyncio.Future[Any], response: httpx.Response) -> None:
    """Say that a server refuses before it is ready: the SDK would wait for another answer."""
    if response.request.method == "POST" and response.is_error and not ready.done():
        ready.set_exception(McpError(f"it answers MCP with {response.status_code}"))


async def _tools(session: Any) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    cursor = None
    for _ in range(MOST_PAGES):
        page = await session.list_tools(cursor)
        tools += [
            {
                "name": tool.name,
                "description": tool.description or "",
                "input_schema": tool.inputSchema,
            }
            for tool in page.tools
        ]
        cursor = page.nextCursor
        if not cursor:
            break
    return tools


def _name(error: BaseException) -> str:
    """Return what an exception is called: of a group, its first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
