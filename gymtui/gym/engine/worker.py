"""A worker: runs rollouts that wait in a gym's PostgreSQL database, beside any number of others."""

import asyncio
import json
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

from pydantic import SecretStr

from gymtui.gym.clock import Clock, Pace, monotonic_s
from gymtui.gym.defects import describe_defect
from gymtui.gym.engine.assignment import Assignment, RolloutContext
from gymtui.gym.engine.assignments import Assignments, LaunchedRun
from gymtui.gym.engine.cancellation import Cancellation
from gymtui.gym.engine.database_place import SharedDatabase
from gymtui.gym.engine.database_server import DatabaseServer
from gymtui.gym.engine.notifications import notifications
from gymtui.gym.engine.outbox import Outbox
from gymtui.gym.engine.participants import Participants
from gymtui.gym.engine.records import DatabaseRefusedError, Ending, StorageError
from gymtui.gym.engine.restart import CannotGoOnError, request_again
from gymtui.gym.engine.rollout import RolloutRunner
from gymtui.gym.engine.rollout_queue import (
    BEAT_S,
    CHANNEL,
    Claim,
    GymSettings,
    LostWorkerError,
    QueuedWrite,
    RolloutQueue,
)
from gymtui.gym.models.model_client import ModelClient, Transport
from gymtui.gym.models.model_servers import ModelServers, ServerLimits
from gymtui.gym.models.scripted_agent import TEMPERAMENTS, Temperament
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.wire import ModelConfig

RETRY_S = 0.5
AT_ONCE = 50  # rollouts at a time in one worker: each holds a workspace
CANNOT_RUN = "Agent execution failed: no worker can run this"

T = TypeVar("T")
log = logging.getLogger(__name__)


