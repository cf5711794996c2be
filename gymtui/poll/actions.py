"""What changes the gym: cancelling and deleting runs, each told for itself. Nothing is retried."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gymtui.api.client import GymClient
from gymtui.api.errors import GymError, NotFound

AT_ONCE = 4
"""Cancels or deletes under way at the same time."""


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


async def act(client: GymClient, verb: Verb, run_ids: Sequence[str]) -> tuple[Done, ...]:
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

    return tuple(await asyncio.gather(*(one(run_id) for run_id in run_ids)))


def told(verb: Verb, done: Sequence[Done]) -> list[str]:
    """What to say about it, a line each: what was done, then each refusal.

    Args:
        verb: What was asked.
        done: What became of it.

    Returns:
        Lines such as `cancelled 5 rollouts of nightly-4000`; ids as received.
    """
    past = {Verb.CANCEL: "cancelled", Verb.DELETE: "deleted"}[verb]
    lines: list[str] = []
    well = [item for item in done if item.error is None]
    if well:
        counted = [item.rollouts for item in well if item.rollouts is not None]
        rollouts = f"{sum(counted)} rollout{'' if sum(counted) == 1 else 's'}" if counted else ""
        runs = well[0].run_id if len(well) == 1 else f"{len(well)} runs"
        if verb is Verb.CANCEL:
            lines.append(f"{past} {rollouts} of {runs}" if rollouts else f"{past} {runs}")
        else:
            lines.append(f"{past} {runs}" + (f" and {rollouts}" if rollouts else ""))
    for item in done:
        if item.gone:
            lines.append(f"{item.run_id} no longer exists")
        elif item.error is not None:
            why = item.error.detail or item.error.brief
            lines.append(f"{item.run_id} was not {past}: {why}")
    return lines
