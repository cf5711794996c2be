"""`gymtui mcp`: the tools of `cli.agent_tools` over the Model Context Protocol, by its SDK."""

from __future__ import annotations

import importlib
import inspect
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio

from gymtui import __version__
from gymtui.api.endpoints import Endpoints
from gymtui.cli.agent_tools import NOTICE, AgentTools
from gymtui.cli.gym_access import with_gym
from gymtui.config.settings import Settings
from gymtui.store.history.journal_place import Place
from gymtui.store.history.recording_place import RecordingPlace

EXTRA = "gymtui[mcp]"
INSTRUCTIONS = f"Runs of an RL gym, their rollouts and transcripts. {NOTICE}"


def is_installed() -> bool:
    return find_spec("mcp") is not None


def new_server(tools: AgentTools, *, cancel: bool) -> Any:
    sdk: Any = importlib.import_module("mcp.server.fastmcp")
    types: Any = importlib.import_module("mcp.types")
    server = sdk.FastMCP("gymtui", instructions=INSTRUCTIONS, log_level="ERROR")
    server._mcp_server.version = __version__
    for tool in tools.offered(cancel=cancel):
        changes = tool.__name__ == "cancel_runs"
        hints = types.ToolAnnotations(
            readOnlyHint=not changes, destructiveHint=changes, openWorldHint=True
        )
        about = inspect.getdoc(tool)
        server.add_tool(tool, description=about, annotations=hints, structured_output=False)
    return server


def serve(
    settings: Settings,
    *,
    journal: Place,
    archive: Path,
    recording: RecordingPlace | None,
    cancel: bool,
) -> None:
    """Serve on standard input and output until that is closed."""

    async def talk(client: Endpoints) -> None:
        tools = AgentTools(client, settings, journal=journal, archive=archive, recording=recording)
        await _serve(new_server(tools, cancel=cancel))

    with_gym(settings, talk)


async def _serve(server: Any) -> None:
    """Talk over standard input and output, of which the SDK closes copies."""
    stdio: Any = importlib.import_module("mcp.server.stdio")
    spoken = server._mcp_server
    with (
        os.fdopen(os.dup(0), encoding="utf-8", errors="replace") as requests,
        os.fdopen(os.dup(1), "w", encoding="utf-8") as answers,
    ):
        streams = (anyio.wrap_file(requests), anyio.wrap_file(answers))
        async with stdio.stdio_server(*streams) as (read, write):
            await spoken.run(read, write, spoken.create_initialization_options())
