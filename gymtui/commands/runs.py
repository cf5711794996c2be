"""`gymtui runs`: the run list for people and for programs."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from typing import Any, Literal

import click

from gymtui.api.client import GymClient
from gymtui.api.errors import GymError
from gymtui.api.listing import parse_run, split
from gymtui.api.models import Malformed, RunStatus
from gymtui.settings import Settings
from gymtui.store.delta import PAGE_LIMIT
from gymtui.text import ABSENT, fit

Form = Literal["table", "json", "jsonl"]

_COLUMNS = (
    ("RUN", "run_id", 0),
    ("SCENARIO", "scenario_id", 14),
    ("TOTAL", "total", 6),
    ("DONE", "completed", 6),
    ("FAILED", "failed", 6),
    ("RUNNING", "running", 7),
    ("WAITING", "pending", 7),
)


async def every_run(client: GymClient, settings: Settings) -> list[bytes]:
    """All runs, page by page, each once.

    Args:
        client: The gym.
        settings: Which source and scenario.

    Returns:
        The items' bytes in the server's order.

    Raises:
        GymError: As the client.
    """
    found: dict[str, bytes] = {}
    offset = 0
    while True:
        answer = await client.list_runs(
            scenario_id=settings.scenario, source=settings.source, limit=PAGE_LIMIT, offset=offset
        )
        page = split(answer.body, "runs")
        before = len(found)
        for item in page.items:
            run = parse_run(item)
            found[run.run_id if isinstance(run, RunStatus) else item.hex()] = item
        offset += len(page.items)
        at_end = len(page.items) < PAGE_LIMIT if page.total is None else offset >= page.total
        # A page that brings nothing new is a server without paging.
        if at_end or not page.items or len(found) == before:
            return list(found.values())


def print_runs(settings: Settings, form: str) -> None:
    """Print all runs to standard output.

    Args:
        settings: Which gym.
        form: A table, one JSON document, or a JSON object a line.

    Raises:
        GymError: As the client.
    """

    async def fetch() -> list[bytes]:
        async with GymClient(settings.base_url, settings.key, insecure=settings.insecure) as client:
            return await every_run(client, settings)

    items = asyncio.run(fetch())
    if form == "table":
        width = shutil.get_terminal_size((120, 24)).columns
        for line in table([parse_run(item) for item in items], width):
            click.echo(line)
        return
    documents = [_document(item) for item in items]
    if form == "json":
        click.echo(json.dumps({"total": len(documents), "runs": documents}, indent=2))
    else:
        for document in documents:
            click.echo(json.dumps(document))


def table(runs: Sequence[RunStatus | Malformed], width: int) -> list[str]:
    """The runs as lines of a table, cleaned and fitted.

    Args:
        runs: As read.
        width: Cells there are.
    """
    rest = sum(cells + 2 for _, _, cells in _COLUMNS if cells)
    name = max(12, width - rest - 1)
    lines = []
    heading = []
    for title, _, cells in _COLUMNS:
        heading.append(
            fit(title, cells or name, pad=True, align="left" if not cells or cells > 7 else "right")
        )
    lines.append("  ".join(heading).rstrip())
    for run in runs:
        if isinstance(run, Malformed):
            lines.append(fit(f"(malformed: {run.reason})", width))
            continue
        row = []
        for _, field, cells in _COLUMNS:
            value = getattr(run, field)
            text = ABSENT if value is None else str(value)
            right = 0 < cells <= 7
            row.append(
                fit(text, cells or name, cut="middle", pad=True, align="right" if right else "left")
            )
        lines.append("  ".join(row).rstrip())
    return lines


def _document(item: bytes) -> Any:
    try:
        return json.loads(item)
    except ValueError:
        return {"malformed": item.decode("utf-8", "replace")}


__all__ = ["GymError", "every_run", "print_runs", "table"]
