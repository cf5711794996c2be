"""What one recorder saw is on a colleague's dashboard within two polls, by the test's clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from gymtui.session.session import Session
from gymtui.store.history import recording_copy
from gymtui.store.history.database_engine import DatabaseEngine
from gymtui.store.history.journal import FLUSH_AFTER_S
from gymtui.store.history.recording_copy import FETCH_EVERY_S, SEND_EVERY_S, RecordingCopy
from gymtui.store.history.recording_database import RecordingDatabase
from gymtui.store.history.recording_writer import RecordingLimits
from tests.helpers.postgres_server import Server
from tests.helpers.team_delays import INTERVAL_S, team_delays
from tests.helpers.virtual_time import play


class Fetcher:
    """Knows that a recorder is at work; what it writes is fetched by the test."""

    def __init__(self, *_where: object) -> None:
        pass

    def is_recorded(self) -> bool:
        return True

    def close(self) -> None:
        pass


async def at_once(work: Callable[..., Any], *values: object) -> Any:
    """Disks and databases take no time on this clock."""
    return work(*values)


@asynccontextmanager
async def by_hand(recorder: Session, mate: Session) -> AsyncIterator[None]:
    """Send and fetch as often as the threads do, on the loop's clock."""
    async with AsyncExitStack() as until, asyncio.TaskGroup() as group:

        def copy(session: Session) -> RecordingCopy:
            place = session.recording
            assert place is not None and place.shared is not None
            connection = DatabaseEngine(place.shared.url, place.shared.gym).connect(update=True)
            database = RecordingDatabase(connection, place.shared.gym, writes=True)
            return until.enter_context(closing(RecordingCopy(place.directory, database)))

        async def again(work: Callable[..., object], every_s: float, *values: object) -> None:
            while True:
                await asyncio.sleep(every_s)
                work(*values)

        sender, fetcher = copy(recorder), copy(mate)
        assert recorder.journal is not None
        tasks = [
            group.create_task(again(sender.send, SEND_EVERY_S, RecordingLimits())),
            group.create_task(again(fetcher.fetch, FETCH_EVERY_S)),
            group.create_task(again(recorder.journal.flush, FLUSH_AFTER_S)),
        ]
        yield
        for task in tasks:
            task.cancel()


def test_what_one_recorder_saw_is_shown_to_all_within_two_polls(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio, "to_thread", at_once)
    monkeypatch.setattr(recording_copy, "RecordingFetcher", Fetcher)
    url = postgres.new_database()
    delays = play(lambda: team_delays(url, tmp_path, by_hand, watched_s=20))
    assert len(delays) == 4
    for name, delay in delays.items():
        assert delay.count > 3, name
        assert not delay.waiting, name
        assert delay.worst_s <= 2 * INTERVAL_S, name
