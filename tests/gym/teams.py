"""A gym in PostgreSQL with workers, in this process: a test kills them, or has them lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from gymtui.gym.clock import Clock
from gymtui.gym.engine.database_place import SharedDatabase
from gymtui.gym.engine.database_server import DatabaseServer
from gymtui.gym.engine.queue_engine import QueueEngine
from gymtui.gym.engine.rollout_queue import GymSettings, RolloutQueue
from gymtui.gym.engine.worker import Worker
from gymtui.gym.wire import Rollout
from tests.gym.engines import Turnstile
from tests.helpers.postgres_server import Server, run_sql

SETTINGS = GymSettings(7, 1.0, 0.0, 200, 64, 600.0)


class Team:
    """A gym that serves, its workers, and time by hand."""

    def __init__(self, place: SharedDatabase, settings: GymSettings, *, models: bool) -> None:
        self.place = place
        # What reaches model servers reads certificates first, which takes long.
        nobody = httpx.MockTransport(lambda _: httpx.Response(500))
        self._way: Any = {} if models else {"model_transport": nobody}
        self.held = Turnstile()
        self.database = DatabaseServer(place)
        self.engine = QueueEngine(self.database, settings, clock=Clock(), worker=None, **self._way)
        self.queue = RolloutQueue(self.database, Clock())
        self.working: dict[Worker, asyncio.Task[None]] = {}

    async def hire(self, **options: Any) -> Worker:
        """Start a worker and wait until it is there."""
        there = asyncio.Event()
        worker = Worker(
            self.place, sleep=self.held.sleep, ready=there.set, **{**self._way, **options}
        )
        self.working[worker] = asyncio.create_task(worker.run())
        await there.wait()
        return worker

    async def stop(self, worker: Worker) -> None:
        """Tell a worker to end."""
        task = self.working.pop(worker)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def kill(self, worker: Worker) -> None:
        """End a worker that says nothing any more; its lease goes on."""

        async def dead() -> None:
            tasks = list(worker._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await worker._do(worker._database.close)

        worker._stop = dead  # type: ignore[method-assign]
        await self.stop(worker)

    def expire(self, worker: Worker) -> None:
        """Have a worker's lease end, and what it ran given back."""
        late = "UPDATE gymtui_gym.workers SET seen_at = seen_at - interval '1 hour'"
        run_sql(self.place.url, f"{late} WHERE worker_id = %s", worker.worker_id)
        self.queue.reap()
        self.queue.reap()

    def cut(self) -> None:
        """Cut everybody's connection."""
        run_sql(
            self.place.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

    def rollouts(self, run_id: str | None = None) -> list[Rollout]:
        """Every rollout, the oldest first."""
        return self.database.rollouts(run_id=run_id)

    def running(self) -> dict[str, int]:
        """How many rollouts run, by worker."""
        rows = self.database.connection.execute(
            "SELECT worker_id, count(*) AS n FROM rollouts WHERE status = 'running' GROUP BY 1"
        )
        return {row["worker_id"]: row["n"] for row in rows}

    def left(self) -> int:
        """How many rollouts have not ended."""
        row = self.database.connection.execute(
            "SELECT count(*) AS n FROM rollouts WHERE status IN ('pending', 'running')"
        ).fetchone()
        return int(row["n"])


@asynccontextmanager
async def team(
    server: Server, workers: int = 1, settings: GymSettings = SETTINGS, *, models: bool = False
) -> AsyncIterator[Team]:
    """A gym with so many workers; all of it ends with the block.

    Args:
        models: Whether they can reach model servers.
    """
    made = Team(SharedDatabase(server.gym_database()), settings, models=models)
    made.queue.describe(settings)
    try:
        for _ in range(workers):
            await made.hire()
        yield made
    finally:
        for worker in list(made.working):
            await made.stop(worker)
        await made.engine.stop()
        made.database.close()


def events(rollout: Rollout) -> Sequence[str]:
    """The statuses that a rollout had, in order."""
    return [event.status for event in rollout.status_events]
