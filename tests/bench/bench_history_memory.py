"""Memory after 10,000 finished runs of twenty rollouts were read, by a dashboard of its own."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.bench_catch_up import dashboard
from tests.bench.rows import Row, told, within
from tests.bench.served import Size, served
from tests.terminal.processes import memory_bytes

RUNS, EACH = 10_000, 20
PATIENCE_S = 600.0
_READ = re.compile(r"results of past runs|reading")


def rows() -> Iterator[Row]:
    """Measure."""
    size = Size(finished=RUNS, each=EACH, delay_ms=20)
    what = f"memory: {RUNS:,} finished runs of {EACH} rollouts"
    with served(size) as gym, tempfile.TemporaryDirectory() as home:
        with dashboard(gym, Path(home)) as terminal:
            terminal.read_until(rf"{RUNS:,} runs", timeout_s=120)
            end = time.monotonic() + PATIENCE_S
            while _READ.search(terminal.screen()) and time.monotonic() < end:
                terminal.read(1.0)
            terminal.settle(3.0)
            first, screen = memory_bytes(terminal.process.pid), terminal.screen()
        with dashboard(gym, Path(home)) as terminal:
            terminal.read_until(rf"{RUNS:,} runs ·", timeout_s=120)
            terminal.settle(3.0)
            again = memory_bytes(terminal.process.pid)
    note = "still reading" if _READ.search(screen) else ""
    yield within(what, first, 200e6, "bytes", note)
    yield told("the same, second start", again, unit="bytes")
