"""A gym with time by hand: what happens in it is at the same place on every machine.

What would take an hour is played in seconds; then everything stands until more time is let pass.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx

from gymtui.gym.clock import Clock, Pace
from gymtui.gym.demo.agents import AGENTS, RunTroubles, plan_troubles
from gymtui.gym.demo.schedule import launch_runs, troubles_of
from gymtui.gym.engine.database_file import DatabaseFile
from gymtui.gym.engine.engine import Engine
from gymtui.gym.http.server import GymOptions, create_app
from tests.helpers.virtual_time import VirtualLoop

T = TypeVar("T")
BEGAN = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)
URL = "http://127.0.0.1:8765"


class PlayedGym(httpx.AsyncBaseTransport):
    """The gym as a way to send it requests: they are answered while its time stands.

    Args:
        options: How the gym behaves.
        story: Whether the demo's story is told.
        latency_s: How much time passes on the way to it, and back.
    """

    def __init__(self, options: GymOptions, *, story: bool, latency_s: float) -> None:
        self._options, self._story, self._latency_s = options, story, latency_s
        self._loop = VirtualLoop()
        self._began_s = self._loop.time()
        # The loop and the database live in one thread, beside the loop of the test.
        self._thread = ThreadPoolExecutor(1)
        self._until_closed = AsyncExitStack()

    @property
    def seconds(self) -> float:
        """How long it has been going on; the monotonic clock of whoever watches it."""
        return self._loop.time() - self._began_s

    def now(self) -> datetime:
        """The wall clock's time, which the gym's may be ahead of."""
        return BEGAN + timedelta(seconds=self.seconds)

    async def _there(self, what: Coroutine[Any, Any, T]) -> T:
        here = asyncio.get_running_loop()
        return await here.run_in_executor(self._thread, self._loop.run_until_complete, what)

    async def open(self) -> None:
        """Begin."""
        await self._there(self._begin())

    async def _begin(self) -> None:
        options = self._options
        numbers = itertools.count(0xA1B2C3D4)
        engine = Engine(
            self._until_closed.enter_context(DatabaseFile(Path(":memory:"))),
            clock=Clock(timedelta(seconds=options.clock_offset_s), self.now),
            pace=Pace(options.speed),
            seed=options.seed,
            failure_share=options.failure_share,
            temperaments=AGENTS,
            troubles=plan_troubles(self._troubles_of, lambda: self.seconds),
            new_id=lambda: f"{next(numbers) * 0x9E3779B1 % 2**48:012x}",
        )
        engine.start()
        self._until_closed.push_async_callback(engine.stop)
        self._app = httpx.ASGITransport(create_app(engine, options))
        if self._story:
            story = asyncio.create_task(launch_runs(engine, speed=options.speed, seed=options.seed))
            self._until_closed.push_async_callback(_cancelled, story)

    def _troubles_of(self, run_id: str) -> RunTroubles | None:
        return troubles_of(self._options.seed, run_id) if self._story else None

    async def pass_time(self, seconds: float) -> None:
        """Let it go on."""
        await self._there(asyncio.sleep(seconds))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer; no time passes but on the way."""
        body = await request.aread()
        asked = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        return await self._there(self._answered(asked))

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._latency_s)
        response = await self._app.handle_async_request(request)
        chunks = [chunk async for chunk in response.aiter_raw()]
        await asyncio.sleep(self._latency_s)
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
async def played_gym(
    *,
    speed: float = 3.0,
    seed: int = 7,
    story: bool = True,
    latency_s: float = 0.0,
    **options: Any,
) -> AsyncIterator[PlayedGym]:
    """A gym on which time is let pass by hand; it ends with the block.

    Args:
        speed: Of what happens in it, times its own time.
        seed: What chance starts from.
        story: Whether the demo's story is told.
        latency_s: How much time passes on the way to it, and back.
        options: More of the gym's.
    """
    gym = PlayedGym(GymOptions(speed, seed, **options), story=story, latency_s=latency_s)
    await gym.open()
    try:
        yield gym
    finally:
        await gym.close()