class Worker:
    """Runs rollouts on one event loop; `run` is called once.

    Args:
        sleep: Waits a number of seconds, the speed being taken into account.
        make_queue: Makes the queue in an open database.
        ready: Called once, when the database was reached.
    """

    def __init__(
        self,
        place: SharedDatabase,
        *,
        scenarios: Mapping[str, Scenario] = SCENARIOS,
        at_once: int = AT_ONCE,
        judge_key: SecretStr | None = None,
        temperaments: Mapping[str, Temperament] = TEMPERAMENTS,
        clock_offset: timedelta = timedelta(0),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        model_transport: Transport | None = None,
        make_queue: Callable[[DatabaseServer, Clock], RolloutQueue] = RolloutQueue,
        ready: Callable[[], object] = lambda: None,
    ) -> None:
        self._place = place
        self._scenarios = scenarios
        self._at_once = at_once
        self._judge_key = judge_key or SecretStr("")
        self._temperaments = temperaments
        self._clock_offset = clock_offset
        self._sleep = sleep
        self._transport = model_transport
        self._make_queue = make_queue
        self._ready = ready
        self._thread = ThreadPoolExecutor(1, "gym-database")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._numbers: dict[str, int] = {}  # of the runs, by rollout
        self._cancellations: dict[int, Cancellation] = {}  # of the runs, by number
        self._cancelled: set[int] = set()
        self._wake = asyncio.Event()
        self._due_s = 0.0  # when it says next that it is alive
        self._all_s = 0.0  # when it takes next what others did not want
        self._has_finished = False
        self._said = ""  # of the database last
        self._servers: list[ModelServers] = []
        self._shared: tuple[GymSettings, RolloutContext, Assignments] | None = None
        self._names: list[str] = []  # under which it may be there
        self.worker_id: str | None = None

    async def run(self) -> None:
        """Work until cancelled; then what runs is given back.

        Raises:
            DatabaseRefusedError: The database cannot be used.
        """
        try:
            self._database = await self._do(DatabaseServer, self._place)
            try:
                ahead = await self._do(self._database.ahead)
            except StorageError as error:
                raise DatabaseRefusedError(f"{self._place.name}: {error}") from None
            self._clock = Clock(ahead + self._clock_offset)
            self._queue = self._make_queue(self._database, self._clock)
            self._outbox = Outbox(self._send, self._clock)
            self._ready()
            await self._work()
        finally:
            self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        try:
            async with asyncio.TaskGroup() as together:
                together.create_task(self._listen())
                together.create_task(self._outbox.run())
                together.create_task(self._attend())
        finally:
            await self._stop()

    async def _do(self, what: Callable[..., T], *given: object) -> T:
        """Have the database's thread do something, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(what, *given))

    async def _send(self, batch: Sequence[QueuedWrite]) -> None:
        if self.worker_id is not None:
            await self._do(self._queue.write, self.worker_id, batch)

    # -- what it is told ---------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for payload in notifications(self._place, CHANNEL):
            if payload is None:
                self._due_s = 0.0
            else:
                self._hear(json.loads(payload))
            self._wake.set()

    def _hear(self, news: Mapping[str, int]) -> None:
        if (number := news.get("cancelled")) is not None:
            self._cancel(number)
        if (number := news.get("deleted")) is not None:
            for rollout_id in [name for name, of in self._numbers.items() if of == number]:
                self._abandon(rollout_id)

    def _cancel(self, number: int) -> None:
        # A claim that was made just before may be on its way.
        self._cancelled.add(number)
        if number in self._cancellations:
            self._cancellations[number].happen()

    def _abandon(self, rollout_id: str) -> None:
        """Stop a rollout that is another's by now, or nobody's."""
        self._outbox.drop(rollout_id)
        if rollout_id in self._tasks:
            self._tasks[rollout_id].cancel()

    # -- the queue ---------------------------------------------------------------------------------

    async def _attend(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._look()
            except LostWorkerError:
                log.warning("this worker was taken for dead: what it ran is another's")
                for rollout_id in list(self._tasks):
                    self._abandon(rollout_id)
                self.worker_id = None
                self._names.clear()
                continue
            except StorageError as error:
                if str(error) != self._said:
                    self._said = str(error)
                    log.warning("the database cannot be used: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(self._due_s, self._all_s)):
                    await self._wake.wait()

    async def _look(self) -> None:
        if self.worker_id is None:
            name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
            self._names.append(name)
            await self._do(self._queue.join, name)
            self.worker_id = name
            self._all_s = monotonic_s() + BEAT_S
        if monotonic_s() >= self._due_s:
            await self._beat(self.worker_id)
        is_last = monotonic_s() >= self._all_s
        if is_last:
            self._all_s = monotonic_s() + BEAT_S
        has_finished, self._has_finished = self._has_finished, False
        most = self._at_once - len(self._tasks)
        claim = partial(self._queue.claim, is_last=is_last)
        claimed = await self._do(claim, self.worker_id, list(self._scenarios), most)
        for one in claimed:
            self._begin(one)
        if has_finished and not claimed:
            # The place that became free is more than this worker's share.
            await self._do(self._queue.offer)

    async def _beat(self, worker_id: str) -> None:
        # No claim is on its way now.
        self._cancelled.clear()
        before = set(self._tasks)
        held, cancelled = await self._do(self._queue.beat, worker_id, sorted(before))
        for rollout_id in before - held:
            self._abandon(rollout_id)
        for number in cancelled:
            self._cancel(number)
        await self._do(self._queue.reap)
        self._due_s = monotonic_s() + BEAT_S

    # -- rollouts ----------------------------------------------------------------------------------

    def _begin(self, claimed: Claim) -> None:
        waiting = claimed.waiting
        around, assignments = self._made(claimed.gym)
        cancellation = self._cancellations.setdefault(waiting.number, Cancellation())
        run: LaunchedRun | str
        try:
            request = request_again(
                waiting,
                self._scenarios,
                self._temperaments,
                can_judge=assignments.participants.can_judge,
                secrets=claimed.secrets,
            )
            run = LaunchedRun(waiting.run.run_id, waiting.number, request, cancellation)
        except CannotGoOnError as error:
            run = f"{CANNOT_RUN}: {error}"
        for rollout in waiting.rollouts:
            assignment = run if isinstance(run, str) else assignments.of(run, rollout)
            task = asyncio.create_task(self._roll_out(rollout.rollout_id, around, assignment))
            self._tasks[rollout.rollout_id] = task
            self._numbers[rollout.rollout_id] = waiting.number
            task.add_done_callback(partial(self._ended, rollout.rollout_id))
        if waiting.number in self._cancelled:
            cancellation.happen()

    def _made(self, gym: GymSettings) -> tuple[RolloutContext, Assignments]:
        """Return what rollouts share, as long as the gym is served with the same settings."""
        if self._shared is None or self._shared[0] != gym:
            limits = ServerLimits(gym.max_requests, gym.model_timeout_s)
            servers = ModelServers(ModelClient(self._transport), limits)
            self._servers.append(servers)
            judge = None
            if gym.judge is not None:
                key = self._judge_key.get_secret_value()
                judge = ModelConfig.model_validate({**gym.judge, "api_key": key})
            pace = Pace(gym.speed, self._sleep)
            around = RolloutContext(self._outbox, self._clock, pace, gym.failure_share)
            participants = Participants(servers, self._temperaments, judge)
            assignments = Assignments(self._scenarios, participants, gym.seed)
            self._shared = gym, around, assignments
        return self._shared[1:]

    async def _roll_out(
        self, rollout_id: str, around: RolloutContext, assignment: Assignment | str
    ) -> None:
        """Run a rollout, or fail it for the reason that there is in place of its assignment."""
        self._outbox.begin(rollout_id, "")
        try:
            if isinstance(assignment, str):
                self._fail(rollout_id, assignment)
            else:
                await RolloutRunner(around, assignment).run()
        except Exception as defect:  # noqa: BLE001  (this rollout fails and says so, no other)
            log.error("rollout %s broke: %s", rollout_id, describe_defect(defect))
            reason = f"Agent execution failed: the gym broke ({type(defect).__name__})"
            self._fail(rollout_id, reason)
        await self._outbox.written(rollout_id)

    def _fail(self, rollout_id: str, reason: str) -> None:
        ending = Ending("failed", self._clock.stamp(), termination_reason=reason)
        self._outbox.finish(rollout_id, ending)

    def _ended(self, rollout_id: str, task: asyncio.Task[None]) -> None:
        self._outbox.drop(rollout_id)
        del self._tasks[rollout_id]
        number = self._numbers.pop(rollout_id)
        if number not in self._numbers.values():
            del self._cancellations[number]
        self._has_finished = True
        self._wake.set()
        if not task.cancelled() and (defect := task.exception()) is not None:
            log.error("rollout %s broke: %s", rollout_id, describe_defect(defect))

    async def _stop(self) -> None:
        worker_id = self.worker_id
        if worker_id is not None:
            with suppress(StorageError):
                await self._do(self._queue.write, worker_id, self._outbox.left())
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # It may be there under a name that it was never told to have.
        for name in self._names:
            with suppress(StorageError):
                await self._do(self._queue.leave, name)
        await self._do(self._database.close)
        for servers in self._servers:
            await servers.close()
