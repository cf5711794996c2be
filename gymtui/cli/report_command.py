"""The command line of `report`. What it does is `cli.report`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gymtui import __version__
from gymtui.cli import suggestions
from gymtui.cli.directories import settings_and_names
from gymtui.cli.options import (
    EXIT_USAGE,
    as_option,
    fail,
    form_option,
    given,
    gym_options,
    journal_of,
    run_against_gym,
    tell,
)


@click.command(
    epilog="Contains pass rates with confidence intervals, tasks × attempts, failures by cause and "
    "settings; several runs are compared, with the baseline or else the first. The HTML is one "
    "self-contained file. Time per phase is known for rollouts that a dashboard observed on this "
    "machine."
)
@click.argument(
    "run_ids", nargs=-1, required=True, metavar="[DIR/]… RUN…", shell_complete=suggestions.runs
)
@gym_options
@as_option
@form_option("markdown", "Markdown (default).", default="markdown")
@form_option("html", "One self-contained HTML file.", default="markdown")
@form_option("json", "The numbers as one JSON document.", default="markdown")
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
    settings, run_ids = settings_and_names(given(flags), run_ids)
    from datetime import UTC, datetime
    from pathlib import Path

    from gymtui.cli.report import render_report
    from gymtui.core.new_file import write_new
    from gymtui.core.text import clean

    if file is not None and os.path.lexists(file):
        fail(f"{clean(file)} already exists", EXIT_USAGE)
    document = run_against_gym(
        settings,
        lambda: render_report(
            settings,
            run_ids,
            form,
            journal=journal_of(settings),
            version=__version__,
            now=datetime.now(UTC),
            usage=usage,
            baseline=baseline,
        ),
    ).encode("utf-8", "replace")
    if file is None:
        # As bytes: what the HTML says of its own encoding holds whatever the terminal's is.
        sys.stdout.buffer.write(document)
        sys.stdout.buffer.flush()
        return
    try:
        write_new(Path(file), document)
    except FileExistsError:
        fail(f"{clean(file)} already exists", EXIT_USAGE)
    except OSError as error:
        fail(f"{clean(file)}: {clean(error.strerror or error)}", EXIT_USAGE)
    tell(f"wrote {clean(file)}")
