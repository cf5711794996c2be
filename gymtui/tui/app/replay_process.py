"""The replay of what was recorded, opened from the dashboard: it has the terminal until it ends.

A program of its own: whatever is played there, what is watched here goes on as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from textual.app import SuspendNotSupported

from gymtui.store.history.recording_format import SUFFIX
from gymtui.tui.app.themed_app import ThemedApp
from gymtui.tui.app.user_commands import run_in_terminal


def replay(app: ThemedApp[None], recording: Path | None, run_id: str | None) -> None:
    """Play a recording, if there is one.

    Args:
        recording: Its directory, there or not.
        run_id: The run at whose begin it starts.
    """
    if recording is None or next(recording.glob(f"*{SUFFIX}"), None) is None:
        app.notify("nothing is recorded of this gym · `gymtui record` does", timeout=5)
        return
    words = command(recording, run_id, theme=app.palette.name, plain=app.appearance.ascii)
    app.run_worker(_played(app, words), group="replay", exclusive=True, exit_on_error=True)


def command(recording: Path, run_id: str | None, *, theme: str, plain: bool) -> list[str]:
    """The command line that plays it."""
    words = [sys.executable, "-m", "gymtui", "replay", f"--theme={theme}"]
    words += ["--ascii"] if plain else []
    if run_id is not None and _is_argument(run_id):
        words.append(f"--run={run_id}")
    return [*words, "--", str(recording)]


def _is_argument(text: str) -> bool:
    """Whether a program can be told it: ids may hold anything."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


async def _played(app: ThemedApp[None], words: Sequence[str]) -> None:
    try:
        status = await run_in_terminal(app, words, os.environ)
    except OSError as error:
        app.notify(f"the replay cannot be opened: {error.strerror}", severity="warning")
    except SuspendNotSupported:
        app.notify("the terminal cannot be given away", severity="warning")
    else:
        if status:
            app.notify(f"the replay failed with exit status {status}", severity="warning")
