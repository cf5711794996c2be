"""The command lines of `runs` and `rollouts`; what they do is in modules of their own."""

from __future__ import annotations

from typing import Any

import click

from gymtui.cli import document_keys as keys
from gymtui.cli import suggestions
from gymtui.cli.options import (
    given,
    gym_options,
    journal_of,
    json_option,
    jsonl_option,
    run_against_gym,
    scope_options,
    settings_of,
    tell,
    with_options,
)

_list_options = with_options(
    json_option,
    jsonl_option,
    click.option(
        "--order",
        metavar="COLUMN",
        help="Order by a column of the filter language; what is not known comes last.",
    ),
    click.option("--reverse", is_flag=True, help="The other way round."),
    click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Only the first N."),
)

RUN_COLUMNS = (
    "run status scenario model provider source pass score done finished verdicts errors total "
    "running waiting active stalled eta age"
)
ROLLOUT_COLUMNS = (
    "rollout run task scenario state status phase outcome passed steps max_steps score elapsed age "
    "created reason message model"
)
"""The columns that a filter and an order may name, as `--help` lists them."""


def _language(examples: str, columns: str) -> str:
    return (
        "A filter is words, which match any column, and terms, all of which must hold: "
        f"{examples}. Quote them, since shells read < and > too. Columns: {columns}."
    )


def _epilog(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs)


@click.command(
    epilog=_epilog(
        _language("status:running, model:gpt*, pass<50%, done>=20, !scenario:hr", RUN_COLUMNS),
        'The document of --json is {"total": how many match, "runs": […]}; --jsonl is a run a '
        "line.",
        keys.told("Keys of a run", keys.RUN),
        keys.told("Keys of its numbers", keys.NUMBERS),
    )
)
@click.argument("filters", nargs=-1, metavar="[FILTER]…")
@gym_options
@scope_options
@_list_options
@click.option(
    "--numbers/--no-numbers",
    default=None,
    help="Ask for the rollouts of every run listed, which model, pass rate, errors and times come "
    "from; or never. Otherwise they are asked for where the filter or the order needs them, and "
    "for a table of up to 50 runs.",
)
def runs(
    filters: tuple[str, ...],
    form: str | None,
    order: str | None,
    reverse: bool,
    limit: int | None,
    numbers: bool | None,
    **flags: Any,
) -> None:
    """List the runs, those that match a filter or all."""
    settings = settings_of(given(flags))
    from gymtui.cli.list_filters import ListRequest
    from gymtui.cli.output import Paper
    from gymtui.cli.runs import print_runs

    run_against_gym(
        settings,
        lambda: print_runs(
            settings,
            form or "table",
            ListRequest(filters, order, reverse, limit),
            Paper.standard(),
            tell,
            numbers=numbers,
            journal=journal_of(settings),
        ),
    )


@click.command(
    epilog=_epilog(
        _language("status:running, phase:verifying, task:*phone*, steps>=20", ROLLOUT_COLUMNS),
        'The document of --json is {"total": how many match, "rollouts": […]}; --jsonl is a '
        "rollout a line.",
        keys.told("Keys of a rollout", keys.ROLLOUT),
    )
)
@click.argument("run_ids", nargs=-1, metavar="[RUN]…", shell_complete=suggestions.runs)
@gym_options
@scope_options
@click.option("-f", "--filter", "filters", multiple=True, metavar="F", help="Only what matches.")
@click.option("--all", "every", is_flag=True, help="Of all runs, should no run be named.")
@_list_options
def rollouts(
    run_ids: tuple[str, ...],
    filters: tuple[str, ...],
    every: bool,
    form: str | None,
    order: str | None,
    reverse: bool,
    limit: int | None,
    **flags: Any,
) -> None:
    """List the rollouts of some runs; of none named, those of the runs under way."""
    settings = settings_of(given(flags))
    from gymtui.cli.list_filters import ListRequest
    from gymtui.cli.output import Paper
    from gymtui.cli.rollouts import print_rollouts

    run_against_gym(
        settings,
        lambda: print_rollouts(
            settings,
            run_ids,
            form or "table",
            ListRequest(filters, order, reverse, limit),
            Paper.standard(),
            tell,
            journal=journal_of(settings),
            every=every,
        ),
    )
