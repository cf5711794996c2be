"""The command lines of `cancel`, `delete` and `wait`. What they do is `run_actions` and `wait`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gymtui.cli import options
from gymtui.cli.directories import loaded_and_names

_EPILOG = (
    "Lists the runs and asks for confirmation; without a terminal, --yes is required. Prints the "
    "result of each run; if the gym's answer is unclear, the run is checked. --json is a list of "
    "{run_id, ok, outcome, rollouts, message}; outcome is done, refused, rate limited, not found, "
    "still exists, unknown or nothing to cancel, and null if there was no such run. "
    "Exit codes: 0 done, 1 not confirmed, 2 usage error or read-only, 3 no clear answer and the "
    "run could not be checked, 4 a run was refused, rate limited or not found, or still exists."
)

_arguments = options.with_options(
    options.runs_argument("RUN…"),
    options.gym_options,
    click.option("-y", "--yes", is_flag=True, help="Skip the confirmation."),
    options.json_option,
)


@click.command(epilog=_EPILOG)
@_arguments
def cancel(**arguments: Any) -> None:
    """Cancel runs: their rollouts end at their next step, and results so far are kept."""
    _act("cancel", **arguments)


@click.command(epilog=_EPILOG)
@_arguments
def delete(**arguments: Any) -> None:
    """Delete runs with all their rollout records; asks for the run id or the number of runs."""
    _act("delete", **arguments)


def _act(what: str, /, run_ids: tuple[str, ...], yes: bool, form: str | None, **flags: Any) -> None:
    settings = options.settings_of(flags)
    from gymtui.cli import run_actions
    from gymtui.cli.output import Printer
    from gymtui.session.actions import Verb

    verb = Verb(what)
    if settings.read_only:
        where = options.read_only_origin(settings)
        options.fail(f"read-only ({where}): cancel and delete are disabled")
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        options.fail(f"{verb} needs confirmation, and this is not a terminal: pass --yes")
    found = run_actions.find_runs(settings, verb, run_ids)
    for run_id in found.idle:
        options.tell(run_actions.idle_words(verb, run_id))
    question = found.question
    if question.targets and not yes and not run_actions.ask_on_terminal(question):
        options.tell("nothing was changed")
        sys.exit(options.EXIT_FAILED)
    journal = options.journal_of(settings)
    done = run_actions.act_on(settings, question, journal) if question.targets else ()
    lines = run_actions.outcome_lines(done, found.missing)
    printer = Printer.standard()
    if form == "json":
        outcomes: list[tuple[str, str | None, int | None]] = [
            *((item.run_id, item.outcome, item.rollouts) for item in done),
            *((run_id, None, None) for run_id in found.missing),
            *((run_id, f"nothing to {verb}", 0) for run_id in found.idle),
        ]
        words = [*lines, *((run_actions.idle_words(verb, i), True) for i in found.idle)]
        names = ("run_id", "outcome", "rollouts", "ok", "message")
        rows = ((*one, ok, message) for one, (message, ok) in zip(outcomes, words, strict=True))
        printer.document([dict(zip(names, row, strict=True)) for row in rows])
    else:
        printer.lines(message for message, well in lines if well)
    for message, well in lines:
        if not well:
            options.tell(message)
    sys.exit(run_actions.status_of(done, found.missing))


EXIT_TIMEOUT = 124  # as `timeout` has it


def read_share(text: str) -> float:
    """A share, `0.8` or `80%`, as a number from 0 to 1.

    Raises:
        click.BadParameter: It is none.
    """
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise click.BadParameter("expected a share from 0 to 1, or a percentage such as 80%")
    return found


@click.command(
    epilog="""\
A run has failed if it has no verdicts, if any of its rollouts was cancelled, if it was deleted, or
if its pass@1 is below --fail-under. Errors beside verdicts are reported and do not fail it. pass@1
is passes over verdicts; errors count as neither.

--cancel-if takes a filter as in `gymtui runs`, over the run's own numbers: done>=20 counts
rollouts, done>=20% is a share of them. pass<30% holds once it is certain: pass@1 is looked at with
every verdict, so its bounds (low and high in a filter) are those of a confidence sequence, wrong
for at most one run in twenty however often they are looked at.

