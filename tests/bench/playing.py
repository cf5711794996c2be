"""The real app in this process on a gym that answers from memory, painted for no terminal.

For what is counted in seconds of this process; bytes and whole programs are `terminals`' business.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from textual.pilot import Pilot

from gymtui.api.client import GymClient
from gymtui.api.response import Answer
from gymtui.config.settings import Settings
from gymtui.tui.app import app as dashboard
from gymtui.tui.runtime.crash_report import Reporter
from tests.bench import wire

DEADLINE_S = 60.0
QUIET_S = 0.05
"""Three frames' time: nothing more is painted after it."""


def answer(body: bytes) -> Answer:
    """An answer that took no time."""
    now_s = time.monotonic()
    return Answer(body=body, date=None, sent_s=now_s, received_s=now_s, wire_bytes=len(body))


class Memory:
    """A gym of one run, in the place of a client.

    Args:
        moving: The run's rollouts.
    """

    note = None

    def __init__(self, moving: wire.Moving) -> None:
        self.moving = moving
        self.body = moving.body()
        self.answered = 0
        self.on_answer: Callable[[], None] = lambda: None

    async def list_runs(self, **_parameters: Any) -> Answer:
        """`GET /runs`: the one run, all of it running."""
        counts = wire.Counts(0, len(self.moving.items), 0)
        return answer(wire.listing("runs", [wire.run(self.moving.run_id, counts)]))

    async def get_run(self, run_id: str) -> Answer:
        """`GET /runs/{run_id}`."""
        return answer(wire.run(run_id, wire.Counts(0, len(self.moving.items), 0)))

    async def list_rollouts(self, **_parameters: Any) -> Answer:
        """`GET /rollouts`: the body as it was last made."""
        self.answered += 1
        self.on_answer()
        return answer(self.body)

    async def aclose(self) -> None:
        """Nothing to close."""


class Watched(dashboard.GymtuiApp):
    """The app, which remembers when it last painted, in this process's CPU seconds."""

    CSS_PATH = str(Path(dashboard.__file__).with_name("app.tcss"))
    painted_at_s = 0.0
    frames = 0

    def post_display_hook(self) -> None:
        """Called by the framework after each frame."""
        super().post_display_hook()
        self.painted_at_s = time.process_time()
        self.frames += 1


async def until(app: Watched, condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds, without taking the processor for it."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end and app._exception is None, f"never: {what}"
        await asyncio.sleep(0.01)


async def quiet(app: Watched) -> None:
    """Wait until nothing more is painted."""
    seen = -1
    while seen != app.frames:
        seen = app.frames
        await asyncio.sleep(QUIET_S)


@asynccontextmanager
async def started(
    base_url: str, client: object, *, interval_s: float
) -> AsyncIterator[tuple[Watched, Pilot[None]]]:
    """The app, on its first screen, and who presses its keys.

    Args:
        base_url: Of the gym.
        client: The gym, or what stands for it.
        interval_s: Seconds between polls.
    """
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(base_url=base_url, interval_s=interval_s)
        app = Watched(settings, cast("GymClient", client), Reporter(Path(directory)))
        async with app.run_test(size=(120, 36)) as pilot:
            yield app, pilot


@asynccontextmanager
async def opened(
    base_url: str, client: object, run_id: str, *, interval_s: float
) -> AsyncIterator[Watched]:
    """The app with a run's rollouts on screen, all read; arguments as for `started`."""
    async with started(base_url, client, interval_s=interval_s) as (app, pilot):
        await until(app, lambda: run_id in app.session.store.runs, "the run")
        await pilot.press("enter")
        await until(app, lambda: bool(app.session.store.rollouts_of(run_id)), "its rollouts")
        await quiet(app)
        yield app
