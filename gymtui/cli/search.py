"""`gymtui search`: a phrase in the transcripts of runs, a line a hit, printed as they are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gymtui.api.endpoints import Endpoints
from gymtui.cli.document_keys import HIT, SEARCHED
from gymtui.cli.gym_access import GymReader, with_gym
from gymtui.cli.output import Printer, coloured
from gymtui.config.settings import Settings
from gymtui.core.text import clean, fit, width
from gymtui.session.archive import Archive
from gymtui.session.archive_key import gym_name, key_of
from gymtui.session.artifacts import ArtifactLoader
from gymtui.session.hit_list import FoundHit
from gymtui.session.transcript_search import (
    SearchProgress,
    TranscriptSearch,
    target_of,
)
from gymtui.store.records import RolloutRow
from gymtui.transcript.hits import SearchTerms

_EVERYTHING = 1 << 60
_WHO = 24  # cells of who speaks, at most
_LEAST = 20  # cells of what was found, at the least


def print_hits(
    settings: Settings,
    run_ids: Sequence[str],
    wanted: SearchTerms,
    form: str,
    *,
    archive: Path,
    most_bytes: int | None = None,
) -> SearchProgress:
    """Search, in all runs if none are named, and print what is found."""
    kept = open_archive(settings, archive)

    async def fetch(client: Endpoints) -> SearchProgress:
        most = _EVERYTHING if most_bytes is None else most_bytes
        reader = GymReader(client)
        search, rows = await begin_search(reader, settings, run_ids, wanted, kept, most)
        several = len({row.run_id for row in rows.values()}) > 1
        await _print(search, rows, form, several=several)
        return search.progress

    try:
        return with_gym(settings, fetch)
    finally:
        kept.close()


def open_archive(settings: Settings, archive: Path) -> Archive:
    """Where transcripts that were read are kept; to be closed."""
    limit = settings.archive_limit_mib << 20
    # What lies on disk already is not kept there twice.
    kept = Archive(archive, limit) if limit and not settings.directories else Archive(None)
    if settings.key is not None:
        kept.exclude(settings.key.reveal())
    return kept


def archived_loader(
    client: Endpoints, settings: Settings, rows: Mapping[str, RolloutRow], kept: Archive
) -> ArtifactLoader:
    """Asks for artifacts of rollouts that the archive has not."""
    gym = gym_name(settings.base_url)
    return ArtifactLoader(
        client,
        cap_bytes=settings.artifact_limit_mib << 20,
        cache_bytes=0,
        archive=kept,
        key_of=lambda name, redacted: key_of(gym, rows.get(name), redacted=redacted),
    )


async def begin_search(
    reader: GymReader,
    settings: Settings,
    run_ids: Sequence[str],
    wanted: SearchTerms,
    kept: Archive,
    most_bytes: int,
) -> tuple[TranscriptSearch, Mapping[str, RolloutRow]]:
    """List what is to be searched, in all runs if none are named.

    Returns:
        The search, and the rollouts that it is through, by id.
    """
    if run_ids:
        found = await reader.find_runs(list(dict.fromkeys(run_ids)))
    else:
        await reader.list_every_run(settings.source, settings.scenario)
        found = [run for run, row in reader.store.runs.items() if row.malformed is None]
    await reader.list_rollouts_of(found)
    rows = {row.rollout_id: row for run in found for row in reader.store.rollouts_of(run)}
    gym = gym_name(settings.base_url)
    loader = archived_loader(reader.client, settings, rows, kept)
    targets = map(target_of, (row for row in rows.values() if row.malformed is None))
    return TranscriptSearch(loader, kept, gym, targets, wanted, most_bytes=most_bytes), rows


async def _print(
    search: TranscriptSearch, rows: Mapping[str, RolloutRow], form: str, *, several: bool
) -> None:
    printer = Printer.standard()
    lines = _HitLines(printer, rows.values(), several=several)
    documents: list[dict[str, Any]] = []
    if form == "csv":
        printer.csv_rows([list(HIT)])
    async for hits in search.hits():
        if form == "table":
            printer.lines(lines.of(found) for found in hits)
            continue
        new = [hit_document(found, rows[found.ref.rollout_id]) for found in hits]
        if form == "jsonl":
            printer.objects(new)
        elif form == "csv":
            printer.csv_rows([list(document.values()) for document in new])
        else:
            documents += new
    if form == "json":
        searched = {name: getattr(search.progress, name) for name in SEARCHED}
        printer.document({"transcripts": searched, "hits": documents})


def hit_document(found: FoundHit, row: RolloutRow) -> dict[str, Any]:
    hit = found.hit
    values = (
        *(found.ref.run_id, found.ref.rollout_id, row.rollout and row.rollout.task_id),
        *(hit.match.turn + 1, str(hit.spoken.kind), hit.spoken.tool or None, hit.spoken.error),
        *(hit.before, hit.text, hit.after),
    )
    return dict(zip(HIT, values, strict=True))


class _HitLines:
    """Hits as lines, aligned although they come one by one: all ids are known before."""

    def __init__(self, printer: Printer, rows: Any, *, several: bool) -> None:
        self._printer = printer
        self._several = several
        rows = list(rows)
        self._rollout = max((width(clean(row.rollout_id)) for row in rows), default=0)
        self._run = max((width(clean(row.run_id)) for row in rows), default=0)

    def of(self, found: FoundHit) -> str:
        hit, colour = found.hit, self._printer.colour
        who = fit(f"{'✗ ' if hit.spoken.error else ''}{hit.who}", _WHO, pad=True)
        names = [fit(found.ref.rollout_id, self._rollout, pad=True)]
        if self._several:
            names.insert(0, fit(found.ref.run_id, self._run, pad=True))
        head = "  ".join([*names, f"{hit.match.turn + 1:>4}", who])
        before, text, after = hit.before, clean(hit.text), hit.after
        if self._printer.width is not None:
            room = max(self._printer.width - width(head) - 2, _LEAST)
            text = fit(text, room)
            left = max(room - width(text), 0)
            after = fit(after, max(left - min(width(before), left // 3), 0))
            before = _tail(before, left - width(after))
        if colour:
            head, text = coloured(head, "dim"), coloured(text, "bold")
        return f"{head}  {before}{text}{after}".rstrip()


def _tail(text: str, cells: int) -> str:
    while text and width(text) > cells:
        text = text[max(1, (width(text) - cells) // 2) :]
    return text
