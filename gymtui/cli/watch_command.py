"""The command line of `watch`. What it does is `cli.watch`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gymtui.cli import suggestions
from gymtui.cli.options import (
    EXIT_REFUSED,
    EXIT_USAGE,
    fail,
    given,
    gym_options,
    journal_of,
    jsonl_option,
    loaded,
    report_problems,
    run_against_gym,
    scope_options,
)
from gymtui.cli.record_command import recording_of


@click.command(
    epilog="""\
With --jsonl a document a change: version (1), cursor, kind (run, rollout), id, run_id, seen_at (the
gym's clock), ours_at (this machine's clock), slack_s (it happened so many seconds before seen_at at
most; null where it was never seen otherwise), after_gap (nobody watched right before), before and
after (as the gym lists it; null where it was never seen, or is gone).

It follows the recording of `gymtui record` if one is running, else it records itself. With
--after it goes on after that cursor, and tells everything that was recorded meanwhile; what a gap
in the recording hides is told as one change with its slack.
""",
)
@click.argument("run_ids", nargs=-1, metavar="[RUN…]", shell_complete=suggestions.runs)
@gym_options
@scope_options
@click.option("--interval", type=float, metavar="S", help="Seconds between polls.")
@jsonl_option
@click.option("--after", metavar="CURSOR", help="Go on after this change.")
def watch(run_ids: tuple[str, ...], form: str | None, after: str | None, **flags: Any) -> None:
    """Print every change of runs and rollouts as it is seen, until ^C or SIGTERM.

    It goes on when the runs have ended: `gymtui wait` ends with them.
    """
    given_flags = given(flags)
    found = report_problems(loaded(given_flags))
    settings = found.settings
    from gymtui.cli.output import Printer
    from gymtui.cli.profiles import gyms_of
    from gymtui.cli.watch import line_of
    from gymtui.cli.watch import watch as carry_out
    from gymtui.core.text import clean
    from gymtui.store.history.recording_items import Cursor, UnknownCursorError

    printer = Printer(sys.stdout)

    def printed(document: dict[str, Any]) -> None:
        if form == "jsonl":
            printer.objects([document])
        else:
            printer.lines([line_of(document)])

    gyms = gyms_of(found, given_flags, os.environ)
    directory = recording_of(settings)
    try:
        cursor = None if after is None else Cursor.read(after)
        run_against_gym(
            settings,
            lambda: carry_out(
                settings,
                directory,
                journal_of(settings),
                run_ids,
                cursor,
                printed,
                find_key=gyms.find_key,
            ),
        )
    except UnknownCursorError as error:
        fail(clean(error), EXIT_REFUSED)
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"{clean(directory)}: {clean(error.strerror or error)}", EXIT_USAGE)
