"""Looks: until when what runs was seen unchanged outlives a kill, for a row a run and no more."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gymtui.core.replacement import replace
from gymtui.store.history import journal_reader
from gymtui.store.history.journal import LOOKS_AFTER_S, Journal
from gymtui.store.history.journal_file import JournalFile
from gymtui.store.history.journal_place import Place, engine_of
from gymtui.store.history.journal_schema import SCHEMA_VERSION
from gymtui.store.history.journal_store import Batch, Limits
from gymtui.store.history.observer import StateObservation, UnchangedPoll
from tests.helpers.journals import NOW, observation, rows, wait_until, words_of
from tests.helpers.journals import place as place
from tests.poll.test_tracker import Session, ended, rollout

MOST_LOST = timedelta(seconds=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def journal(place: Place) -> Iterator[Journal]:
    opened = Journal(place, now=lambda: NOW)
    yield opened
    opened.close()


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def seen(rollout_id: str, seconds: float, status: str, phase: str | None) -> StateObservation:
    return StateObservation(rollout_id, "run_1", status, phase, at(seconds), at(seconds), None)


def look(seconds: float, run_id: str = "run_1") -> UnchangedPoll:
    return UnchangedPoll(run_id, at(seconds), at(seconds + 1))


# -- what is kept ---------------------------------------------------------------------------------


def test_what_ran_was_seen_until_the_last_look(journal: Journal) -> None:
    journal.record([seen("rol_1", 0, "running", "seeding")])
    journal.record([seen("rol_2", 5, "running", "verifying")])
    journal.record([seen("rol_1", 8, "running", "agent_running")])
    journal.record_unchanged([look(20)])
    *before, first, second = journal.load("run_1")
    assert len(before) == 3
    assert {(s.rollout_id, s.phase, s.seen_from, s.seen_at) for s in (first, second)} == {
        ("rol_1", "agent_running", at(20), at(21)),
        ("rol_2", "verifying", at(20), at(21)),
    }


@pytest.mark.parametrize(
    ("status", "phase"),
    [("pending", None), ("completed", "completed"), ("failed", "agent_running"), ("running", None)],
)
def test_what_does_not_run_is_not_said_to_have_been_seen(
    journal: Journal, status: str, phase: str | None
) -> None:
    kept = seen("rol_1", 0, status, phase)
    journal.record([kept])
    journal.record_unchanged([look(20)])
    assert journal.load("run_1") == (kept,)


def test_a_change_after_the_last_look_is_not_put_back(journal: Journal) -> None:
    kept = seen("rol_1", 30, "running", "verifying")
    journal.record_unchanged([look(20)])
    journal.record([kept])
    assert journal.load("run_1") == (kept,)


def test_of_two_dashboards_the_later_look_counts_and_other_runs_have_their_own(
    journal: Journal,
) -> None:
    other = replace(seen("rol_2", 0, "running", "seeding"), run_id="run_2")
    journal.record([seen("rol_1", 0, "running", "seeding"), other])
    journal.record_unchanged([look(20), look(5, "run_2")])
    journal.record_unchanged([look(10)])
    journal.flush()
    assert [journal.load(run_id)[-1].seen_at for run_id in ("run_1", "run_2")] == [at(21), at(6)]


def test_a_deleted_run_takes_its_look_along_and_old_ones_go(place: Place) -> None:
    runs = ("run_1", "run_2")
    with closing(engine_of(place).open()) as store:

        def begin() -> list[int]:
            """How many rows there are of each run, all of it that ran seen anew."""
            begun = [replace(seen("rol", 0, "running", "seeding"), run_id=one) for one in runs]
            store.write([Batch(observations=tuple(begun))], NOW)
            return [len(store.observations(run_id)) for run_id in runs]

        looks = (look(0), look(0, "run_2"))
        store.write([Batch(looks=looks), Batch(forgotten=("run_1",))], NOW)
        assert begin() == [1, 2]
        list(store.prune(Limits(), NOW + timedelta(days=31)))
        assert begin() == [1, 1]


# -- what a session writes ------------------------------------------------------------------------


def test_two_thousand_rollouts_seen_unchanged_are_a_row_each(
    journal: Journal, place: Place
) -> None:
    session = Session(journal)
    session.run("run_1", total=2000, running=2000)
    many = [rollout("agent_running", rollout_id=f"rol_{i}") for i in range(2000)]
    for seconds in (0, 2, 4, 6):
        session.lists(seconds, *many)
    journal.flush()
    assert rows(place) == 2000
    assert len(journal.load("run_1")) == 4000


def test_a_rollout_left_out_of_a_list_of_what_runs_is_not_said_to_have_been_seen(
    journal: Journal,
) -> None:
    session = Session(journal)
    both = rollout("agent_running"), rollout("agent_running", rollout_id="rol_2")
    session.lists(0, *both)
    session.lists_running(2, *both)
    session.lists_running(4, both[0])
    assert {s.seen_at.second for s in journal.load("run_1")} == {0, 2}


def test_while_nothing_runs_nothing_is_written(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(journal)
    session.lists(0, rollout("agent_running"))
    session.run("run_1", running=0, completed=1)
    session.lists(10, ended(9))
    written: list[object] = []
    for way in ("record", "record_unchanged", "keep_summaries", "forget"):
        monkeypatch.setattr(journal, way, lambda *what: written.append(what))
    for seconds in range(12, 40, 2):
        session.lists(seconds, ended(9))
        session.lists_running(seconds)
    assert written == []


# -- a kill ---------------------------------------------------------------------------------------


def kept_until(place: Place) -> datetime:
    """The last look that is kept."""
    found = journal_reader.observations(place, ["run_1"]).get("run_1")
    return found[-1].seen_at if found else NOW - timedelta(days=1000)


CHILD = """
import sys, threading
from datetime import UTC, datetime
from gymtui.store.history.journal import Journal
from gymtui.store.history.observer import UnchangedPoll, StateObservation
from tests.helpers.journals import place_in
journal = Journal(place_in(sys.argv[1]))
now = datetime.now(UTC)
journal.record([StateObservation("rol_1", "run_1", "running", "agent_running", now, now, None)])
while True:
    now = datetime.now(UTC)
    journal.record_unchanged([UnchangedPoll("run_1", now, now)])
    print(now.isoformat(), flush=True)
    threading.Event().wait(0.1)
