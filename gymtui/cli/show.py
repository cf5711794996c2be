"""`gymtui show`: one rollout's artifacts on standard output, as received or to be read.

To be read, they are followed by the rollout's result, which its record has and they do not.
"""

from __future__ import annotations

import sys

import click
import msgspec

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import GymError, NotFound
from gymtui.api.lenient import loads
from gymtui.api.list_answer import parse_rollout
from gymtui.api.models import Rollout
from gymtui.cli.gym_access import GymReader, rollout_ids, unique_match, with_gym
from gymtui.cli.options import tell
from gymtui.config.settings import Settings
from gymtui.core.json_output import json_text
from gymtui.core.normalization import spellings
from gymtui.core.replacement import replace
from gymtui.core.text import clean
from gymtui.session.artifacts import ArtifactLoader, Artifacts, TooLargeError
from gymtui.store.rollout_result import rollout_result
from gymtui.transcript import export

UNCAPPED = 1 << 40  # bytes: who prints to a pipe has asked for all of it


def print_rollout(settings: Settings, rollout_id: str, form: str, *, redacted: bool) -> None:

    async def fetch(client: Endpoints) -> Artifacts:
        loader = ArtifactLoader(client, cap_bytes=UNCAPPED)
        label, *others = spellings(rollout_id)
        while True:
            try:
                found = await loader.get(label, redacted=redacted)
                break
            except NotFound:
                if others:
                    label = others.pop(0)
                    continue
                whole = unique_match(rollout_id, await rollout_ids(client), "rollout")
                if whole in (rollout_id, label):
                    raise  # it is there, and has no artifacts
                label = whole
        if form == "json":
            return found
        try:
            rollout = parse_rollout((await client.get_rollout(label)).body)
        except GymError as error:
            tell(f"without its result: {clean(error.line)}")
            return found
        result = rollout_result(rollout) if isinstance(rollout, Rollout) else None
        return replace(found, transcript=replace(found.transcript, result=result))

    try:
        artifacts = with_gym(settings, fetch)
    except TooLargeError as error:
        raise click.ClickException(str(error)) from None
    if redacted:
        tell("tool calls and results are redacted by the gym (--redact)")
    if form == "json":
        sys.stdout.buffer.write(_as_json(artifacts.body))
        sys.stdout.buffer.flush()
    else:
        click.echo(export.render(artifacts.transcript, form), nl=False)


def print_all(settings: Settings, form: str) -> None:
    """Print the transcripts of all rollouts, each under its id."""

    async def fetch(client: Endpoints) -> None:
        reader = GymReader(client)
        await reader.list_every_run(None, None)
        await reader.list_rollouts_of(reader.store.runs)
        loader = ArtifactLoader(client, cap_bytes=UNCAPPED, cache_bytes=0)
        printed = False
        for run_id in reader.store.runs:
            for row in reader.store.rollouts_of(run_id):
                try:
                    found = await loader.get(row.rollout_id)
                except NotFound:
                    continue
                if printed:
                    click.echo()
                printed = True
                name = clean(row.rollout_id).replace("`", "'")
                click.echo(f"`{name}`\n" if form == "markdown" else f"rollout: {name}")
                result = None if row.rollout is None else rollout_result(row.rollout, row.outcome)
                transcript = replace(found.transcript, result=result)
                click.echo(export.render(transcript, form), nl=False)

    with_gym(settings, fetch)


def _as_json(body: bytes) -> bytes:
    """The gym's own bytes; if only NaN and the like keep them from being JSON, null for these."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        return body
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        document = loads(body)
        text = json_text(document)
    except (ValueError, RecursionError):
        return body
    tell("the gym sent NaN or infinity, which is not JSON; written as null")
    return text.encode()
