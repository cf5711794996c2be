"""Bundles as scenarios: what their files say, and the worlds that their Python makes."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from gymtui.gym.models.policy import Ask, Mind, Plan, Steps, ask, call
from gymtui.gym.scenarios.base import Scenario, Server, Task, World
from gymtui.gym.scenarios.bundle_files import (
    BundleError,
    BundleFiles,
    Mistake,
    TaskFiles,
    TurnPart,
    bundles_in,
    read,
    stem_of,
)
from gymtui.gym.scenarios.code import load_code
from gymtui.gym.scenarios.local_world import LocalWorld
from gymtui.gym.scenarios.world_process import BundleProcess
from gymtui.gym.tools.toolbox import call_named

OpenWorld = Callable[[Mapping[str, Any], Sequence[str]], Awaitable[World]]
"""Opens a world, given the task and the names of its verifiers' files."""


def built_in(
    directory: Path, package: str, plans: Mapping[str, Plan], wander: Callable[[Random], Ask]
) -> Scenario:
    """Return a scenario that comes with the gym: trusted code, which runs in its process for speed.

    Args:
        plans: How scripted agents go about its tasks, by their id.
        wander: Makes turns of theirs that lead nowhere.
    """
    files = read(directory)
    code = load_code(directory, files.own_servers, files.verifiers, package)

    async def opened(task: Mapping[str, Any], verifiers: Sequence[str]) -> World:
        return LocalWorld(code, task, verifiers)

    scenario = _scenario(files, code.toolbox.functions(), opened)
    tasks = {name: replace(task, plan=plans[name]) for name, task in scenario.tasks.items()}
    return replace(scenario, tasks=tasks, wander=wander, invents_trouble=True)


@contextmanager
def open_bundles(
    directories: Iterable[Path], taken: Mapping[str, Scenario]
) -> Iterator[Mapping[str, Scenario]]:
    """Check bundles and start a process for each.

    Yields:
        Their scenarios by id; the processes end with the block.

    Raises:
        BundleError: With everything that is wrong.
    """
    scenarios: dict[str, Scenario] = {}
    mistakes: list[Mistake] = []
    with ExitStack() as until:
        for directory in directories:
            for bundle in bundles_in(directory):
                try:
                    files = read(bundle)
                    scenario_id = files.scenario.scenario_id
                    if scenario_id in taken or scenario_id in scenarios:
                        words = f"there is a scenario {scenario_id} already: name another id"
                        raise BundleError(Mistake(bundle / "scenario.json", 1, words))
                    process = BundleProcess(files)
                    until.callback(process.close)
                    process.start()
                    scenarios[scenario_id] = _scenario(files, process.tools, process.open)
                except BundleError as error:
                    mistakes += error.mistakes
        if mistakes:
            raise BundleError(*mistakes)
        yield scenarios


def _scenario(
    files: BundleFiles, tools: Sequence[Mapping[str, Any]], opened: OpenWorld
) -> Scenario:
    about = files.scenario

    async def world(task: Mapping[str, Any]) -> World:
        return await opened(task, [stem_of(item["module"]) for item in task.get("verifiers", ())])

    return Scenario(
        scenario_id=about.scenario_id,
        name=about.name or about.scenario_id,
        description=about.description,
        servers={
            name: Server(name, server.server_type or "http", server.tool_server_url)
            for name, server in files.servers.items()
        },
        tasks={task.part.meta.task_id: _task(task) for task in files.tasks},
        open=world,
        tools=tools,
        wander=partial(_look, [item["function"]["name"] for item in tools]),
        guidance=files.guidance,
    )


def _task(files: TaskFiles) -> Task:
    part = files.part
    return Task(
        task_id=part.meta.task_id,
        name=part.meta.display_name,
        instruction=part.task,
        category=part.meta.category,
        difficulty=part.meta.difficulty,
        servers=tuple(server.name for server in part.tool_servers),
        rubric=files.rubric,
        npcs=files.npcs,
        content=files.content,
        aliases=tuple(part.meta.aliases),
        is_verified=bool(part.verifiers),
        judged_by=part.judged_by,
        plan=_plan_of(part.scripted) if part.scripted else None,
    )


def _look(functions: Sequence[str], random: Random) -> Ask:
    """Return a turn of a scripted agent that is lost: some tool, with nothing to go by."""
    if not functions:
        return ask("I do not know what to do.")
    made = call_named(random.choice(functions), {}, "")
    return ask("Maybe this helps.", call(made.server, made.tool))


def _plan_of(turns: Sequence[TurnPart]) -> Plan:
    """Return a plan that takes these turns; a hasty mind leaves some of them out."""

    def plan(mind: Mind) -> Steps:
        closing = ""
        for turn in turns:
            if not turn.calls:
                closing = turn.say
            elif mind.is_careful():
                calls = (
                    call(item.tool_server, item.tool_name, **item.parameters) for item in turn.calls
                )
                yield ask(turn.say, *calls)
        return closing

    return plan
