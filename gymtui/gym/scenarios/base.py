"""What a scenario is: tasks, and worlds in which each attempt at one is made and verified."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal, Protocol

from gymtui.gym.models.policy import Ask, Plan
from gymtui.gym.tools.toolbox import Call, Observation
from gymtui.gym.wire import Result

Facts = dict[str, Any]
"""What a task's seeding decided and its verifier must know; agents never see it."""


class WorldError(Exception):
    """A world cannot go on; the message says why."""


class World(Protocol):
    """Where one attempt at a task is made: its tools, what they act on, and its verifiers."""

    @property
    def functions(self) -> Sequence[Mapping[str, Any]]:
        """The tools as OpenAI function definitions."""
        ...

    async def seed(self, seed: str) -> None:
        """Make what the task starts from; the same seed makes the same again.

        Raises:
            WorldError: It cannot be made.
        """
        ...

    async def call(self, call: Call) -> Observation:
        """Make a call. What is wrong with it is an observation.

        Raises:
            WorldError: The tool server itself does not answer any more.
        """
        ...

    async def verify(self, record: Mapping[str, Any]) -> Result:
        """Return the verdict on what happened.

        Args:
            record: The artifacts as they are so far.

        Raises:
            WorldError: There is none, for a reason that says nothing about the rollout.
        """
        ...

    def close(self) -> None:
        """Throw it away; closing twice does nothing."""
        ...


@dataclass(frozen=True)
class Finding:
    """What a verifier found about one criterion.

    Attributes:
        problem: What is missing or wrong, or None when it holds.
    """

    criterion: str
    problem: str | None


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        instruction: What the agent is told; also the task's description.
        servers: The tool servers that it names.
        rubric: What counts, in Markdown.
        npcs: The profiles of the people in it.
        content: The task in the vendor's form, as its file has it.
        aliases: Other ids by which it is found.
        is_verified: Whether it has verifiers; one without is judged by its rubric.
        judged_by: Whose model judges by a rubric: the gym's (`--judge-model`) or the run's own.
        plan: How a scripted agent goes about it; None where none can.
    """

    task_id: str
    name: str
    instruction: str
    category: str
    difficulty: str
    servers: tuple[str, ...]
    rubric: str
    npcs: tuple[Mapping[str, Any], ...]
    content: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    is_verified: bool = True
    judged_by: Literal["gym", "run"] = "gym"
    plan: Plan | None = None


@dataclass(frozen=True)
class Server:
    """A tool server of a scenario.

    Attributes:
        url: Where it is, if it is elsewhere; None for one of the scenario's own.
    """

    name: str
    server_type: str
    url: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A world and what can be asked of an agent in it.

    Attributes:
        guidance: What every agent is told besides its task, in Markdown.
        open: Opens the world of one attempt, given the task in the vendor's form.
        tools: The tools of its own servers as OpenAI function definitions.
        wander: Makes turns that lead nowhere, for scripted agents that are lost.
        invents_trouble: Whether some of their workspaces fail to build.
    """

    scenario_id: str
    name: str
    description: str
    servers: Mapping[str, Server]
    tasks: Mapping[str, Task]
    open: Callable[[Mapping[str, Any]], Awaitable[World]]
    tools: Sequence[Mapping[str, Any]]
    wander: Callable[[Random], Ask]
    guidance: str = ""
    invents_trouble: bool = False

    def find(self, task_id: str) -> Task | None:
        """Return a task by its id or another of its names, under the one that was given."""
        for task in self.tasks.values():
            if task_id in (task.task_id, *task.aliases):
                return replace(task, task_id=task_id)
        return None


def check(criterion: str, holds: bool, problem: str) -> Finding:
    """Return a finding: `problem` unless it `holds`."""
    return Finding(criterion, None if holds else problem)


def judge(findings: Sequence[Finding]) -> Result:
    """Return the verdict: success only if every criterion holds, else what is missing or wrong."""
    problems = [finding.problem for finding in findings if finding.problem is not None]
    message = "; ".join(problems) if problems else f"All {len(findings)} criteria met"
    failed = [finding.criterion for finding in findings if finding.problem is not None]
    score = 1 - len(failed) / len(findings)
    output = {
        "score": round(score, 3),
        "criteria": [finding.criterion for finding in findings],
        "failed_criteria": failed,
    }
    return Result(success=not problems, message=message, output=output)
