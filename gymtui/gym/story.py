"""What happens in the demo's gym: what is under way from the first second, and what follows it.

A story is chapters, each a launch; how they are told, and how it goes on after a restart, is
`tell`. The process and the place on disk are `gymtui.gym.demo`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from pydantic import SecretStr

from gymtui.gym.engine import Engine
from gymtui.gym.models import LaunchRequest, ModelConfig
from gymtui.gym.records import RunNameTakenError
from gymtui.gym.scenarios import SCENARIOS

AT_ONCE = 3
"""Unfinished runs that the story keeps alive; more are not launched."""
PAUSE_S = 40.0
"""Between two launches at speed 1, so that runs of every age are to be seen."""
FINISHED_KEPT = 60
"""Finished runs that stay; older ones are deleted, so that a demo left open does not grow."""


@dataclass(frozen=True)
class Chapter:
    """One launch.

    Attributes:
        name: The run's name.
        model: Which scripted agent.
        tasks: How many of the scenario's tasks.
        rollouts: How many rollouts of each.
        parallel: How many run at a time.
    """

    name: str
    model: str
    tasks: int
    rollouts: int
    parallel: int


OPENING = (
    Chapter("smoke-careful", "scripted/careful", 2, 1, 2),
    Chapter("nightly-careful-s4000", "scripted/careful", 8, 4, 8),
    Chapter("nightly-hasty-s4000", "scripted/hasty", 8, 4, 6),
    Chapter("lost-and-found", "scripted/lost", 3, 2, 3),
)
"""What is under way from the first second."""


def sequel(number: int, seed: int) -> Chapter:
    """What is launched after the opening: the same number is the same chapter on any day.

    Args:
        number: From 1, without end.
        seed: What chance starts from.
    """
    rng = _chance(seed, f"sequel {number}")
    agent = rng.choice(("careful", "careful", "hasty", "hasty", "lost"))
    return Chapter(
        f"ckpt-{agent}-s{4000 + number * 250}",
        f"scripted/{agent}",
        tasks=rng.randint(2, 8),
        rollouts=rng.choice((1, 2, 4)),
        parallel=rng.randint(2, 6),
    )


async def tell(
    engine: Engine, *, speed: float, seed: int, opening: Sequence[Chapter] = OPENING
) -> None:
    """Launch the opening at once and sequels one by one, while few enough are alive.

    On a gym that has heard of it already it goes on where it stopped: what was told is not told
    again, whatever became of it, and what is missing of a full house is launched at once.

    Args:
        engine: The gym.
        speed: Times real time.
        seed: What chance starts from.
        opening: What is under way from the first second.
    """
    told = engine.database.runs_ever
    for chapter in opening[told:]:
        await _launch(engine, chapter, seed)
    if told:
        while engine.unfinished_runs < AT_ONCE:
            await _go_on(engine, seed, len(opening))
    while True:
        await asyncio.sleep(PAUSE_S / speed)
        if engine.unfinished_runs < AT_ONCE:
            await _go_on(engine, seed, len(opening))


async def _go_on(engine: Engine, seed: int, opened: int) -> None:
    """Launch the next sequel, and let the oldest of what has ended go."""
    for run_id in engine.database.finished_runs(but_newest=FINISHED_KEPT):
        engine.delete(run_id)
    number = engine.database.runs_ever + 1 - opened
    # A person may have given a run of theirs that very name, or launched some of their own.
    while engine.database.has_run(sequel(number, seed).name):
        number += 1
    await _launch(engine, sequel(number, seed), seed)


async def _launch(engine: Engine, chapter: Chapter, seed: int) -> None:
    with suppress(RunNameTakenError):
        await engine.launch(_request(chapter, _chance(seed, chapter.name)))


def _request(chapter: Chapter, rng: random.Random) -> LaunchRequest:
    tasks = list(SCENARIOS["hr"].tasks)
    return LaunchRequest(
        scenario_id="hr",
        task_ids=sorted(rng.sample(tasks, min(chapter.tasks, len(tasks)))),
        model_config=ModelConfig(model=chapter.model, api_key=SecretStr("none")),
        rollout_count=chapter.rollouts,
        max_parallel=chapter.parallel,
        run_name=chapter.name,
    )


def _chance(seed: int, what: str) -> random.Random:
    return random.Random(f"{seed}|{what}")  # noqa: S311  (a story, no secret)
