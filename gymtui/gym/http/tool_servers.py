"""The scenarios' own tools for agents elsewhere, in the vendor's HTTP form.

Each task has one standing world, made when first asked for, and anew by `POST …/reset`: so that
the vendor's client, which runs its own agent, finds a URL for each tool server that a task names.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from gymtui.gym.http.router import ApiError, PathNames, Route, read_body
from gymtui.gym.scenarios.base import Scenario, Server, Task, World, WorldError
from gymtui.gym.tools.step_server import read_call, step, tool_list

MOST_WORLDS = 64  # the one that was not asked for the longest is closed for another
SEED = "standing"

Find = Callable[[str], Scenario]  # finds a scenario by its id, or raises `ApiError`


class ToolServers:
    """The standing worlds; `close` them at the end."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._worlds: OrderedDict[tuple[str, str], World] = OrderedDict()
        # A world answers one request at a time.
        self._lock = asyncio.Lock()

    def routes(self) -> list[Route]:
        place = "/tool-servers/{scenario_id}/{task_id}/{server}"
        return [
            Route("GET", f"{place}/tools", self.list_tools),
            Route("POST", f"{place}/step", self.step),
            Route("POST", f"{place}/reset", self.reset),
        ]

    def close(self) -> None:
        while self._worlds:
            self._worlds.popitem()[1].close()

    async def list_tools(self, request: Request, names: PathNames) -> Response:
        scenario, _ = self._named(names)
        return _json(tool_list(scenario.tools, names["server"]))

    async def step(self, request: Request, names: PathNames) -> Response:
        scenario, task = self._named(names)
        try:
            call = read_call(names["server"], json.loads(await read_body(request)))
        except (ValueError, RecursionError):
            call = None
        if call is None:
            raise ApiError(422, 'A step is {"action": {"tool_name": …, "parameters": {…}}}')
        async with self._lock:
            try:
                world = await self._world(scenario, task)
                return _json(step(await world.call(call)))
            except WorldError as error:
                self._drop(scenario, task)
                raise ApiError(503, str(error)) from None

    async def reset(self, request: Request, names: PathNames) -> Response:
        scenario, task = self._named(names)
        async with self._lock:
            self._drop(scenario, task)
            try:
                await self._world(scenario, task)
            except WorldError as error:
                raise ApiError(503, str(error)) from None
        return _json({"observation": None, "reward": None, "done": False})

    def _named(self, names: PathNames) -> tuple[Scenario, Task]:
        scenario = self._find(names["scenario_id"])
        task = scenario.find(names["task_id"])
        server = scenario.servers.get(names["server"])
        if task is None or server is None or server.url is not None:
            raise ApiError(404, f"Tool server not found: {names['server']}")
        return scenario, task

    async def _world(self, scenario: Scenario, task: Task) -> World:
        place = scenario.scenario_id, task.task_id
        if place not in self._worlds:
            if len(self._worlds) >= MOST_WORLDS:
                self._worlds.popitem(last=False)[1].close()
            world = await scenario.open(task.content)
            self._worlds[place] = world
            try:
                await world.seed(SEED)
            except WorldError:
                self._drop(scenario, task)
                raise
        self._worlds.move_to_end(place)
        return self._worlds[place]

    def _drop(self, scenario: Scenario, task: Task) -> None:
        world = self._worlds.pop((scenario.scenario_id, task.task_id), None)
        if world is not None:
            world.close()


def url_of(request: Request, scenario: Scenario, task: Task, server: Server) -> str:
    """Return where a tool server of a task is asked, by the name that the gym was asked by."""
    if server.url is not None:
        return server.url
    path = "/".join(quote(part, safe="") for part in (scenario.scenario_id, task.task_id))
    place = f"{request.url.scheme}://{request.headers.get('host', '')}/tool-servers"
    return f"{place}/{path}/{quote(server.name, safe='')}"


def _json(body: object) -> Response:
    return Response(json.dumps(body, default=str), media_type="application/json")
