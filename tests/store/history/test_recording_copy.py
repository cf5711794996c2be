"""A team's recording in PostgreSQL: every copy becomes what was written, whatever happens."""

from __future__ import annotations

import os
import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gymtui.core.replacement import replace
from gymtui.poll import recorder
from gymtui.store.history.database_engine import DatabaseEngine
from gymtui.store.history.database_schema import SCHEMA_VERSION, STEPS
from gymtui.store.history.recording_copy import (
    FETCH_EVERY_S,
    FRESH_S,
    NOTED_EVERY_S,
    SEND_EVERY_S,
    RecordingCopy,
    RecordingFetcher,
    RecordingSender,
    fetch_recording,
    recorders_of,
)
from gymtui.store.history.recording_database import RecordingDatabase
from gymtui.store.history.recording_format import SUFFIX
from gymtui.store.history.recording_items import ChangeList
from gymtui.store.history.recording_place import RecordingPlace
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_writer import RecordingLimits
from tests.helpers.journals import shared_place, wait_until
from tests.helpers.postgres_server import Server, run_sql
from tests.helpers.recorded import Recorded, model_gym

SOON = (0.01, 0.05)
LIMITS = RecordingLimits()


class Team:
    """The same gym on several machines: a directory each, and one database."""

    def __init__(self, home: Path, place: RecordingPlace) -> None:
        self.home, self.shared = home, place.shared
        self._copies: list[RecordingCopy] = []

    def place(self, machine: str) -> RecordingPlace:
        return RecordingPlace(self.home / machine, self.shared)

    def copy(self, machine: str, *, writes: bool = False) -> RecordingCopy:
        assert self.shared is not None
        engine = DatabaseEngine(self.shared.url, self.shared.gym)
        database = RecordingDatabase(engine.connect(update=True), self.shared.gym, writes=writes)
        self._copies.append(RecordingCopy(self.home / machine, database))
        return self._copies[-1]

    def close(self) -> None:
        for copy in self._copies:
            copy.close()


@pytest.fixture
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    shared = shared_place(request, tmp_path / "journal.sqlite3")
    made = Team(tmp_path, RecordingPlace(tmp_path, shared))
    yield made
    made.close()


def files(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.glob(f"*{SUFFIX}")}


def watched_by(home: Path, seed: int = 3) -> Recorded:
    rng = random.Random(seed)
    return Recorded(model_gym(rng), home, rng, keeps=False)


def ticked(watched: Recorded, count: int = 3) -> None:
    for _ in range(count):
        watched.tick()
        watched.recorder.write(at_once=True)


