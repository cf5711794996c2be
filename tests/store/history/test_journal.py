"""The journal: what is kept comes back, whatever the ids; and no trouble reaches the dashboard."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from gymtui.store.history.file_engine import FileEngine
from gymtui.store.history.journal import FLUSH_AFTER_S, Journal, Notice
from gymtui.store.history.journal_file import JournalFile, connect
from gymtui.store.history.journal_place import Place, engine_of, file_name
from gymtui.store.history.journal_store import Batch, Limits, Trouble
from gymtui.store.history.observer import StateObservation, StepTimes
from tests.helpers.journals import (
    NOW,
    impatient,
    observation,
    rows,
    summary,
    wait_until,
    words_of,
)
from tests.helpers.journals import (
    place as place,
)
from tests.helpers.postgres_server import run_sql

ODD_IDS = ["a/b c%2F..", "..", "日本語 ✓", "nul\0in it", "lone \ud83d surrogate", "", "é" * 300]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite3"


class Opened:
    """Journals opened in a test, closed at its end, and what they told."""

    def __init__(self) -> None:
        self.journals: list[Journal] = []
        self.notices: list[Notice] = []

    def __call__(self, where: Place | FileEngine, **options: object) -> Journal:
        options.setdefault("now", lambda: NOW)
        journal = Journal(where, on_notice=self.notices.append, **options)  # type: ignore[arg-type]
        self.journals.append(journal)
        return journal


@pytest.fixture
def opened() -> Iterator[Opened]:
    made = Opened()
    yield made
    for journal in made.journals:
        journal.close()


# -- keeping -------------------------------------------------------------------------------------


def test_what_was_recorded_is_there_after_a_restart(place: Place, opened: Opened) -> None:
    kept = tuple(observation(i) for i in range(5))
    first = opened(place)
    first.record(kept)
    first.keep_summaries(summary())
    first.close()
    again = opened(place)
    assert again.load("run_1") == kept
    assert again.load("run_2") == ()
    assert again.summaries() == (summary(),)
    assert not opened.notices


def test_what_was_recorded_just_now_is_loaded_too(place: Place, opened: Opened) -> None:
    journal = opened(place)
    journal.record([observation(1)])
    assert journal.load("run_1") == (observation(1),)


@pytest.mark.parametrize("odd", ODD_IDS)
def test_ids_come_back_exactly(place: Place, opened: Opened, odd: str) -> None:
    kept = StateObservation(odd, odd, odd, odd, NOW, NOW, None)
    journal = opened(place)
    journal.record([kept, observation(1, "another run")])
    journal.keep_summaries(summary(odd))
    assert journal.load(odd) == (kept,)
    assert [s.run_id for s in journal.summaries()] == [odd]
    journal.forget(odd)
    assert journal.load(odd) == ()
    assert journal.notice is None


def test_sightings_come_back_by_time(place: Place, opened: Opened) -> None:
    journal = opened(place)
    journal.record([observation(3), observation(1)])
    journal.record([observation(2)])
    assert [s.rollout_id for s in journal.load("run_1")] == ["rol_1", "rol_2", "rol_3"]


def test_a_final_summary_stays_until_the_run_is_another(place: Place, opened: Opened) -> None:
    journal = opened(place)
    journal.keep_summaries(summary(passed=1))
    journal.keep_summaries(summary(passed=2), summary("run_2"))
    assert {s.run_id: s.counts["passed"] for s in journal.summaries()} == {"run_1": 2, "run_2": 1}
    journal.keep_summaries(summary(final=True, passed=3))
    journal.keep_summaries(summary(passed=4))
    assert {s.run_id: s.counts["passed"] for s in journal.summaries()} == {"run_1": 3, "run_2": 1}
    journal.keep_summaries(summary(passed=5, created=60))
    assert {s.run_id: s.counts["passed"] for s in journal.summaries()} == {"run_1": 5, "run_2": 1}


def test_a_deleted_run_is_forgotten_but_not_its_successor(place: Place, opened: Opened) -> None:
    journal = opened(place)
    journal.record([observation(1), observation(1, "run_2")])
    journal.keep_summaries(summary(final=True))
    journal.forget("run_1")
    journal.record([observation(7)])
    assert journal.load("run_1") == (observation(7),)
    assert journal.load("run_2") == (observation(1, "run_2"),)
    assert journal.summaries() == ()


def test_a_summary_of_another_shape_is_left_out(place: Place, opened: Opened) -> None:
    first = opened(place)
    first.keep_summaries(summary(), summary("run_2"))
    first.close()
    change = "UPDATE {} SET body = '{{\"known\": []}}' WHERE run_id = 'run_1'"
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as connection, connection:
            connection.execute(change.format("summaries"))
    else:
        run_sql(place.url, change.format("gymtui.summaries"))
    assert [s.run_id for s in opened(place).summaries()] == ["run_2"]


def test_only_its_owner_can_read_it(path: Path, opened: Opened) -> None:
    opened(path).flush()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_every_base_url_has_a_file_of_its_own() -> None:
    urls = ["https://a.example", "https://a.example/v1", "http://a.example", "https://b.example"]
    names = {file_name(url) for url in urls}
    assert len(names) == 4
    assert file_name("https://a.example/") == file_name("https://a.example")
    assert all("/" not in file_name(url) for url in [*urls, "https://x/../../etc", "", "\ud800"])


# -- not losing ----------------------------------------------------------------------------------

CHILD = """
import sys, threading
from datetime import UTC, datetime
from pathlib import Path
from gymtui.store.history.journal import Journal
from gymtui.store.history.observer import StateObservation
from tests.helpers.journals import place_in, wait_until
now = datetime(2026, 11, 22, 12, tzinfo=UTC)
journal = Journal(place_in(sys.argv[1]))
for index in range(int(sys.argv[2])):
    name = f"child_{index}"
    journal.record([StateObservation(name, "run_1", "running", "seeding", now, now, None)])
