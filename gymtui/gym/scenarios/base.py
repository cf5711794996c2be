"""What a scenario is made of: a world, tools to act on it, and tasks with their verifiers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from gymtui.gym.models.policy import Ask, Plan
from gymtui.gym.tools.toolbox import Toolbox
from gymtui.gym.tools.workspace import Workspace
from gymtui.gym.wire import Result

Facts = dict[str, Any]
"""What a task's seeding decided and its verifier must know; agents never see it."""


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
        rubric: What counts, in Markdown, for readers.
        npcs: The people in it, by name and role.
        seed: Adds what the task needs to a seeded world, at random, and returns the facts.
        verify: Looks at the state an agent left behind.
        plan: How a scripted agent goes about it.
    """

    task_id: str
    name: str
    instruction: str
    category: str
    difficulty: str
    servers: tuple[str, ...]
    rubric: str
    npcs: Mapping[str, str]
    seed: Callable[[Workspace, Random], Facts]
    verify: Callable[[Workspace, Facts], Sequence[Finding]]
    plan: Plan


@dataclass(frozen=True)
class Scenario:
    """A world and what can be asked of an agent in it.

    Attributes:
        servers: Tool servers by name, with their type.
        populate: Fills an empty workspace with what all tasks share.
        wander: Makes turns that lead nowhere, for agents that are lost.
    """

    scenario_id: str
    name: str
    description: str
    servers: Mapping[str, str]
    toolbox: Toolbox
    schema: str
    populate: Callable[[Workspace, Random], None]
    tasks: Mapping[str, Task]
    wander: Callable[[Random], Ask]


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
