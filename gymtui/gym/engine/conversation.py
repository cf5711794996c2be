"""The agent's part of a rollout: turn by turn with its tools, and with the person it works for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from gymtui.gym.clock import monotonic_s
from gymtui.gym.engine.assignment import Assignment, EndedError, RolloutContext, randomness
from gymtui.gym.engine.recorder import Recorder
from gymtui.gym.engine.troubles import RolloutPosition, Trouble, TroubleKind
from gymtui.gym.models.agent import Agent, AgentError, Turn
from gymtui.gym.models.simulated_user import (
    GREETING,
    SimulatedUser,
    SimulatedUserError,
    is_done,
)
from gymtui.gym.scenarios.base import World, WorldError
from gymtui.gym.tools.remote import RemoteTools
from gymtui.gym.tools.toolbox import Call, Observation

MAX_STEPS = "max_steps"
NO_FINAL_ANSWER = "Max steps reached without final assistant response"
MAX_USER_TURNS = "max_user_turns"
NO_END = "The simulated user reached its last turn before it was done"


@dataclass
class Conversation:
    """Carries out the agent's part of one assignment; `run` is called once."""

    around: RolloutContext
    given: Assignment
    recorder: Recorder
    world: World
    tools: Sequence[RemoteTools]
    durations: Random  # how long a scripted agent's turns take is drawn from it
    _steps: int = field(default=0, init=False)

    async def run(self) -> str | None:
        """Let the agent act until it is done; returns why it ended, None when by its own will.

        Raises:
            EndedError: It cannot go on.
            CancelledRunError: The run was cancelled.
        """
        began = monotonic_s()
        try:
            return await self._converse()
        except SimulatedUserError as error:
            reason = f"Simulated user failed: {error}"
            raise EndedError("failed", reason, reason) from None
        except WorldError as error:
            raise EndedError("workspace_error", str(error), f"Workspace failed: {error}") from None
        except AgentError as error:
            reason = f"Agent execution failed: {error}"
            raise EndedError("failed", reason, reason) from None
        finally:
            self.recorder.duration_s = monotonic_s() - began

    async def _converse(self) -> str | None:
        task = self.given.task
        user = self.given.make_user(task.instruction) if self.given.make_user else None
        guidance = self.given.scenario.guidance.strip()
        guidance = f"Scenario guidance:\n{guidance}" if guidance else ""
        if user is None:
            instruction = "\n\n".join(text for text in (task.instruction, guidance) if text)
            guidance = ""
            self.recorder.user(instruction)
        else:
            if guidance:
                self.recorder.system(guidance)
            wish = await self._answer(user, GREETING)
            if is_done(wish):
                return None
            instruction = wish.text
        agent = self._agent(instruction, guidance)
        # A step is a turn that calls tools (API.md): the final answer is none, here no more than in
        # the artifacts.
        self.around.log.set_step(self.given.rollout_id, 0)
        user_text: str | None = None
        observations: list[Observation] = []
        while True:
            turn = await self._think(agent, observations, user_text)
            observations, user_text = [], None
            if turn.calls:
                observations = await self._call(turn.calls)
                if self._steps == self.given.settings.max_steps:
                    self.recorder.error = NO_FINAL_ANSWER
                    return MAX_STEPS
            elif user is None:
                return None
            elif user.is_out_of_turns:
                self.recorder.error = NO_END
                return MAX_USER_TURNS
            else:
                reply = await self._answer(user, turn.text)
                if is_done(reply):
                    return None
                user_text = reply.text

    def _agent(self, instruction: str, guidance: str) -> Agent:
        own = self.world.functions if self.given.has_own_tools else ()
        functions = [*own, *(item for tools in self.tools for item in tools.functions)]
        decisions = randomness(self.given.seed, "decisions")
        return self.given.make_agent(
            instruction, functions, guidance, decisions=decisions, durations=self.durations
        )

    async def _answer(self, user: SimulatedUser, text: str) -> Turn:
        with self.given.cancellation.interrupts():
            reply = await user.answer(text)
        self.recorder.user_turn(reply)
        self.given.cancellation.check()
        return reply

    async def _call(self, calls: Sequence[Call]) -> list[Observation]:
        self._steps += 1
        self.around.log.set_step(self.given.rollout_id, self._steps)
        began = monotonic_s()
        observations = []
        for call in calls:
            with self.given.cancellation.interrupts():
                observation = await self._owner_of(call).call(call)
            observations.append(observation)
            self.recorder.result(call, observation)
        self.recorder.tools_s += monotonic_s() - began
        return observations

    def _owner_of(self, call: Call) -> World | RemoteTools:
        """Return whoever makes a call, or says that there is no such tool."""
        for tools in self.tools:
            if tools.has(call):
                return tools
        return self.world if self.given.has_own_tools else self.tools[0]

    async def _think(
        self, agent: Agent, observations: Sequence[Observation], user_text: str | None
    ) -> Turn:
        began = monotonic_s()
        await self.around.pace.spend(agent.thinks_for_s())
        self.given.cancellation.check()
        if self.given.is_scripted:
            await self._meet_trouble()
        try:
            with self.given.cancellation.interrupts():
                turn = await agent.act(observations, user_text)
        finally:
            # What was said stays said, whatever came of the request after it.
            for summary in agent.take_summaries():
                self.recorder.summary(summary)
        self.recorder.thinking_s += monotonic_s() - began
        # What was said stays said, even when the run was cancelled meanwhile.
        self.recorder.turn(turn)
        self.given.cancellation.check()
        return turn

    async def _meet_trouble(self) -> None:
        trouble = self._trouble()
        while trouble is not None and trouble.kind is TroubleKind.SILENCE:
            await self.around.pace.spend(1.0)
            self.given.cancellation.check()
            trouble = self._trouble()
        if trouble is not None and trouble.kind is TroubleKind.ENDPOINT:
            raise AgentError(trouble.reason)

    def _trouble(self) -> Trouble | None:
        given = self.given
        moment = RolloutPosition(given.run_id, given.task.task_id, given.attempt, self._steps + 1)
        return self.around.troubles(moment)
