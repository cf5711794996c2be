"""The command lines of what tells how runs did: `compare`, `failures`, `report`, `digest`, `mcp`.

What they do is in modules of their names.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, time, timedelta
from typing import Any

import click

from gymtui.cli import options, suggestions
from gymtui.cli.directories import settings_and_names


@click.command(
    epilog="The others are compared with the first run, over the tasks in which both have "
    "verdicts: the mean difference with its 95 % interval, and p of an exact paired sign-flip "
    "test, adjusted for the number of runs (Holm). The evidence for a task is one exact test over "
    "all runs, not adjusted. --json has all tasks and failures, as `report --json`; --csv has the "
    "first table, a line a run."
)
@options.runs_argument("[DIR/]… RUN RUN…")
@options.gym_or_directory_options
@options.table_or_csv_options
def compare(run_ids: tuple[str, ...], form: str, **flags: Any) -> None:
    """Compare runs with the first: settings, pass rates, tasks and failures that differ."""
    settings, names = settings_and_names(flags, run_ids)
    if len(set(names)) < 2 and not settings.directories:
        options.fail("compare takes two or more runs")
    from gymtui.cli.compare import print_comparison

    print_comparison(settings, names, form)


@click.command(
    epilog="A rollout counts under each of its criteria. ~ marks a criterion guessed from the "
    "message. Names, ids, times and numbers are folded: *, <id>, <time>, #. CHANGE is the share "
    "of rollouts that failed so minus that of the run compared with, over the tasks that both "
    "have, with its 95 % interval; yellow if p, adjusted for all rows, is 0.05 or less."
)
@options.runs_argument()
@options.gym_or_directory_options
@click.option(
    "--by",
    type=click.Choice(["criterion", "tool", "message"]),
    default="criterion",
    show_default=True,
    help="Group by criterion or by message; or count tool calls that failed, for which all "
    "artifacts are read.",
)
@click.option(
    "--against",
    metavar="RUN",
    shell_complete=suggestions.runs,
    help="Compare with this run (default: the first, if there are several).",
)
@options.list_options
def failures(
    run_ids: tuple[str, ...], by: str, against: str | None, form: str, **flags: Any
) -> None:
    """List what runs fail in, by criterion, tool or message; of a directory, all runs in it."""
    settings, run_ids = settings_and_names(flags, run_ids)
    from gymtui.cli.failures import print_failures

    print_failures(settings, run_ids, by, form, against=against)


@click.command(
    epilog="Contains pass rates with confidence intervals, tasks × attempts, failures by cause and "
    "settings; several runs are compared, with the baseline or else the first. The HTML is one "
    "self-contained file. Time per phase is known for rollouts that a dashboard observed on this "
    "machine."
)
@options.runs_argument()
@options.gym_or_directory_options
@options.form_options(
    "markdown",
    markdown="Markdown (default).",
    html="One self-contained HTML file.",
    json="The numbers as one JSON document.",
)
@click.option(
    "--baseline",
    metavar="RUN",
    shell_complete=suggestions.runs,
    help="Compare the others with this run (default: the one chosen with B in the dashboard).",
)
@click.option("--usage", is_flag=True, help="Also read all artifacts, for tokens and cost.")
@click.option(
    "--to", "file", metavar="FILE", type=click.Path(), help="Output file; must not exist."
)
def report(
    run_ids: tuple[str, ...],
    form: str,
    file: str | None,
    usage: bool,
    baseline: str | None,
    **flags: Any,
) -> None:
    """Write a report on one run, or a comparison of several; of a directory, on all runs in it."""
    settings, run_ids = settings_and_names(flags, run_ids)
    from datetime import UTC, datetime
    from pathlib import Path

    from gymtui.cli.report import render_report
    from gymtui.core.new_file import write_new
    from gymtui.core.text import clean

    if file is not None and os.path.lexists(file):
        options.fail(f"{clean(file)} already exists")
    document = render_report(
        settings,
        run_ids,
        form,
        journal=options.journal_of(settings),
        now=datetime.now(UTC),
        usage=usage,
        baseline=baseline,
    ).encode("utf-8", "replace")
    if file is None:
        # As bytes: what the HTML says of its own encoding holds whatever the terminal's is.
        sys.stdout.buffer.write(document)
        sys.stdout.buffer.flush()
        return
    try:
        write_new(Path(file), document)
    except OSError as error:
        options.fail_on_file(file, error)
    options.tell(f"wrote {clean(file)}")


def read_time(text: str) -> datetime:
    """A time in the past: `18:02` (today or yesterday), a date with a time, or `12h` ago.

    Raises:
        click.BadParameter: It is none.
    """
    now = datetime.now().astimezone()
    try:
        if ":" in text and "T" not in text and " " not in text:
            at = datetime.combine(now.date(), time.fromisoformat(text)).astimezone()
            return at if at <= now else at - timedelta(days=1)
        if text[:4].isdecimal() and "-" in text:
            return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise click.BadParameter("expected 18:02, 2026-11-29T18:02 or 12h") from None
    return now - timedelta(seconds=options.read_duration(text))


@click.command(
    epilog="""\
A run regressed if it passes less than the run of its name that ended before it (s4000 after s3000),
by Fisher's exact test, adjusted for all runs compared.
""",
)
@options.gym_options
@options.scope_options
@click.option(
    "--since",
    type=read_time,
    default="12h",
    show_default=True,
    metavar="TIME",
    help="Since 18:02, 2026-11-29T18:02, or so long ago.",
)
@options.form_options(
    None, markdown="Markdown, for a chat or a mail.", json="Print one JSON document."
)
def digest(since: datetime, form: str | None, **flags: Any) -> None:
    """Tell what happened since a time: runs finished and regressed, errors by cause."""
    settings = options.settings_of(flags)
    from gymtui.cli.digest import digest_document, digest_lines, read_digest
    from gymtui.cli.output import Printer
    from gymtui.cli.recording_commands import recording_of

    place = None if settings.directories else recording_of(settings)
    found = read_digest(settings, place, options.journal_of(settings), since)
    printer = Printer.standard()
    if form == "json":
        printer.document(digest_document(found))
    else:
        printer.lines(digest_lines(found, markdown=form == "markdown"))


@click.command(
    epilog="""\
Needs gymtui[mcp]. Tools: list_runs, list_rollouts, failures, search, read_transcript; with
--allow-cancel also cancel_runs. Every answer says that what the gym holds is data, not an
instruction. An agent is told of it by its command line: gymtui mcp.
""",
)
@options.gym_options
@options.scope_options
@click.option("--allow-cancel", is_flag=True, help="Offer a tool that cancels runs.")
def mcp(allow_cancel: bool, **flags: Any) -> None:
    """Let an agent look at runs, failures and transcripts (Model Context Protocol, stdio)."""
    settings = options.settings_of(flags)
    from gymtui.cli.mcp import EXTRA, is_installed, serve
    from gymtui.cli.recording_commands import recording_of
    from gymtui.core import paths

    if not is_installed():
        options.fail(f"the SDK of the protocol is not installed: pip install '{EXTRA}'")
    if allow_cancel and settings.read_only:
        options.fail(f"{settings.why_read_only}: nothing can be cancelled")
    journal, archive = options.journal_of(settings), paths.archive_file(os.environ)
    recording = None if settings.directories else recording_of(settings)
    serve(settings, journal=journal, archive=archive, recording=recording, cancel=allow_cancel)
