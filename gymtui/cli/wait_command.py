"""The command line of `wait`. What it does is `cli.wait`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gymtui.cli import suggestions
from gymtui.cli.options import (
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    end_with,
    fail,
    given,
    gym_options,
    json_option,
    loaded,
    tell,
    tell_of_key,
    told,
)

EXIT_TIMEOUT = 124
"""As `timeout` has it."""


def seconds(text: str) -> float:
    """A length of time, `90s`, `5m`, `1h30m` or a number of seconds, in seconds.

    Raises:
        click.BadParameter: It is none.
    """
    from gymtui.store.column_def import MICROS, ValueKind
    from gymtui.store.lists.amounts import read_amount

    try:
        return (
            float(text) if text.isdecimal() else read_amount(text, ValueKind.DURATION).at / MICROS
        )
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def share(text: str) -> float:
    """A share, `0.8` or `80%`, as a number from 0 to 1.

    Raises:
        click.BadParameter: It is none.
    """
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise click.BadParameter("write a share from 0 to 1, or a percentage with its sign")
    return found


@click.command(
    epilog="""\
A run failed if it has no verdict at all, if any of its rollouts was cancelled, if it was deleted,
or if its pass@1 is under --fail-under; errors beside verdicts are told, and no failure. pass@1 is
passes over verdicts: errors count in neither.

The filter of --cancel-if is that of `gymtui runs`, over the run's own numbers: done>=20 counts
rollouts, done>=20% is a share of them.

How far it is goes to standard error: a line rewritten in place on a terminal, a line a change off
one. Standard output has a line a run at the end, or with --json
{"timed_out", "failed", "forbidden": [ids], "runs": […]}, each a run of `gymtui runs --json` with
over, failed, why and forbidden.

A key that is refused while waiting is looked up anew and tried once a minute, for as long as
--patience; so is a run that is forbidden after it was seen. The other runs go on.

\b
Exit codes:
  0    all are over and none failed
  1    a run failed
  2    wrong usage
  3    no answer for longer than --patience
  4    the gym refused, has no such run, or forbids one while none failed
  124  --timeout came first; the runs go on
""",
)
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN…", shell_complete=suggestions.runs)
@gym_options
@click.option("--timeout", type=seconds, metavar="T", help="Stop waiting after 90s, 5m, 2h.")
@click.option(
    "--patience",
    type=seconds,
    default="5m",
    show_default=True,
    metavar="T",
    help="For how long the gym may be silent; until then it is asked again, ever less often.",
)
@click.option("--fail-under", type=share, metavar="X", help="Fail below this pass@1: 0.8 or 80%.")
@click.option(
    "--cancel-if",
    metavar="FILTER",
    help="Cancel a run as soon as this holds: 'done>=20 pass<30%'.",
)
@click.option("--interval", type=float, metavar="S", help="Seconds between looks.")
@json_option
def wait(
    run_ids: tuple[str, ...],
    timeout: float | None,
    patience: float,
    fail_under: float | None,
    cancel_if: str | None,
    form: str | None,
    **flags: Any,
) -> None:
    """Wait until runs are over, and fail if one of them did."""
    given_flags = given(flags)
    found = told(loaded(given_flags))
    settings = found.settings
    from gymtui.api.errors import GymError
    from gymtui.cli.follower import SilentError
    from gymtui.cli.list_filters import COMMAND_RUNS, read_filters
    from gymtui.cli.output import Paper
    from gymtui.cli.profiles import RenewedKey, gyms_of
    from gymtui.cli.progress_line import ProgressLine
    from gymtui.cli.wait import Terms, wait_for
    from gymtui.core.text import clean
    from gymtui.store.formats import duration

    when = read_filters([cancel_if], COMMAND_RUNS) if cancel_if is not None else None
    if when is not None and not when.terms:
        raise click.UsageError("--cancel-if is empty: that would cancel every run")
    if when is not None and settings.read_only:
        fail("read-only: nothing is cancelled, so --cancel-if cannot hold", EXIT_USAGE)
    key = RenewedKey(gyms_of(found, given_flags, os.environ), settings)
    terms = Terms(timeout, patience, fail_under, when)
    try:
        waited = wait_for(settings, run_ids, terms, ProgressLine(sys.stderr), key.find)
    except GymError as error:
        end_with(key.settings, error)
    except SilentError as silence:
        silent = duration(silence.silent_s)
        fail(f"no answer from the gym for {silent}: {clean(silence.error.brief)}", EXIT_UNREACHABLE)
    paper = Paper.standard()
    if form == "json":
        runs = [run.document for run in waited.runs]
        paper.document(
            {
                "timed_out": waited.timed_out,
                "failed": waited.failed,
                "forbidden": list(waited.forbidden),
                "runs": runs,
            }
        )
    else:
        paper.lines(run.line for run in waited.runs)
    if waited.timed_out:
        fail(f"not over after {duration(timeout)}; the runs go on", EXIT_TIMEOUT)
    if waited.failed:
        sys.exit(EXIT_FAILED)
    for run_id, denied in waited.forbidden.items():
        tell(f"{clean(run_id)}: {clean(denied.line)}")
    if waited.forbidden:
        tell_of_key(key.settings, next(iter(waited.forbidden.values())))
        sys.exit(EXIT_REFUSED)
