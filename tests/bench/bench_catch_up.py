"""The first start on a gym with a history, and a dashboard over many active runs.

How soon every row is final, whether rows move under the reader meanwhile, what goes over the
terminal's line; requests and processor time a second with 1 to 360 active runs.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.rows import Row, told, within
from tests.bench.served import Served, Size, served
from tests.bench.terminals import Mirror
from tests.terminal.harness import Pty
from tests.terminal.harness import Size as Cells
from tests.terminal.processes import cpu_seconds

CELLS = Cells(120, 36)
OF_A_RUN = 12
DELAY_MS = 20
PATIENCE_S = 180.0
ACTIVE = ((1, None), (20, 0.04), (60, 0.06), (360, 0.10))
"""Active runs of twenty rollouts, and the share of a processor that they may take."""
_NAME = re.compile(r"^(?:▌|\s)\s(old-\d+)")


def rows(*, long: bool) -> Iterator[Row]:
    """Measure.

    Args:
        long: Histories of 2,000 runs too, asked run by run, and whole minutes.
    """
    for finished, alone, whole_s, screen_s in (
        (400, False, 5.0, 3.0),
        (2_000, False, 25.0, 5.0),
        (400, True, 25.0, None),
        (2_000, True, 120.0, None),
    ):
        if alone and finished > 400 and not long:
            continue
        size = Size(finished=finished, each=OF_A_RUN, delay_ms=DELAY_MS, alone=alone)
        what = f"{finished:,} finished runs{', asked run by run' if alone else ''}"
        with served(size) as gym, tempfile.TemporaryDirectory() as home:
            first = _start(gym, Path(home))
            yield within(f"{what}: every row final", first.whole_s, whole_s, "s")
            if screen_s is not None:
                yield within(f"{what}: first screen final", first.screen_s, screen_s, "s")
                again = _start(gym, Path(home))
                yield within(f"{what}, second start: first screen", again.screen_s, 1.0, "s")
            yield within(
                f"{what}: times that rows moved on the first screen", first.moved, 0, "count"
            )
            yield told(f"{what}: bytes to the terminal until then", first.sent, unit="bytes")
        if finished == 400 and not alone:
            with served(size) as gym, tempfile.TemporaryDirectory() as home:
                yield within(
                    f"{what}: bytes to the terminal in the first minute",
                    _first_minute(gym, Path(home)), 60e3, "bytes",
                )  # fmt: skip
    minute_s = 60.0 if long else 30.0
    for active, share in ACTIVE:
        with (
            served(Size(active=active, finished=5, each=20, delay_ms=DELAY_MS)) as gym,
            tempfile.TemporaryDirectory() as home,
            dashboard(gym, Path(home)) as terminal,
        ):
            terminal.read_until(rf"{active + 5} runs ·", timeout_s=60)
            _watch(terminal, 15)
            before = gym.counted().requests
            cpu = _watch(terminal, minute_s)
            asked = (gym.counted().requests - before) / minute_s
        yield within(f"{active} active runs of 20: requests a second", asked, 5.0, "count")
        if share is not None:
            yield within(f"{active} active runs of 20: CPU", cpu, share, "share")


@dataclass
class Start:
    """What was seen of one start.

    Attributes:
        screen_s: When all rows in view had their numbers, seconds from the first frame.
        whole_s: When all runs had.
        moved: How often rows that were drawn stood in another order.
        sent: Bytes to the terminal.
    """

    screen_s: float = PATIENCE_S
    whole_s: float = PATIENCE_S
    moved: int = 0
    sent: int = 0
    _order: list[str] = field(default_factory=list)

    def look(self, lines: list[str], passed_s: float) -> None:
        """Take note of what is on screen."""
        found = [line for line in lines if _NAME.match(line)]
        names = [match[1] for line in found if (match := _NAME.match(line))]
        both = [name for name in self._order if name in names]
        self.moved += both != [name for name in names if name in self._order]
        self._order = names or self._order
        known = bool(found) and all(f" of {OF_A_RUN}" in line for line in found)
        if known and self.screen_s == PATIENCE_S:
            self.screen_s = passed_s
        reading = any("results of past runs" in line or "reading" in line for line in lines[:3])
        if known and not reading:
            self.whole_s = min(self.whole_s, passed_s)


def _start(gym: Served, home: Path) -> Start:
    """Start the dashboard and read until everything is known."""
    start, mirror, fed = Start(), Mirror(CELLS.columns, CELLS.rows), 0
    with dashboard(gym, home) as terminal:
        terminal.read_until("gymtui", timeout_s=30)
        began = time.monotonic()
        while (passed_s := time.monotonic() - began) < PATIENCE_S:
            mirror.feed(bytes(terminal.written[fed:]))
            fed = len(terminal.written)
            start.look(mirror.lines(), passed_s)
            if start.whole_s < PATIENCE_S:
                break
            terminal.read(0.05)
    start.sent = fed
    return start


def _first_minute(gym: Served, home: Path) -> int:
    """Bytes to the terminal in the first minute."""
    with dashboard(gym, home) as terminal:
        _watch(terminal, 60.0)
        return len(terminal.written)


@contextmanager
def dashboard(gym: Served, home: Path) -> Iterator[Pty]:
    """The dashboard of a gym, with what earlier ones left in a directory."""
    command = [sys.executable, "-m", "gymtui", "--base-url", gym.url, "--interval", "2"]
    env = {"PYTHONDONTWRITEBYTECODE": ""}  # as a person has it: compiled once
    with Pty(command, home, CELLS, env) as terminal:
        yield terminal
        terminal.send(b"\x11")
        terminal.wait_exit()


def _watch(terminal: Pty, seconds: float) -> float:
    """The share of one processor that it takes in a time."""
    began_s, end = cpu_seconds(terminal.process.pid), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.read(left)
    return (cpu_seconds(terminal.process.pid) - began_s) / seconds
