"""Ids from their beginnings: what a person types is the whole id, or a part that fits no other.

What is cancelled or deleted is named in full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import NotFound
from gymtui.api.list_answer import parse_run, split
from gymtui.api.models import Malformed
from gymtui.store.delta import PAGE_LIMIT
from gymtui.store.formats import of_many

_CHOICES = 6
"""Ids that are named where several fit."""


def only_fitting(typed: str, ids: Iterable[str], what: str) -> str:
    """The id that begins so.

    Raises:
        NotFound: None begins so, or several do; the text names these.
    """
    fitting = sorted(name for name in ids if typed and name.startswith(typed))
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise NotFound(f"no such {what}: {typed}")
    more = f", and {len(fitting) - _CHOICES} more" if len(fitting) > _CHOICES else ""
    choices = f"{', '.join(fitting[:_CHOICES])}{more}"
    raise NotFound(f"{typed} fits {of_many(len(fitting), what)}: {choices}")


async def rollout_ids(client: Endpoints) -> Collection[str]:
    """The ids of all rollouts, as far as the gym lists them with their runs."""
    found: dict[str, None] = {}
    offset = 0
    while True:
        answer = await client.list_runs(
            source="all", limit=PAGE_LIMIT, offset=offset, expand=("rollouts",)
        )
        page = split(answer.body, "runs")
        for run in map(parse_run, page.items):
            if not isinstance(run, Malformed):
                found |= dict.fromkeys(run.rollout_ids or ())
        offset += len(page.items)
        if len(page.items) < PAGE_LIMIT:
            return found
