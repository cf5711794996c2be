"""The dashboard left open on a terminal: its bytes, its CPU, its requests.

Half a minute stands for a minute unless `--long` is given: what happens in it happens every few
seconds, and bytes are doubled.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.rows import Row, at_most, told, within
from tests.bench.served import Served, Size, served
from tests.terminal.harness import Pty
from tests.terminal.harness import Size as Cells
from tests.terminal.processes import cpu_seconds

INTERVAL_S = 2.0


def rows(*, long: bool) -> Iterator[Row]:
    """Measure.

    Args:
        long: Whole minutes.
    """
    minute_s = 60.0 if long else 30.0
    note = "" if long else f"{minute_s:.0f} s, bytes scaled to a minute"
    with served(Size(active=20, finished=10, still=True)) as gym, _dashboard(gym) as terminal:
        terminal.read_until("30 runs", timeout_s=30)
        _watch(terminal, 15)  # until the results of what had finished are in
        sent, cpu = _watch(terminal, minute_s)
    yield within(
        "a minute in which nothing changes: bytes", sent * 60 / minute_s, 500, "bytes", note
    )
    yield within("a minute in which nothing changes: CPU", cpu, 0.01, "share", "20 active runs")
    with served(Size(active=20, finished=2000)) as gym, _dashboard(gym) as terminal:
        terminal.read_until(r"2,020 runs ·", timeout_s=60)
        _watch(terminal, 8)
        before = gym.counted()
        sent, cpu = _watch(terminal, minute_s)
        after = gym.counted()
    yield within("left open, 20 active runs of 50, 2,000 behind: CPU", cpu, 0.05, "share", note)
    yield told("left open: bytes a minute to the terminal", sent * 60 / minute_s, unit="bytes")
    requests = after.requests - before.requests
    asked = (after.sent - before.sent) * 60 / minute_s
    everything = after.everything * 60 / INTERVAL_S
    yield at_most(
        "left open: requests' bytes a minute (asking for everything)", asked, everything, 1 / 10,
        "bytes", f"{requests / minute_s * INTERVAL_S:.1f} requests a tick",
    )  # fmt: skip


@contextmanager
def _dashboard(gym: Served) -> Iterator[Pty]:
    command = [
        *(sys.executable, "-m", "gymtui", "--base-url", gym.url),
        *("--interval", str(INTERVAL_S)),
    ]
    with (
        tempfile.TemporaryDirectory() as home,
        Pty(command, Path(home), Cells(120, 36)) as terminal,
    ):
        yield terminal
        terminal.send(b"\x11")
        terminal.wait_exit()


def _watch(terminal: Pty, seconds: float) -> tuple[int, float]:
    """Bytes that it writes in a time, and its share of one processor."""
    pid, so_far = terminal.process.pid, len(terminal.written)
    began_s, end = cpu_seconds(pid), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.read(left)
    return len(terminal.written) - so_far, (cpu_seconds(pid) - began_s) / seconds
