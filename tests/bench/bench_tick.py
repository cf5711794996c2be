"""A tick that changes ten rows in view: what reaches a real terminal, beside DataTable."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.rows import Row, at_most, told
from tests.bench.terminals import Mirror, least_bytes
from tests.terminal.harness import Pty, Size
from tests.terminal.processes import cpu_seconds

SIZE = Size(120, 36)
TICKS = 25
QUIET_S = 0.08
"""Several frames' time: a tick is over when nothing was written for so long."""


@dataclass(frozen=True)
class Cost:
    """Of one tick, on average.

    Attributes:
        sent: Bytes written.
        least: Bytes that the changed cells alone would have cost.
        cpu_s: Seconds of one processor.
    """

    sent: float
    least: float
    cpu_s: float


def rows() -> Iterator[Row]:
    """Measure."""
    ours, theirs = _cost("grid"), _cost("datatable")
    yield at_most(
        "ten rows in view change: bytes (DataTable)", ours.sent, theirs.sent, 1 / 8, "bytes"
    )
    yield at_most("ten rows in view change: CPU (DataTable)", ours.cpu_s, theirs.cpu_s, 1 / 5, "s")
    yield told(
        "ten rows in view change: bytes (the changed cells alone)", ours.sent, ours.least, "bytes"
    )


def _cost(kind: str) -> Cost:
    command = [sys.executable, "-m", "tests.bench.tables", kind]
    with tempfile.TemporaryDirectory() as home, Pty(command, Path(home), SIZE) as terminal:
        terminal.read_until("rol_000020", timeout_s=30)
        terminal.settle(0.5)
        mirror = Mirror(SIZE.columns, SIZE.rows)
        mirror.feed(bytes(terminal.written))
        sent = least = 0
        before = mirror.picture()
        began_s = cpu_seconds(terminal.process.pid)
        for _ in range(TICKS):
            so_far = len(terminal.written)
            terminal.send(b"t")
            while len(terminal.written) == so_far:
                terminal.read(1.0)
            terminal.settle(QUIET_S)
            written = bytes(terminal.written[so_far:])
            mirror.feed(written)
            after = mirror.picture()
            sent += len(written)
            least += least_bytes(before, after)
            before = after
        cpu_s = cpu_seconds(terminal.process.pid) - began_s
        terminal.send(b"q")
        terminal.wait_exit()
    return Cost(sent / TICKS, least / TICKS, cpu_s / TICKS)
