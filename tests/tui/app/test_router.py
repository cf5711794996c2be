"""What the first frame costs, counted in modules; and that the rest is there when it is wanted."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers.places import PACKAGE

SCREENS = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in (PACKAGE / "tui").rglob("*screen.py")
    if not {"kit", "files"} & set(path.parts)
} - {"gymtui.tui.launch.form_screen"}
FIRST = {"gymtui.tui.runs.screen"}
"""The screen that it opens with."""


_PRINT_LOADED = "import sys; print(*(name for name, there in sys.modules.items() if there))"


def _loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_PRINT_LOADED}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_the_first_frame_waits_for_no_other_screen_no_transcript_and_no_http() -> None:
    loaded = _loaded("import gymtui.cli.dashboard")
    assert loaded & SCREENS == FIRST
    assert not [name for name in loaded if name.startswith(("gymtui.transcript.", "httpx"))]


def test_every_other_screen_is_read_in_behind_the_first_frame() -> None:
    loaded = _loaded(
        "import gymtui.tui.runs.screen; from gymtui.tui.app import router; router.preload_screens()"
    )
    assert loaded & SCREENS == SCREENS
