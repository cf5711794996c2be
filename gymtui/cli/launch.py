"""`gymtui launch`: a file becomes requests, these become runs, and their ids are printed."""

from __future__ import annotations

import os
import random
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import GymError, NotFound, Refused
from gymtui.api.launch_request import LaunchRequest
from gymtui.cli.gym_access import with_gym
from gymtui.cli.options import EXIT_UNREACHABLE, error_line, exit_code, report_key, tell
from gymtui.config.settings import Settings
from gymtui.core.json_output import json_text
from gymtui.core.paths import beside
from gymtui.core.text import clean
from gymtui.launching.launch_file import (
    LaunchFileError,
    mask_keys,
    read_document,
    requests_of,
    rules_of,
)
from gymtui.launching.model_keys import ModelKeys
from gymtui.launching.submission import Submission, SubmissionState, describe_submission, launch
from gymtui.session.rules import RuleBook
from gymtui.store.rules import RuleSpec

MOST_BYTES = 16 * 1024 * 1024
"""What a file of a launch may have; one that is larger is another file."""


@dataclass(frozen=True, slots=True)
class FileLaunch:
    requests: tuple[LaunchRequest, ...]  # one a run
    rules: tuple[RuleSpec, ...]  # what is armed on each of them


def read_file(settings: Settings, file: str) -> FileLaunch:
    """Read what a file, or standard input for `-`, launches.

    Raises:
        LaunchFileError: It cannot be read, or is no launch.
    """
    name = "standard input" if file == "-" else file
    try:
        if file == "-":
            raw, private = sys.stdin.buffer.read(MOST_BYTES + 1), True
        else:
            with Path(file).open("rb") as stream:
                raw = stream.read(MOST_BYTES + 1)
                private = not stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077
        text = raw.decode()
    except OSError as error:
        raise LaunchFileError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LaunchFileError(f"{name}: is not UTF-8") from None
    if len(raw) > MOST_BYTES:
        raise LaunchFileError(f"{name}: is larger than {MOST_BYTES // 2**20} MiB")
    document = read_document(text, name, private=private)
    keys = ModelKeys(settings.model_keys, dict(os.environ))
    rng = random.SystemRandom()
    rules = rules_of(document)
    return FileLaunch(requests_of(document, keys.get, now=datetime.now(UTC), rng=rng), rules)


def requests_text(requests: Sequence[LaunchRequest]) -> str:
    """What would be sent, as JSON, keys as their hints; of several a list."""
    bodies = [mask_keys(request) for request in requests]
    return json_text(bodies[0] if len(bodies) == 1 else bodies, indent=2)


def launch_all(settings: Settings, meant: FileLaunch, *, journal: Path, as_json: bool) -> int:
    """Launch one after the other, up to the first that is not; print the ids of those that are.

    Returns:
        The exit code.
    """
    armed = RuleBook(beside(journal, "rules"))
    requests = meant.requests
    hints: list[str] = []
    sent = with_gym(settings, lambda client: _send(client, meant, armed, hints, quiet=as_json))
    launched = [one for one in sent if one.state is SubmissionState.LAUNCHED]
    if as_json and launched:
        documents = [_document(one, meant.rules) for one in launched]
        document = documents[0] if len(requests) == 1 else {"runs": documents}
        click.echo(json_text(document, indent=2))
    if launched and meant.rules:
        words = "; ".join(rule.words for rule in meant.rules)
        tell(clean(f"armed: {words}"))
        tell("rules are carried out by a dashboard or `gymtui record` on this gym, on this machine")
    last = sent[-1]
    if last.state is SubmissionState.LAUNCHED:
        return 0
    _complain(last)
    for hint in hints:
        tell(clean(hint))
    if last.error is not None:
        report_key(settings, last.error)
    for request in requests[len(sent) :]:
        tell(f"{clean(request.run_name)} was not sent")
    if last.state is SubmissionState.UNKNOWN or last.error is None:
        return EXIT_UNREACHABLE
    return exit_code(last.error)


async def _send(
    client: Endpoints, meant: FileLaunch, armed: RuleBook, hints: list[str], *, quiet: bool
) -> list[Submission]:
    sent: list[Submission] = []
    for request in meant.requests:

        def lost(error: GymError, name: str = request.run_name) -> None:
            tell(f"sent, no answer ({clean(error.brief)}): looking for {clean(name)}")

        one = await launch(client, request, lost=lost)
        sent.append(one)
        if isinstance(one.error, NotFound):
            with suppress(GymError):  # a gym need not have such a list
                known = [scenario.scenario_id for scenario in await client.list_scenarios()]
                hints.append(f"scenarios of this gym: {', '.join(known) or 'none'}")
        if one.state is not SubmissionState.LAUNCHED or one.run_id is None:
            break
        for rule in meant.rules:
            armed.arm([one.run_id], rule.kind, rule.about, datetime.now(UTC).timestamp())
        tell(clean(describe_submission(one)))
        if not quiet:
            # As it is: an id goes from here into other commands.
            click.echo(one.run_id)
    return sent


def _complain(sent: Submission) -> None:
    error = sent.error
    if sent.state is SubmissionState.UNKNOWN or error is None:
        tell(clean(describe_submission(sent)))
        return
    if isinstance(error, Refused) and error.fields:
        for field in error.fields:
            place = f"{field.field}: " if field.field else ""
            tell(clean(f"{sent.request.run_name} was not launched: {place}{field.msg}"))
        return
    tell(f"{clean(sent.request.run_name)} was not launched: {error_line(error)}")


def _document(sent: Submission, rules: Sequence[RuleSpec]) -> dict[str, Any]:
    return {
        "run_id": sent.run_id,
        "run_name": sent.request.run_name,
        "model": sent.request.settings.model,
        "rollout_ids": list(sent.rollout_ids),
        "looked_up": sent.looked_up,
        "rules": [rule.words for rule in rules],
    }