Progress goes to standard error: one line updated in place on a terminal, otherwise a line per
change. At the end standard output has a line per run, or with --json
{"timed_out", "failed", "forbidden": [ids], "runs": […]}, where each run is that of
`gymtui runs --json` with ended, failed, reason and forbidden.

A refused key is looked up again and retried once a minute, up to --patience; so is a run that
becomes forbidden. Waiting for the other runs continues.

\b
Exit codes:
  0    all runs ended, none failed
  1    a run failed
  2    usage error
  3    no answer for longer than --patience
  4    refused, no such run, or a run is forbidden and none failed
  124  --timeout expired; the runs continue
""",
)
@options.runs_argument()
@options.gym_or_directory_options
@click.option(
    "--timeout", type=options.read_duration, metavar="T", help="Stop waiting after 90s, 5m, 2h."
)
@click.option(
    "--patience",
    type=options.read_duration,
    default="5m",
    show_default=True,
    metavar="T",
    help="Keep retrying for this long while the gym does not answer.",
)
@click.option(
    "--fail-under", type=read_share, metavar="X", help="Fail below this pass@1: 0.8 or 80%."
)
@click.option(
    "--cancel-if",
    metavar="FILTER",
    help="Cancel a run when it matches, e.g. 'pass<30%' or 'errors>=10'.",
)
@options.interval_option
@options.json_option
def wait(
    run_ids: tuple[str, ...],
    timeout: float | None,
    patience: float,
    fail_under: float | None,
    cancel_if: str | None,
    form: str | None,
    **flags: Any,
) -> None:
    """Wait until runs have ended; exit 1 if one failed. Of a directory, all runs in it."""
    given_flags = options.given_options(flags)
    found, run_ids = loaded_and_names(given_flags, run_ids)
    settings = found.settings
    from gymtui.api.errors import GymError
    from gymtui.cli.follower import SilentError
    from gymtui.cli.list_filters import CERTAIN_RUNS, read_filters
    from gymtui.cli.output import Printer
    from gymtui.cli.profiles import RenewableKey, gyms_of
    from gymtui.cli.progress_line import ProgressLine
    from gymtui.cli.wait import WaitOptions, wait_for
    from gymtui.core.text import clean
    from gymtui.store.formats import duration

    when = read_filters([cancel_if], CERTAIN_RUNS) if cancel_if is not None else None
    if when is not None and not when.terms:
        raise click.UsageError("--cancel-if is empty, which would cancel every run")
    if when is not None and settings.read_only:
        options.fail("read-only: cancel is disabled, so --cancel-if cannot work")
    key = RenewableKey(gyms_of(found, given_flags, os.environ), settings)
    terms = WaitOptions(timeout, patience, fail_under, when)
    try:
        line = ProgressLine(sys.stderr, bounds=when is not None)
        waited = wait_for(settings, run_ids, terms, line, key.find)
    except GymError as error:
        options.exit_with_error(key.settings, error)
    except SilentError as silence:
        silent = duration(silence.silent_s)
        options.fail(
            f"no answer from the gym for {silent}: {clean(silence.error.brief)}",
            options.EXIT_UNREACHABLE,
        )
    printer = Printer.standard()
    if form == "json":
        runs = [run.document for run in waited.runs]
        printer.document(
            {
                "timed_out": waited.timed_out,
                "failed": waited.failed,
                "forbidden": list(waited.forbidden),
                "runs": runs,
            }
        )
    else:
        printer.lines(run.line for run in waited.runs)
    if waited.timed_out:
        options.fail(f"timed out after {duration(timeout)}; the runs continue", EXIT_TIMEOUT)
    if waited.failed:
        sys.exit(options.EXIT_FAILED)
    for run_id, denied in waited.forbidden.items():
        options.tell(f"{clean(run_id)}: {clean(denied.line)}")
    if waited.forbidden:
        options.report_key(key.settings, next(iter(waited.forbidden.values())))
        sys.exit(options.EXIT_REFUSED)
