"""Which runs the demo launches, and when: those of the past, the first ones, and later ones.

Its agents are `demo.agents`, its process and place on disk `demo.process`.
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
from gymtui.gym.demo.agents import AGENTS, RunTroubles, checkpoint
from gymtui.gym.engine.database_file import DatabaseFile
from gymtui.gym.engine.engine import Engine
from gymtui.gym.engine.records import RunNameTakenError
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.wire import LaunchRequest, ModelConfig

AT_ONCE = 3  # unfinished runs that are kept going; more are not launched
PAUSE_S = 40.0  # between two launches at speed 1, so that runs of every age are to be seen
FINISHED_KEPT = 60
"""Finished runs that stay; older ones are deleted, so that a demo left open does not grow."""
HISTORY_SPEED = 80.0  # the runs of the past really run too, this many times as fast: in seconds
HISTORY_AT_ONCE = 3


@dataclass(frozen=True)
class PlannedRun:
    name: str
    model: str
    tasks: int
    rollouts: int
    parallel: int  # how many run at a time
    ago: timedelta = timedelta(0)  # how long ago it was launched; zero for what is under way
    troubles: RunTroubles = field(default=RunTroubles())


def _hours(hours: float) -> timedelta:
    return timedelta(hours=hours)


PAST_RUNS = (
    PlannedRun("baseline-8b", "baseline-8b", 8, 4, 8, _hours(30)),
    PlannedRun("teacher-72b-reference", "teacher-72b", 8, 4, 8, _hours(27)),
    PlannedRun("smoke-1118", "scripted/careful", 2, 1, 2, _hours(26)),
    PlannedRun("nightly-hr-s1000", checkpoint(1), 8, 2, 8, _hours(22)),
    PlannedRun("wanderer-3b-probe", "wanderer-3b", 3, 2, 6, _hours(20)),
    PlannedRun("smoke-1119", "scripted/hasty", 2, 1, 2, _hours(3)),
    PlannedRun("policy-8b-s1000", checkpoint(1), 8, 4, 8, _hours(2)),
    PlannedRun("policy-8b-s2000", checkpoint(2), 8, 4, 8, _hours(1)),
)
"""Launched before the demo began."""

FIRST_RUNS = (
    PlannedRun("smoke-s4000", checkpoint(4), 2, 1, 2),
    PlannedRun("policy-8b-s3000", checkpoint(3), 8, 4, 8),
    PlannedRun(
        *("policy-8b-s4000", checkpoint(4), 8, 4, 6),
        troubles=RunTroubles(silent="offer_negotiation", outage=True),
    ),
    PlannedRun(
        *("nightly-hr-s4000", checkpoint(4), 8, 4, 8),
        troubles=RunTroubles(unbuilt=frozenset({1}), outage=True),
    ),
)
"""Under way from the first second."""


def later_run(number: int, seed: int) -> PlannedRun:
    """What is launched after the opening: the same number is the same run on any day."""
    rng = _chance(seed, f"sequel {number}")
    at = 5 + (number - 1) // 2
    tasks = list(SCENARIOS["hr"].tasks)
    if number % 2:
        silent = rng.choice(tasks) if rng.random() < 0.4 else None
        return PlannedRun(
            *(f"policy-8b-s{at * 1000}", checkpoint(min(at, 200)), 8, 4, rng.randint(4, 8)),
            troubles=RunTroubles(silent=silent),
        )
    unbuilt = frozenset({1}) if rng.random() < 0.3 else frozenset()
    return PlannedRun(
        *(f"nightly-hr-s{at * 1000}", checkpoint(min(at, 200)), len(tasks), 2, 4),
        troubles=RunTroubles(unbuilt=unbuilt),
    )


def troubles_of(seed: int, run_id: str) -> RunTroubles | None:
    """What goes wrong in a run; nothing in one that the demo did not launch."""
    for run in FIRST_RUNS:
        if run.name == run_id:
            return run.troubles
    kind, _, steps = run_id.rpartition("-s")
    if kind not in ("policy-8b", "nightly-hr") or not steps.isdecimal() or int(steps) < 5000:
        return None
    number = 2 * (int(steps) // 1000 - 5) + (1 if kind == "policy-8b" else 2)
    run = later_run(number, seed)
    return run.troubles if run.name == run_id else None


async def launch_runs(
    engine: Engine,
    *,
    speed: float,
    seed: int,
    first: Sequence[PlannedRun] = FIRST_RUNS,
    past: Sequence[PlannedRun] = PAST_RUNS,
) -> None:
    """Launch the first runs at once and later ones one by one, while few enough are unfinished.

    On a gym that an earlier demo left it goes on where that stopped: what was launched is not
    launched again, whatever became of it, and what is missing of `AT_ONCE` is launched at once.

    Args:
        first: Under way from the first second.
        past: Launched before that.
    """
    launched = file_of(engine).runs_ever
    planned = len(first) + len(past)
    for run in first[launched:]:
        await _launch(engine, run, seed)
    if launched < planned:
        missing = [run for run in past if not engine.database.has_run(run.name)]
        await _run_past(engine, missing, seed)
    if launched:
        while engine.unfinished_runs < AT_ONCE:
            await _launch_later(engine, seed, planned)
    while True:
        await asyncio.sleep(PAUSE_S / speed)
        if engine.unfinished_runs < AT_ONCE:
            await _launch_later(engine, seed, planned)


def file_of(engine: Engine) -> DatabaseFile:
    database = engine.database
    assert isinstance(database, DatabaseFile)  # noqa: S101  (a demo has no other)
    return database


async def _launch_later(engine: Engine, seed: int, planned: int) -> None:
    """Launch the next run, and delete the oldest of those that ended."""
    for run_id in engine.database.finished_runs(but_newest=FINISHED_KEPT):
        engine.delete(run_id)
    number = max(file_of(engine).runs_ever + 1 - planned, 1)
    # A person may have given a run of theirs that very name, or launched some of their own.
    while engine.database.has_run(later_run(number, seed).name):
        number += 1
    await _launch(engine, later_run(number, seed), seed)


async def _run_past(engine: Engine, runs: Sequence[PlannedRun], seed: int) -> None:
    """Have the runs of the past run, a few at a time."""
    few = asyncio.Semaphore(HISTORY_AT_ONCE)

    async def happen(run: PlannedRun) -> None:
        async with few:
            began_s = monotonic_s()
            began = engine.clock.read() - run.ago

            def then() -> datetime:
                return began + timedelta(seconds=(monotonic_s() - began_s) * HISTORY_SPEED)

            # In a place of its own until it is over: seen by someone while it hurries, it would
            # look like something that happens now.
            with DatabaseFile(Path(":memory:")) as apart:
                apart.count_from(1000 + runs.index(run))
                past = Engine(
                    apart,
                    clock=Clock(engine.clock.offset, then),
                    pace=Pace(HISTORY_SPEED),
                    seed=seed,
                    temperaments=AGENTS,
                    new_id=engine.new_id,
                )
                try:
                    await _launch(past, run, seed)
                    await past.finished()
                finally:
                    await past.stop()
                with suppress(RunNameTakenError):
                    file_of(engine).take_in(apart)

    async with asyncio.TaskGroup() as together:
        for run in reversed(runs):
            together.create_task(happen(run))


async def _launch(engine: Engine, run: PlannedRun, seed: int) -> None:
    with suppress(RunNameTakenError):
        await engine.launch(_request(run, _chance(seed, run.name)))


def _request(run: PlannedRun, rng: random.Random) -> LaunchRequest:
    tasks = list(SCENARIOS["hr"].tasks)
    return LaunchRequest(
        scenario_id="hr",
        task_ids=sorted(rng.sample(tasks, min(run.tasks, len(tasks)))),
        model_config=ModelConfig(model=run.model, api_key=SecretStr("none")),
        rollout_count=run.rollouts,
        max_parallel=run.parallel,
        run_name=run.name,
    )


def _chance(seed: int, what: str) -> random.Random:
    return random.Random(f"{seed}|{what}")  # noqa: S311  (a demo, no secret)
