"""The command lines of what is recorded: `record`, `replay`, `watch`.

What they do is in `record`, `record_export`, `watch` and the app of a replay.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gymtui.cli import options, suggestions

if TYPE_CHECKING:
    from gymtui.config.settings import Settings
    from gymtui.store.history.recording_place import RecordingPlace
    from gymtui.store.history.recording_reader import Recording


START = "start"


class RecordCommands(click.Group):
    """`record` and what belongs to it: what names no command of it is `record start`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] == ["status"]:  # as in other programs; a run of that name is `run:status`
            args = ["--status", *args[1:]]
        named = args and args[0] in self.commands
        return super().parse_args(ctx, args if named else [START, *args])


@click.group(cls=RecordCommands)
def record() -> None:
    """Watch a gym without a screen and record what is seen: `record [FILTER…]`, `record export`."""


@record.command(
    START,
    epilog="""\
Every change of a run or rollout is recorded as received, with when it was seen: for `gymtui
replay`, `gymtui watch` and `gymtui record export`. A FILTER, as in `gymtui runs`, limits whose
rollouts are recorded; a run that once matched goes on being recorded.
^C and SIGTERM end it whole; a kill loses the last two seconds. It exits with 2 if the disk took
nothing at its end. One recorder a gym, and one of a team that shares a database: with --force a
second one writes to a directory of its own, which it names, and shares nothing.
""",
)
@click.argument("filters", nargs=-1, metavar="[FILTER…]")
@options.gym_options
@options.scope_options
@options.interval_option
@click.option(
    "--for", "for_s", type=options.read_duration, metavar="T", help="Stop after 90m, 12h, …"
)
@click.option("--until-done", is_flag=True, help="Stop when no recorded run is active.")
@click.option("--keep", is_flag=True, help="Never delete this recording by age or size.")
@click.option("--force", is_flag=True, help="Record beside another recorder, elsewhere.")
@click.option(
    "--status", is_flag=True, help="Show whether a recorder is running and what is recorded."
)
@options.json_option
def start(
    filters: tuple[str, ...],
    for_s: float | None,
    until_done: bool,
    keep: bool,
    force: bool,
    status: bool,
    form: str | None,
    **flags: Any,
) -> None:
    """Record until stopped."""
    given_flags = options.given_options(flags)
    if status:
        _show_status(given_flags, form)
        return
    if form is not None:
        options.fail("--json is for --status")
    found = options.report_problems(options.load_settings(given_flags))
    settings = found.settings
    from gymtui.cli.list_filters import COMMAND_RUNS, read_filters
    from gymtui.cli.profiles import gyms_of
    from gymtui.cli.record import RecordOptions
    from gymtui.cli.record import record as carry_out

    wanted = RecordOptions(read_filters(filters, COMMAND_RUNS), for_s, until_done, keep, force)
    place = recording_of(settings)
    gyms = gyms_of(found, given_flags, os.environ)
    try:
        carry_out(settings, place, options.journal_of(settings), wanted, find_key=gyms.find_key)
    except BlockingIOError:
        options.fail(
            "another recorder of this gym is running (`gymtui record --status`);"
            " --force records beside it",
            options.EXIT_REFUSED,
        )
    except OSError as error:
        options.fail_on_file(place.directory, error)


@record.command(
    epilog="""\
A row is a run or rollout as received, whenever it was another than before: kind, id, seen_from
and seen_at (between which instants the gym answered so, by its clock), ours_at (this machine's
clock), first (what the recording begins with may have been so for long), deleted (it is gone: there
is no item), item. RECORDING.md has the format of the files themselves.
""",
)
@click.argument("source", required=False, metavar="[FILE|DIR]", type=click.Path(path_type=Path))
@options.gym_options
@options.form_options(
    "jsonl", jsonl="JSON lines (default).", parquet="Parquet; needs gymtui[parquet]."
)
@click.option(
    "--to",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Output file; must not exist.",
)
def export(source: Path | None, form: str, file: Path | None, **flags: Any) -> None:
    """Write a recording for other tools (DuckDB, pandas)."""
    from gymtui.cli.output import Printer
    from gymtui.cli.record_export import NoParquetError, json_lines, write_parquet
    from gymtui.core.text import clean

    recording, _ = open_recording(source, flags)
    try:
        if form == "parquet":
            if file is None:
                options.fail("--parquet needs --to FILE")
            count = write_parquet(recording, file)
            options.tell(f"wrote {count:,} rows to {clean(file)}")
        elif file is None:
            printer = Printer(sys.stdout)
            for line in json_lines(recording):
                printer.stream.write(f"{line}\n")
        else:
            with file.open("x", encoding="utf-8") as stream:
                stream.writelines(f"{line}\n" for line in json_lines(recording))
            options.tell(f"wrote {clean(file)}")
    except NoParquetError as error:
        options.fail(str(error))
    except OSError as error:
        if file is None:
            raise
        options.fail_on_file(file, error)


