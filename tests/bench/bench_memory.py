"""Memory after many ticks against after a few: a dashboard is left open for days.

The real app polls a gym in memory as fast as it can, in a process of its own. Every run ends after
a while, is deleted some time later, and another begins: what is gone must be given up. The first
ticks stand for all of them unless `--long` is given: what leaks, leaks from the start.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymtui.api.errors import NotFound
from gymtui.api.response import Answer
from gymtui.session import run_actions
from tests.bench import wire
from tests.bench.playing import answer, started
from tests.bench.rows import Row, at_most, told
from tests.helpers.places import ROOT

EARLY, SOME, LATE = 500, 1_200, 5_000
SLOTS, OF_A_RUN, LASTS, STAYS = 5, 20, 25, 75
"""Runs at a time, rollouts of each, ticks that each lasts, ticks until it is deleted."""
PAGE = 4096


def rows(*, long: bool) -> Iterator[Row]:
    """Measure.

    Args:
        long: All ticks.
    """
    late = LATE if long else SOME
    command = [sys.executable, "-m", "tests.bench.bench_memory", str(EARLY), str(late)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    first, last = (Held(**held) for held in json.loads(done.stdout.splitlines()[-1]))
    note = f"resident, after {late:,} ticks" + ("" if long else f" of {LATE:,}")
    yield at_most(
        f"memory after {LATE:,} ticks (after {EARLY})", last.resident, first.resident, 1.05,
        "bytes", note,
    )  # fmt: skip
    yield told("the same, in blocks that Python holds", last.blocks, first.blocks, "count")


@dataclass(frozen=True)
class Held:
    """What a process holds.

    Attributes:
        blocks: Blocks of memory that Python has allocated: what a leak adds to.
        resident: Bytes; once used, they are seldom given back to the system.
    """

    blocks: int
    resident: int


class Passing:
    """A gym whose runs come, end and go; a tick passes whenever the list of runs is asked for."""

    note = None

    def __init__(self) -> None:
        self.tick = 0

    async def list_runs(self, **_parameters: Any) -> Answer:
        """`GET /runs`: those of each slot that were not deleted yet, in one page."""
        self.tick += 1
        runs = [
            self._run(slot, number)
            for slot in range(SLOTS)
            for number in range(self._newest(slot), -1, -1)
            if self._age(slot, number) < STAYS
        ]
        return answer(wire.listing("runs", runs))

    async def get_run(self, run_id: str) -> Answer:
        """`GET /runs/{run_id}`."""
        slot, number = self._parts(run_id)
        if self._age(slot, number) >= STAYS:
            raise NotFound("no such run")
        return answer(self._run(slot, number))

    async def list_rollouts(self, *, run_id: str | None = None, **_parameters: Any) -> Answer:
        """`GET /rollouts`: of one run, or those that run."""
        if run_id is not None:
            return answer(wire.listing("rollouts", self._rollouts(*self._parts(run_id))))
        active = [(slot, self._newest(slot)) for slot in range(SLOTS)]
        running = [
            item
            for slot, number in active
            if self._age(slot, number) < LASTS - 1
            for item in self._rollouts(slot, number)
        ]
        return answer(wire.listing("rollouts", running))

    async def aclose(self) -> None:
        """Nothing to close."""

    def _newest(self, slot: int) -> int:
        return (self.tick + slot * LASTS // SLOTS) // LASTS

    def _age(self, slot: int, number: int) -> int:
        return self.tick + slot * LASTS // SLOTS - number * LASTS

    def _parts(self, run_id: str) -> tuple[int, int]:
        _, slot, number = run_id.split("-")
        return int(slot), int(number)

    def _run(self, slot: int, number: int) -> bytes:
        done = self._age(slot, number) >= LASTS - 1
        counts = wire.Counts(OF_A_RUN, 0, 0) if done else wire.Counts(0, OF_A_RUN, 0)
        return wire.run(f"run-{slot}-{number}", counts)

    def _rollouts(self, slot: int, number: int) -> list[bytes]:
        age = self._age(slot, number)
        step = wire.MAX_STEPS if age >= LASTS - 1 else 1 + age
        return [wire.rollout(f"run-{slot}-{number}", n, step) for n in range(OF_A_RUN)]


def _held() -> Held:
    # Not collected before: the dashboard itself looks through everything but twice an hour.
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    return Held(sys.getallocatedblocks(), resident)


async def _soak(ticks: list[int]) -> list[Held]:
    gym = Passing()
    found: list[Held] = []
    # Ticks are a hundred times faster than a person's, and so is what lasts some seconds there.
    run_actions.SHOWN_S /= 100
    async with started("http://127.0.0.1:1", gym, interval_s=0.1) as (app, _):
        for tick in ticks:
            while gym.tick < tick:
                assert app._exception is None
                app.refresh_now()
                await asyncio.sleep(0.005)
            found.append(_held())
    return found


if __name__ == "__main__":
    soaked = asyncio.run(_soak([int(tick) for tick in sys.argv[1:]]))
    print(json.dumps([vars(held) for held in soaked]))
