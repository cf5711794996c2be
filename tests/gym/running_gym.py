"""A local gym on a real loopback socket, in a thread of this process, for any test that wants one.

async with running_gym(tmp_path, speed=1e9) as gym:
    ... gym.url ...
    await gym.restart()

async with running_gym(tmp_path, held=True) as gym:
    ... every rollout stays where it is ...
    gym.let_go()
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from gymtui.gym.http.server import GymOptions, bind, serve_until

T = TypeVar("T")
FAST = 1e9
"""A speed at which nothing is waited for."""
DEADLINE_S = 60.0


class Reins:
    """What simulated work waits for in a gym that is held: not time, but a test."""

    def __init__(self) -> None:
        self._free = False
        self._waiting: list[asyncio.Future[None]] = []

    async def sleep(self, _seconds: float) -> None:
        """Wait to be let on."""
        if self._free:
            await asyncio.sleep(0)
            return
        here = asyncio.get_running_loop().create_future()
        self._waiting.append(here)
        await here

    async def let_on(self, *, for_good: bool) -> None:
        """Let on whoever waits; on the loop of the gym."""
        self._free = for_good
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)


class RunningGym:
    """A gym that can be stopped and started again on the same port and database."""

    def __init__(self, db_path: Path, options: GymOptions, reins: Reins | None = None) -> None:
        self.db_path = db_path
        self.options = options
        self.url = ""
        self._port = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._reins = reins

    def step(self) -> None:
        """Let every rollout of a held gym go on to its next wait: a phase or a step."""
        self._let_on(for_good=False)

    def let_go(self) -> None:
        """Let a held gym go on: from now on nothing is waited for."""
        self._let_on(for_good=True)

    def _let_on(self, *, for_good: bool) -> None:
        assert self._reins is not None and self._loop is not None, "only a held gym is let on"
        letting = self._reins.let_on(for_good=for_good)
        asyncio.run_coroutine_threadsafe(letting, self._loop).result(DEADLINE_S)

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._thread is not None

    def start_now(self) -> None:
        """Start it and wait until it answers."""
        listener = bind("127.0.0.1", self._port, has_key=self.options.api_key is not None)
        self._port = listener.getsockname()[1]
        answers = threading.Event()

        async def serve() -> None:
            self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()

            def ready(url: str) -> None:
                self.url = url
                answers.set()

            await serve_until(self._ending, listener, self.db_path, self.options, ready)

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as failure:  # noqa: BLE001 - handed to the thread that waits
                self._failure = failure
            finally:
                answers.set()

        self._thread = threading.Thread(target=run, name="gym", daemon=True)
        self._thread.start()
        answers.wait(DEADLINE_S)
        if self._failure is not None:
            raise self._failure

    def stop_now(self) -> None:
        """Stop it and wait until it is gone; stopping twice does nothing."""
        if self._thread is None or self._loop is None or self._ending is None:
            return
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(DEADLINE_S)
        self._thread = None
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """`stop_now`, while this event loop goes on."""
        await asyncio.to_thread(self.stop_now)

    async def restart(self) -> None:
        """Stop it, if it runs, and start it again on the same port and database."""
        await self.stop()
        await asyncio.to_thread(self.start_now)


@contextmanager
def serving_gym(
    directory: Path,
    *,
    speed: float = FAST,
    seed: int = 7,
    key: str | None = None,
    faults: bool = False,
    clock_offset_s: float = 0.0,
    failure_share: float = 0.0,
    held: bool = False,
) -> Iterator[RunningGym]:
    """Yield a gym with its database in `directory`; it ends with the block.

    Args:
        failure_share: Which share of workspaces fail to build; none unless a test wants them.
        held: Whether rollouts go on only when `RunningGym.step` or `let_go` says so.
    """
    secret = SecretStr(key) if key is not None else None
    options = GymOptions(
        1.0 if held else speed, seed, faults, clock_offset_s, secret, failure_share
    )
    reins = Reins() if held else None
    if reins is not None:
        options = replace(options, sleep=reins.sleep)
    gym = RunningGym(directory / "gym.sqlite", options, reins)
    gym.start_now()
    try:
        yield gym
    finally:
        gym.stop_now()


@asynccontextmanager
async def running_gym(directory: Path, **options: Any) -> AsyncIterator[RunningGym]:
    """`serving_gym` for asynchronous tests."""
    context = serving_gym(directory, **options)
    gym = await asyncio.to_thread(context.__enter__)
    try:
        yield gym
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def launch_body(**changes: Any) -> dict[str, Any]:
    """Return the body of a small launch; `model` and `max_steps` go into its model settings."""
    settings = {"model": "scripted/careful", "api_key": "not-needed"}
    for name in ("model", "max_steps", "base_url", "provider"):
        if name in changes:
            settings[name] = changes.pop(name)
    body = {
        "scenario_id": "hr",
        "task_ids": ["schedule_phone_screen"],
        "model_config": settings,
    }
    return {**body, **changes}


def unfinished(run: dict[str, Any]) -> int:
    """Return how many rollouts of a run wait or run, given the run as it travels."""
    return int(run["pending"]) + int(run["running"])


async def until(
    condition: Callable[[], Awaitable[T]], *, deadline_s: float = DEADLINE_S, what: str = ""
) -> T:
    """Ask again and again until the answer is true, and return it; fail at the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        found = await condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {deadline_s} s: {what or condition}"
        await asyncio.sleep(0.005)


def until_now(condition: Callable[[], T], *, deadline_s: float = DEADLINE_S) -> T:
    """`until` for tests that are not asynchronous."""
    end = time.monotonic() + deadline_s
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {deadline_s} s: {condition}"
        threading.Event().wait(0.005)
    return found
