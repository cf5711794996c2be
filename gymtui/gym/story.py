"""The demo's gym: a gym in which runs are launched now and then, so that something is always alive.

`python -m gymtui.gym.story` prints its URL and serves until its standard input closes: whoever
holds the other end of that pipe need not live to end it. Its state is a temporary directory's.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pydantic import SecretStr

from gymtui.gym.engine import Engine
from gymtui.gym.models import LaunchRequest, ModelConfig
from gymtui.gym.scenarios import SCENARIOS
from gymtui.gym.server import Options, bind, serve_until

AT_ONCE = 3
"""Unfinished runs that the story keeps alive; more are not launched."""
PAUSE_S = 40.0
"""Between two launches at speed 1, so that runs of every age are to be seen."""


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


def sequels(rng: random.Random) -> Iterator[Chapter]:
    """What is launched after the opening, without end.

    Args:
        rng: What chance starts from.

    Yields:
        Launches of different sizes and agents, each with a name of its own.
    """
    for number in count(1):
        agent = rng.choice(("careful", "careful", "hasty", "hasty", "lost"))
        yield Chapter(
            f"ckpt-{agent}-s{4000 + number * 250}",
            f"scripted/{agent}",
            tasks=rng.randint(2, 8),
            rollouts=rng.choice((1, 2, 4)),
            parallel=rng.randint(2, 6),
        )


async def tell(engine: Engine, *, speed: float, seed: int) -> None:
    """Launch the opening at once and the rest one by one, while few enough are alive.

    Args:
        engine: The gym.
        speed: Times real time.
        seed: What chance starts from.
    """
    rng = random.Random(seed)  # noqa: S311  (a story, no secret)
    for chapter in OPENING:
        await engine.launch(_request(chapter, rng))
    following = sequels(rng)
    while True:
        await asyncio.sleep(PAUSE_S / speed)
        if engine.unfinished_runs < AT_ONCE:
            await engine.launch(_request(next(following), rng))


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


async def _serve(speed: float, seed: int, directory: Path) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Nothing is ever written to it: readable means closed.
    loop.add_reader(sys.stdin.fileno(), ending.set)
    await serve_until(
        ending,
        bind("127.0.0.1", 0, has_key=False),
        directory / "gym.sqlite3",
        Options(speed=speed, seed=seed),
        ready=lambda url: print(url, flush=True),  # noqa: T201  (stdout is how it is told)
        beside=lambda engine: tell(engine, speed=speed, seed=seed),
    )


def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser(prog="gymtui.gym.story")
    parser.add_argument("--speed", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gymtui-demo-") as directory:
        asyncio.run(_serve(options.speed, options.seed, Path(directory)))


if __name__ == "__main__":
    main()
