"""One rollout from its first phase to its end: builds, seeds, lets the agent act, verifies."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from gymtui.gym.clock import BUILDING, SEEDING, VERIFYING, Clock, Pace, Spread, monotonic_s
from gymtui.gym.defects import described
from gymtui.gym.engine.cancellation import Cancellation, CancelledRunError
from gymtui.gym.engine.database import Database
from gymtui.gym.engine.recorder import Recorder
from gymtui.gym.engine.records import Ending, PhaseSpan, StorageError
from gymtui.gym.engine.troubles import Kind, Moment, Trouble, Troubles, none_at_all
from gymtui.gym.models.agent import Agent, AgentError, Turn
from gymtui.gym.scenarios.base import Facts, Scenario, Task, judge
from gymtui.gym.tools.workspace import Workspace
from gymtui.gym.wire import ModelConfig, Phase, Status, TaskOverride

WORKSPACE_FAILURES = (
    "Container {server}-mcp exited with code 137 before it became healthy (out of memory)",
    "Container {server}-mcp: image pull failed: 503 from the registry",
    "Container {server}-mcp did not become healthy within 120 s",
)
log = logging.getLogger(__name__)

CANCELLED = "cancelled"
MAX_STEPS = "max_steps"
NO_FINAL_ANSWER = "Max steps reached without final assistant response"


@dataclass(frozen=True)
class Surroundings:
    """What every rollout of a gym shares.

    Attributes:
        failure_share: Which share of scripted agents' workspaces fail to build, 0 to 1.
        troubles: What else goes wrong for them.
    """

    database: Database
    clock: Clock
    pace: Pace
    failure_share: float
    troubles: Troubles = none_at_all


@dataclass(frozen=True)
class Assignment:
    """What one rollout is about.

    Attributes:
        seed: What the agent decides, how long things take and what breaks is drawn from it.
        world_seed: What the workspace holds is drawn from it, so that it can be the same for
            every agent that tries the same task.
        attempt: Which try of the task this is, from 0.
        make_agent: Makes the agent, given the instruction and two sources of randomness: for
            decisions and for durations.
        cancellation: The run's.
        is_scripted: Whether the agent only plays one: then phases take time and things go wrong.
    """

    rollout_id: str
    run_id: str
    scenario: Scenario
    task: Task
    settings: ModelConfig
    override: TaskOverride | None
    seed: str
    world_seed: str
    make_agent: Callable[[str, Random, Random], Agent]
    cancellation: Cancellation
    is_scripted: bool
    attempt: int = 0

    @property
    def instruction(self) -> str:
        """What the agent is told: the task's instruction, or what the run put in its place."""
        told = self.override.description if self.override else None
        return self.task.instruction if told is None else told


