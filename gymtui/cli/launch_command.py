"""The command line of `launch`. What it does is `cli.launch`."""

from __future__ import annotations

import sys
from typing import Any

import click

from gymtui.cli.options import (
    EXIT_USAGE,
    fail,
    given,
    gym_options,
    json_option,
    run_against_gym,
    settings_of,
)

EXAMPLE = """\
scenario_id = "hr"
task_ids = ["schedule_phone_screen", "offer_negotiation"]
rollout_count = 4                # a task
run_name = "nightly"             # made if it is left out

[model_config]
model = "gpt-4o"                 # or ["gpt-4o", "gpt-4o-mini"]: a run each
provider = "openai"              # custom openai anthropic aws-bedrock azure-openai gcp
temperature = 0.7
"""
"""A launch as a file."""


def _epilog() -> str:
    # \b keeps the lines of a paragraph as they are.
    shown = "\n".join(f"  {line}" if line else "\b" for line in EXAMPLE.splitlines())
    return f"""\
A file holds the fields of the API, in TOML or in JSON:

\b
{shown}

The model's key comes from [model_keys] of the configuration file, else from the provider's usual
variable (OPENAI_API_KEY and so on). A key in the file is used only if the file also says
api_key_from_file = true, and nobody but its owner can read it.

A launch is sent once. If its answer is lost, the run is looked for by its name.
"""


@click.command(epilog=_epilog())
@click.argument("file", metavar="FILE|-", type=click.Path(allow_dash=True))
@gym_options
@click.option("--dry-run", is_flag=True, help="Print what would be sent, keys masked.")
@json_option
def launch(file: str, dry_run: bool, form: str | None, **flags: Any) -> None:
    """Launch a run from a file, or several for a comparison; prints their ids."""
    from gymtui.cli.launch import dry, launch_all, read_requests
    from gymtui.core.text import clean
    from gymtui.launching.launch_file import LaunchFileError

    settings = settings_of(given(flags))
    try:
        requests = read_requests(settings, file)
    except LaunchFileError as faults:
        for line in str(faults).splitlines()[:-1]:
            click.echo(f"gymtui: {clean(line)}", err=True)
        fail(clean(str(faults).splitlines()[-1]), EXIT_USAGE)
    if dry_run:
        click.echo(dry(requests))
        return
    if settings.read_only:
        where = settings.origins.get("read_only", "the settings")
        fail(f"read-only ({clean(where)}): nothing is launched", EXIT_USAGE)
    sys.exit(
        run_against_gym(settings, lambda: launch_all(settings, requests, as_json=form == "json"))
    )
