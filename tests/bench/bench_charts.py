"""A chart of checkpoints, drawn and moved in: what reaches a real terminal, beside the run list."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.rows import Row, at_most
from tests.terminal.harness import Pty, Size

SIZE = Size(120, 36)
RUNS, ROLLOUTS, MOVES = 24, 20, 16
_DOWN, _UP = b"j", b"k"


def rows() -> Iterator[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory() as there:
        runs, home = Path(there) / "runs", Path(there) / "home"
        home.mkdir()
        _write(runs)
        command = [sys.executable, "-m", "gymtui", "open", str(runs)]
        with Pty(command, home, SIZE) as terminal:
            terminal.read_until("policy-24000", timeout_s=60)
            terminal.settle(1.0)
            listed = _moved(terminal)
            drawn = _sent(terminal, b"P")
            terminal.read_until("CHECKPOINT")
            steps = _sent(terminal, b"\x1b[C")
            terminal.read_until("STEPS +ROLLOUTS")
            binned = _moved(terminal)
            _sent(terminal, b"\x1b[D")
            moved = _moved(terminal)
            list_drawn = _sent(terminal, b"\x1b")
            terminal.send(b"\x11")
            terminal.wait_exit()
    yield at_most("checkpoints drawn: bytes (the run list)", drawn, list_drawn, 1, "bytes")
    yield at_most("bins of steps drawn: bytes (the run list)", steps, list_drawn, 1, "bytes")
    yield at_most("cursor among checkpoints: bytes (the run list)", moved, listed, 1, "bytes")
    yield at_most("cursor among bins: bytes (the run list)", binned, listed, 1, "bytes")


def _write(place: Path) -> None:
    """An export of the checkpoints of one model, each with its rollouts."""
    place.mkdir()
    for run in range(RUNS):
        for number in range(ROLLOUTS):
            rollout_id = f"r{run:02}-{number:02}"
            record = {
                "rollout_id": rollout_id,
                "run_id": f"policy-{1000 * (run + 1)}",
                "task_id": f"t{number % 5}",
                "status": "completed",
                "current_step": (7 * number + run) % 40,
                "created_at": f"2026-03-01T{run:02}:00:00Z",
                "result": {"success": (3 * number + run) % 5 > 1},
            }
            (place / f"{rollout_id}.rollout.json").write_text(json.dumps(record))


def _sent(terminal: Pty, key: bytes) -> int:
    """Bytes that are written for a key."""
    so_far = len(terminal.written)
    terminal.send(key)
    while len(terminal.written) == so_far:
        terminal.read(1.0)
    terminal.settle(0.5)
    return len(terminal.written) - so_far


def _moved(terminal: Pty) -> float:
    """Bytes that a move of the cursor takes, on average: down half of the time, then up again."""
    keys = [_DOWN, _UP] * (MOVES // 2)
    return sum(_sent(terminal, key) for key in keys) / len(keys)
