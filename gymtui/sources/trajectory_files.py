"""Trajectories (ATIF) in an agent's directory: the main one, what continues it, its sub-agents'.

Read in Harbor 0.26 (`models/trajectories`, `agents/terminus_2`, `utils/traces_utils.py`): where a
history is cut, `trajectory.json` names the file that goes on, whose first steps are copies; a
sub-agent's trajectory is embedded or a file beside, by which the result of a step refers to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from gymtui.sources.json_fields import JsonFields

_FIRST: Final = "trajectory.json"
_MOST: Final = 1000  # files that continue one another; so many nobody writes


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a trajectory."""

    document: JsonFields
    steps: list[msgspec.Raw]  # without those that are copied from the file before
    subagents: list[Any]  # trajectories of its sub-agents, each under the id that steps refer to


def trajectory_in(agent: Path) -> Iterator[Segment]:
    """The segments of the trajectory in a directory, in their order; none where there is none."""
    name: str | None = _FIRST
    seen: set[str] = set()
    while name is not None and name not in seen and len(seen) < _MOST:
        document = _document(agent, name)
        if document is None:
            return
        seen.add(name)
        steps = document.items("steps")
        if name != _FIRST:
            steps = [
                step for step in steps if JsonFields(step).flag("is_copied_context") is not True
            ]
        subagents: list[Any] = document.items("subagent_trajectories")
        for path in _paths(steps):
            if path not in seen and (other := _document(agent, path)) is not None:
                seen.add(path)
                fields = {key: msgspec.Raw(other.raw(key) or b"null") for key in other}
                subagents.append({**fields, "trajectory_id": path})
        yield Segment(document, steps, subagents)
        name = document.text("continued_trajectory_ref")


def _document(agent: Path, name: str) -> JsonFields | None:
    """A file in the directory; None for one that is elsewhere, or not there, or not whole."""
    if Path(name).name != name:
        return None
    try:
        return JsonFields((agent / name).read_bytes())
    except (OSError, ValueError):
        return None


def _paths(steps: list[msgspec.Raw]) -> Iterator[str]:
    """The files of sub-agents that steps refer to."""
    for step in steps:
        if b"trajectory_path" not in bytes(memoryview(step)):
            continue
        for result in JsonFields(step).mapping("observation").objects("results"):
            for reference in result.objects("subagent_trajectory_ref"):
                if path := reference.text("trajectory_path"):
                    yield path
