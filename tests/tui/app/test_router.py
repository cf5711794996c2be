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
_IN_TURN = f"""
import gymtui.cli.dashboard
{_PRINT_LOADED}
from gymtui.tui.app import router
router.preload_screens()
{_PRINT_LOADED}
"""


def test_other_screens_transcripts_and_http_are_read_in_behind_the_first_frame() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IN_TURN], capture_output=True, text=True, check=True
    )
    first, then = (set(line.split()) for line in done.stdout.splitlines())
    assert first & SCREENS == FIRST
    assert not [name for name in first if name.startswith(("gymtui.transcript.", "httpx"))]
    assert then & SCREENS == SCREENS