print("recorded", flush=True)
if sys.argv[3] == "hang":
    threading.Event().wait()
wait_until(lambda: len(journal.load("run_1")) >= int(sys.argv[2]))
journal.close()
print(journal.notice)
"""


def child(place: Place, count: int, then: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, words_of(place), str(count), then],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_kill_loses_at_most_two_seconds(place: Place, opened: Opened) -> None:
    with child(place, 50, "hang") as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "recorded\n"
            assert FLUSH_AFTER_S <= 2
            wait_until(lambda: rows(place) == 50)
        finally:
            process.send_signal(signal.SIGKILL)
    assert len(opened(place).load("run_1")) == 50


def test_two_dashboards_write_at_once(place: Place, opened: Opened) -> None:
    journal = opened(place)
    with child(place, 300, "close") as process:
        for index in range(300):
            journal.record([observation(index)])
        journal.flush()
        out, _ = process.communicate(timeout=60)
    assert out == "recorded\nNone\n"
    assert journal.notice is None
    assert len(journal.load("run_1")) == 600


def test_two_dashboards_may_create_it_at_the_same_moment(place: Place, opened: Opened) -> None:
    journals = [opened(place) for _ in range(6)]
    for index, journal in enumerate(journals):
        journal.record([observation(index)])
    for journal in journals:
        journal.flush()
    assert not opened.notices
    assert len(journals[0].load("run_1")) == 6


def test_a_lock_held_for_a_moment_is_waited_for(path: Path, opened: Opened) -> None:
    refused = threading.Event()

    class Telling(sqlite3.Connection):
        def execute(self, *args: object) -> sqlite3.Cursor:
            try:
                return super().execute(*args)  # type: ignore[arg-type]
            except sqlite3.OperationalError:
                refused.set()
                raise

    def telling(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=0, isolation_level=None, factory=Telling)

    opened(path).flush()
    other = sqlite3.connect(path, isolation_level=None)
    journal = opened(FileEngine(path, telling))
    journal.flush()
    other.execute("BEGIN IMMEDIATE")
    refused.clear()
    journal.record([observation(1)])
    assert refused.wait(60)
    other.execute("COMMIT")
    other.close()
    assert journal.load("run_1") == (observation(1),)
    assert journal.notice is None


# -- trouble -------------------------------------------------------------------------------------


def is_given_up(journal: Journal, opened: Opened, trouble: Trouble) -> None:
    """In trouble: told once, with the file's name; everything else goes on as if nothing were."""
    wait_until(lambda: bool(opened.notices))
    journal.record([observation(1)])
    journal.keep_summaries(summary())
    journal.forget("run_1")
    assert journal.load("run_1") == ()
    assert journal.summaries() == ()
    journal.flush()
    journal.close()
    (notice,) = opened.notices
    assert journal.notice is notice
    assert notice.trouble is trouble
    assert "journal.sqlite3" in notice.text


def test_a_journal_locked_for_good_is_given_up(path: Path, opened: Opened) -> None:
    opened(path).flush()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    journal = opened(FileEngine(path, impatient), patience_s=0.05)
    journal.record([observation(1)])
    is_given_up(journal, opened, Trouble.LOCKED)
    other.execute("ROLLBACK")
    other.close()


def test_closing_does_not_wait_for_somebody_elses_lock(path: Path, opened: Opened) -> None:
    journal = opened(FileEngine(path, impatient), patience_s=600)
    journal.flush()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.record([observation(1)])
    journal.close(timeout_s=20)
    (notice,) = opened.notices  # given up at once, not only left behind when the time was up
    assert notice.trouble is Trouble.LOCKED
    other.execute("ROLLBACK")
    other.close()


