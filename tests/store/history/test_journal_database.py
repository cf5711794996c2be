"""The journal in PostgreSQL: what a team shares, and what happens while it does not answer."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from gymtui.core.replacement import replace
from gymtui.store.history import journal_reader
from gymtui.store.history.database_engine import DatabaseEngine
from gymtui.store.history.database_schema import STEPS
from gymtui.store.history.journal import Journal, Notice
from gymtui.store.history.journal_place import SharedPlace
from gymtui.store.history.journal_store import Trouble
from gymtui.store.history.observer import StateObservation, StepTimes, UnchangedPoll
from gymtui.store.history.recording_database import RecordingDatabase
from gymtui.store.history.recording_writer import RecordingLimits
from tests.helpers.journals import (
    NOW,
    observation,
    rows,
    shared_place,
    summary,
    wait_until,
)
from tests.helpers.places import ROOT
from tests.helpers.postgres_server import SECRET, Server, run_sql

SOON = (0.01, 0.05)
"""How soon a database that is away is tried again."""


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> SharedPlace:
    """Of a gym that nobody knows yet."""
    return shared_place(request, tmp_path / "journal.sqlite3")


class Told:
    """Journals of one test, closed at its end, and what they told."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.journals: list[Journal] = []

    def open(self, place: SharedPlace) -> Journal:
        journal = Journal(place, now=lambda: NOW, on_notice=self.notices.append, away_s=SOON)
        self.journals.append(journal)
        return journal


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    for journal in made.journals:
        journal.close(60)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def found(
    low: float | None, high: float, phase: str = "seeding", step: int | None = None
) -> StateObservation:
    """A change between two looks, the later one within half a second of what is said."""
    since = None if low is None else at(low)
    return StateObservation(
        "rol_1", "run_1", "running", phase, at(high - 0.5), at(high), since, step
    )


# -- one row a change ----------------------------------------------------------------------------


def test_two_looks_at_one_change_are_one_row_with_the_best_of_both(
    place: SharedPlace, told: Told
) -> None:
    first, second = told.open(place), told.open(place)
    first.record([found(10, 14)])
    first.flush()
    second.record([found(11, 16)])
    second.flush()
    assert rows(place) == 1
    change, still = first.load("run_1")
    assert (change.last_otherwise_at, change.seen_at) == (at(11), at(14))
    assert still.seen_at == at(16)


@pytest.mark.parametrize(
    ("looks", "changes"),
    [
        ([found(10, 14), found(15, 20)], 2),
        ([found(10, 14), found(14.2, 16, "verifying")], 2),
        ([found(10, 14), found(14.2, 16, "verifying"), found(None, 15)], 2),
        ([found(10, 14), found(14.2, 16, "verifying"), found(None, 17)], 3),
        ([found(None, 14), found(None, 20), found(None, 17)], 1),
        ([found(None, 20), found(10, 22)], 1),
        ([found(10, 22), found(None, 20)], 1),
    ],
    ids=["changed back", "another", "before it", "after it", "looked", "found later", "seen first"],
)
def test_a_row_is_one_stay_in_a_phase(
    place: SharedPlace, told: Told, looks: list[StateObservation], changes: int
) -> None:
    for look in looks:
        journal = told.open(place)
        journal.record([look])
        journal.flush()
    assert rows(place) == changes


def test_what_is_written_twice_is_kept_once(place: SharedPlace, told: Told) -> None:
    """As when the connection breaks before it was said that the first time went well."""
    batch = [found(10, 14), found(14, 16, "verifying", 3), observation(4)]
    journal = told.open(place)
    journal.record(batch)
    kept = journal.load("run_1")
    journal.record(batch)
    assert journal.load("run_1") == kept
    assert rows(place) == 3


# -- gyms and people -----------------------------------------------------------------------------


