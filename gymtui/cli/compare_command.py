"""The command line of `compare`. What it does is `cli.compare`."""

from __future__ import annotations

from typing import Any

import click

from gymtui.cli import suggestions
from gymtui.cli.directories import settings_and_names
from gymtui.cli.options import (
    EXIT_USAGE,
    as_option,
    csv_option,
    fail,
    given,
    gym_options,
    json_option,
    run_against_gym,
    tell,
)


@click.command(
    epilog="The others are compared with the first run, over the tasks in which both have "
    "verdicts: the mean difference with its 95 % interval, and p of an exact paired sign-flip "
    "test, adjusted for the number of runs (Holm). The evidence for a task is one exact test over "
    "all runs, not adjusted. --json has all tasks and failures, as `report --json`; --csv has the "
    "first table, a line a run."
)
@click.argument(
    "run_ids",
    nargs=-1,
    required=True,
    metavar="[DIR/]… RUN RUN…",
    shell_complete=suggestions.runs,
)
@gym_options
@as_option
@json_option
@csv_option
def compare(run_ids: tuple[str, ...], form: str | None, **flags: Any) -> None:
    """Compare runs with the first: settings, pass rates, tasks and failures that differ."""
    settings, names = settings_and_names(given(flags), run_ids)
    if len(set(names)) < 2 and not settings.directories:
        fail("compare takes two or more runs", EXIT_USAGE)
    from gymtui.cli.compare import print_comparison
    from gymtui.cli.output import Printer

    run_against_gym(
        settings,
        lambda: print_comparison(settings, names, form or "table", Printer.standard(), tell),
    )
