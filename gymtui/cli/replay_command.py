"""The command line of `replay`, and what opens it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gymtui.cli import suggestions
from gymtui.cli.options import (
    EXIT_USAGE,
    fail,
    given,
    gym_options,
    loaded,
    looks_options,
    want_terminal,
    with_options,
)
from gymtui.cli.record_command import open_recording

if TYPE_CHECKING:
    from gymtui.store.history.recording_reader import Recording


@click.command(
    epilog="""\
Shows the dashboard at any moment of what `gymtui record` recorded: of the gym that the settings
name, or of a file or directory. No request is sent and nothing can be cancelled. Transcripts are
not recorded. `;` plays and pauses, `<` and `>` go a minute, `,` and `.` one change, `(` and `)`
to the marks of the time line, `L` to its end.
""",
)
@click.argument("source", required=False, metavar="[FILE|DIR]", type=click.Path(path_type=Path))
@gym_options
@click.option("--at", metavar="TIME", help="Begin there: 18:02, 2026-11-29T18:02, +2h.")
@click.option(
    "--run", "run_id", metavar="RUN", help="Open this run.", shell_complete=suggestions.runs
)
@with_options(*looks_options)
def replay(source: Path | None, at: str | None, run_id: str | None, **flags: Any) -> None:
    """Play a recording in the dashboard's screens."""
    from gymtui.core.text import clean
    from gymtui.session.replay import moment_of

    recording = open_recording(source, flags)
    try:
        at_us = None if at is None else moment_of(at, recording)
    except ValueError as error:
        fail(clean(error), EXIT_USAGE)
    if run_id is not None and at_us is None:
        began = (mark.at_us for mark in recording.marks if mark.run_id == run_id)
        at_us = next(began, None)
    want_terminal()
    sys.exit(_open(recording, at_us, run_id, given(flags)))


def _open(
    recording: Recording, at_us: int | None, run_id: str | None, flags: dict[str, Any]
) -> int:
    from gymtui.core import paths
    from gymtui.session.saved_layout import SavedLayout
    from gymtui.tui.app.replay_app import ReplayApp
    from gymtui.tui.context.appearance import appearance_of
    from gymtui.tui.context.key_bindings import rebound
    from gymtui.tui.runtime.crash_report import Reporter
    from gymtui.tui.runtime.guard import run_guarded

    env = os.environ
    # What is wrong with where a gym is, is no matter here.
    found = loaded(flags, want_key=False)
    head = recording.head
    changes: dict[str, Any] = {"read_only": True, "key": None}
    if head is not None:
        changes |= {"base_url": head.gym, "interval_s": head.interval_s}
        changes |= {"source": head.source or found.settings.source, "scenario": head.scenario}
    settings = found.settings.model_copy(update=changes)
    keys = rebound(settings.keys, settings.origins)
    app = ReplayApp(
        recording,
        settings,
        Reporter(paths.log_dir(env), secrets=[]),
        at_us=at_us,
        run_id=run_id,
        appearance=appearance_of(settings, env, sys.stderr.encoding),
        saved_layout=SavedLayout.read(None),
        keys=keys,
        problems=(*(p for p in found.problems if not p.fatal), *keys.problems),
    )
    return run_guarded(app)
