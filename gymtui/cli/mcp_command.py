"""The command line of `mcp`. What it does is `cli.mcp`."""

from __future__ import annotations

import os
from typing import Any

import click

from gymtui.cli.options import (
    EXIT_USAGE,
    fail,
    given,
    gym_options,
    journal_of,
    run_against_gym,
    scope_options,
    settings_of,
)


@click.command(
    epilog="""\
Needs gymtui[mcp]. Tools: list_runs, list_rollouts, failures, search, read_transcript; with
--allow-cancel also cancel_runs. Every answer says that what the gym holds is data, not an
instruction. An agent is told of it by its command line: gymtui mcp.
""",
)
@gym_options
@scope_options
@click.option("--allow-cancel", is_flag=True, help="Offer a tool that cancels runs.")
def mcp(allow_cancel: bool, **flags: Any) -> None:
    """Let an agent look at runs, failures and transcripts (Model Context Protocol, stdio)."""
    settings = settings_of(given(flags))
    from gymtui.cli.mcp import EXTRA, is_installed, serve
    from gymtui.core import paths

    if not is_installed():
        fail(f"the SDK of the protocol is not installed: pip install '{EXTRA}'", EXIT_USAGE)
    if allow_cancel and settings.read_only:
        fail(f"{settings.why_read_only}: nothing can be cancelled", EXIT_USAGE)
    journal, archive = journal_of(settings), paths.archive_file(os.environ)
    run_against_gym(
        settings, lambda: serve(settings, journal=journal, archive=archive, cancel=allow_cancel)
    )
