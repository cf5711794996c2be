"""Engines without a server, for tests of what they do: with time that a test lets pass by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gymtui.gym.clock import Pace
from gymtui.gym.engine.database_place import Place
from gymtui.gym.engine.databases import open_database
from gymtui.gym.engine.engine import Engine
from gymtui.gym.wire import LaunchRequest, Rollout
from tests.gym.running_gym import FAST, launch_body, until


class Turnstile:
    """Time by hand: everything that waits stays where it is until let through."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not future.done() for future in self._waiting)

    async def sleep(self, seconds: float) -> None:
        """Wait to be let through, however long that is."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def let_through(self) -> None:
        """Let everyone through who waits now."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def settle(self, count: int) -> None:
        """Wait until `count` wait."""

        async def enough() -> bool:
            return self.waiting == count

        await until(enough, what=f"{count} waiting")


@asynccontextmanager
async def engine_at(path: Place, pace: Pace | None = None, **options: Any) -> AsyncIterator[Engine]:
    """Yield a started engine on the database at `path`; by default nothing takes time."""
    options = {"seed": 7, "failure_share": 0.0, **options}
    with open_database(path) as database:
        engine = Engine(database, pace=pace or Pace(FAST), **options)
        engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


async def start(engine: Engine, **changes: Any) -> str:
    """Launch and return the run's id."""
    run_id, _ = await engine.launch(LaunchRequest.model_validate(launch_body(**changes)))
    return run_id


async def finish(engine: Engine, run_id: str) -> list[Rollout]:
    """Wait for a run's end and return its rollouts."""

    async def ended() -> bool:
        return engine.database.count_active(run_id) == 0

    await until(ended, deadline_s=60, what=f"the end of {run_id}")
    return engine.database.rollouts(run_id=run_id)
