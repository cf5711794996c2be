"""A worker as a process: until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gymtui.gym.engine.database_place import SharedDatabase
from gymtui.gym.engine.databases import NO_DRIVER
from gymtui.gym.engine.records import DatabaseRefusedError
from gymtui.gym.scenarios.bundle import open_bundles
from gymtui.gym.scenarios.bundle_files import BundleError
from gymtui.gym.scenarios.catalog import SCENARIOS


class CannotWorkError(Exception):
    """No worker can be had; the message says why."""


def work(
    place: SharedDatabase,
    *,
    at_once: int,
    judge_key: str = "",
    scenarios: Iterable[Path] = (),
    ready: Callable[[], object] = lambda: None,
) -> None:
    """Run rollouts until SIGTERM or SIGINT; to be called in the main thread.

    Args:
        ready: Called once, when the database was reached.

    Raises:
        CannotWorkError: The database or a bundle cannot be used.
    """
    try:
        from gymtui.gym.engine.worker import Worker
    except ImportError:
        raise CannotWorkError(NO_DRIVER) from None
    try:
        with open_bundles(scenarios, SCENARIOS) as more:
            worker = Worker(
                place,
                scenarios={**SCENARIOS, **more},
                at_once=at_once,
                judge_key=SecretStr(judge_key),
                ready=ready,
            )
            asyncio.run(_until_told(worker.run()))
    except (BundleError, DatabaseRefusedError) as error:
        raise CannotWorkError(str(error)) from error


async def _until_told(working: Coroutine[Any, Any, None]) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(working)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
