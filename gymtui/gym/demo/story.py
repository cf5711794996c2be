"""What happens in the demo's gym: what lies behind, what is under way at once, what follows.

A story is chapters, each a launch; how they are told, and how it goes on after a restart, is
`tell`. Who acts is `gymtui.gym.demo.cast`, the process and the place on disk
`gymtui.gym.demo.process`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from gymtui.gym.clock import Clock, Pace, monotonic_s
from gymtui.gym.demo.cast import CAST, Script, checkpoint
from gymtui.gym.engine.database_file import DatabaseFile
from gymtui.gym.engine.engine import Engine
from gymtui.gym.engine.records import RunNameTakenError
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.wire import LaunchRequest, ModelConfig

AT_ONCE = 3
"""Unfinished runs that the story keeps alive; more are not launched."""
PAUSE_S = 40.0
"""Between two launches at speed 1, so that runs of every age are to be seen."""
FINISHED_KEPT = 60
"""Finished runs that stay; older ones are deleted, so that a demo left open does not grow."""
HISTORY_SPEED = 80.0
"""What lies behind really happens too, this many times as fast: in seconds, before one's eyes."""
HISTORY_AT_ONCE = 3


@dataclass(frozen=True)
class Chapter:
    """One launch."""

    name: str
    model: str
    tasks: int
    rollouts: int
    parallel: int  # how many run at a time
    ago: timedelta = timedelta(0)  # how long ago it was launched; zero for what is under way
    script: Script = field(default=Script())


def _hours(hours: float) -> timedelta:
    return timedelta(hours=hours)


BEHIND = (
    Chapter("baseline-8b", "baseline-8b", 8, 4, 8, _hours(30)),
    Chapter("teacher-72b-reference", "teacher-72b", 8, 4, 8, _hours(27)),
    Chapter("smoke-1118", "scripted/careful", 2, 1, 2, _hours(26)),
    Chapter("nightly-hr-s1000", checkpoint(1), 8, 2, 8, _hours(22)),
    Chapter("wanderer-3b-probe", "wanderer-3b", 3, 2, 6, _hours(20)),
    Chapter("smoke-1119", "scripted/hasty", 2, 1, 2, _hours(3)),
    Chapter("policy-8b-s1000", checkpoint(1), 8, 4, 8, _hours(2)),
    Chapter("policy-8b-s2000", checkpoint(2), 8, 4, 8, _hours(1)),
)
"""What happened before."""

OPENING = (
    Chapter("smoke-s4000", checkpoint(4), 2, 1, 2),
    Chapter("policy-8b-s3000", checkpoint(3), 8, 4, 8),
    Chapter(
        *("policy-8b-s4000", checkpoint(4), 8, 4, 6),
        script=Script(silent="offer_negotiation", outage=True),
    ),
    Chapter(
        *("nightly-hr-s4000", checkpoint(4), 8, 4, 8),
        script=Script(unbuilt=frozenset({1}), outage=True),
    ),
)
"""What is under way from the first second."""


def sequel(number: int, seed: int) -> Chapter:
    """What is launched after the opening: the same number is the same chapter on any day.

    Args:
        number: From 1, without end.
    """
    rng = _chance(seed, f"sequel {number}")
    at = 5 + (number - 1) // 2
    tasks = list(SCENARIOS["hr"].tasks)
    if number % 2:
        silent = rng.choice(tasks) if rng.random() < 0.4 else None
        return Chapter(
            *(f"policy-8b-s{at * 1000}", checkpoint(min(at, 200)), 8, 4, rng.randint(4, 8)),
            script=Script(silent=silent),
        )
    unbuilt = frozenset({1}) if rng.random() < 0.3 else frozenset()
    return Chapter(
        *(f"nightly-hr-s{at * 1000}", checkpoint(min(at, 200)), len(tasks), 2, 4),
        script=Script(unbuilt=unbuilt),
    )


def script_of(seed: int, run_id: str) -> Script | None:
    """What goes wrong in a run; nothing in one that the story did not launch."""
    for chapter in OPENING:
        if chapter.name == run_id:
            return chapter.script
    kind, _, steps = run_id.rpartition("-s")
    if kind not in ("policy-8b", "nightly-hr") or not steps.isdecimal() or int(steps) < 5000:
        return None
    number = 2 * (int(steps) // 1000 - 5) + (1 if kind == "policy-8b" else 2)
    chapter = sequel(number, seed)
    return chapter.script if chapter.name == run_id else None


async def play_story(
    engine: Engine,
    *,
    speed: float,
    seed: int,
    opening: Sequence[Chapter] = OPENING,
    behind: Sequence[Chapter] = BEHIND,
) -> None:
    """Launch the opening at once and sequels one by one, while few enough are alive.

    On a gym that has heard of it already it goes on where it stopped: what was told is not told
    again, whatever became of it, and what is missing of a full house is launched at once.

    Args:
        opening: What is under way from the first second.
        behind: What happened before that.
    """
    told = file_of(engine).runs_ever
    opened = len(opening) + len(behind)
    for chapter in opening[told:]:
        await _launch(engine, chapter, seed)
    if told < opened:
        missing = [c for c in behind if not engine.database.has_run(c.name)]
        await _remember(engine, missing, seed)
    if told:
        while engine.unfinished_runs < AT_ONCE:
            await _go_on(engine, seed, opened)
    while True:
        await asyncio.sleep(PAUSE_S / speed)
        if engine.unfinished_runs < AT_ONCE:
            await _go_on(engine, seed, opened)


def file_of(engine: Engine) -> DatabaseFile:
    """Return the memory of a demo's engine."""
    database = engine.database
    assert isinstance(database, DatabaseFile)  # noqa: S101  (a demo is played on no other)
    return database


async def _go_on(engine: Engine, seed: int, opened: int) -> None:
    """Launch the next sequel, and let the oldest of what has ended go."""
    for run_id in engine.database.finished_runs(but_newest=FINISHED_KEPT):
        engine.delete(run_id)
    number = max(file_of(engine).runs_ever + 1 - opened, 1)
    # A person may have given a run of theirs that very name, or launched some of their own.
    while engine.database.has_run(sequel(number, seed).name):
        number += 1
    await _launch(engine, sequel(number, seed), seed)


async def _remember(engine: Engine, behind: Sequence[Chapter], seed: int) -> None:
    """Have happened what lies behind, a few runs at a time."""
    few = asyncio.Semaphore(HISTORY_AT_ONCE)

    async def happen(chapter: Chapter) -> None:
        async with few:
            began_s = monotonic_s()
            began = engine.clock.read() - chapter.ago

            def then() -> datetime:
                return began + timedelta(seconds=(monotonic_s() - began_s) * HISTORY_SPEED)

            # In a place of its own until it is over: seen by someone while it hurries, it would
            # look like something that happens now.
            with DatabaseFile(Path(":memory:")) as apart:
                apart.count_from(1000 + behind.index(chapter))
                past = Engine(
                    apart,
                    clock=Clock(engine.clock.offset, then),
                    pace=Pace(HISTORY_SPEED),
                    seed=seed,
                    temperaments=CAST,
                    new_id=engine.new_id,
                )
                try:
                    await _launch(past, chapter, seed)
                    await past.finished()
                finally:
                    await past.stop()
                with suppress(RunNameTakenError):
                    file_of(engine).take_in(apart)

    async with asyncio.TaskGroup() as together:
        for chapter in reversed(behind):
            together.create_task(happen(chapter))


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
