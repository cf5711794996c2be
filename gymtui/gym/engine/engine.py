"""Runs and their rollouts: launching, keeping `max_parallel`, cancelling, deleting, restarting."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random

from pydantic import ValidationError

from gymtui.gym.clock import Clock, Pace
from gymtui.gym.engine.database import Database
from gymtui.gym.engine.records import Ending, NewRollout, NewRun, WaitingRun
from gymtui.gym.engine.rollout import CANCELLED, Assignment, RolloutRunner, Surroundings
from gymtui.gym.engine.troubles import Troubles, none_at_all
from gymtui.gym.models.scripted import PREFIX, TEMPERAMENTS, ScriptedAgent, Temperament
from gymtui.gym.models.served import Agent, ServedAgent, Transport, make_client, probe, reach
from gymtui.gym.scenarios import SCENARIOS
from gymtui.gym.scenarios.base import Scenario, Task
from gymtui.gym.wire import LaunchRequest, ModelConfig, ProbeResult, TaskOverride

DEFAULT_PARALLEL = 4
MOST_PARALLEL = 200
"""However many a run asks for: each holds a workspace."""
FAILURE_SHARE = 0.03
CUT_OFF = "interrupted: the gym was restarted before this rollout finished"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """Why a request is refused: `loc` is the path to the field in the body."""

    loc: tuple[str | int, ...]
    message: str
    kind: str = "value_error"


class LaunchRefusedError(Exception):
    """A launch that validates but cannot be carried out here."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


