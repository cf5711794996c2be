"""What the first frame costs, in modules and dataclasses; the rest is there when it is wanted."""

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
_PRINT_DATACLASSES = """
from dataclasses import fields, is_dataclass
print(*sorted(
    each.__name__
    for name, module in sys.modules.items() if name.startswith("gymtui.")
    for each in vars(module).values()
    if isinstance(each, type) and is_dataclass(each) and each.__module__ == name
    and all(field.repr and field.compare and field.init for field in fields(each))
))
"""
_IN_TURN = f"""
import gymtui.cli.dashboard
{_PRINT_LOADED}
from gymtui.tui.app import router
router.preload_screens()
{_PRINT_LOADED}
import gymtui.api.client
{_PRINT_LOADED}
"""


def test_other_screens_transcripts_and_http_are_read_in_behind_the_first_frame() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IN_TURN], capture_output=True, text=True, check=True
    )
    first, then, at_last = (set(line.split()) for line in done.stdout.splitlines())
    assert first & SCREENS == FIRST
    later = ("gymtui.transcript.", "gymtui.launching.", "gymtui.api.launch_request", "httpx")
    assert not [name for name in first if name.startswith(later)]
    assert then & SCREENS == SCREENS
    # In the thread that makes the client, not with the first request on the event loop.
    assert {"httpx", "anyio._backends._asyncio"} <= at_last


def test_records_that_the_first_frame_needs_are_structs_but_for_those_that_hide_a_field() -> None:
    """A dataclass compiles its methods at each start: some 160 of them took a fifth of it."""
    command = [sys.executable, "-c", f"import sys, gymtui.cli.dashboard{_PRINT_DATACLASSES}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    of_the_command_line, read_by_pydantic = {"Span", "Style"}, {"ModelKeySource"}
    kept_beside_one_that_hides = {"_UnsavedChanges"}
    assert set(done.stdout.split()) == (
        of_the_command_line | read_by_pydantic | kept_beside_one_that_hides
    )
