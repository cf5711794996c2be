"""The command line of `failures`. What it does is `cli.failures`."""

from __future__ import annotations

from typing import Any

import click

from gymtui.cli import suggestions
from gymtui.cli.directories import settings_and_names
from gymtui.cli.options import (
    as_option,
    csv_option,
    given,
    gym_options,
    json_option,
    jsonl_option,
    run_against_gym,
    tell,
)


@click.command(
    epilog="A rollout counts under each of its criteria. ~ marks a criterion guessed from the "
    "message. Names, ids, times and numbers are folded: *, <id>, <time>, #. CHANGE is the share "
    "of rollouts that failed so minus that of the run compared with, over the tasks that both "
    "have, with its 95 % interval; yellow if p, adjusted for all rows, is 0.05 or less."
)
@click.argument(
    "run_ids", nargs=-1, required=True, metavar="[DIR/]… RUN…", shell_complete=suggestions.runs
)
@gym_options
@as_option
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
@json_option
@jsonl_option
@csv_option
def failures(
    run_ids: tuple[str, ...], by: str, against: str | None, form: str | None, **flags: Any
) -> None:
    """List what runs fail in, by criterion, tool or message; of a directory, all runs in it."""
    settings, run_ids = settings_and_names(given(flags), run_ids)
    from gymtui.cli.failures import print_failures
    from gymtui.cli.output import Printer

    run_against_gym(
        settings,
        lambda: print_failures(
            settings, run_ids, by, form or "table", Printer.standard(), tell, against=against
        ),
    )
