"""While bodies of 10,000 rollouts come in: how long the event loop is held, how soon keys act."""

from __future__ import annotations

import asyncio
import time
from asyncio import events
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gymtui.api.client import GymClient
from gymtui.tui.kit.grid import Grid
from tests.bench.measuring import share
from tests.bench.playing import opened, until
from tests.bench.pressing import Press, cursor_row, dashboard, delays_s
from tests.bench.rows import Row, told, within
from tests.bench.served import Served, Size, served

ROLLOUTS = 10_000
INTERVAL_S = 0.5
BODIES = 8
ROUNDS = 3
KEYS = 200


def rows() -> Iterator[Row]:
    """Measure."""
    found: list[list[float]] = []
    worked: list[float] = []
    for _ in range(ROUNDS):
        with served(Size(big=ROLLOUTS)) as gym, _watched_loop() as watch:
            found.append(asyncio.run(_held(gym, watch)))
            worked.append(watch.longest_cpu_s)
    note = f"the least of {ROUNDS} rounds' longest; 1 % changed, {BODIES} bodies a round"
    yield within(
        "10,000 rollouts come in at once: longest hold of the event loop",
        min(first for first, *_ in found), 0.02, "s",
    )  # fmt: skip
    yield within(
        "10,000-rollout bodies come in: longest hold of the event loop",
        min(max(held) for _, *held in found), 0.02, "s", note,
    )  # fmt: skip
    yield told(
        "the same, median of the bodies", share([held for _, *some in found for held in some], 0.5)
    )
    yield told(
        "longest of all by processor time", min(worked),
        note="what it was held by work alone, not by others that had the processor",
    )  # fmt: skip
    with served(Size(big=ROLLOUTS)) as gym:
        gym.grow()
        delays = _delays(gym)
    yield within("key press to its frame meanwhile: p99", share(delays, 0.99), 0.05, "s")
    yield told("key press to its frame meanwhile: median", share(delays, 0.5))


async def _held(gym: Served, watch: _Watch) -> list[float]:
    """The longest hold of the event loop around each body, in seconds; the first adds all rows."""
    longest: list[float] = []
    client = GymClient(gym.url, None)
    async with opened(gym.url, client, "big", interval_s=INTERVAL_S) as app:
        grid = app.screen.query_one("#grid", Grid)
        watch.longest_s = watch.longest_cpu_s = 0.0
        await asyncio.to_thread(gym.grow)
        await until(app, lambda: len(grid.rows) == ROLLOUTS, "all rollouts")
        await asyncio.sleep(INTERVAL_S / 2)
        longest.append(watch.longest_s)
        for _ in range(BODIES):
            watch.longest_s, frames = 0.0, app.frames
            await until(app, lambda: app.frames > frames, "a frame")  # noqa: B023  (awaited at once)
            await asyncio.sleep(INTERVAL_S)
            longest.append(watch.longest_s)
    return longest


class _Watch:
    longest_s = 0.0
    longest_cpu_s = 0.0


@contextmanager
def _watched_loop() -> Iterator[_Watch]:
    """Time every callback that an event loop runs: what it does holds all others up."""
    handles: Any = events.Handle
    watch, run = _Watch(), handles._run

    def timed(handle: events.Handle) -> None:
        began, worked_s = time.perf_counter(), time.thread_time()
        run(handle)
        watch.longest_cpu_s = max(watch.longest_cpu_s, time.thread_time() - worked_s)
        watch.longest_s = max(watch.longest_s, time.perf_counter() - began)

    handles._run = timed
    try:
        yield watch
    finally:
        handles._run = run


def _delays(gym: Served) -> list[float]:
    with dashboard(gym.url, interval_s=INTERVAL_S) as terminal:
        terminal.read_until("1 run", timeout_s=30)
        terminal.send(b"\r")
        terminal.read_until("flag_biased", timeout_s=30)
        down, up = Press(b"j", cursor_row), Press(b"k", cursor_row)
        return delays_s(terminal, [down] * 10 + [up] * 10, KEYS)
