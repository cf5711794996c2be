"""The command line of `launch`. What it does is `cli.launch`."""

from __future__ import annotations

import sys
from typing import Any, get_args

import click

from gymtui.cli import options
from gymtui.config.schema import RunSource
from gymtui.core.replacement import replace

EXAMPLE = """\
scenario_id = "hr"
task_ids = ["schedule_phone_screen", "offer_negotiation"]
rollout_count = 4                # per task
run_name = "nightly"             # auto-generated if omitted
rules = ["cancel when pass<30%"] # armed on each run; others: below

[model_config]
model = "gpt-4o"                 # or ["gpt-4o", "gpt-4o-mini"]: one run each
provider = "openai"              # custom openai anthropic aws-bedrock azure-openai gcp
temperature = 0.7                # a list likewise, as of max_steps
"""


def _epilog() -> str:
    # \b keeps the lines of a paragraph as they are.
    shown = "\n".join(f"  {line}" if line else "\b" for line in EXAMPLE.splitlines())
    return f"""\
FILE has the fields of the API, as TOML or JSON:

\b
{shown}

The model's key comes from [model_keys] in the configuration file, else from the provider's usual
variable (OPENAI_API_KEY etc.). A key in FILE is used only if FILE also sets
api_key_from_file = true and is readable by its owner alone.

A rule is “cancel when CONDITION”, “tell when CONDITION”, “tell at end, stall or failures”, “tell
the first error of each kind” or “tell if certainly worse than RUN”, as `w` in the dashboard arms
it. A dashboard or `gymtui record` on this gym carries rules out.

A launch is sent once. If its answer is lost, the run is looked up by name.
"""


@click.command(epilog=_epilog())
@click.argument("file", metavar="FILE|-", type=click.Path(allow_dash=True))
@options.gym_options
@click.option(
    "--dry-run", is_flag=True, help="Print the requests without sending them, keys masked."
)
@click.option(
    "--source",
    type=click.Choice(get_args(RunSource)),
    help="Source to record; for the local gym, to try its filter.",
)
@options.json_option
def launch(file: str, dry_run: bool, source: str | None, form: str | None, **flags: Any) -> None:
    """Launch the runs that a file describes, and print their ids."""
    from gymtui.cli.launch import launch_all, read_file, requests_text
    from gymtui.core.text import clean
    from gymtui.launching.launch_file import LaunchFileError

    settings = options.settings_of(flags)
    try:
        meant = read_file(settings, file)
    except LaunchFileError as faults:
        for line in str(faults).splitlines()[:-1]:
            click.echo(f"gymtui: {clean(line)}", err=True)
        options.fail(clean(str(faults).splitlines()[-1]))
    if source is not None:
        sourced = (one.model_copy(update={"source": source}) for one in meant.requests)
        meant = replace(meant, requests=tuple(sourced))
    if dry_run:
        click.echo(requests_text(meant.requests))
        return
    if settings.read_only:
        where = options.read_only_origin(settings)
        options.fail(f"read-only ({where}): launch is disabled")
    from gymtui.store.history.journal_place import local_path

    journal, as_json = local_path(options.journal_of(settings)), form == "json"
    sys.exit(launch_all(settings, meant, journal=journal, as_json=as_json))
