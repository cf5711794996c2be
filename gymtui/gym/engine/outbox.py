"""What rollouts of a worker have to write: kept in order, written off the event loop, in batches.

A database that is away holds no rollout up: it is written once that is back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from gymtui.gym.clock import Clock
from gymtui.gym.engine.assignment import RolloutLog
from gymtui.gym.engine.database import Database
from gymtui.gym.engine.records import DatabaseAwayError, Ending, PhaseSpan, StorageError
from gymtui.gym.engine.rollout_queue import QueuedWrite
from gymtui.gym.wire import Phase

RETRY_S = 0.5

log = logging.getLogger(__name__)


class Outbox(RolloutLog):
    """Takes what is to be written.

    Args:
        send: Writes a batch, all or nothing.
    """

    def __init__(
        self, send: Callable[[Sequence[QueuedWrite]], Awaitable[None]], clock: Clock
    ) -> None:
        self._send = send
        self._clock = clock
        self._waiting: list[QueuedWrite] = []
        self._more = asyncio.Event()
        self._ends: dict[str, asyncio.Future[None]] = {}

    def begin(self, rollout_id: str, stamp: str) -> bool:
        """Begin a rollout that was claimed, and so runs already."""
        self._ends.setdefault(rollout_id, asyncio.get_running_loop().create_future())
        return True

    def set_phase(self, rollout_id: str, phase: Phase, phases: Sequence[PhaseSpan]) -> None:
        spans = tuple(phases)
        self._add(rollout_id, lambda database: database.set_phase(rollout_id, phase, spans))

    def set_step(self, rollout_id: str, step: int) -> None:
        self._add(rollout_id, lambda database: database.set_step(rollout_id, step))

    def add_progress(self, rollout_id: str, body: str) -> None:
        self._add(rollout_id, lambda database: database.add_progress(rollout_id, body))

    def finish(self, rollout_id: str, ending: Ending) -> None:
        self._add(rollout_id, partial(_finish, rollout_id, ending), ends=True)

    def _add(
        self, rollout_id: str, carry_out: Callable[[Database], object], *, ends: bool = False
    ) -> None:
        self._waiting.append(QueuedWrite(rollout_id, carry_out, ends))
        self._more.set()

    async def written(self, rollout_id: str) -> None:
        await self._ends[rollout_id]

    def drop(self, rollout_id: str) -> None:
        """Forget a rollout, with what of it is not written."""
        self._waiting = [item for item in self._waiting if item.rollout_id != rollout_id]
        self._settle(rollout_id)

    def _settle(self, rollout_id: str) -> None:
        end = self._ends.pop(rollout_id, None)
        if end is not None and not end.done():
            end.set_result(None)

    def left(self) -> list[QueuedWrite]:
        """Return what is not written and take it out."""
        left, self._waiting = self._waiting, []
        return left

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        while True:
            await self._more.wait()
            await self.flush()

    async def flush(self) -> None:
        self._more.clear()
        batch = self.left()
        try:
            await self._written(batch)
        except StorageError as error:
            # One of them cannot be written at all: that one's rollout says so, the others go on.
            for write in batch:
                try:
                    await self._written([write])
                except StorageError:
                    log.error("rollout %s cannot be kept: %s", write.rollout_id, error)
                    await self._write_less(write, error)

    async def _written(self, batch: Sequence[QueuedWrite]) -> None:
        while batch:
            try:
                await self._send(batch)
            except DatabaseAwayError:
                await asyncio.sleep(RETRY_S)
            else:
                break
        for write in batch:
            if write.ends:
                self._settle(write.rollout_id)

    async def _write_less(self, write: QueuedWrite, error: StorageError) -> None:
        if not write.ends:
            return
        reason = f"the gym cannot keep what happens: {error}"
        ending = Ending("failed", self._clock.stamp(), termination_reason=reason)
        carry_out = partial(_finish, write.rollout_id, ending)
        try:
            await self._written([QueuedWrite(write.rollout_id, carry_out, ends=True)])
        except StorageError:
            # Not even that: it waits again.
            self._settle(write.rollout_id)


def _finish(rollout_id: str, ending: Ending, database: Database) -> None:
    database.finish(rollout_id, ending)
