"""Directories as other programs leave them, and what a gym made of one answers."""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gymtui.api.endpoints import Endpoints
from gymtui.api.list_answer import parse_rollout
from gymtui.api.models import Rollout
from gymtui.sources import registry
from gymtui.sources.directory_gym import DirectoryGym
from gymtui.store.outcome import outcome_of

NOW_S = 1_800_000_000.0
"""When all of this is read; files are as old as they are made."""


def write(path: Path, content: object, *, age_s: float = 86_400.0) -> Path:
    """Write a file that was last touched so long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else text_of(content).encode()
    path.write_bytes(data)
    touch(path, age_s)
    return path


def text_of(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content)


def touch(path: Path, age_s: float) -> None:
    """Have a file or directory last touched so long ago."""
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))


@dataclass
class Clock:
    """A monotonic clock that only a test moves."""

    at_s: float = 0.0

    def __call__(self) -> float:
        return self.at_s


@dataclass
class Answers:
    """What a gym made of directories answers, read as JSON."""

    gym: Endpoints
    clock: Clock = field(default_factory=Clock)

    def runs(self) -> dict[str, dict[str, Any]]:
        """The runs by their ids, in their order, looked at anew: whatever rests has rested."""
        self.clock.at_s += 61
        body = asyncio.run(self.gym.list_runs(limit=200)).body
        return {run["run_id"]: run for run in json.loads(body)["runs"]}

    def rollouts(self, run_id: str | None = None) -> dict[str, Rollout]:
        """The rollouts by their ids."""
        found = json.loads(asyncio.run(self.gym.list_rollouts(run_id=run_id)).body)["rollouts"]
        read = [parse_rollout(json.dumps(item).encode()) for item in found]
        assert all(isinstance(rollout, Rollout) for rollout in read)
        return {rollout.rollout_id: rollout for rollout in read if isinstance(rollout, Rollout)}

    def outcomes(self, run_id: str | None = None) -> dict[str, str]:
        """How each rollout stands."""
        return {name: str(outcome_of(found)) for name, found in self.rollouts(run_id).items()}

    def artifacts(self, rollout_id: str) -> dict[str, Any]:
        """A rollout's artifacts."""
        body = asyncio.run(self.gym.artifacts(rollout_id)).body
        found: dict[str, Any] = json.loads(body)["artifacts"]
        return found


def opened(
    *found: Path, read_as: str | None = None, now_s: float = NOW_S, look_s: float = math.inf
) -> Answers:
    """Directories as a gym."""
    sources = registry.own_sources()
    if read_as is not None:
        source = registry.find_source(read_as, sources)
        assert source is not None
        sources = (source,)
    clock = Clock()
    gym = DirectoryGym(found, sources, look_s=look_s, monotonic=clock, wall=lambda: now_s + clock())
    return Answers(gym, clock)


@contextmanager
def growing(path: Path) -> Iterator[None]:
    """Change a file so that it is seen, however fast that was."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    yield
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))