class _EndedError(Exception):
    """The rollout ends here, without a verdict."""

    def __init__(self, status: Status, reason: str, error: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.error = error


def _workspace_failed(reason: str) -> _EndedError:
    return _EndedError("workspace_error", reason, f"Workspace provisioning failed: {reason}")


def _source(seed: str, purpose: str) -> Random:
    return Random(f"{seed}|{purpose}")  # noqa: S311 - repeatable, not secret


@dataclass
class RolloutRunner:
    """Carries out one assignment; `run` is called once."""

    around: Surroundings
    given: Assignment
    _phases: list[PhaseSpan] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Apart, so that how long something takes never changes what happens.
        self._pace = _source(self.given.seed, "pace")
        self._luck = _source(self.given.seed, "luck")
        self._world = _source(self.given.world_seed, "world")
        self._recorder = Recorder(
            self.around.clock,
            notional_cost=self.given.is_scripted,
            keep=partial(self.around.database.add_progress, self.given.rollout_id),
        )

    async def run(self) -> None:
        """Run the rollout and write how it ended.

        Raises:
            StorageError: It cannot be written.
        """
        clock, database = self.around.clock, self.around.database
        created_at = clock.stamp()
        if not database.begin(self.given.rollout_id, created_at):
            return
        workspace = Workspace(self.given.scenario.schema)
        try:
            ending = await self._live(workspace)
        except _EndedError as end:
            self._recorder.error = end.error
            ending = {"status": end.status, "termination_reason": end.reason}
        except CancelledRunError:
            self._recorder.error = "Cancelled"
            ending = {"status": "failed", "termination_reason": CANCELLED}
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001  (whatever it is, the rollout ends and says so)
            log.error("rollout %s broke: %s", self.given.rollout_id, described(error))
            reason = f"Agent execution failed: the gym broke ({type(error).__name__})"
            self._recorder.error = reason
            ending = {"status": "failed", "termination_reason": reason}
        finally:
            workspace.close()
        self._leave_phase()
        database.finish(
            self.given.rollout_id,
            Ending(
                stamp=clock.stamp(),
                artifacts=self._recorder.artifacts(
                    task_id=self.given.task.task_id,
                    task=self.given.instruction,
                    model=self.given.settings.model,
                    provider=self.given.settings.provider,
                    max_steps=self.given.settings.max_steps,
                    created_at=created_at,
                    metadata=self._metadata(),
                ),
                phases=self._phases,
                **ending,
            ),
        )

    async def _live(self, workspace: Workspace) -> dict[str, Any]:
        await self._build()
        facts = await self._seed(workspace)
        reason = await self._act(workspace)
        self._enter("verifying")
        await self._spend(VERIFYING)
        result = judge(self.given.task.verify(workspace, facts))
        return {"status": "completed", "result": result, "termination_reason": reason}

    async def _build(self) -> None:
        self._enter("building_environment")
        await self._spend(BUILDING)
        self.given.cancellation.check()
        if not self.given.is_scripted:
            return
        trouble = self._trouble(step=0)
        if trouble is not None and trouble.kind is Kind.WORKSPACE:
            raise _workspace_failed(trouble.reason)
        if self._luck.random() < self.around.failure_share:
            words = self._luck.choice(WORKSPACE_FAILURES)
            reason = words.format(server=self._luck.choice(self.given.task.servers))
            raise _workspace_failed(reason)

    async def _seed(self, workspace: Workspace) -> Facts:
        self._enter("seeding")
        self.given.scenario.populate(workspace, self._world)
        facts = self.given.task.seed(workspace, self._world)
        workspace.take_changes()
        await self._spend(SEEDING)
        self.given.cancellation.check()
        return facts

    async def _spend(self, spread: Spread) -> None:
        """Let a scripted rollout's phase take its time; a real one's is over when it is done."""
        await self.around.pace.spend(spread.draw(self._pace) if self.given.is_scripted else 0.0)

    async def _act(self, workspace: Workspace) -> str | None:
        """Let the agent act until it is done; returns why it ended, None when by its own will."""
        self._enter("agent_running")
        self._recorder.user(self.given.instruction)
        began = monotonic_s()
        try:
            return await self._take_turns(workspace)
        except AgentError as error:
            reason = f"Agent execution failed: {error}"
            raise _EndedError("failed", reason, reason) from error
        finally:
            self._recorder.duration_s = monotonic_s() - began

    async def _take_turns(self, workspace: Workspace) -> str | None:
        decisions = _source(self.given.seed, "decisions")
        agent = self.given.make_agent(self.given.instruction, decisions, self._pace)
        observations: list[Any] = []
        # A step is a turn that calls tools (API.md): the final answer is none, here no more than in
        # the artifacts.
        self.around.database.set_step(self.given.rollout_id, 0)
        for step in range(1, self.given.settings.max_steps + 1):
            turn = await self._think(agent, observations, step)
            if not turn.calls:
                return None
            self.around.database.set_step(self.given.rollout_id, step)
            began = monotonic_s()
            toolbox = self.given.scenario.toolbox
            observations = []
            for call in turn.calls:
                observations.append(toolbox.call(workspace, call))
                self._recorder.result(call, observations[-1])
            self._recorder.tools_s += monotonic_s() - began
        self._recorder.error = NO_FINAL_ANSWER
        return MAX_STEPS

    async def _think(self, agent: Agent, observations: list[Any], step: int) -> Turn:
        began = monotonic_s()
        await self.around.pace.spend(agent.thinks_for_s())
        self.given.cancellation.check()
        if self.given.is_scripted:
            await self._meet_trouble(step)
        with self.given.cancellation.interrupts():
            turn = await agent.act(observations)
        self._recorder.thinking_s += monotonic_s() - began
        # What was said stays said, even when the run was cancelled meanwhile.
        self._recorder.turn(turn)
        self.given.cancellation.check()
        return turn

    def _trouble(self, step: int) -> Trouble | None:
        given = self.given
        return self.around.troubles(Moment(given.run_id, given.task.task_id, given.attempt, step))

    async def _meet_trouble(self, step: int) -> None:
        trouble = self._trouble(step)
        while trouble is not None and trouble.kind is Kind.SILENCE:
            await self.around.pace.spend(1.0)
            self.given.cancellation.check()
            trouble = self._trouble(step)
        if trouble is not None and trouble.kind is Kind.ENDPOINT:
            raise AgentError(trouble.reason)

    def _enter(self, phase: Phase) -> None:
        self._leave_phase()
        self._phases.append(PhaseSpan(phase, self.around.clock.stamp()))
        self.around.database.set_phase(self.given.rollout_id, phase, self._phases)

    def _leave_phase(self) -> None:
        if self._phases and self._phases[-1].end is None:
            last = self._phases[-1]
            self._phases[-1] = PhaseSpan(last.phase, last.start, self.around.clock.stamp())

    def _metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "rollout_id": self.given.rollout_id,
            "run_id": self.given.run_id,
            "scenario_id": self.given.scenario.scenario_id,
        }
        if self.given.override and self.given.override.client_context is not None:
            metadata["client_context"] = self.given.override.client_context
        return metadata
