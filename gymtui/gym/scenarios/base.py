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

    async def seed(self, seed: str) -> None:
        """Make what the task starts from; the same seed makes the same again.

        Raises:
            WorldError: It cannot be made.
        """

    async def call(self, call: Call) -> Observation:
        """Make a call. What is wrong with it is an observation.

        Raises:
            WorldError: The tool server itself does not answer any more.
        """

    async def verify(self, record: Mapping[str, Any]) -> Result:
        """Return the verdict on what happened.

        Args:
            record: The artifacts as they are so far.

        Raises:
            WorldError: There is none, for a reason that says nothing about the rollout.
        """

    def close(self) -> None:
        """Throw it away; closing twice does nothing."""


@dataclass(frozen=True)
class Finding:
    """What a verifier found about one criterion."""

    criterion: str
    problem: str | None  # what is missing or wrong, or None when it holds


@dataclass(frozen=True)
class Task:
    task_id: str
    name: str
    instruction: str  # what the agent is told; also the task's description
    category: str
    difficulty: str
    servers: tuple[str, ...]  # the tool servers that it names
    rubric: str  # what counts, in Markdown
    npcs: tuple[Mapping[str, Any], ...]  # the profiles of the people in it
    content: Mapping[str, Any]  # the task in the vendor's form, as its file has it
    aliases: tuple[str, ...] = ()  # other ids by which it is found
    is_verified: bool = True  # whether it has verifiers; one without is judged by its rubric
    # Whose model judges by a rubric: the gym's (`--judge-model`) or the run's own.
    judged_by: Literal["gym", "run"] = "gym"
    plan: Plan | None = None  # how a scripted agent goes about it; None where none can

    @property
    def names(self) -> tuple[str, ...]:
        """Its own id and the others, the same by whichever it was found."""
        return (self.content["meta"]["task_id"], *self.aliases)


@dataclass(frozen=True)
class Server:
    name: str
    server_type: str
    url: str | None = None  # where it is, if it is elsewhere; None for one of the scenario's own


@dataclass(frozen=True)
class Scenario:
    """A world and what can be asked of an agent in it."""

    scenario_id: str
    name: str
    description: str
    servers: Mapping[str, Server]
    tasks: Mapping[str, Task]
    # Opens the world of one attempt, given the task in the vendor's form.
    open: Callable[[Mapping[str, Any]], Awaitable[World]]
    # The tools of its own servers as OpenAI function definitions.
    tools: Sequence[Mapping[str, Any]]
    # Makes turns that lead nowhere, for scripted agents that are lost.
    wander: Callable[[Random], Ask]
    guidance: str = ""  # what every agent is told besides its task, in Markdown
    invents_trouble: bool = False  # whether some of their workspaces fail to build

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
