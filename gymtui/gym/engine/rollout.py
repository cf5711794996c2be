"""One rollout from its first phase to its end: builds, seeds, has the agent act, verifies."""

import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gymtui.gym.clock import BUILDING, SEEDING, VERIFYING, DurationRange
from gymtui.gym.defects import describe_defect
from gymtui.gym.engine.assignment import Assignment, EndedError, RolloutContext, randomness
from gymtui.gym.engine.cancellation import CancelledRunError
from gymtui.gym.engine.conversation import Conversation
from gymtui.gym.engine.recorder import Recorder
from gymtui.gym.engine.records import Ending, PhaseSpan, StorageError
from gymtui.gym.engine.troubles import RolloutPosition, TroubleKind
from gymtui.gym.models.judge import JudgeError
from gymtui.gym.scenarios.base import World, WorldError
from gymtui.gym.scenarios.seed_calls import seed_calls
from gymtui.gym.tools.remote import RemoteTools, ToolServerError
from gymtui.gym.wire import Artifacts, Phase, Result

WORKSPACE_FAILURES = (
    "Container {server}-mcp exited with code 137 before it became healthy (out of memory)",
    "Container {server}-mcp: image pull failed: 503 from the registry",
    "Container {server}-mcp did not become healthy within 120 s",
)
log = logging.getLogger(__name__)

CANCELLED = "cancelled"


def _workspace_failed(reason: str) -> EndedError:
    return EndedError("workspace_error", reason, f"Workspace provisioning failed: {reason}")


@dataclass
class RolloutRunner:
    """Carries out one assignment; `run` is called once."""

    around: RolloutContext
    given: Assignment
    _phases: list[PhaseSpan] = field(default_factory=list)
    _created_at: str = ""

    def __post_init__(self) -> None:
        # Apart, so that how long something takes never changes what happens.
        self._pace = randomness(self.given.seed, "pace")
        self._luck = randomness(self.given.seed, "luck")
        self._recorder = Recorder(
            self.around.clock,
            notional_cost=self.given.is_scripted,
            keep=partial(self.around.log.add_progress, self.given.rollout_id),
        )

    async def run(self) -> None:
        """Run the rollout and write how it ended.

        Raises:
            StorageError: It cannot be written.
        """
        clock, written = self.around.clock, self.around.log
        self._created_at = clock.stamp()
        if not written.begin(self.given.rollout_id, self._created_at):
            return
        try:
            async with AsyncExitStack() as until:
                ending = await self._live(until)
        except EndedError as end:
            self._recorder.error = end.error
            ending = {"status": end.status, "termination_reason": end.reason}
        except CancelledRunError:
            self._recorder.error = "Cancelled"
            ending = {"status": "failed", "termination_reason": CANCELLED}
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001  (whatever it is, the rollout ends and says so)
            log.error("rollout %s broke: %s", self.given.rollout_id, describe_defect(error))
            reason = f"Agent execution failed: the gym broke ({type(error).__name__})"
            self._recorder.error = reason
            ending = {"status": "failed", "termination_reason": reason}
        self._leave_phase()
        written.finish(
            self.given.rollout_id,
            Ending(
                stamp=clock.stamp(),
                artifacts=self._artifacts(),
                phases=self._phases,
                **ending,
            ),
        )

    async def _live(self, until: AsyncExitStack) -> dict[str, Any]:
        world, tools = await self._build(until)
        await self._seed(world, tools)
        self._enter("agent_running")
        conversation = Conversation(
            self.around, self.given, self._recorder, world, tools, self._pace
        )
        reason = await conversation.run()
        self._enter("verifying")
        with self.given.cancellation.interrupts():
            await self._spend(VERIFYING)
            result = await self._verify(world)
        return {"status": "completed", "result": result, "termination_reason": reason}

    async def _verify(self, world: World) -> Result:
        record = self._recorder.record()
        try:
            if self.given.judge is None:
                return await world.verify({**dict(self._artifacts()), **record})
            return await self.given.judge(record)
        except (JudgeError, WorldError) as error:
            reason = f"Verification failed: {error}"
            raise EndedError("failed", reason, reason) from None

    def _artifacts(self) -> Artifacts:
        return self._recorder.artifacts(self.given, self._created_at, self._metadata())

    async def _build(self, until: AsyncExitStack) -> tuple[World, Sequence[RemoteTools]]:
        """Provide what the agent works with; returns the world and the tools elsewhere."""
        self._enter("building_environment")
        await self._spend(BUILDING)
        self.given.cancellation.check()
        if self.given.is_scripted:
            self._meet_trouble()
        elsewhere = self.given.make_tools()
        try:
            with self.given.cancellation.interrupts():
                world = await self.given.scenario.open(self.given.task.content)
                until.callback(world.close)
                for tools in elsewhere:
                    until.push_async_callback(tools.close)
                    await tools.open()
        except WorldError as error:
            raise _workspace_failed(str(error)) from None
        except ToolServerError as error:
            raise _workspace_failed(f"the tool server cannot be used: {error}") from None
        return world, elsewhere

    def _meet_trouble(self) -> None:
        moment = RolloutPosition(self.given.run_id, self.given.task.task_id, self.given.attempt, 0)
        trouble = self.around.troubles(moment)
        if trouble is not None and trouble.kind is TroubleKind.WORKSPACE:
            raise _workspace_failed(trouble.reason)
        is_unlucky = self._luck.random() < self.around.failure_share
        if is_unlucky and self.given.scenario.invents_trouble:
            words = self._luck.choice(WORKSPACE_FAILURES)
            reason = words.format(server=self._luck.choice(self.given.task.servers))
            raise _workspace_failed(reason)

    async def _seed(self, world: World, elsewhere: Sequence[RemoteTools]) -> None:
        self._enter("seeding")
        task = self.given.task
        try:
            with self.given.cancellation.interrupts():
                await world.seed(f"{self.given.world_seed}|world")
                for tools in elsewhere:
                    for call in seed_calls(task.content, task.npcs, tools.server):
                        seen = await tools.call(call)
                        if seen.is_error:
                            raise WorldError(f"{tools.server} was not seeded: {seen.text}")
        except WorldError as error:
            raise _workspace_failed(str(error)) from None
        await self._spend(SEEDING)
        self.given.cancellation.check()

    async def _spend(self, spread: DurationRange) -> None:
        """Let a scripted rollout's phase take its time; a real one's is over when it is done."""
        await self.around.pace.spend(spread.draw(self._pace) if self.given.is_scripted else 0.0)

    def _enter(self, phase: Phase) -> None:
        self._leave_phase()
        self._phases.append(PhaseSpan(phase, self.around.clock.stamp()))
        self.around.log.set_phase(self.given.rollout_id, phase, self._phases)

    def _leave_phase(self) -> None:
        if self._phases and self._phases[-1].end is None:
            last = self._phases[-1]
            self._phases[-1] = PhaseSpan(last.phase, last.start, self.around.clock.stamp())

    def _metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "rollout_id": self.given.rollout_id,
            "run_id": self.given.run_id,
            "scenario_id": self.given.scenario.scenario_id,
            "task_name": self.given.task.name,
            "task_category": self.given.task.category,
            "task_difficulty": self.given.task.difficulty,
        }
        if self.given.override and self.given.override.client_context is not None:
            metadata["client_context"] = self.given.override.client_context
        return metadata
