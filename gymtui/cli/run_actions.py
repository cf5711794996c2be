"""`gymtui cancel` and `gymtui delete`: what goes is listed and asked about, each outcome told."""

from __future__ import annotations

import select
import sys
import termios
from collections.abc import Sequence
from dataclasses import dataclass

import click

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import GymError
from gymtui.cli.gym_access import GymReader, with_gym
from gymtui.cli.options import EXIT_REFUSED, EXIT_UNREACHABLE, tell
from gymtui.config.settings import Settings
from gymtui.core.text import clean
from gymtui.session.actions import ActionOutcome, ActionResult, Verb, act, describe_result
from gymtui.session.confirmation import Question, targets_among
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_place import Place, SharedPlace

_SIGNAL_S = 0.5  # how late a signal may be seen that came just before a wait


@dataclass(frozen=True, slots=True)
class ActionTargets:
    question: Question  # what would be done; to no run at all where nothing is left to do
    missing: tuple[str, ...]  # ids that the gym does not know
    idle: tuple[str, ...]  # runs that have ended, so that there is nothing to cancel


def find_runs(settings: Settings, verb: Verb, run_ids: Sequence[str]) -> ActionTargets:
    """See what would go; a run that is not there is no error."""

    async def look(client: Endpoints) -> ActionTargets:
        reader = GymReader(client)
        missing = []
        for typed in dict.fromkeys(run_ids):
            if await reader.find_run_id(typed) not in reader.store.runs:
                missing.append(typed)
        rows = list(reader.store.runs.values())
        targets = targets_among(verb, rows)
        going = {target.run_id for target in targets}
        idle = tuple(row.run_id for row in rows if row.run_id not in going)
        return ActionTargets(Question(verb, targets), tuple(missing), idle)

    return with_gym(settings, look)


def act_on(settings: Settings, question: Question, journal: Place) -> tuple[ActionResult, ...]:
    """Do it, without asking any more; what takes longer since it is looked up is told."""
    run_ids = [target.run_id for target in question.targets]

    def checking(run_id: str, error: GymError) -> None:
        tell(f"{clean(run_id)}: no clear answer ({clean(error.brief)}), checking …")

    async def doing(client: Endpoints) -> tuple[ActionResult, ...]:
        return await act(client, question.verb, run_ids, checking=checking)

    done = with_gym(settings, doing)
    deleted = [item.run_id for item in done if item.is_deleted]
    there = isinstance(journal, SharedPlace) or journal.exists()
    if question.verb is Verb.DELETE and deleted and there:
        kept = Journal(journal, on_notice=lambda notice: tell(clean(notice.text)))
        kept.forget(*deleted)
        kept.flush()
        kept.close()
    return done


def outcome_lines(done: Sequence[ActionResult], missing: Sequence[str]) -> list[tuple[str, bool]]:
    """A clean line for each run, and whether it went well."""
    lines = [(clean(describe_result(item)), item.is_well) for item in done]
    return lines + [(f"no such run: {clean(run_id)}", False) for run_id in missing]


def idle_words(verb: Verb, run_id: str) -> str:
    """What is said of a run that has ended, in a clean line."""
    return f"{clean(run_id)} has already finished: nothing to {verb}"


def status_of(done: Sequence[ActionResult], missing: Sequence[str]) -> int:
    """The exit code: 3 where nothing is known but that answers were missing, 4 for all else."""
    failed = [item.outcome for item in done if not item.is_well]
    if not failed and not missing:
        return 0
    silent = not missing and set(failed) == {ActionOutcome.UNKNOWN}
    return EXIT_UNREACHABLE if silent else EXIT_REFUSED


def ask_on_terminal(question: Question) -> bool:
    """List what goes on standard error, and take the answer from standard input.

    What was typed before the question stood there answers nothing, and every answer but the
    wanted one means not to do it.
    """
    lines = [question.title]
    for target in question.targets:
        lines.append(f"  {clean(target.run_id)}  {target.size}".rstrip())
    wanted = question.to_type
    prompt = f"To {question.verb}, type {wanted}: " if wanted else f"{question.verb}? [y/N] "
    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    click.echo("\n".join([*lines, question.consequence, prompt]), err=True, nl=False)
    # A signal between the question and the wait for its answer is seen after the wait alone.
    while not select.select([sys.stdin], [], [], _SIGNAL_S)[0]:
        pass
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        click.echo(err=True)
    answer = answer.removesuffix("\n")
    return answer == wanted if wanted else answer.strip().lower() in ("y", "yes")
