"""`gymtui open`: transcripts from disk, on a screen or as text; no gym, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from gymtui import paths
from gymtui.settings import Loaded
from gymtui.transcript import artifact_files, export
from gymtui.transcript.opening import open_body


def print_files(files: Sequence[Path], form: str) -> None:
    """Print transcripts to standard output.

    Args:
        files: Which files.
        form: `markdown` or `text`.

    Raises:
        FileProblem: One of them cannot be read.
    """
    for number, file in enumerate(files):
        if number:
            click.echo()
        click.echo(export.written(open_body(artifact_files.load(file)), form), nl=False)


def view_files(files: Sequence[Path], env: Mapping[str, str], loaded: Loaded) -> int:
    """Read transcripts on a screen.

    Args:
        files: Which files, at least one.
        env: The environment, which says where reports go.
        loaded: The person's keys and looks, and what is wrong with them.

    Returns:
        The exit code.
    """
    from gymtui.tui.crash import Reporter
    from gymtui.tui.file_app import FileApp
    from gymtui.tui.guard import run_guarded
    from gymtui.tui.rebinding import rebound

    bound = rebound(loaded.settings.keys, loaded.settings.origins)
    reporter = Reporter(paths.log_dir(env), secrets=[])
    problems = [problem for problem in loaded.problems if not problem.fatal]
    app = FileApp(
        files, reporter, loaded.settings, bound=bound, problems=(*problems, *bound.problems)
    )
    return run_guarded(app)