@pytest.mark.parametrize("seed", range(4))
def test_every_copy_is_the_begin_of_what_was_written_and_becomes_all_of_it(
    team: Team, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(recorder, "KEY_ITEMS", 6)
    monkeypatch.setattr(recorder, "BASE_ITEMS", 20)
    rng = random.Random(seed)
    source = team.home / "a"
    watched = watched_by(source, seed)
    sender, fetchers = team.copy("a", writes=True), [team.copy("b"), team.copy("c")]
    for _ in range(40):
        match rng.choice(("tick", "tick", "send", "fetch", "fetch", "cut", "lost", "killed")):
            case "tick":
                ticked(watched, 1)
            case "send":
                sender.send(LIMITS)
            case "fetch":
                rng.choice(fetchers).fetch(rng.choice((1, 2, None)))
            case "cut":  # a disk was full, or a copy is of an earlier day
                for path in (team.home / "b").glob(f"*{SUFFIX}"):
                    os.truncate(path, rng.randrange(path.stat().st_size))
            case "lost":  # the connection, maybe before what was done could be said
                sender = team.copy("a", writes=True)
            case "killed":
                watched.restart(whole=rng.random() < 0.5, rest_s=60.0, wall_step_s=0.0)
        written = files(source)
        for name in ("b", "c"):
            assert all(written[i].startswith(part) for i, part in files(team.home / name).items())
    sender.send(LIMITS)
    for fetcher in fetchers:
        fetcher.fetch()
    assert files(source) == files(team.home / "b") == files(team.home / "c")
    assert len(files(source)) > 1
    here, there = Recording(source), Recording(team.home / "b")
    assert here.problems == there.problems and here.gaps() == there.gaps()
    assert list(ChangeList(here).every()) == list(ChangeList(there).every())


def test_what_another_sent_meanwhile_is_not_sent_twice(team: Team) -> None:
    watched = watched_by(team.home / "a")
    one, other = team.copy("a", writes=True), team.copy("a", writes=True)
    for sender in (one, other, one, other):
        ticked(watched)
        sender.send(LIMITS)
        sender.send(LIMITS)
    there = team.copy("b")
    there.fetch()
    assert files(team.home / "a") == files(team.home / "b")


def segment_file(place: Path, number: int, kept: str = "") -> str:
    """Write ten bytes as a segment; its name."""
    place.mkdir(exist_ok=True)
    path = place / f"20261122T12000000000{number}-0000000{number}{kept}{SUFFIX}"
    path.write_bytes(b"0123456789")
    return path.name


def test_what_is_too_old_or_too_much_goes_everywhere_and_is_not_brought_back(team: Team) -> None:
    names = []
    sender, fetcher = team.copy("a", writes=True), team.copy("b")
    for number in range(4):
        names.append(segment_file(team.home / "a", number))
        sender.send(LIMITS)
    fetcher.fetch()
    assert set(files(team.home / "b")) == set(names)
    names.append(segment_file(team.home / "a", 4))
    # Before one is added the rest is to be small enough.
    team.copy("a", writes=True).send(replace(LIMITS, size_bytes=25))
    fetcher.fetch()
    assert set(files(team.home / "b")) == set(names[2:])
    team.copy("b", writes=True).send(LIMITS)
    team.copy("c").fetch()
    assert set(files(team.home / "c")) == set(names[2:])
    sender.database.prune(replace(LIMITS, age=timedelta(0)))
    assert sender.database.segments(None) == []


def test_what_is_to_be_kept_is(team: Team) -> None:
    segment_file(team.home / "a", 1)
    kept = segment_file(team.home / "a", 2, "-kept")
    sender = team.copy("a", writes=True)
    sender.send(LIMITS)
    sender.database.prune(RecordingLimits(timedelta(0), 0))
    assert [segment.name for segment in sender.database.segments(None)] == [kept]


@pytest.mark.parametrize("name", ["../outside.gymrec", "/tmp/x.gymrec", "recorder.lock"])
def test_no_file_is_written_but_a_segment(team: Team, name: str) -> None:
    copy = team.copy("b", writes=True)
    assert copy.database.append(name, 0, b"x", kept=False)
    copy.fetch()
    assert not (team.home / "b").exists() and not (team.home / "outside.gymrec").exists()


def test_a_recorder_is_known_while_it_is_at_work(team: Team) -> None:
    place = team.place("b")
    assert recorders_of(place) == ()
    told: list[str | None] = []
    sender = RecordingSender(team.place("a"), "ann@lab", LIMITS, told.append)
    fetcher = RecordingFetcher(place, 2, told.append, away_s=SOON)
    wait_until(lambda: recorders_of(place) == ("ann@lab",))
    wait_until(fetcher.is_recorded)
    sender.close(60)
    wait_until(lambda: not fetcher.is_recorded())
    assert recorders_of(place) == () == recorders_of(RecordingPlace(place.directory))
    fetcher.close(60)
    assert told == []
    # One that was killed is not waited for.
    copy = team.copy("a", writes=True)
    copy.database.note_recorder("bob@lab")
    assert recorders_of(place) == ("bob@lab",)
    assert place.shared is not None
    late = "UPDATE gymtui.recorders SET seen_at = seen_at - interval '9 seconds'"
    run_sql(place.shared.url, late)
    assert recorders_of(place) == ()


def test_it_is_away_and_what_was_recorded_meanwhile_is_sent_afterwards(
    team: Team, postgres: Server
) -> None:
    name = f"late_{uuid.uuid4().hex}"
    assert team.shared is not None
    team.shared = replace(team.shared, url=postgres.of(name))
    watched = watched_by(team.home / "a")
    told: list[str | None] = []
    again = threading.Event()

    def tell(fault: str | None) -> None:
        told.append(fault)
        if fault is None:
            again.set()

    sender = RecordingSender(team.place("a"), "ann@lab", LIMITS, tell, away_s=SOON)
    ticked(watched)
    wait_until(lambda: bool(told))
    found = fetch_recording(team.place("b"))
    assert "does not exist" in found.fault and found.recorders == ()
    ticked(watched)
    postgres.sql(f"CREATE DATABASE {name}")
    assert again.wait(60)
    # It crashes, and is there again.
    postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)
    ticked(watched)
    sender.close(60)
    assert fetch_recording(team.place("b")).fault == ""
    assert files(team.home / "a") == files(team.home / "b") != {}
    assert "does not answer" in str(told[0]) and told[1] is None


def test_who_may_only_read_fetches_and_sends_nothing(team: Team, postgres: Server) -> None:
    watched = watched_by(team.home / "a")
    ticked(watched)
    team.copy("a", writes=True).send(LIMITS)
    reader = f"reader_{uuid.uuid4().hex}"
    postgres.sql(f"CREATE ROLE {reader} LOGIN")
    postgres.sql(f"GRANT USAGE ON SCHEMA gymtui TO {reader}")
    postgres.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA gymtui TO {reader}")
    assert team.shared is not None
    team.shared = replace(team.shared, url=postgres.of("postgres", reader))
    assert fetch_recording(team.place("b")).fault == ""
    assert files(team.home / "a") == files(team.home / "b")
    ticked(watched)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        team.copy("a", writes=True).send(LIMITS)


def test_a_database_of_the_first_version_gets_what_it_lacks(postgres: Server) -> None:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in STEPS[0]:
            connection.execute(statement)
        connection.execute("UPDATE gymtui.journal SET version = 1")
        connection.execute("INSERT INTO gymtui.gyms (base_url) VALUES ('http://gym')")
    engine = DatabaseEngine(url, "http://gym")
    assert engine.version() == 1
    with closing(engine.connect(update=True)) as connection:
        database = RecordingDatabase(connection, "http://gym", writes=True)
        assert database.append("x", 0, b"1", kept=False) and database.sizes() == {"x": 1}
    assert engine.version() == SCHEMA_VERSION
    [(gyms,)] = run_sql(url, "SELECT count(*) FROM gymtui.gyms")
    assert gyms == 1


def test_two_polls_are_time_enough() -> None:
    from gymtui.cli.record import SHARED_LOOK_S
    from gymtui.poll.recording_intake import LOOK_S

    assert SHARED_LOOK_S + SEND_EVERY_S + FETCH_EVERY_S + LOOK_S < 2 * 2.0
    assert 2 * NOTED_EVERY_S < FRESH_S
