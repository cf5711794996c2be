"""The replay of what was recorded, opened from the dashboard: it has the terminal until it ends.

A program of its own: whatever is played there, what is watched here goes on as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from textual.app import SuspendNotSupported

from gymtui.config.settings import Settings
from gymtui.session.session import Session
from gymtui.store.history.recording_format import SUFFIX
from gymtui.tui.app.profile_switch import ProfileConnections
from gymtui.tui.app.themed_app import ThemedApp
from gymtui.tui.app.user_commands import run_in_terminal


def open_replay(
    app: ThemedApp, session: Session, run_id: str | None, gyms: ProfileConnections | None
) -> None:
    """Play what was recorded of a session's gym, from a run's begin, if anything was."""
    place = session.recording
    # What of a team's recording is not here yet is fetched by the replay.
    if place is None or (
        place.shared is None and next(place.directory.glob(f"*{SUFFIX}"), None) is None
    ):
        app.notify("nothing is recorded of this gym · `gymtui record` does", timeout=5)
        return
    looks = [f"--theme={app.palette.name}", *(["--ascii"] if app.appearance.ascii else [])]
    options = [*profile_options(session.settings, gyms), *looks]
    if place.shared is None:
        words = replay_command(place.directory, run_id, options)
    else:
        words = replay_command(None, run_id, [f"--base-url={session.settings.base_url}", *options])
    app.run_worker(_play(app, words), group="replay", exclusive=True, exit_on_error=True)


def profile_options(settings: Settings, gyms: ProfileConnections | None) -> list[str]:
    """The options that lead another program to the same configuration, if any, and profile."""
    if gyms is None:
        return []
    file, name = gyms.config_file, settings.profile_name
    words = [] if file is None else [f"--config={file}"]
    return words + [f"--profile={name}" for profile in gyms.profiles if profile.name == name]


def replay_command(
    recording: Path | None, run_id: str | None, options: Sequence[str] = ()
) -> list[str]:
    """The command line that plays it.

    Args:
        recording: Its directory; None for the recording of the gym that the options name.
    """
    words = [sys.executable, "-m", "gymtui", "replay", *options]
    if run_id is not None and _is_argument(run_id):
        words.append(f"--run={run_id}")
    return words if recording is None else [*words, "--", str(recording)]


def _is_argument(text: str) -> bool:
    """Whether a program can be told it: ids may hold anything."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


async def _play(app: ThemedApp, words: Sequence[str]) -> None:
    try:
        status = await run_in_terminal(app, words, os.environ)
    except OSError as error:
        app.notify(f"the replay cannot be opened: {error.strerror}", severity="warning")
    except SuspendNotSupported:
        app.notify("the terminal cannot be given away", severity="warning")
    else:
        if status:
            app.notify(f"the replay failed with exit status {status}", severity="warning")
