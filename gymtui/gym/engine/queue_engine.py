"""An engine on PostgreSQL: it launches, cancels and deletes; workers run the rollouts."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gymtui.gym.clock import Clock
from gymtui.gym.engine.database_server import DatabaseServer
from gymtui.gym.engine.engine import Engine
from gymtui.gym.engine.launch_check import is_scripted
from gymtui.gym.engine.records import NewRollout, NewRun, StorageError
from gymtui.gym.engine.rollout_queue import BEAT_S, GymSettings, RolloutQueue
from gymtui.gym.engine.worker import Worker
from gymtui.gym.wire import LaunchRequest, ModelConfig

log = logging.getLogger(__name__)


class QueueEngine(Engine):
    """Hands rollouts to workers.

    Args:
        worker: One in this process; None where all are elsewhere.
    """

    def __init__(
        self,
        database: DatabaseServer,
        settings: GymSettings,
        *,
        clock: Clock,
        worker: Worker | None,
        **options: Any,
    ) -> None:
        ahead = replace(clock, offset=clock.offset + database.ahead())
        super().__init__(database, clock=ahead, **options)
        self._settings = settings
        self._queue = RolloutQueue(database, ahead)
        self._worker = worker
        self._beside: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Say how rollouts are run from now on, and have them run."""
        self._queue.describe(self._settings)
        beside = [self._look_after()] if self._worker is None else [self._worker.run()]
        self._beside = [asyncio.create_task(one, name="rollouts") for one in beside]
        for task in self._beside:
            task.add_done_callback(_say_why)

    async def _look_after(self) -> None:
        """Give back what dead workers had, though nobody may be there to take it."""
        while True:
            with suppress(StorageError):
                self._queue.reap()
            await asyncio.sleep(BEAT_S)

    async def stop(self) -> None:
        """Stop at once; what the worker here had is given back."""
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        await super().stop()

    def _take(self, run: NewRun, request: LaunchRequest, rollouts: Sequence[NewRollout]) -> None:
        judge = self._participants.judge
        asked = (request.settings, request.user_settings, judge)
        places = {_place(one) for one in asked if one is not None and not is_scripted(one)}
        secrets = {
            name: _secrets(one)
            for name, one in zip(("settings", "user_settings"), asked, strict=False)
            if one is not None
        }
        self._queue.add(run, rollouts, sorted(places), secrets)

    def cancel(self, run_id: str) -> int | None:
        """Cancel a run: what waits ends at once, the rest as soon as its workers hear of it.

        Returns:
            How many rollouts were told to end, or None when there is no such run.
        """
        return self._queue.cancel(run_id)

    def delete(self, run_id: str) -> int | None:
        """Delete a run and stop whatever of it still runs.

        Returns:
            How many rollouts went with it, or None when there is no such run.
        """
        return self._queue.delete(run_id)


def _place(settings: ModelConfig) -> str:
    return f"{settings.shown_url or settings.provider} {settings.model}"


def _secrets(settings: ModelConfig) -> Mapping[str, Any]:
    key = settings.api_key.get_secret_value()
    return {"api_key": key, "base_url": settings.base_url}


def _say_why(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("no rollouts are run here any more: %s", error)