"""


def test_a_kill_loses_at_most_two_seconds_of_looking(place: Place) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, words_of(place)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            looks = [datetime.fromisoformat(process.stdout.readline().strip()) for _ in range(3)]
            # Within the time in which looks are kept; how soon that is over is the machine's.
            assert timedelta(seconds=LOOKS_AFTER_S) <= MOST_LOST
            wait_until(lambda: kept_until(place) >= looks[-1])
        finally:
            process.kill()
    assert kept_until(place) >= looks[-1], "it was kept that it was still so"


# -- older files ----------------------------------------------------------------------------------

VERSION_1 = """
PRAGMA application_id = 0x67796D74;
PRAGMA user_version = 1;
CREATE TABLE sightings (run_id NOT NULL, rollout_id NOT NULL, status, phase,
    seen_from INTEGER NOT NULL, seen_at INTEGER NOT NULL, last_otherwise_at INTEGER, step INTEGER);
CREATE INDEX sightings_by_run ON sightings (run_id, seen_at);
CREATE INDEX sightings_by_age ON sightings (seen_at);
CREATE TABLE summaries (run_id PRIMARY KEY, kept_at INTEGER NOT NULL,
    final INTEGER NOT NULL, created_at INTEGER, body TEXT NOT NULL);
CREATE INDEX summaries_by_age ON summaries (kept_at);
INSERT INTO sightings VALUES ('run_1', 'rol_0', 'running', 'seeding', 1795348799000000,
    1795348800000000, NULL, NULL);
"""


@pytest.fixture
def old(path: Path) -> Path:
    """A journal as the first version wrote it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
    return path


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_an_older_journal_is_brought_up_to_date_and_keeps_what_it_had(old: Path) -> None:
    journal = Journal(old, now=lambda: NOW)
    (kept,) = journal.load("run_1")
    assert (kept.rollout_id, kept.phase, kept.seen_at) == ("rol_0", "seeding", NOW)
    journal.record_unchanged([look(20)])
    assert len(journal.load("run_1")) == 2
    journal.close()
    assert journal.notice is None
    assert version(old) == SCHEMA_VERSION


def test_an_older_and_a_new_journal_have_the_same_tables(old: Path, tmp_path: Path) -> None:
    shapes = []
    for where in (old, tmp_path / "new.sqlite3"):
        JournalFile.open(where).close()
        with closing(sqlite3.connect(where)) as connection:
            rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name")
            shapes.append([(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows])
    assert shapes[0] == shapes[1]


def test_dashboards_that_start_at_once_bring_it_up_to_date_once(old: Path) -> None:
    journals = [Journal(old, now=lambda: NOW) for _ in range(5)]
    for index, journal in enumerate(journals):
        journal.record([observation(index + 1)])
    for journal in journals:
        journal.flush()
    assert [journal.notice for journal in journals] == [None] * 5
    assert len(journals[0].load("run_1")) == 6
    for journal in journals:
        journal.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE INDEX looks_by_age ON sightings (step)")
    with pytest.raises(sqlite3.OperationalError):
        JournalFile.open(old)
    assert version(old) == 1
    with closing(sqlite3.connect(old)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "looks" not in names


def test_an_older_journal_that_is_only_looked_into_is_read_as_it_is(old: Path) -> None:
    found = journal_reader.observations(old, ["run_1"])
    assert [kept.rollout_id for kept in found["run_1"]] == ["rol_0"]
    assert version(old) == 1