def test_gyms_of_one_database_know_nothing_of_each_other(place: SharedPlace, told: Told) -> None:
    there, here = told.open(replace(place, gym=f"{place.gym}/v1")), told.open(place)
    there.record([observation(1)])
    there.record_unchanged([UnchangedPoll("run_1", NOW, NOW)])
    there.keep_summaries(summary())
    there.flush()
    here.forget("run_1")
    here.flush()
    assert here.load("run_1") == ()
    assert here.summaries() == ()
    assert there.load("run_1") == (observation(1),)
    assert there.summaries() == (summary(),)


def test_who_may_only_read_reads_and_writes_nothing(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    writer = told.open(place)
    writer.record([observation(1)])
    writer.flush()
    name = f"reader_{uuid.uuid4().hex}"
    postgres.sql(f"CREATE ROLE {name} LOGIN")
    postgres.sql(f"GRANT USAGE ON SCHEMA gymtui TO {name}")
    postgres.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA gymtui TO {name}")
    reader = told.open(replace(place, url=postgres.of("postgres", name)))
    assert reader.load("run_1") == (observation(1),)
    reader.record([observation(2)])
    reader.keep_summaries(summary())
    reader.forget("run_1")
    assert reader.load("run_1") == (observation(1),)
    assert told.notices == []


def test_with_the_rights_of_the_readme_another_role_shares(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    told.open(place).flush()
    name = f"colleague_{uuid.uuid4().hex}"
    postgres.sql(f"CREATE ROLE {name} LOGIN")
    rights = re.findall(r"`(GRANT [^`]*)`", (ROOT / "README.md").read_text())
    assert len(rights) == 3
    for right in rights:
        postgres.sql(f"{right} TO {name}")
    url = postgres.of("postgres", name)
    shared = replace(place, url=url, gym=f"{place.gym}/v1")
    journal = told.open(shared)
    journal.record([observation(1)])
    journal.record_steps([StepTimes("run_1", "rol_1", 3, NOW, NOW, ())])
    journal.record_unchanged([UnchangedPoll("run_1", NOW, NOW)])
    journal.keep_summaries(summary())
    journal.flush()
    assert rows(shared) == 1 and journal.summaries() == (summary(),)
    journal.forget("run_1")
    assert journal.load("run_1") == ()
    assert told.notices == []
    with closing(DatabaseEngine(url, shared.gym).connect(update=True)) as connection:
        recording = RecordingDatabase(connection, shared.gym, writes=True)
        recording.note_recorder("ann")
        assert recording.append("one.gymrec", 0, b"x", kept=False)
        recording.prune(RecordingLimits(timedelta(0), 0))


# -- not answering -------------------------------------------------------------------------------


def test_what_is_seen_before_the_database_is_there_is_written_later(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    name = f"late_{uuid.uuid4().hex}"
    place = replace(place, url=postgres.of(name))
    journal = told.open(place)
    journal.record([observation(1)])
    wait_until(lambda: bool(told.notices))
    assert journal.load("run_1") == ()
    journal.record([observation(2)])
    postgres.sql(f"CREATE DATABASE {name}")
    wait_until(lambda: len(journal.load("run_1")) == 2)
    [notice] = told.notices
    assert notice.trouble is Trouble.AWAY
    assert name in notice.text and "written once it does" in notice.text


def test_a_connection_that_breaks_costs_nothing_and_one_notice(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    place = replace(place, url=postgres.new_database())
    journal = told.open(place)
    for index in range(4):
        journal.record([observation(index)])
        wait_until(lambda seen=index: len(journal.load("run_1")) == seen + 1)
        postgres.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            place.url.partition("?")[0].rpartition("/")[2],
        )
    wait_until(lambda: len(journal.load("run_1")) == 4)
    assert len(told.notices) == 1


def test_what_waits_is_bounded_and_the_latest_stays(
    place: SharedPlace, told: Told, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gymtui.store.history.journal.MOST_PENDING", 40)
    name = f"late_{uuid.uuid4().hex}"
    journal = told.open(replace(place, url=postgres.of(name)))
    wait_until(lambda: bool(told.notices))
    for index in range(100):
        journal.record([observation(index)])
    wait_until(lambda: journal._inbox.empty())  # all of it waits by now
    postgres.sql(f"CREATE DATABASE {name}")
    wait_until(lambda: bool(journal.load("run_1")))
    kept = {seen.rollout_id for seen in journal.load("run_1")}
    assert "rol_99" in kept and "rol_0" not in kept
    assert len(kept) <= 20


def test_a_lock_that_others_hold_is_waited_for(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    place = replace(place, url=postgres.new_database())
    journal = told.open(place)
    journal.flush()
    with psycopg.connect(place.url) as other:
        other.execute("LOCK gymtui.sightings")
        journal.record([observation(1)])
        # It waits for the lock by now, and has said nothing.
        waits = (
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'gymtui.sightings'::regclass"
        )
        wait_until(lambda: bool(run_sql(place.url, waits)))
    assert journal.load("run_1") == (observation(1),)
    assert told.notices == []


def test_a_full_disk_is_one_notice_and_what_it_did_not_take_is_written_later(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    place = replace(place, url=postgres.new_database())
    journal = told.open(place)
    journal.flush()
    full = "BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END"
    run_sql(place.url, f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${full}$$")
    trigger = "CREATE TRIGGER refuse BEFORE INSERT ON gymtui.sightings EXECUTE FUNCTION refuse()"
    run_sql(place.url, trigger)
    journal.record([observation(1)])
    wait_until(lambda: bool(told.notices))
    assert rows(place) == 0
    run_sql(place.url, "DROP TRIGGER refuse ON gymtui.sightings")
    wait_until(lambda: journal.load("run_1") == (observation(1),))
    [notice] = told.notices
    assert notice.trouble is Trouble.AWAY
    assert "takes nothing: No space left on device; what is observed is written" in notice.text


def test_a_server_that_may_not_be_written_is_read(place: SharedPlace, told: Told) -> None:
    """A standby, or one whose disk its owner protects."""
    writer = told.open(place)
    writer.record([observation(1)])
    writer.flush()
    standby = f"{place.url}&options=-c%20default_transaction_read_only%3Don"
    reader = told.open(replace(place, url=standby))
    reader.record([observation(2)])
    assert reader.load("run_1") == (observation(1),)
    assert writer.load("run_1") == (observation(1),)
    assert told.notices == []


def test_somebody_elses_tables_are_left_alone(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    place = replace(place, url=postgres.new_database())
    run_sql(place.url, "CREATE SCHEMA gymtui")
    run_sql(place.url, "CREATE TABLE gymtui.sightings (bird text)")
    journal = told.open(place)
    wait_until(lambda: bool(told.notices))
    assert told.notices[0].trouble is Trouble.UNUSABLE
    assert journal.load("run_1") == ()
    tables = run_sql(place.url, "SELECT tablename FROM pg_tables WHERE schemaname = 'gymtui'")
    assert tables == [("sightings",)]


def test_an_older_database_that_is_only_looked_into_is_read_as_it_is(
    place: SharedPlace, postgres: Server
) -> None:
    place = replace(place, url=postgres.new_database())
    with psycopg.connect(place.url) as connection:
        for statement in STEPS[0]:
            connection.execute(statement)
        connection.execute("UPDATE gymtui.journal SET version = 1")
        connection.execute("INSERT INTO gymtui.gyms (base_url) VALUES (%s)", (place.gym,))
    assert journal_reader.observations(place, ["run_1"]) == {"run_1": ()}
    assert journal_reader.read_condition(place).version == 1


def test_a_database_of_a_newer_version_is_left_alone(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    place = replace(place, url=postgres.new_database())
    first = told.open(place)
    first.record([observation(1)])
    first.flush()
    run_sql(place.url, "UPDATE gymtui.journal SET version = 99")
    later = told.open(place)
    later.record([observation(2)])
    wait_until(lambda: bool(told.notices))
    assert told.notices[0].trouble is Trouble.NEWER
    assert rows(place) == 1


def test_dashboards_that_start_at_once_make_the_tables_once(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    place = replace(place, url=postgres.new_database())
    journals = [told.open(place) for _ in range(4)]
    for index, journal in enumerate(journals):
        journal.record([observation(index)])
    wait_until(lambda: len(journals[0].load("run_1")) == 4)
    assert told.notices == []


def test_a_database_that_has_not_every_text_is_refused(
    place: SharedPlace, told: Told, postgres: Server
) -> None:
    name = f"latin_{uuid.uuid4().hex}"
    postgres.sql(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0")
    told.open(replace(place, url=postgres.of(name)))
    wait_until(lambda: bool(told.notices))
    assert told.notices[0].trouble is Trouble.UNUSABLE
    assert "LATIN1" in told.notices[0].text


def test_without_the_driver_it_is_said_how_to_get_it(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for module in ("database_engine", "database_schema", "journal_database"):
        monkeypatch.delitem(sys.modules, f"gymtui.store.history.{module}", raising=False)
    place = SharedPlace("postgresql://db.invalid/gym", "http://gym.invalid", tmp_path / "j")
    journal = told.open(place)
    wait_until(lambda: bool(told.notices))
    assert "gymtui[postgres]" in told.notices[0].text
    assert journal.load("run_1") == ()
    assert journal_reader.summaries(place) == ()
    assert "gymtui[postgres]" in journal_reader.read_condition(place).fault


def test_whoever_has_a_file_never_loads_the_driver(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import gymtui.cli.headless_session, gymtui.cli.doctor, gymtui.tui.app.app\n"
        "from gymtui.store.history import journal_reader\n"
        "from gymtui.store.history.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "assert journal.load('run_1') == () and journal.notice is None\n"
        "journal.close()\n"
        "assert journal_reader.read_condition(Path(sys.argv[1])).version\n"
        "assert not {'psycopg', 'psycopg_binary'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "journal.sqlite3")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- the password --------------------------------------------------------------------------------


@pytest.fixture
def guarded(place: SharedPlace, postgres: Server) -> SharedPlace:
    """The same place for a user who must say a password."""
    postgres.guard()
    return replace(place, url=postgres.of("postgres", "guarded"))


def test_the_password_is_what_its_command_prints_first(guarded: SharedPlace, told: Told) -> None:
    command = (sys.executable, "-c", f"print('{SECRET}'); print('a note')")
    journal = told.open(replace(guarded, password_command=command))
    journal.record([observation(1)])
    wait_until(lambda: len(journal.load("run_1")) == 1)
    assert told.notices == []


def test_the_password_may_be_in_the_file_that_the_driver_knows(
    guarded: SharedPlace, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"*:*:*:guarded:{SECRET}\n")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    journal = told.open(guarded)
    journal.record([observation(1)])
    wait_until(lambda: len(journal.load("run_1")) == 1)


@pytest.mark.parametrize(
    "command",
    ["print('wrong-{secret}')", "import sys; print('{secret}'); sys.exit(3)"],
    ids=["wrong", "fails"],
)
def test_a_password_that_does_not_work_is_told_without_it(
    guarded: SharedPlace, told: Told, command: str
) -> None:
    words = (sys.executable, "-c", command.format(secret=SECRET))
    place = replace(guarded, password_command=words)
    told.open(place)
    wait_until(lambda: bool(told.notices))
    said = [told.notices[0].text, journal_reader.read_condition(place).fault, repr(told.notices[0])]
    assert all("password" in text for text in said)
    assert not any(SECRET in text for text in said)


def test_a_server_that_is_not_there_is_said_in_the_systems_words() -> None:
    from gymtui.store.history.database_engine import DatabaseEngine

    engine = DatabaseEngine("postgresql://127.0.0.1:1/gym", "http://gym")
    with pytest.raises(engine.errors) as refused:
        engine.open()
    assert engine.words_of(refused.value).endswith("does not answer: Connection refused")
