"""The command line of `search`; what it does is in `search`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gymtui.cli import document_keys as keys
from gymtui.cli import suggestions
from gymtui.cli.directories import settings_and_names
from gymtui.cli.options import (
    EXIT_REFUSED,
    EXIT_USAGE,
    as_option,
    csv_option,
    fail,
    given,
    gym_options,
    json_option,
    jsonl_option,
    run_against_gym,
    tell,
)


@click.command(
    epilog="\n\n".join(
        (
            "A phrase is found however it is written in the artifacts: escaped, split into parts, "
            "inside JSON. It ignores case unless it has a capital letter. An empty phrase finds "
            "everything that the options let through: gymtui search RUN '' --tool email --error. "
            "What was downloaded once is kept (archive_limit_mib) and not downloaded again.",
            '--json prints {"transcripts": {…}, "hits": […]}; --jsonl prints one hit per line as '
            "it is found; --csv has the same fields as columns.",
            keys.describe_keys("Fields of a hit", keys.HIT),
            keys.describe_keys("Fields of transcripts", keys.SEARCHED),
        )
    )
)
@click.argument(
    "names", nargs=-1, required=True, metavar="[DIR/]… RUN…", shell_complete=suggestions.runs
)
@click.argument("phrase", metavar="PHRASE")
@gym_options
@as_option
@click.option("--tool", default="", metavar="T", help="Only in calls and results of a tool.")
@click.option("--error", is_flag=True, help="Only in what failed.")
@click.option("--role", metavar="R", help="Only what system, user, assistant or tool said.")
@click.option("--re", "expression", is_flag=True, help="The phrase is a regular expression.")
@click.option(
    "--max-download",
    type=click.IntRange(min=0),
    metavar="MIB",
    help="Download at most so many MiB (default: no limit).",
)
@json_option
@jsonl_option
@csv_option
def search(
    names: tuple[str, ...],
    phrase: str,
    tool: str,
    error: bool,
    role: str | None,
    expression: bool,
    max_download: int | None,
    form: str | None,
    **flags: Any,
) -> None:
    """Search the transcripts of runs for a phrase; of a directory, those of all runs in it."""
    from gymtui.cli.output import Printer
    from gymtui.cli.search import print_hits
    from gymtui.core import paths
    from gymtui.transcript.hits import Wanted, role_of
    from gymtui.transcript.search import PatternError, Query, parse

    settings, run_ids = settings_and_names(given(flags), names)
    try:
        query = parse(f"re:{phrase}") if expression else Query(phrase)
        wanted = Wanted(query, tool, error, None if role is None else role_of(role))
    except PatternError as problem:
        fail(str(problem), EXIT_USAGE)
    if wanted.is_empty:
        fail("nothing to search for: the phrase is empty, and there is no option", EXIT_USAGE)
    progress = run_against_gym(
        settings,
        lambda: print_hits(
            settings,
            run_ids,
            wanted,
            form or "table",
            Printer.standard(),
            archive=paths.archive_file(os.environ),
            most_bytes=None if max_download is None else max_download << 20,
        ),
    )
    tell(progress.words)
    if progress.problem:
        tell(progress.problem)
    sys.exit(EXIT_REFUSED if progress.failed or progress.problem else 0)