def _show_status(flags: dict[str, Any], form: str | None) -> None:
    settings = options.settings_of(flags)
    import dataclasses

    from gymtui.cli.output import Printer
    from gymtui.cli.record import status_lines, status_of

    found = status_of(settings, recording_of(settings))
    printer = Printer.standard()
    if form != "json":
        printer.lines(status_lines(found))
        return
    document = dataclasses.asdict(found)
    for name in ("from_at", "to_at"):
        document[name] = document[name] and document[name].isoformat()
    printer.document({**document, "directory": str(found.directory)})


def recording_of(settings: Settings) -> RecordingPlace:
    """Where this gym's recording is, there or not."""
    from gymtui.store.history.journal_place import local_path
    from gymtui.store.history.recording_place import recording_place

    return recording_place(settings, local_path(options.journal_of(settings)))


def open_recording(
    source: Path | None, flags: dict[str, Any]
) -> tuple[Recording, RecordingPlace | None]:
    """Open a recording; what of it cannot be read is told, and an empty one ends it.

    Args:
        source: A file or directory; None for the recording of the gym that the settings name.

    Returns:
        The recording, and in the latter case where it is.
    """
    from gymtui.core.text import clean
    from gymtui.store.history.recording_copy import fetch_recording
    from gymtui.store.history.recording_reader import Recording
    from gymtui.store.history.recording_writer import is_recorded

    place, recorders = None, tuple[str, ...]()
    if source is None:
        settings = options.settings_of(flags)
        place, what = recording_of(settings), f"of {clean(settings.base_url)}"
        path, fetched = place.directory, fetch_recording(place)
        recorders = fetched.recorders
        if fetched.fault:
            options.tell(f"as far as it is on this machine: {clean(fetched.fault)}")
    else:
        path, what = source, f"in {clean(source)}"
        if not path.exists():
            options.fail(f"{clean(path)}: no such file or directory")
    recording = Recording(path)
    for problem in recording.problems:
        if not (problem == recording.unfinished and (recorders or is_recorded(path))):
            options.tell(clean(problem))
    if not recording:
        options.fail(f"nothing is recorded {what}")
    return recording, place


@click.command(
    epilog="""\
Shows the dashboard at any moment of what `gymtui record` recorded: of the gym that the settings
name, or of a file or directory. No request is sent and nothing can be cancelled. Transcripts are
not recorded. `;` plays and pauses, `<` and `>` go a minute, `,` and `.` one change, `(` and `)`
to the marks of the time line, `L` to its end.
""",
)
@click.argument("source", required=False, metavar="[FILE|DIR]", type=click.Path(path_type=Path))
@options.gym_options
@click.option("--at", metavar="TIME", help="Begin there: 18:02, 2026-11-29T18:02, +2h.")
@click.option(
    "--run", "run_id", metavar="RUN", help="Open this run.", shell_complete=suggestions.runs
)
@options.appearance_options
def replay(source: Path | None, at: str | None, run_id: str | None, **flags: Any) -> None:
    """Play a recording in the dashboard's screens."""
    from gymtui.core.text import clean
    from gymtui.session.replay import read_moment

    recording, place = open_recording(source, flags)
    try:
        at_us = None if at is None else read_moment(at, recording)
    except ValueError as error:
        options.fail(clean(error))
    if run_id is not None and at_us is None:
        began = (mark.at_us for mark in recording.marks if mark.run_id == run_id)
        at_us = next(began, None)
    options.require_terminal()
    if place is None or place.shared is None:
        sys.exit(_open_replay(recording, at_us, run_id, options.given_options(flags)))
    from gymtui.store.history.recording_copy import RecordingFetcher

    fetcher = RecordingFetcher(place)  # what is recorded while it plays
    try:
        sys.exit(_open_replay(recording, at_us, run_id, options.given_options(flags)))
    finally:
        fetcher.close()


