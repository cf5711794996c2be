"""The command lines of lists: `runs`, `rollouts`, `search`. What they do is beside it."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gymtui.cli import document_keys as keys
from gymtui.cli import options, suggestions
from gymtui.cli.directories import settings_and_names
from gymtui.core import paths

_list_options = options.with_options(
    options.list_options,
    click.option(
        "--order",
        metavar="COLUMN",
        help="Sort by a column; unknown values come last.",
    ),
    click.option("--reverse", is_flag=True, help="Reverse the sort."),
    click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Print at most N rows."),
)

RUN_COLUMNS = (
    "run status scenario model provider source pass low high score progress done verdicts errors "
    "total running waiting note tag active stalled eta age"
)
ROLLOUT_COLUMNS = (
    "rollout run task scenario state status phase outcome passed steps max_steps score elapsed age "
    "created reason note tag message criterion failure ended model"
)
"""The columns that a filter and an order may name, as `--help` lists them."""


def _language(examples: str, columns: str) -> str:
    return (
        f"A filter is a list of words, which match any column, and terms, all of which must match: "
        f"{examples}. Quote filters: < and > are special to the shell. Columns: {columns}."
    )


def _epilog(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs)


@click.command(
    epilog=_epilog(
        _language("status:running, model:gpt*, pass<50%, done>=20, !scenario:hr", RUN_COLUMNS),
        '--json prints {"total": number of matches, "runs": […]}; --jsonl prints one run per line.',
        keys.describe_keys("Fields of a run", keys.RUN),
        keys.describe_keys("Fields of numbers", keys.NUMBERS),
    )
)
@click.argument("filters", nargs=-1, metavar="[DIR/]… [FILTER]…")
@options.gym_or_directory_options
@options.scope_options
@_list_options
@click.option(
    "--numbers/--no-numbers",
    default=None,
    help="Fetch the rollouts of every listed run, or of none: model, pass rate, errors and times "
    "come from them. Default: fetch them if the filter or the sort needs them, or for a table or "
    "CSV of up to 50 runs; in JSON, numbers is null otherwise, as they cost a request a run.",
)
def runs(
    filters: tuple[str, ...],
    form: str,
    order: str | None,
    reverse: bool,
    limit: int | None,
    numbers: bool | None,
    **flags: Any,
) -> None:
    """List runs, all or those that match a filter; those in a directory if one is named."""
    settings, filters = settings_and_names(flags, filters)
    if settings.directories and numbers is None:
        numbers = True  # they cost no requests
    from gymtui.cli.list_filters import ListRequest
    from gymtui.cli.runs import print_runs

    print_runs(
        settings,
        form,
        ListRequest(filters, order, reverse, limit),
        numbers=numbers,
        journal=options.journal_of(settings),
    )


@click.command(
    epilog=_epilog(
        _language("status:running, phase:verifying, task:*phone*, steps>=20", ROLLOUT_COLUMNS),
        '--json prints {"total": number of matches, "rollouts": […]}; --jsonl prints one rollout '
        "per line.",
        keys.describe_keys("Fields of a rollout", keys.ROLLOUT),
    )
)
@options.runs_argument("[DIR/]… [RUN]…", required=False)
@options.gym_or_directory_options
@options.scope_options
@click.option("-f", "--filter", "filters", multiple=True, metavar="F", help="Filter, as in `/`.")
@click.option("--all", "every", is_flag=True, help="List the rollouts of all runs.")
@_list_options
def rollouts(
    run_ids: tuple[str, ...],
    filters: tuple[str, ...],
    every: bool,
    form: str,
    order: str | None,
    reverse: bool,
    limit: int | None,
    **flags: Any,
) -> None:
    """List the rollouts of runs (default: active runs; of a directory, all)."""
    settings, run_ids = settings_and_names(flags, run_ids)
    from gymtui.cli.list_filters import ListRequest
    from gymtui.cli.rollouts import print_rollouts

    print_rollouts(
        settings,
        run_ids,
        form,
        ListRequest(filters, order, reverse, limit),
        journal=options.journal_of(settings),
        every=every or bool(settings.directories),
    )


@click.command(
    epilog=_epilog(
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
@click.argument(
    "names", nargs=-1, required=True, metavar="[DIR/]… RUN…", shell_complete=suggestions.runs
)
@click.argument("phrase", metavar="PHRASE")
@options.gym_or_directory_options
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
@options.list_options
def search(
    names: tuple[str, ...],
    phrase: str,
    tool: str,
    error: bool,
    role: str | None,
    expression: bool,
    max_download: int | None,
    form: str,
    **flags: Any,
) -> None:
    """Search the transcripts of runs for a phrase; of a directory, those of all runs in it."""
    from gymtui.cli.search import print_hits
    from gymtui.transcript.hits import SearchTerms, role_of
    from gymtui.transcript.search import PatternError, Query, parse

    settings, run_ids = settings_and_names(flags, names)
    try:
        query = parse(f"re:{phrase}") if expression else Query(phrase)
        wanted = SearchTerms(query, tool, error, None if role is None else role_of(role))
    except PatternError as problem:
        options.fail(str(problem))
    if wanted.is_empty:
        options.fail("nothing to search for: the phrase is empty, and there is no option")
    progress = print_hits(
        settings,
        run_ids,
        wanted,
        form,
        archive=paths.archive_file(os.environ),
        most_bytes=None if max_download is None else max_download << 20,
    )
    options.tell(progress.words)
    if progress.problem:
        options.tell(progress.problem)
    sys.exit(options.EXIT_REFUSED if progress.failed or progress.problem else 0)
