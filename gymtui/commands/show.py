"""`gymtui show`: one rollout's artifacts on standard output, as received or to be read."""

from __future__ import annotations

import asyncio
import sys

import click

from gymtui.api.client import GymClient
from gymtui.poll.artifacts import ArtifactDesk, TooLargeError
from gymtui.settings import Settings
from gymtui.transcript import export

UNCAPPED = 1 << 40
"""Bytes: who prints to a pipe has asked for all of it."""


def print_rollout(settings: Settings, rollout_id: str, form: str, *, redacted: bool) -> None:
    """Print a rollout's artifacts.

    Args:
        settings: Which gym.
        rollout_id: Which rollout.
        form: `json` for the gym's bytes, `markdown` or `text`.
        redacted: Whether the gym is to leave tool calls out.

    Raises:
        GymError: As the client.
    """

    async def fetch() -> None:
        async with GymClient(settings.base_url, settings.key, insecure=settings.insecure) as client:
            desk = ArtifactDesk(client, cap_bytes=UNCAPPED)
            try:
                artifacts = await desk.get(rollout_id, redacted=redacted)
            except TooLargeError as error:
                raise click.ClickException(str(error)) from None
        if form == "json":
            sys.stdout.buffer.write(artifacts.body)
            sys.stdout.buffer.flush()
        else:
            click.echo(export.written(artifacts.transcript, form), nl=False)

    asyncio.run(fetch())
