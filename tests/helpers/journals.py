"""What the tests of the journal share."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gymtui.store.history.journal_place import Place, SharedPlace
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.history.observer import StateObservation
from tests.helpers.postgres_server import Server, run_sql

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def observation(
    index: int = 0, run_id: str = "run_1", seen_at: datetime | None = None
) -> StateObservation:
    moment = seen_at or NOW + timedelta(seconds=index, microseconds=index)
    return StateObservation(
        rollout_id=f"rol_{index}",
        run_id=run_id,
        status="running",
        phase="seeding",
        seen_from=moment - timedelta(seconds=1),
        seen_at=moment,
        last_otherwise_at=moment - timedelta(seconds=3) if index % 2 else None,
    )


def summary(
    run_id: str = "run_1", final: bool = False, passed: int = 1, created: int = 0
) -> SavedSummary:
    return SavedSummary(
        run_id=run_id,
        final=final,
        known=10,
        counts={"passed": passed, "failed": 2},
        at_limit=1,
        interval_low=0.25,
        interval_high=0.75,
        model="gpt-4o",
        provider=None,
        created_at=NOW + timedelta(seconds=created),
        started_at=NOW,
    )


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition; the deadline only ends a failing test."""
    until = time.monotonic() + seconds
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < until, "the condition never came to hold"
        pause.wait(0.005)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a journal may be, in turn: in a file, and in a database."""
    path = tmp_path / "state" / "journal.sqlite3"
    return path if request.param == "sqlite" else shared_place(request, path)


def shared_place(request: pytest.FixtureRequest, path: Path) -> SharedPlace:
    """The place of a gym that nobody knows yet, in the database of all tests."""
    server: Server = request.getfixturevalue("postgres")
    return SharedPlace(server.url, f"http://gym-{uuid.uuid4().hex}", path)


def words_of(place: Place) -> str:
    """A place as a word, for another process."""
    if isinstance(place, Path):
        return str(place)
    return json.dumps([place.url, place.gym, str(place.path)])


def place_in(words: str) -> Place:
    """The place that was told."""
    if not words.startswith("["):
        return Path(words)
    url, gym, path = json.loads(words)
    return SharedPlace(url, gym, Path(path))


def rows(place: Place) -> int:
    """How many sightings are kept; -1 where there is no table for them."""
    return rows_in_file(place) if isinstance(place, Path) else rows_in_database(place)


def rows_in_database(place: SharedPlace) -> int:
    import psycopg

    try:
        [(count,)] = run_sql(
            place.url,
            "SELECT count(*) FROM gymtui.sightings JOIN gymtui.gyms USING (gym_id)"
            " WHERE base_url = %s",
            place.gym,
        )
    except psycopg.errors.UndefinedTable:
        return -1
    return int(str(count))


def rows_in_file(path: Path) -> int:
    if not path.exists():
        return -1
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM sightings").fetchone()[0])
    except sqlite3.OperationalError:
        return -1
    finally:
        connection.close()


def impatient(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0, isolation_level=None)
