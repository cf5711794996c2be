"""The demo's gym with time by hand: its story is at the same place on every machine.

What would take an hour is played in seconds; then everything stands until more time is let pass.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from gymtui.gym.cast import CAST, troubles
from gymtui.gym.clock import Clock, Pace
from gymtui.gym.database import Database
from gymtui.gym.engine import Engine
from gymtui.gym.server import Options, create_app
from gymtui.gym.story import script_of, tell
from tests.unit.virtual_time import VirtualLoop

T = TypeVar("T")
BEGAN = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)
URL = "http://127.0.0.1:8765"


class PlayedGym(httpx.AsyncBaseTransport):
    """The gym as a way to send it requests: they are answered while its time stands.

    Args:
        speed: Of the story, times its own time.
        seed: What chance starts from.
    """

    def __init__(self, speed: float, seed: int) -> None:
        self._speed, self._seed = speed, seed
        self._loop = VirtualLoop()
        self._began_s = self._loop.time()
        # The loop and the database live in one thread, beside the loop of the test.
        self._thread = ThreadPoolExecutor(1)
        self._until_closed = AsyncExitStack()

    @property
    def seconds(self) -> float:
        """How long the story has been told, in seconds of its clock; the monotonic clock too."""
        return self._loop.time() - self._began_s

    def now(self) -> datetime:
        """The gym's time, and the wall clock's."""
        return BEGAN + timedelta(seconds=self.seconds)

    async def _there(self, what: Coroutine[Any, Any, T]) -> T:
        here = asyncio.get_running_loop()
        return await here.run_in_executor(self._thread, self._loop.run_until_complete, what)

    async def open(self) -> None:
        """Begin the story."""
        await self._there(self._begin())

    async def _begin(self) -> None:
        options = Options(
            speed=self._speed,
            seed=self._seed,
            temperaments=CAST,
            troubles=troubles(partial(script_of, self._seed), lambda: self.seconds),
        )
        numbers = itertools.count(0xA1B2C3D4)
        engine = Engine(
            self._until_closed.enter_context(Database(Path(":memory:"))),
            clock=Clock(read=self.now),
            pace=Pace(options.speed),
            seed=options.seed,
            temperaments=options.temperaments,
            troubles=options.troubles,
            new_id=lambda: f"{next(numbers) * 0x9E3779B1 % 2**48:012x}",
        )
        engine.start()
        self._until_closed.push_async_callback(engine.stop)
        self._app = httpx.ASGITransport(create_app(engine, options))
        story = asyncio.create_task(tell(engine, speed=self._speed, seed=self._seed))
        self._until_closed.push_async_callback(_cancelled, story)

    async def pass_time(self, seconds: float) -> None:
        """Let the story go on."""
        await self._there(asyncio.sleep(seconds))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, in no time."""
        body = await request.aread()
        asked = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        return await self._there(self._answered(asked))

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        response = await self._app.handle_async_request(request)
        chunks = [chunk async for chunk in response.aiter_raw()]
        return httpx.Response(
            response.status_code, headers=response.headers, content=b"".join(chunks)
        )

    async def close(self) -> None:
        """End it."""
        await self._there(self._until_closed.aclose())
        self._thread.shutdown()
        self._loop.close()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


@asynccontextmanager
async def played_gym(*, speed: float = 3.0, seed: int = 7) -> AsyncIterator[PlayedGym]:
    """A gym whose story has begun; it ends with the block."""
    gym = PlayedGym(speed, seed)
    await gym.open()
    try:
        yield gym
    finally:
        await gym.close()
