"""The Python of a bundle: its tool servers, its world and its verifiers, imported.

A tool is a function whose first argument is the world; the others, with their annotations, are what
an agent gives. This runs in the bundle's own process, or in the gym's for what comes with the gym.
"""

import copy
import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from pydantic import create_model

from gymtui.gym.scenarios.bundle_files import SEEDS, module_of
from gymtui.gym.tools.toolbox import Parameters, Tool, Toolbox

MakeWorld = Callable[[Mapping[str, Any], Random], Any]  # makes the world of a task
Verify = Callable[..., Any]


class CodeError(Exception):
    """Python of a bundle cannot be used; says where, as `servers/desk.py:12`, and why."""


@dataclass(frozen=True)
class BundleCode:
    """What a bundle's Python offers."""

    directory: Path
    toolbox: Toolbox
    make: MakeWorld
    verifiers: Mapping[str, Verify]  # by the name of their file

    def describe_fault(self, error: BaseException) -> str:
        return describe_fault(self.directory, error)


def load_code(
    directory: Path, servers: Iterable[str], verifiers: Iterable[str], package: str = ""
) -> BundleCode:
    """Import a bundle's Python.

    Args:
        servers: The names of its own tool servers.
        package: What it is a package of; "" where `directory` itself is on the path.

    Raises:
        CodeError: Some of it cannot be imported, or is not what it has to be.
    """

    def module(name: str) -> ModuleType:
        try:
            return import_module(f"{package}.{name}" if package else name)
        except Exception as error:
            raise CodeError(describe_fault(directory, error)) from error

    tools: list[Tool] = []
    for server in servers:
        offered = module(f"servers.{module_of(server)}").TOOLS
        try:
            tools += [tool_of(server, item) for item in offered]
        except (TypeError, ValueError, NameError) as error:
            raise CodeError(f"servers/{module_of(server)}.py:1: {error}") from error
    checks = {stem: module(f"verifiers.{stem}").verify for stem in verifiers}
    has_world = (directory / "world.py").exists()
    make = module("world").make if has_world else make_seeded_world
    return BundleCode(directory, Toolbox(tools), make, checks)


def make_seeded_world(task: Mapping[str, Any], random: Random) -> dict[str, Any]:
    seeds = {key: task[key] for key in SEEDS if key in task}
    return copy.deepcopy({**seeds, **task.get("seed_data", {})})


def tool_of(server: str, function: Callable[..., Any]) -> Tool:
    """Return a function as a tool.

    Raises:
        TypeError: It cannot be one.
    """
    if not inspect.isfunction(function):
        raise TypeError(f"TOOLS holds {function!r}, which is no function")
    taken = [*inspect.signature(function, eval_str=True).parameters.values()]
    if not taken:
        raise TypeError(f"{function.__name__} takes nothing: its first argument is the world")
    given = taken[1:]
    for parameter in given:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{function.__name__} takes *{parameter.name}: name what it takes")
    fields: dict[str, Any] = {
        parameter.name: (
            Any if parameter.annotation is parameter.empty else parameter.annotation,
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in given
    }
    model = create_model(function.__name__, __base__=Parameters, **fields)

    def run(world: Any, given: Parameters) -> Any:
        return function(world, **{name: getattr(given, name) for name in fields})

    return Tool(server, function.__name__, inspect.getdoc(function) or "", model, run)


def describe_fault(directory: Path, error: BaseException) -> str:
    """Say what went wrong in Python under a directory: `verifiers/x.py:12: KeyError: 'total'`."""
    place = ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{_short(directory, error.filename)}:{error.lineno}: "
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).is_relative_to(directory):
            place = f"{_short(directory, frame.filename)}:{frame.lineno}: "
    words = traceback.format_exception_only(error)[-1].strip()
    return f"{place}{words}"


def _short(directory: Path, name: str) -> str:
    path = Path(name)
    return str(path.relative_to(directory)) if path.is_relative_to(directory) else name
