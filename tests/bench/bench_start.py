"""From the command to the first frame, beside an empty app; and what `--version` imports."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.measuring import by_turns
from tests.bench.rows import Row, at_most, holds
from tests.helpers.environment import isolated
from tests.helpers.places import ROOT
from tests.terminal.harness import Pty
from tests.terminal.harness import Size as Cells
from tests.terminal.processes import cpu_seconds

ROUNDS = 8
HEAVY = ("textual", "httpx", "pydantic")
EMPTY = """
from textual.app import App
from textual.widgets import Label
class Empty(App):
    def compose(self):
        yield Label("an empty app")
Empty().run()
"""
VERSION = """
import sys
from gymtui.cli.entry import main
main(["--version"], standalone_mode=False)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def rows() -> Iterator[Row]:
    """Measure."""
    yield _version()
    # Nobody answers there: the first frame waits for no gym.
    ours = [sys.executable, "-m", "gymtui", "--base-url", "http://127.0.0.1:9"]
    theirs = [sys.executable, "-c", EMPTY]
    with tempfile.TemporaryDirectory() as home:
        pair = by_turns(
            lambda: _first_frame(ours, "source rl-gym", Path(home)),
            lambda: _first_frame(theirs, "an empty app", Path(home)),
            ROUNDS,
        )
    yield at_most(
        "start to first frame (an empty Textual app)", pair.ours_s, pair.yardstick_s, 2.2, "s",
        f"processor time, the least of {ROUNDS} by turns",
    )  # fmt: skip


def _first_frame(command: Sequence[str], words: str, home: Path) -> float:
    """Processor seconds that a program took until its first frame."""
    began = time.monotonic()
    env = {"PYTHONDONTWRITEBYTECODE": ""}  # as a person has it: compiled once
    with Pty(command, home, Cells(120, 36), env) as terminal:
        while words.encode() not in terminal.written:
            terminal.read(0.5)
            assert time.monotonic() - began < 30, terminal.screen()
        took_s = cpu_seconds(terminal.process.pid)
        terminal.settle(0.3)
        terminal.send(b"\x11")
        terminal.wait_exit()
    return took_s


def _version() -> Row:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-c", VERSION], capture_output=True, text=True, check=True,
            env=isolated(Path(home)), cwd=ROOT,
        )  # fmt: skip
    found = [name for name in HEAVY if name in done.stdout.splitlines()[-1].split()]
    return holds(
        "`gymtui --version` imports none of textual, httpx, pydantic", not found,
        "none", ", ".join(found) or "none",
    )  # fmt: skip