def test_a_full_disk_is_one_notice(path: Path, opened: Opened) -> None:
    def small(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    journal = opened(FileEngine(path, small))
    journal.record(observation(i) for i in range(5_000))
    is_given_up(journal, opened, Trouble.FULL)
    assert path.exists()


def test_a_read_only_file_is_one_notice(path: Path, opened: Opened) -> None:
    def read_only(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    opened(path).flush()
    is_given_up(opened(FileEngine(path, read_only)), opened, Trouble.READ_ONLY)


def test_a_place_that_cannot_be_is_one_notice(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    journal = opened(tmp_path / "state" / "journal.sqlite3")
    is_given_up(journal, opened, Trouble.UNUSABLE)


def test_a_file_that_is_no_database_is_set_aside_whole(path: Path, opened: Opened) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but somebody's notes" * 100)
    is_given_up(opened(path), opened, Trouble.CORRUPT)
    assert not path.exists()
    (aside,) = path.parent.iterdir()
    assert aside.read_bytes() == b"not a database, but somebody's notes" * 100
    assert aside.name in opened.notices[0].text
    again = opened(path)
    again.record([observation(1)])
    assert again.load("run_1") == (observation(1),)


def test_a_file_that_rotted_is_set_aside_when_it_is_found_out(path: Path, opened: Opened) -> None:
    first = opened(path)
    first.record(observation(i) for i in range(2_000))
    first.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    journal = opened(path)
    journal.record([observation(1)])
    is_given_up(journal, opened, Trouble.CORRUPT)
    assert [p.name.startswith("journal.sqlite3.corrupt-") for p in path.parent.iterdir()] == [True]


def test_a_journal_of_a_newer_version_is_left_alone(path: Path, opened: Opened) -> None:
    first = opened(path)
    first.record([observation(1)])
    first.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    is_given_up(opened(path), opened, Trouble.NEWER)
    assert path.read_bytes() == before


def test_somebody_elses_database_is_left_alone(path: Path, opened: Opened) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    connection.close()
    before = path.read_bytes()
    is_given_up(opened(path), opened, Trouble.UNUSABLE)
    assert path.read_bytes() == before


def test_without_wal_it_keeps_a_rollback_journal(path: Path, opened: Opened) -> None:
    """A VFS without shared memory stands for a network home."""

    def no_shared_memory(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?vfs=unix-dotfile", uri=True, isolation_level=None)

    file = JournalFile.open(path, no_shared_memory)
    assert file.journal_mode == "delete"
    file.close()
    journal = opened(FileEngine(path, no_shared_memory))
    journal.record([observation(1)])
    assert journal.load("run_1") == (observation(1),)
    assert journal.notice is None


# -- pruning -------------------------------------------------------------------------------------


def test_what_is_older_than_thirty_days_goes(place: Place, opened: Opened) -> None:
    first = opened(place)
    old, new = NOW - timedelta(days=31), NOW - timedelta(days=29)
    first.record(observation(i, seen_at=old) for i in range(5_000))
    first.record([observation(1, seen_at=new)])
    first.keep_summaries(summary())
    first.flush()
    first.close()
    opened(place).flush()
    wait_until(lambda: rows(place) == 1)
    later = opened(place, now=lambda: NOW + timedelta(days=31))
    wait_until(lambda: later.summaries() == ())
    assert rows(place) == 0
    assert not opened.notices


def test_the_oldest_go_when_it_grows_too_large(path: Path, opened: Opened) -> None:
    limit = 400_000
    journal = opened(path, limits=Limits(size_bytes=limit))
    for first in (0, 6_000):
        # Twice: the first round may be pruned for being the first.
        journal.record(observation(i) for i in range(first, first + 6_000))
        journal.flush()
        wait_until(lambda: 0 < rows(path) < 6_000)
    left = journal.load("run_1")
    assert left[-1].rollout_id == "rol_11999"
    assert left[0].seen_at > NOW
    assert len(left) > 500
    assert journal.notice is None


def test_steps_of_rollouts_go_before_all_else(place: Place) -> None:
    store = engine_of(place).open()
    times = [
        StepTimes("run \ud800", f"rol_{day} \ud800", 3, at, at, (2.0, 0.1))
        for day in range(4)
        for at in [NOW - timedelta(days=day, seconds=1)]
    ]
    store.write([Batch(steps=tuple(times))], NOW)
    assert sorted(store.steps("run \ud800"), key=lambda kept: kept.rollout_id) == times
    list(store.prune(Limits(), NOW))
    assert {kept.rollout_id for kept in store.steps("run \ud800")} == {
        *("rol_0 \ud800", "rol_1 \ud800")
    }
    store.write([Batch(forgotten=("run \ud800",))], NOW)
    assert store.steps("run \ud800") == ()
    store.close()
