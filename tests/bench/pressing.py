"""Keys pressed in the real program on a pty, and how soon the frame comes that each one makes."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from tests.terminal.harness import Pty, Size

QUIET_S = 0.03
"""With nothing drawn for so long, the next key is pressed."""
DEADLINE_S = 5.0


@dataclass(frozen=True)
class Press:
    """A key, and what on the screen it makes another.

    Attributes:
        key: What the terminal sends for it.
        changes: Of the screen that part which this key changes, and nothing else does.
    """

    key: bytes
    changes: Callable[[str], str]


def cursor_row(screen: str) -> str:
    """What the cursor stands on: a rollout by its id, else what its line begins with."""
    line = next((line for line in screen.split("\n") if line[:1] == "▌"), "")
    found = re.search(r"rol_\S+", line) or re.search(r"\w\S+", line)
    return found[0] if found else ""


@contextmanager
def dashboard(url: str, *, interval_s: float) -> Iterator[Pty]:
    """The dashboard of a gym on a terminal of 120 by 36 cells; it quits with the block."""
    command = [
        *(sys.executable, "-m", "gymtui", "--base-url", url),
        *("--interval", str(interval_s)),
    ]
    with (
        tempfile.TemporaryDirectory() as home,
        Pty(command, Path(home), Size(120, 36)) as terminal,
    ):
        yield terminal
        terminal.send(b"\x11")
        terminal.wait_exit()


def delays_s(terminal: Pty, presses: Sequence[Press], count: int) -> list[float]:
    """Press so many keys, one after the other, whatever else comes in meanwhile.

    Args:
        terminal: The dashboard.
        presses: The keys, begun anew when they are through.
        count: How many to press.

    Returns:
        From each press to the arrival of the bytes that show its effect.
    """
    found: list[float] = []
    for press in islice(cycle(presses), count):
        while terminal.read(QUIET_S):
            pass  # what the last key and the polls still draw
        before, pressed_s = press.changes(terminal.screen()), time.monotonic()
        terminal.send(press.key)
        while press.changes(terminal.screen()) == before:
            terminal.read(0.5)
            waited_s = time.monotonic() - pressed_s
            assert waited_s < DEADLINE_S, f"{press.key!r} did nothing:\n{terminal.screen()}"
        found.append(terminal.read_at_s - pressed_s)
    return found
