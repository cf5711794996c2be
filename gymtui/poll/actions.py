"""What changes the gym: cancelling and deleting runs, each told for itself. Nothing is retried."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gymtui.api.errors import Garbled, GymError, NotFound, Unreachable
from gymtui.api.models import Cancelled, Deleted

AT_ONCE = 4
"""Cancels or deletes under way at the same time."""


class Gym(Protocol):
    """What is needed of a client; each call raises the errors of `api.errors`."""

    async def cancel_run(self, run_id: str) -> Cancelled:
        """`POST /runs/{run_id}/cancel`."""

    async def delete_run(self, run_id: str) -> Deleted:
        """`DELETE /runs/{run_id}`."""


class Verb(StrEnum):
    """What is done to runs."""

    CANCEL = "cancel"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one run.

    Attributes:
        run_id: The run.
        rollouts: How many rollouts the gym says it cancelled or deleted; None if it did not say.
        error: Why it was not done, or None.
    """

    run_id: str
    rollouts: int | None = None
    error: GymError | None = None

    @property
    def gone(self) -> bool:
        """Whether the gym says that there is no such run."""
        return isinstance(self.error, NotFound)


async def act(client: Gym, verb: Verb, run_ids: Sequence[str]) -> tuple[Done, ...]:
    """Cancel or delete runs, a few at a time.

    Args:
        client: The gym.
        verb: What to do.
        run_ids: To which runs.

    Returns:
        What became of each, in the same order. No error is raised for any of them.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(run_id: str) -> Done:
        async with slots:
            try:
                if verb is Verb.CANCEL:
                    return Done(run_id, (await client.cancel_run(run_id)).cancelled_rollouts)
                return Done(run_id, (await client.delete_run(run_id)).deleted_rollouts)
            except GymError as error:
                return Done(run_id, error=error)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(run_id)) for run_id in run_ids]
    return tuple(task.result() for task in tasks)


def told(verb: Verb, done: Sequence[Done]) -> list[str]:
    """What to say about it, a line each: what was done, then each refusal.

    Args:
        verb: What was asked.
        done: What became of it.

    Returns:
        Lines such as `cancelled 5 rollouts of nightly-4000`; ids as received.
    """
    well = [item for item in done if item.error is None]
    ended = {Verb.CANCEL: "cancelled", Verb.DELETE: "deleted"}[verb]
    return [
        *([_done(verb, ended, well)] if well else ()),
        *(_not_done(ended, item, item.error) for item in done if item.error is not None),
    ]


def _done(verb: Verb, ended: str, well: Sequence[Done]) -> str:
    counted = [item.rollouts for item in well if item.rollouts is not None]
    count = sum(counted)
    least = "at least " if len(counted) < len(well) else ""
    rollouts = f"{least}{count} rollout{'' if count == 1 else 's'}" if counted else ""
    runs = well[0].run_id if len(well) == 1 else f"{len(well)} runs"
    if verb is Verb.DELETE:
        return f"{ended} {runs}" + (f" and {rollouts}" if rollouts else "")
    if counted and not count and not least:
        return f"nothing was left to cancel in {runs}"
    return f"{ended} {rollouts} of {runs}" if rollouts else f"{ended} {runs}"


def _not_done(ended: str, item: Done, error: GymError) -> str:
    why = error.detail or error.brief
    if item.gone:
        return f"{item.run_id} no longer exists"
    if isinstance(error, Unreachable | Garbled):
        return f"no answer whether {item.run_id} was {ended}: {why}"
    return f"{item.run_id} was not {ended}: {why}"
