"""The command lines of what lists: `runs`. What they do is in modules of their own."""

from __future__ import annotations

from typing import Any

import click

from gymtui.commands.command_line import (
    given,
    gym_options,
    json_option,
    jsonl_option,
    reaching,
    settings_of,
)


@click.command()
@gym_options
@json_option
@jsonl_option
@click.pass_context
def runs(context: click.Context, /, form: str | None, **flags: Any) -> None:
    """List the runs."""
    from gymtui.commands.runs import print_runs

    settings = settings_of({**context.obj, **given(flags)})
    reaching(lambda: print_runs(settings, form or "table"))
