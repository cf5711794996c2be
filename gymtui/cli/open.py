"""`gymtui open`: transcripts from disk, on a screen or as text; no gym, no network."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from gymtui.cli.directories import directory_gym, directory_settings, sources_for
from gymtui.cli.options import tell
from gymtui.config.settings import LoadedSettings
from gymtui.core import paths
from gymtui.core.text import clean
from gymtui.store import record_files
from gymtui.transcript import artifact_files, export

_OF_FILES: Final = frozenset({"artifacts", "simlab"})
"""Sources that consist of transcripts, which are printed as the files that they are."""


def settings_of_files(
    paths_named: Sequence[Path], read_as: str | None, form: str | None, flags: Mapping[str, Any]
) -> LoadedSettings | None:
    """The settings for opening files as a gym; None where they are transcripts to be read alone.

    Ends where a source was named and there is nothing of it.
    """
    from gymtui.sources.files import Files
    from gymtui.sources.source import find_places

    sources, files = sources_for(read_as), Files()
    owners = {
        source.name for path in paths_named for source, _place in find_places(path, sources, files)
    }
    if read_as is None and (not owners or (form is not None and owners <= _OF_FILES)):
        return None
    found = directory_settings({**flags, "as": read_as}, paths_named)
    directory_gym(found.settings)  # says at once that there is nothing
    return found


def print_files(files: Sequence[Path], form: str) -> bool:
    """Print transcripts to standard output, with the results that the records beside them tell of.

    Of several, each stands under its file's name.

    Returns:
        Whether all could be read; those that could not are told, and left out, but a transcript
        for a record that is damaged.
    """
    printed = 0
    whole = True

    def problem_with(file: Path, problem: object) -> None:
        # By its path: below a directory many have the same name.
        tell(clean(f"{file.parent}/{problem}" if len(files) > 1 else problem))

    for file in files:
        try:
            opened = record_files.open_file(file)
        except artifact_files.FileProblem as problem:
            problem_with(file, problem)
            whole = False
            continue
        if opened.record.problem:
            problem_with(file, opened.record.problem)
            whole = whole and not opened.record.damaged
        if printed:
            click.echo()
        printed += 1
        if len(files) > 1:
            name = clean(file).replace("`", "'")
            click.echo(f"`{name}`\n" if form == "markdown" else f"file: {name}")
        click.echo(export.render(opened.transcript, form), nl=False)
    return whole


def view_files(files: Sequence[Path], loaded: LoadedSettings, env: Mapping[str, str]) -> int:
    """Read transcripts on a screen; its exit code."""
    from gymtui.session.saved_layout import SavedLayout
    from gymtui.tui.app.file_app import FileApp
    from gymtui.tui.context.key_bindings import rebind
    from gymtui.tui.context.preferences import Preferences, appearance_of
    from gymtui.tui.runtime.crash_report import Reporter
    from gymtui.tui.runtime.guard import run_guarded

    keys = rebind(loaded.settings.keys, loaded.settings.origins)
    problems = [problem for problem in loaded.problems if not problem.fatal]
    app = FileApp(
        files,
        Reporter(paths.log_dir(env), secrets=[]),
        Preferences(
            appearance_of(loaded.settings, env, sys.stderr.encoding),
            SavedLayout.read(paths.state_dir(env)),
            keys,
            (*problems, *keys.problems),
        ),
    )
    for problem in app.theme_problems:
        click.echo(f"gymtui: {problem}", err=True)
    return run_guarded(app)
