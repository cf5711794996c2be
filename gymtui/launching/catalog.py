"""What runs can be launched on, asked for once: the gym's scenarios and their tasks."""

from __future__ import annotations

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import NotFound
from gymtui.api.models import Scenario, Task


class ScenarioCatalog:
    """The lists, once asked for. A gym without them is no error: then ids are typed."""

    def __init__(self, client: Endpoints) -> None:
        self._client = client
        self._scenarios: tuple[Scenario, ...] | None = None
        self._tasks: dict[str, tuple[Task, ...]] = {}

    async def scenarios(self) -> tuple[Scenario, ...] | None:
        """The scenarios; None where the gym offers no list."""
        if self._scenarios is None:
            try:
                self._scenarios = await self._client.list_scenarios()
            except NotFound:
                return None
        return self._scenarios

    async def tasks(self, scenario_id: str) -> tuple[Task, ...] | None:
        """A scenario's tasks; None where the gym offers no list, or has no such scenario."""
        if scenario_id not in self._tasks:
            try:
                self._tasks[scenario_id] = await self._client.list_tasks(scenario_id)
            except NotFound:
                return None
        return self._tasks[scenario_id]
