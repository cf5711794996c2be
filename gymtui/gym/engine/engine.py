"""Runs and their rollouts: launching, keeping `max_parallel`, cancelling, deleting, restarting."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gymtui.gym.clock import Clock, Pace
from gymtui.gym.defects import describe_defect
from gymtui.gym.engine.assignment import Assignment, RolloutContext
from gymtui.gym.engine.assignments import Assignments, LaunchedRun
from gymtui.gym.engine.database import Database
from gymtui.gym.engine.launch_check import (
    LaunchProblem,
    LaunchRefusedError,
    is_scripted,
    model_problem,
    setting_problems,
    task_problems,
)
from gymtui.gym.engine.participants import Participants
from gymtui.gym.engine.records import Ending, NewRollout, NewRun, StorageError
from gymtui.gym.engine.restart import CUT_OFF, CannotGoOnError, cut_off_at, request_again
from gymtui.gym.engine.rollout import CANCELLED, RolloutRunner
from gymtui.gym.engine.troubles import Troubles, no_troubles
from gymtui.gym.models.limiter import REAL_TIME, Timer
from gymtui.gym.models.model_client import ModelClient, Transport
from gymtui.gym.models.model_servers import LIMITS, ModelServers, ServerLimits
from gymtui.gym.models.probe import probe
from gymtui.gym.models.scripted_agent import TEMPERAMENTS, Temperament
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.wire import ACTIVE, LaunchRequest, ModelConfig, ProbeResult, TaskOverride

DEFAULT_PARALLEL = 4
MOST_PARALLEL = 200  # rollouts at a time, over all runs: each holds a workspace
FAILURE_SHARE = 0.03
STORAGE_RETRY_S = 5.0

log = logging.getLogger(__name__)


@dataclass
class _Job:
    """A run in progress: what waits and what it runs with."""

    run: LaunchedRun
    queue: deque[NewRollout]
    parallel: int
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Engine:
    """Runs rollouts; everything on one event loop. Call `stop` last.

    Call `start` first, unless another engine that is at work on the same database did.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock | None = None,
        pace: Pace | None = None,
        seed: int = 0,
        failure_share: float = FAILURE_SHARE,
        scenarios: Mapping[str, Scenario] = SCENARIOS,
        temperaments: Mapping[str, Temperament] = TEMPERAMENTS,
        troubles: Troubles = no_troubles,
        new_id: Callable[[], str] = lambda: secrets.token_hex(6),
        model_transport: Transport | None = None,
        server_limits: ServerLimits = LIMITS,
        most_parallel: int = MOST_PARALLEL,
        timer: Timer = REAL_TIME,
        judge: ModelConfig | None = None,
    ) -> None:
        """Make an engine over an open database.

        Args:
            database: The gym's memory; closed by whoever opened it.
            seed: Every random choice comes from it, rollout by rollout.
            model_transport: Replaces the network to model servers in tests.
        """
        self.database = database
        self.clock = clock or Clock()
        self.scenarios = scenarios
        self.new_id = new_id
        self._around = RolloutContext(database, self.clock, pace or Pace(), failure_share, troubles)
        self._servers = ModelServers(ModelClient(model_transport), server_limits, timer)
        self._participants = Participants(self._servers, temperaments, judge)
        self._assignments = Assignments(scenarios, self._participants, seed)
        self._places = asyncio.Semaphore(most_parallel)
        self._jobs: dict[str, _Job] = {}
        self._at_end: list[Callable[[], None]] = []

    def at_end(self, close: Callable[[], None]) -> None:
        self._at_end.append(close)

    def start(self) -> None:
        """Settle what an earlier gym on this database left unfinished.

        What ran is cut off, as of when that gym was last alive; what waited goes on waiting, where
        its agent is still there.
        """
        ended = cut_off_at(self.database, self.clock)
        count = self.database.fail(ended, CUT_OFF, statuses=("running",))
        for waiting in self.database.waiting_runs():
            run_id = waiting.run.run_id
            try:
                request = request_again(
                    waiting,
                    self.scenarios,
                    self._participants.temperaments,
                    can_judge=self._participants.can_judge,
                )
            except CannotGoOnError as error:
                reason = f"{CUT_OFF}, and it cannot go on: {error}"
                count += self.database.fail(ended, reason, statuses=("pending",), run_id=run_id)
            else:
                self._begin(run_id, waiting.number, request, waiting.rollouts)
        if count:
            log.warning("%d rollouts were cut off by a restart", count)

    async def stop(self) -> None:
        """Stop at once; what runs is left as it is, for the next `start` to find."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._servers.close()
        for close in self._at_end:
            close()

    async def finished(self) -> None:
        """Wait until no run has rollouts left to drive."""
        while tasks := [job.task for job in self._jobs.values() if job.task is not None]:
            await asyncio.wait(tasks)

    @property
    def unfinished_runs(self) -> int:
        """How many runs still have rollouts to drive."""
        return len(self._jobs)

    # -- launching -------------------------------------------------------------------------

    async def launch(self, request: LaunchRequest) -> tuple[str, list[NewRollout]]:
        """Start a run.

        Returns:
            Its id and its rollouts, all pending.

        Raises:
            LaunchRefusedError: A task, a model or a provider that this gym does not have.
            RunNameTakenError: A run of that name exists.
            StorageError: It cannot be kept.
        """
        if problems := await self._problems(request):
            raise LaunchRefusedError(*problems)
        run_id = request.run_name or f"run_{self.new_id()}"
        rollouts = [
            NewRollout(f"rol_{self.new_id()}", task_id, attempt, request.settings.max_steps)
            for attempt in range(request.rollout_count)
            for task_id in request.task_ids
        ]
        # Without a reserve this run could neither go on nor be failed once the disk is full.
        self.database.keep_reserve()
        self._take(_new_run(run_id, request, self.clock.stamp()), request, rollouts)
        return run_id, rollouts

    def _take(self, run: NewRun, request: LaunchRequest, rollouts: Sequence[NewRollout]) -> None:
        number = self.database.add_run(run, rollouts)
        self._begin(run.run_id, number, request, rollouts)

    def _begin(
        self, run_id: str, number: int, request: LaunchRequest, rollouts: Iterable[NewRollout]
    ) -> None:
        parallel = request.max_parallel or DEFAULT_PARALLEL
        job = _Job(LaunchedRun(run_id, number, request), deque(rollouts), parallel)
        self._jobs[run_id] = job
        job.task = asyncio.create_task(self._drive(job), name=f"run {run_id}")

    async def _problems(self, request: LaunchRequest) -> list[LaunchProblem]:
        scenario = self.scenarios[request.scenario_id]
        problems = [
            *task_problems(request, scenario),
            *setting_problems(
                request,
                scenario,
                self._participants.temperaments,
                can_judge=self._participants.can_judge,
            ),
        ]
        return problems or await self._participants.unreachable(request, scenario)

    async def test_model(self, settings: ModelConfig) -> ProbeResult:
        """Return whether an agent could be driven with these settings."""
        problem = model_problem(settings, self._participants.temperaments)
        if problem is not None:
            return ProbeResult(success=False, message=problem.message, error_type=problem.kind)
        if is_scripted(settings):
            return ProbeResult(success=True, message=f"{settings.model} is scripted here")
        return await probe(self._servers, settings)

    # -- running ---------------------------------------------------------------------------

    async def _drive(self, job: _Job) -> None:
        running: set[asyncio.Task[None]] = set()
        try:
            while job.queue or running:
                while job.queue and len(running) < job.parallel:
                    running.add(asyncio.create_task(self._roll_out(job, job.queue.popleft())))
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                failures = [failure for task in done if (failure := task.exception())]
                if failures:
                    raise failures[0]
        except StorageError as error:
            job.queue.clear()
            await _end(running)
            await self._give_up(job, error)
        finally:
            await _end(running)
            if self._jobs.get(job.run.run_id) is job:
                del self._jobs[job.run.run_id]

    async def _roll_out(self, job: _Job, rollout: NewRollout) -> None:
        async with self._places:
            try:
                await RolloutRunner(self._around, self._assignment(job, rollout)).run()
            except StorageError:
                raise
            except Exception as defect:  # noqa: BLE001  (this rollout fails and says so, no other)
                log.error("rollout %s broke: %s", rollout.rollout_id, describe_defect(defect))
                reason = f"Agent execution failed: the gym broke ({type(defect).__name__})"
                ending = Ending("failed", self.clock.stamp(), termination_reason=reason)
                self.database.finish(rollout.rollout_id, ending)

    def _assignment(self, job: _Job, rollout: NewRollout) -> Assignment:
        return self._assignments.of(job.run, rollout)

    async def _give_up(self, job: _Job, error: StorageError) -> None:
        """Fail a run that cannot be written any more, as soon as that can be written."""
        reason = f"the gym cannot keep what happens: {error}"
        log.error("run %s: %s", job.run.run_id, reason)
        self.database.make_room()
        while True:
            try:
                self.database.fail(
                    self.clock.stamp(), reason, statuses=ACTIVE, run_id=job.run.run_id
                )
            except StorageError:
                await self._servers.timer.sleep(STORAGE_RETRY_S)
            else:
                return

    # -- ending ----------------------------------------------------------------------------

    def cancel(self, run_id: str) -> int | None:
        """Cancel a run: what waits, for its turn or for a model, ends at once, the rest soon.

        Returns:
            How many rollouts were told to end, or None when there is no such run.
        """
        if not self.database.has_run(run_id):
            return None
        active = self.database.count_active(run_id)
        job = self._jobs.get(run_id)
        if job is not None:
            job.queue.clear()
            job.run.cancellation.happen()
        self.database.fail(self.clock.stamp(), CANCELLED, statuses=("pending",), run_id=run_id)
        return active

    def delete(self, run_id: str) -> int | None:
        """Delete a run and stop whatever of it still runs.

        Returns:
            How many rollouts went with it, or None when there is no such run.
        """
        job = self._jobs.pop(run_id, None)
        if job is not None and job.task is not None:
            job.task.cancel()
        return self.database.delete_run(run_id)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _new_run(run_id: str, request: LaunchRequest, stamp: str) -> NewRun:
    user = request.user_settings
    overrides: Mapping[str, TaskOverride] = request.task_overrides or {}
    return NewRun(
        run_id=run_id,
        scenario_id=request.scenario_id,
        created_at=stamp,
        settings=request.settings.public(),
        max_parallel=request.max_parallel,
        user_settings=None if user is None else user.public(),
        source=request.source,
        task_overrides={name: item.model_dump(mode="json") for name, item in overrides.items()},
    )
