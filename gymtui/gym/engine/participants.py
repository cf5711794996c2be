"""Who takes part in rollouts: makes agents, the people they work for, their tools and judges."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from gymtui.gym.engine.assignment import Functions, MakeAgent
from gymtui.gym.engine.launch_check import LaunchProblem, is_scripted
from gymtui.gym.models.agent import Agent, AgentError
from gymtui.gym.models.judge import JudgeError, judge_by_rubric
from gymtui.gym.models.model_agent import ModelAgent
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.models.probe import probe_model
from gymtui.gym.models.scripted_agent import ScriptedAgent, Temperament
from gymtui.gym.models.simulated_user import SimulatedUser
from gymtui.gym.scenarios.base import Scenario, Task
from gymtui.gym.tools.remote import SERVER, RemoteTools, ToolServerError
from gymtui.gym.wire import LaunchRequest, ModelConfig, Result


@dataclass(frozen=True)
class Participants:
    servers: ModelServers  # the way to models
    temperaments: Mapping[str, Temperament]  # the scripted agents, by the name of the model
    judge: ModelConfig | None  # the model that judges by rubrics; None where none does

    @property
    def can_judge(self) -> bool:
        """Whether there is a model that judges by rubrics."""
        return self.judge is not None

    def agent_maker(self, settings: ModelConfig, scenario: Scenario, task: Task) -> MakeAgent:

        def make(
            instruction: str,
            functions: Functions,
            guidance: str,
            *,
            decisions: Random,
            durations: Random,
        ) -> Agent:
            if not is_scripted(settings) or task.plan is None:
                return ModelAgent(self.servers, settings, instruction, functions, guidance)
            return ScriptedAgent(
                self.temperaments[settings.model or ""],
                task.plan,
                scenario.wander,
                random=decisions,
                pace=durations,
            )

        return make

    def user_maker(self, settings: ModelConfig | None) -> Callable[[str], SimulatedUser] | None:
        """Return what makes the person who wants a task done, given its story."""
        return None if settings is None else partial(SimulatedUser, self.servers, settings)

    def tools_maker(
        self, settings: ModelConfig, scenario: Scenario
    ) -> Callable[[], Sequence[RemoteTools]]:
        """Return what makes the tools that are elsewhere, in place of a scenario's or of it."""
        url = settings.tool_server_url
        places = (
            {server.name: server.url for server in scenario.servers.values() if server.url}
            if url is None
            else {SERVER: url}
        )
        return lambda: [RemoteTools(self.servers.client, at, name) for name, at in places.items()]

    def judge_of(
        self, task: Task, settings: ModelConfig
    ) -> Callable[[Mapping[str, Any]], Awaitable[Result]]:
        """Return what judges a task by its rubric: the gym's judge, or the run's own model."""
        judge = settings if task.judged_by == "run" else self.judge

        async def judged(record: Mapping[str, Any]) -> Result:
            if judge is None:
                raise JudgeError("the gym has no judge any more: start it with --judge-model")
            return await judge_by_rubric(
                self.servers, judge, rubric=task.rubric, task=task.instruction, record=record
            )

        return judged

    async def unreachable(self, request: LaunchRequest, scenario: Scenario) -> list[LaunchProblem]:
        """Return which servers of a launch do not answer."""
        problems = []
        for field, settings in (
            ("model_config", request.settings),
            ("user_model_config", request.user_settings),
        ):
            if settings is None:
                continue
            if settings.provider != "custom":
                try:
                    await self.servers.open_provider(settings)
                except AgentError as error:
                    problems.append(
                        LaunchProblem((field, "provider"), str(error), "connection_error")
                    )
            elif settings.base_url is not None:
                reason = await probe_model(self.servers, settings)
                if reason is not None:
                    problems.append(LaunchProblem((field, "base_url"), reason, "connection_error"))
        for tools in self.tools_maker(request.settings, scenario)():
            try:
                await tools.open()
                await tools.close()
            except ToolServerError as error:
                is_given = request.settings.tool_server_url is not None
                place = ("model_config", "tool_server_url") if is_given else ("scenario_id",)
                which = "The tool server" if is_given else f"The tool server {tools.server}"
                problems.append(LaunchProblem(place, f"{which} cannot be used: {error}"))
        return problems
