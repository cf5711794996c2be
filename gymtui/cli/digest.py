"""`gymtui digest`: what happened since a time, for people, for a chat, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import GymError
from gymtui.cli.documents import run_document
from gymtui.cli.gym_access import UNSTEADY, GymReader, with_gym
from gymtui.cli.kept_answers import read_kept
from gymtui.cli.options import tell
from gymtui.config.settings import Settings
from gymtui.core.text import clean
from gymtui.store.digest import Digest, digest
from gymtui.store.formats import of_many
from gymtui.store.history.journal_place import Place
from gymtui.store.history.recording_place import RecordingPlace


def read_digest(
    settings: Settings, place: RecordingPlace | None, journal: Place, since: datetime
) -> Digest:
    """Say what happened by what is kept, and by what the gym says that is newer.

    Args:
        place: Of the recording; None where nothing is recorded.
        since: By our clock.
    """
    kept = None if place is None else read_kept(settings, place, since)

    async def fetch(client: Endpoints) -> Digest:
        reader = GymReader(client)
        if kept is not None:
            reader.spare(kept)
            for query in kept.answers:
                await reader.learn(query)
        reader.remember(journal)
        if kept is None or not kept.is_fresh:
            try:
                await _ask_newer(reader, settings, since)
            except GymError as error:
                remembered = reader.remembered()
                if not (reader.store.runs or remembered):
                    raise
                until = f" of {kept.at.astimezone():%Y-%m-%d %H:%M}" if kept is not None else ""
                tell(clean(f"{error.brief}: this is what was kept{until}"))
        views = [reader.view(run_id) for run_id in reader.store.runs] or reader.remembered()
        known = [run_id for run_id in reader.store.runs if reader.store.knows_rollouts_of(run_id)]
        rollouts = {run_id: reader.store.rollouts_of(run_id) for run_id in known}
        return digest(views, rollouts, since + timedelta(seconds=reader.clock.offset_s))

    return with_gym(settings, fetch)


async def _ask_newer(reader: GymReader, settings: Settings, since: datetime) -> None:
    """Ask the gym for what is another than what is kept."""
    store = reader.store
    before = {i: row.raw for i, row in store.runs.items() if store.knows_rollouts_of(i)}
    if not await reader.list_every_run(settings.source, settings.scenario):
        tell(UNSTEADY)
    # Of those whose numbers are known for good, only what ended since is listed once more.
    wanted = []
    for run_id, row in store.runs.items():
        summary = store.summary(run_id)
        ended = summary.ended_at if summary is not None else None
        moved = row.active or before.get(run_id) != row.raw
        if moved and (row.active or ended is None or ended > since):
            wanted.append(run_id)
    denied = await reader.list_allowed_rollouts(wanted)
    if denied:
        tell(f"forbidden (403): the numbers of {of_many(len(denied), 'run')}")


def digest_lines(report: Digest, *, markdown: bool) -> Iterator[str]:
    """The digest in clean lines, as `S` of the dashboard lists it; in Markdown, names are code."""

    def name(text: str) -> str:
        cleaned = clean(text)
        return f"`{cleaned.replace('`', chr(39))}`" if markdown else cleaned

    bullet = "- " if markdown else "  "
    line = report.line[0].upper() + report.line[1:] if markdown else report.line
    yield f"**{line}**" if markdown else line
    if markdown and report:
        yield ""
    for _, words in report.lines(name):
        yield bullet + words
    for _, words in report.causes():
        yield bullet + words
    if report.unread:
        yield f"{bullet}{of_many(report.unread, 'run')} without times: not counted"


def digest_document(found: Digest) -> dict[str, Any]:
    return {
        "since": found.since.isoformat(),
        "line": found.line,
        "began": [run.name for run in found.began],
        "finished": [run_document(run) for run in found.finished],
        "regressed": [
            {"run_id": each.run.name, "before": each.before.name, "p": each.p}
            for each in found.regressed
        ],
        "errors": {str(cause): count for cause, count in found.errors.items()},
        "failing": dict(found.failing),
        "active": [run.name for run in found.active],
        "unread": found.unread,
    }