@dataclass
class _Job:
    """A run in progress: what waits, what it runs with, and whether it was cancelled."""

    run_id: str
    number: int
    request: LaunchRequest
    queue: deque[NewRollout]
    parallel: int
    cancelled: bool = False
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
        troubles: Troubles = none_at_all,
        new_id: Callable[[], str] = lambda: secrets.token_hex(6),
        model_transport: Transport | None = None,
    ) -> None:
        """Make an engine over an open database.

        Args:
            database: The gym's memory; closed by whoever opened it.
            clock: The gym's time.
            pace: How fast simulated work goes.
            seed: Every random choice comes from it, rollout by rollout.
            failure_share: Which share of workspaces fail to build, 0 to 1.
            scenarios: What can be run, by id.
            temperaments: The scripted agents, by the name of the model.
            troubles: What goes wrong besides.
            new_id: Makes the random part of ids.
            model_transport: Replaces the network to model servers in tests.
        """
        self.database = database
        self.clock = clock or Clock()
        self.scenarios = scenarios
        self._seed = seed
        self.new_id = new_id
        self._temperaments = temperaments
        self._around = Surroundings(database, self.clock, pace or Pace(), failure_share, troubles)
        self._client = make_client(model_transport)
        self._jobs: dict[str, _Job] = {}

    def start(self, *, resume: bool = False) -> None:
        """Settle what an earlier gym on this database left unfinished.

        What ran is cut off, as of when that gym was last alive.

        Args:
            resume: Whether what waited goes on waiting, where its agent can be made without the
                key, which was not kept; otherwise it ends too.
        """
        ended = self._cut_off_at()
        count = self.database.fail(ended, CUT_OFF, statuses=("running",))
        for waiting in self.database.waiting_runs():
            request = self._request_again(waiting) if resume else None
            if request is None:
                run_id = waiting.run.run_id
                count += self.database.fail(ended, CUT_OFF, statuses=("pending",), run_id=run_id)
            else:
                self._begin(waiting.run.run_id, waiting.number, request, waiting.rollouts)
        if count:
            log.warning("%d rollouts were cut off by a restart", count)

    def _request_again(self, waiting: WaitingRun) -> LaunchRequest | None:
        """Return a request that goes on with a run, or None if that takes what is not there."""
        run = waiting.run
        try:
            request = LaunchRequest.model_validate(
                {
                    "scenario_id": run.scenario_id,
                    "task_ids": sorted({rollout.task_id for rollout in waiting.rollouts}),
                    "model_config": {**run.settings, "api_key": "not kept"},
                    "max_parallel": run.max_parallel,
                    "run_name": run.run_id,
                }
            )
        except ValidationError:
            return None
        scripted = (
            request.settings.base_url is None and self._unknown_model(request.settings) is None
        )
        known = request.scenario_id in self.scenarios and not self._problems(request)
        # An override may name a task whose rollouts have all begun.
        overrides = {
            name: TaskOverride.model_validate(item)
            for name, item in (run.task_overrides or {}).items()
        }
        return (
            request.model_copy(update={"task_overrides": overrides}) if scripted and known else None
        )

    def _cut_off_at(self) -> str:
        written = self.database.last_written
        now = self.clock.now()
        when = now if written is None else min(written + self.clock.offset, now)
        return when.isoformat(timespec="microseconds")

    async def stop(self) -> None:
        """Stop at once; what runs is left as it is, for the next `start` to find."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

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
        """
        problems = self._problems(request) or await self._model_problems(request)
        if problems:
            raise LaunchRefusedError(*problems)
        run_id = request.run_name or f"run_{self.new_id()}"
        rollouts = [
            NewRollout(f"rol_{self.new_id()}", task_id, attempt, request.settings.max_steps)
            for attempt in range(request.rollout_count)
            for task_id in request.task_ids
        ]
        number = self.database.add_run(_new_run(run_id, request, self.clock.stamp()), rollouts)
        self._begin(run_id, number, request, rollouts)
        return run_id, rollouts

    def _begin(
        self, run_id: str, number: int, request: LaunchRequest, rollouts: Iterable[NewRollout]
    ) -> None:
        parallel = min(request.max_parallel or DEFAULT_PARALLEL, MOST_PARALLEL)
        job = _Job(run_id, number, request, deque(rollouts), parallel)
        self._jobs[run_id] = job
        job.task = asyncio.create_task(self._drive(job), name=f"run {run_id}")

    def _problems(self, request: LaunchRequest) -> list[Problem]:
        tasks = self.scenarios[request.scenario_id].tasks
        problems = []
        for index, task_id in enumerate(request.task_ids):
            if task_id not in tasks:
                words = f"Scenario {request.scenario_id} has no task {task_id}"
                problems.append(Problem(("task_ids", index), words))
            elif task_id in request.task_ids[:index]:
                problems.append(Problem(("task_ids", index), f"Task {task_id} is named twice"))
        problems += [
            Problem(("task_overrides", task_id), "Not one of the run's task_ids")
            for task_id in request.task_overrides or {}
            if task_id not in request.task_ids
        ]
        return problems

    async def _model_problems(self, request: LaunchRequest) -> list[Problem]:
        problem = self._unknown_model(request.settings)
        if problem is None and request.settings.base_url is not None:
            reason = await reach(self._client, request.settings)
            if reason is not None:
                problem = Problem(("model_config", "base_url"), reason, "connection_error")
        return [problem] if problem else []

    def _unknown_model(self, settings: ModelConfig) -> Problem | None:
        """Return why no agent can be made of these settings, as far as that shows at once."""
        if settings.provider != "custom":
            words = (
                f"The local gym cannot reach provider {settings.provider}: use custom, with a"
                f" base_url or with a scripted model ({', '.join(TEMPERAMENTS)})"
            )
            return Problem(("model_config", "provider"), words, "connection_error")
        if settings.model is None:
            return Problem(("model_config", "model"), "A model is needed", "invalid_model")
        if settings.base_url is None and settings.model not in self._temperaments:
            kind = "scripted agent" if settings.model.startswith(PREFIX) else "model"
            known = ", ".join(TEMPERAMENTS)
            words = f"Unknown {kind} {settings.model}: give a base_url, or one of {known}"
            return Problem(("model_config", "model"), words, "invalid_model")
        return None

    async def test_model(self, settings: ModelConfig) -> ProbeResult:
        """Return whether an agent could be driven with these settings."""
        problem = self._unknown_model(settings)
        if problem is not None:
            return ProbeResult(success=False, message=problem.message, error_type=problem.kind)
        if settings.base_url is None:
            return ProbeResult(success=True, message=f"{settings.model} is scripted here")
        return await probe(self._client, settings)

    # -- running ---------------------------------------------------------------------------

    async def _drive(self, job: _Job) -> None:
        running: dict[asyncio.Task[None], str] = {}
        try:
            while job.queue or running:
                while job.queue and len(running) < job.parallel:
                    rollout = job.queue.popleft()
                    runner = RolloutRunner(self._around, self._assignment(job, rollout))
                    running[asyncio.create_task(runner.run())] = rollout.rollout_id
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    self._note_defect(running.pop(task), task.exception())
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            if self._jobs.get(job.run_id) is job:
                del self._jobs[job.run_id]

    def _note_defect(self, rollout_id: str, defect: BaseException | None) -> None:
        """A rollout that broke on a defect of ours fails and says so; the run goes on."""
        if defect is None:
            return
        log.error("rollout %s broke", rollout_id, exc_info=defect)
        reason = f"Agent execution failed: {defect!r}"
        ending = Ending("failed", self.clock.stamp(), termination_reason=reason)
        self.database.finish(rollout_id, ending)

    def _assignment(self, job: _Job, rollout: NewRollout) -> Assignment:
        request = job.request
        scenario = self.scenarios[request.scenario_id]
        task = scenario.tasks[rollout.task_id]
        place = f"{self._seed}|{scenario.scenario_id}|{task.task_id}|{rollout.attempt}"

        return Assignment(
            rollout_id=rollout.rollout_id,
            run_id=job.run_id,
            scenario=scenario,
            task=task,
            settings=request.settings,
            override=(request.task_overrides or {}).get(rollout.task_id),
            # The run's number is in it, or every run of a model would repeat the last one.
            seed=f"{place}|{request.settings.model}|{job.number}",
            world_seed=place,
            attempt=rollout.attempt,
            make_agent=partial(self._make_agent, request.settings, scenario, task),
            is_cancelled=lambda: job.cancelled,
        )

    def _make_agent(
        self,
        settings: ModelConfig,
        scenario: Scenario,
        task: Task,
        instruction: str,
        decisions: Random,
        durations: Random,
    ) -> Agent:
        temperament = self._temperaments.get(settings.model or "")
        if settings.base_url is not None or temperament is None:
            functions = scenario.toolbox.functions()
            return ServedAgent(self._client, settings, instruction, functions)
        return ScriptedAgent(
            temperament, task.plan, scenario.wander, random=decisions, pace=durations
        )

    # -- ending ----------------------------------------------------------------------------

    def cancel(self, run_id: str) -> int | None:
        """Cancel a run: what waits ends at once, what runs at its next step.

        Returns:
            How many rollouts were told to end, or None when there is no such run.
        """
        if not self.database.has_run(run_id):
            return None
        active = self.database.count_active(run_id)
        job = self._jobs.get(run_id)
        if job is not None:
            job.cancelled = True
            job.queue.clear()
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
        task_overrides={name: item.model_dump(mode="json") for name, item in overrides.items()},
    )