def _open_replay(
    recording: Recording, at_us: int | None, run_id: str | None, flags: dict[str, Any]
) -> int:
    from gymtui.core import paths
    from gymtui.session.saved_layout import SavedLayout
    from gymtui.tui.app.replay_app import ReplayApp
    from gymtui.tui.context.key_bindings import rebind
    from gymtui.tui.context.preferences import Preferences, appearance_of
    from gymtui.tui.runtime.crash_report import Reporter
    from gymtui.tui.runtime.guard import run_guarded

    env = os.environ
    # What is wrong with where a gym is, is no matter here.
    found = options.load_settings(flags, want_key=False)
    head = recording.head
    changes: dict[str, Any] = {"read_only": True, "key": None}
    if head is not None:
        changes |= {"base_url": head.gym, "interval_s": head.interval_s}
        changes |= {"source": head.source or found.settings.source, "scenario": head.scenario}
    settings = found.settings.model_copy(update=changes)
    keys = rebind(settings.keys, settings.origins)
    app = ReplayApp(
        recording,
        settings,
        Reporter(paths.log_dir(env), secrets=[]),
        at_us=at_us,
        run_id=run_id,
        preferences=Preferences(
            appearance_of(settings, env, sys.stderr.encoding),
            SavedLayout.read(None),
            keys,
            (*(p for p in found.problems if not p.fatal), *keys.problems),
        ),
    )
    return run_guarded(app)


@click.command(
    epilog="""\
With --jsonl a document a change: version (1), cursor, kind (run, rollout), id, run_id, seen_at (the
gym's clock), ours_at (this machine's clock), slack_s (it happened so many seconds before seen_at at
most; null where it was never seen otherwise), after_gap (nobody watched right before), before and
after (as the gym lists it; null where it was never seen, or is gone).

It follows the recording of `gymtui record` if one is running, else it records itself. With
--after it goes on after that cursor, and tells everything that was recorded meanwhile; what a gap
in the recording hides is told as one change with its slack.
""",
)
@options.runs_argument("[RUN…]", required=False)
@options.gym_options
@options.scope_options
@options.interval_option
@options.form_options(None, jsonl=options.JSON_LINES)
@click.option("--after", metavar="CURSOR", help="Go on after this change.")
def watch(run_ids: tuple[str, ...], form: str | None, after: str | None, **flags: Any) -> None:
    """Print every change of runs and rollouts as it is seen, until ^C or SIGTERM.

    It goes on when the runs have ended: `gymtui wait` ends with them.
    """
    given_flags = options.given_options(flags)
    found = options.report_problems(options.load_settings(given_flags))
    settings = found.settings
    from gymtui.cli.output import Printer
    from gymtui.cli.profiles import gyms_of
    from gymtui.cli.watch import line_of
    from gymtui.cli.watch import watch as carry_out
    from gymtui.core.text import clean
    from gymtui.store.history.recording_items import Cursor, UnknownCursorError

    printer = Printer(sys.stdout)

    def printed(document: dict[str, Any]) -> None:
        if form == "jsonl":
            printer.objects([document])
        else:
            printer.lines([line_of(document)])

    gyms = gyms_of(found, given_flags, os.environ)
    place = recording_of(settings)
    try:
        cursor = None if after is None else Cursor.read(after)
        journal = options.journal_of(settings)
        carry_out(settings, place, journal, run_ids, cursor, printed, find_key=gyms.find_key)
    except UnknownCursorError as error:
        options.fail(clean(error), options.EXIT_REFUSED)
    except BrokenPipeError:
        raise
    except OSError as error:
        options.fail_on_file(place.directory, error)
