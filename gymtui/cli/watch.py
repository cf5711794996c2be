"""`gymtui watch`: every change of runs and rollouts as a line of JSON, for scripts and agents.

It follows the gym's recording: that of a recorder that is running, else one that it writes itself.
So a script that goes on from a cursor misses nothing that was recorded meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import NotFound
from gymtui.api.lenient import loads
from gymtui.cli.gym_access import GymReader, with_gym
from gymtui.cli.headless_session import headless_session, take_news, termination_event
from gymtui.cli.missed_runs import MissedRuns
from gymtui.cli.options import tell as say
from gymtui.cli.record import attach_recorder, is_recorded_elsewhere, share_recording
from gymtui.config.settings import Settings
from gymtui.core.text import ABSENT, clean
from gymtui.session.session import FindKey, Session
from gymtui.store.formats import of_many
from gymtui.store.history.journal_place import Place
from gymtui.store.history.recording_copy import RecordingFetcher, fetch_recording
from gymtui.store.history.recording_items import ChangeList, Cursor, ItemChange
from gymtui.store.history.recording_place import RecordingPlace
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_writer import RecorderLock, is_recorded

VERSION = 1  # of the documents; another one where a field goes or means something else
LOOK_S = 1.0


def watch(
    settings: Settings,
    place: RecordingPlace,
    journal: Place,
    run_ids: Collection[str],
    after: Cursor | None,
    tell: Callable[[dict[str, Any]], None],
    *,
    find_key: FindKey = lambda _settings: None,
) -> None:
    """Tell of changes of some or all runs until a signal ends it.

    Args:
        after: Where to go on; None for what happens from now on.

    Raises:
        UnknownCursorError: The recording does not go back to that.
        OSError: The directory cannot be written.
    """

    async def whole(client: Endpoints) -> None:
        recording = Recording(place.directory)
        changes = ChangeList(recording)
        news: Iterator[ItemChange | None] | None = None
        if after is not None:
            news = changes.after(after)
        wanted = await _find_runs(client, run_ids, changes)
        with termination_event() as ended:
            while not ended.is_set():
                # Once a recorder has ended that was followed, it is recorded here.
                missed = MissedRuns(place.directory)
                async with _record(client, settings, place, journal, find_key) as (session, lives):
                    while not ended.is_set() and lives():
                        if session is not None:
                            missed.list_anew(session, await take_news(session, at_once=True))
                        recording.refresh()
                        if news is None and recording:
                            news = changes.from_now()
                        for change in news or ():
                            if change is None:
                                break
                            document = document_of(change)
                            if not wanted or document["run_id"] in wanted:
                                tell(document)
                        with suppress(TimeoutError):
                            async with asyncio.timeout(LOOK_S):
                                await ended.wait()

    if fault := fetch_recording(place).fault:
        say(clean(fault))
    with_gym(settings, whole)


async def _find_runs(client: Endpoints, typed: Collection[str], changes: ChangeList) -> set[str]:
    """The ids of runs as the gym has them, or had at the cursor."""
    reader = GymReader(client)
    found = set()
    for name in typed:
        run_id = await reader.find_run_id(name)
        if run_id not in reader.store.runs and run_id not in changes.known("run"):
            raise NotFound(f"no such run: {name}")
        found.add(run_id)
    return found


def document_of(change: ItemChange) -> dict[str, Any]:
    """A change as a document (README, *Watch*)."""
    before, after = _item(change.before), _item(change.after)
    known = after or before or {}
    slack = None
    if change.otherwise_at is not None:
        slack = max(0.0, (change.seen_at - change.otherwise_at).total_seconds())
    return {
        "version": VERSION,
        "cursor": str(change.cursor),
        "kind": change.kind,
        "id": change.item_id,
        "run_id": change.item_id if change.kind == "run" else known.get("run_id"),
        "seen_at": change.seen_at.isoformat(),
        "ours_at": change.ours_at.isoformat(),
        "slack_s": slack,
        "after_gap": change.first,
        "before": before,
        "after": after,
    }


def line_of(document: Mapping[str, Any]) -> str:
    """A change in a clean line, for people: its fields that differ."""
    before, after = document["before"] or {}, document["after"]
    at = datetime.fromisoformat(document["ours_at"]).astimezone()
    name = f"{at:%H:%M:%S}  {document['kind']} {document['id']}"
    if after is None:
        return clean(f"{name}: gone")
    if document["before"] is None:
        what = after.get("status") or of_many(after.get("total") or 0, "rollout")
        return clean(f"{name}: first seen, {what}")
    changed = [
        f"{field} {_short(before.get(field))} → {_short(value)}"
        for field, value in after.items()
        if value != before.get(field)
    ]
    return clean(f"{name}: {', '.join(changed)}")


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return "…"
    return ABSENT if value is None else str(value)


def _item(raw: bytes | None) -> dict[str, Any] | None:
    if raw is None:
        return None
    try:
        item = loads(raw)
    except (ValueError, RecursionError):
        return None
    return item if isinstance(item, dict) else None


@asynccontextmanager
async def _record(
    client: Endpoints, settings: Settings, place: RecordingPlace, journal: Place, find_key: FindKey
) -> AsyncIterator[tuple[Session | None, Callable[[], bool]]]:
    """Record the gym, unless somebody else does: then None, and whether they still do."""
    if is_recorded_elsewhere(place):
        fetcher = RecordingFetcher(place)
        try:
            yield None, fetcher.is_recorded
        finally:
            fetcher.close()
        return
    try:
        lock = RecorderLock(place.directory)
    except BlockingIOError:
        yield None, lambda: is_recorded(place.directory)
        return
    with ExitStack() as until:
        until.callback(lock.close)
        until.enter_context(share_recording(place, settings, say))
        async with headless_session(
            settings,
            client,
            journal=journal,
            find_key=find_key,
            prepare=lambda session: attach_recorder(session, place.directory),
        ) as session:
            try:
                yield session, lambda: True
            finally:
                if session.recorder is not None:
                    session.recorder.close()
