"""The command lines of what changes runs: `cancel` and `delete`. What they do is `run_actions`."""

from __future__ import annotations

import sys
from typing import Any

import click

from gymtui.cli import suggestions
from gymtui.cli.options import (
    EXIT_FAILED,
    EXIT_USAGE,
    fail,
    given,
    gym_options,
    journal_of,
    json_option,
    run_against_gym,
    settings_of,
    tell,
    with_options,
)

_EPILOG = (
    "Lists the runs and asks for confirmation; without a terminal, --yes is required. Prints the "
    "result of each run; if the gym's answer is unclear, the run is checked. --json is a list of "
    "{run_id, ok, outcome, rollouts, message}; outcome is done, refused, rate limited, not found, "
    "still exists, unknown or nothing to cancel, and null if there was no such run. "
    "Exit codes: 0 done, 1 not confirmed, 2 usage error or read-only, 3 no clear answer and the "
    "run could not be checked, 4 a run was refused, rate limited or not found, or still exists."
)

_arguments = with_options(
    click.argument(
        "run_ids", nargs=-1, required=True, metavar="RUN…", shell_complete=suggestions.runs
    ),
    gym_options,
    click.option("-y", "--yes", is_flag=True, help="Skip the confirmation."),
    json_option,
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


def _act(
    what: str,
    /,
    run_ids: tuple[str, ...],
    yes: bool,
    form: str | None,
    **flags: Any,
) -> None:
    settings = settings_of(given(flags))
    from gymtui.cli import run_actions
    from gymtui.cli.output import Printer
    from gymtui.core.text import clean
    from gymtui.session.actions import Verb

    verb = Verb(what)
    if settings.read_only:
        where = clean(settings.origins.get("read_only", "the settings"))
        fail(f"read-only ({where}): cancel and delete are disabled", EXIT_USAGE)
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        fail(f"{verb} needs confirmation, and this is not a terminal: pass --yes", EXIT_USAGE)
    found = run_against_gym(settings, lambda: run_actions.find_runs(settings, verb, run_ids))
    for run_id in found.idle:
        tell(run_actions.idle_words(verb, run_id))
    question = found.question
    if question.targets and not yes and not run_actions.ask_on_terminal(question):
        tell("nothing was changed")
        sys.exit(EXIT_FAILED)
    journal = journal_of(settings)
    done = (
        run_against_gym(settings, lambda: run_actions.act_on(settings, question, journal))
        if question.targets
        else ()
    )
    lines = run_actions.outcome_lines(done, found.missing)
    printer = Printer.standard()
    if form == "json":
        known: list[dict[str, Any]] = [
            {"run_id": item.run_id, "outcome": item.outcome, "rollouts": item.rollouts}
            for item in done
        ]
        known += [{"run_id": i, "outcome": None, "rollouts": None} for i in found.missing]
        documents = [
            {**of_run, "ok": well, "message": message}
            for of_run, (message, well) in zip(known, lines, strict=True)
        ]
        documents += [
            {
                "run_id": i,
                "outcome": f"nothing to {verb}",
                "rollouts": 0,
                "ok": True,
                "message": run_actions.idle_words(verb, i),
            }
            for i in found.idle
        ]
        printer.document(documents)
    else:
        printer.lines(message for message, well in lines if well)
    for message, well in lines:
        if not well:
            tell(message)
    sys.exit(run_actions.status_of(done, found.missing))
