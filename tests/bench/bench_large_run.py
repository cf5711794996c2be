"""A run of 2,000 rollouts is open, some moving with every poll: how soon keys are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.bench.measuring import share
from tests.bench.pressing import Press, cursor_row, dashboard, delays_s
from tests.bench.rows import Row, told, within
from tests.bench.served import Size, served
from tests.terminal.harness import Pty

ROLLOUTS = 2_000
INTERVAL_S = 0.5
KEYS = 160
BUDGET_S = 0.05


def rows() -> Iterator[Row]:
    """Measure."""
    moves = [Press(b"j", cursor_row), Press(b"j", cursor_row), Press(b"k", cursor_row)]
    timeline = [Press(key, _axis) for key in (b"+", b"\x1b[C", b"\x1b[D", b"-", b"T", b"T")]
    attempts = [Press(b"l", _attempt), Press(b"h", _attempt)]
    note = f"1 % of {ROLLOUTS:,} rollouts change with each poll, two polls a second"
    with (
        served(Size(mixed=ROLLOUTS)) as gym,
        dashboard(gym.url, interval_s=INTERVAL_S) as terminal,
    ):
        terminal.read_until("1 run", timeout_s=30)
        terminal.send(b"\r")
        terminal.read_until(r"pass@1 \d+%", timeout_s=30)
        yield from _pressed(terminal, "rows", moves, note)
        yield from _pressed(terminal, "timeline: zoom, pan, clock", timeline)
        terminal.send(b"m")
        terminal.read_until(r"\d+ mixed", timeout_s=30)
        yield from _pressed(terminal, "matrix", [*moves, *attempts])


def _pressed(terminal: Pty, what: str, presses: list[Press], note: str = "") -> Iterator[Row]:
    found = delays_s(terminal, presses, KEYS)
    name = f"{ROLLOUTS:,} rollouts in one run, {what}: key press to its frame"
    yield within(f"{name}, p99", share(found, 0.99), BUDGET_S, "s", note)
    yield told("the same, median", share(found, 0.5))


def _axis(screen: str) -> str:
    """The heading of the timeline, which is its axis."""
    return next((line for line in screen.split("\n") if "ROLLOUT" in line), "")


def _attempt(screen: str) -> str:
    """Which attempt of how many the cursor stands on, in the last lines."""
    found = re.search(r"^ *(\d+/\d+) ", "\n".join(screen.split("\n")[-2:]), re.M)
    return found[1] if found else ""
