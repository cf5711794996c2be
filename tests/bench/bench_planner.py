"""The planner before model gyms of any size, on a clock that jumps: counts, no seconds of ours.

How soon 10,000 finished runs are read and within which budget; how old 360 active runs get.
"""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_left
from collections.abc import Iterator

from gymtui.api.errors import GymError, Refused
from gymtui.poll.budget import BURST_S
from gymtui.poll.catch_up import AT_ONCE, REQUESTS_PER_S
from gymtui.poll.poller import REQUESTS_PER_S as STEADY_PER_S
from gymtui.poll.view import View
from gymtui.store.delta import Request, ScenarioRollouts
from tests.bench.measuring import share
from tests.bench.rows import Row, told, within
from tests.helpers.model_gym import ModelGym
from tests.helpers.virtual_time import play
from tests.poll.test_poller import Stage

FINISHED = 10_000
ACTIVE, EACH = 360, 20
SETTLING_S, WATCHED_S = 30, 60
LOOK_S = 0.1
MOST = BURST_S * STEADY_PER_S + 10 * STEADY_PER_S + AT_ONCE + 10 * REQUESTS_PER_S
"""Requests within any ten seconds, by both budgets."""


def rows(*, long: bool) -> Iterator[Row]:
    """Measure.

    Args:
        long: 10,000 runs asked one by one, too.
    """
    for alone, most_s in ((False, 60.0), (True, 600.0))[: 2 if long else 1]:
        began_s = time.process_time()
        whole_s, busiest = play(lambda alone=alone: _caught_up(alone))  # type: ignore[misc]
        what = f"{FINISHED:,} finished runs{', asked run by run' if alone else ''}"
        yield within(f"{what}: all read", whole_s, most_s, "s", "on a clock that jumps")
        yield within(f"{what}: requests within any 10 s", busiest, MOST, "count")
        yield told("processor time for it", time.process_time() - began_s)
    delays, ages = play(_active)
    note = f"{ACTIVE} active runs of {EACH}, seen by the store; drawing comes on top"
    yield within(
        "a rollout of the open run ends: until it is known, p95",
        share(delays, 0.95), 2.6, "s", note,
    )  # fmt: skip
    yield within("counters of any active run: oldest", max(ages), 20.0, "s", note)


async def _caught_up(alone: bool) -> tuple[float, float]:
    """Seconds until all is read, and the most requests within ten seconds."""
    gym = ModelGym(random.Random(3), finishing=0.0)
    for _ in range(FINISHED):
        gym.launch(1, finished=True, scenario_id="hr")
    stage = Stage(gym)
    stage.client.latency = lambda _query: 0.02

    def fault(query: Request) -> GymError | None:
        refused = alone and isinstance(query, ScenarioRollouts)
        return Refused(400, "ask for one run") if refused else None

    stage.client.fault = fault
    began = stage.now()
    while not stage.poller.link.synced or stage.poller.link.reading:
        await stage.play(1.0)
    whole_s = stage.now() - began
    assert all(stage.store.summary(run_id) is not None for run_id in gym.runs)
    times = [at for at, _ in stage.client.began]
    busiest = max(bisect_left(times, at + 10) - first for first, at in enumerate(times))
    await stage.end()
    return whole_s, float(busiest)


async def _active() -> tuple[list[float], list[float]]:
    """How late ends of rollouts of the open run were known, and how old counters got."""
    gym = ModelGym(random.Random(3), finishing=0.02)
    for _ in range(ACTIVE):
        gym.launch(EACH, scenario_id="hr")
    open_run = next(iter(gym.runs))
    stage = Stage(gym)
    stage.client.latency = lambda _query: 0.02
    stage.poller.set_view(View(source="rl-gym", open_run=open_run))
    ended, known = dict[str, float](), set[str]()
    delays: list[float] = []
    ages: list[float] = []
    for look in range(round((SETTLING_S + WATCHED_S) / LOOK_S)):
        now_s = gym.now = stage.now()
        if look % round(1 / LOOK_S) == 0:
            gym.step()
        for item in gym.runs[open_run].rollouts:
            if item["status"] == "completed":
                ended.setdefault(item["rollout_id"], now_s)
        await asyncio.sleep(LOOK_S)
        over = {
            row.rollout_id
            for row in stage.store.rollouts_of(open_run)
            if row.rollout is not None and row.rollout.status == "completed"
        }
        found = [stage.now() - since for name, since in ended.items() if name in over - known]
        known |= over
        if look * LOOK_S >= SETTLING_S:
            delays += found
            shown = ((run_id, stage.store.runs[run_id].raw) for run_id in gym.runs)
            ages.append(max(stage.now() - gym.until.get(one, stage.now()) for one in shown))
    await stage.end()
    return delays, ages
