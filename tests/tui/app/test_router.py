"""What the first frame costs, counted in modules; and that the rest is there when it is wanted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gymtui.tui.screens

SCREENS = {path.stem for path in Path(gymtui.tui.screens.__path__[0]).glob("[a-z]*.py")}
FIRST = {"base", "lists", "menu", "runs"}
"""The screen that it opens with, and what that is made of."""


def _loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def _screens(loaded: set[str]) -> set[str]:
    return {name.rpartition(".")[2] for name in loaded if name.startswith("gymtui.tui.screens.")}


def test_the_first_frame_waits_for_no_other_screen_no_transcript_and_no_http() -> None:
    loaded = _loaded("import gymtui.cli.dashboard")
    assert _screens(loaded) == FIRST
    assert not [name for name in loaded if name.startswith(("gymtui.transcript.", "httpx"))]


def test_unlocking_the_doors_reads_in_every_screen() -> None:
    loaded = _loaded("from gymtui.tui import doors; doors.unlock()")
    assert _screens(loaded) == SCREENS
