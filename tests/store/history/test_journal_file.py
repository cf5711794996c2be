"""The journal's file by itself: its mode, its pruning, and what is set aside."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gymtui.store.history.file_engine import set_aside
from gymtui.store.history.journal_file import PRUNE_ROWS, JournalFile, connect
from gymtui.store.history.journal_store import Batch, Limits
from gymtui.store.history.observer import UnchangedPoll
from tests.helpers.journals import NOW, impatient, observation, rows, summary


def test_a_new_file_is_not_set_aside_for_the_old_ones_sake(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    path.write_text("sound")
    assert set_aside(path, path.stat().st_ino + 1, NOW) is None
    assert path.read_text() == "sound"
    assert set_aside(tmp_path / "gone", None, NOW) is None


def test_files_set_aside_never_overwrite_each_other(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    for text in ("one", "two"):
        path.write_text(text)
        path.with_name("journal.sqlite3-wal").write_text(f"{text}, too")
        set_aside(path, None, NOW)
    texts = sorted(p.read_text() for p in tmp_path.iterdir())
    assert texts == ["one", "one, too", "two", "two, too"]


def test_where_wal_works_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    file = JournalFile.open(path)
    assert file.journal_mode == "wal"
    file.close()


def test_pruning_gives_the_space_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    file = JournalFile.open(path)
    file.write([Batch(observations=tuple(observation(i) for i in range(12_000)))], NOW)
    list(file.prune(Limits(), NOW))
    large = path.stat().st_size
    list(file.prune(Limits(size_bytes=400_000), NOW))
    file.close()
    assert path.stat().st_size < 400_000 < large


def test_empty_pages_are_given_back_many_at_a_time(tmp_path: Path) -> None:
    file = JournalFile.open(tmp_path / "journal.sqlite3")
    old = [observation(i, seen_at=NOW - timedelta(days=90)) for i in range(12_000)]
    file.write([Batch(observations=tuple(old))], NOW)
    steps = sum(1 for _ in file.prune(Limits(), NOW))
    file.close()
    assert steps < 12_000 // PRUNE_ROWS + 6


def test_pruning_ends_even_where_the_file_cannot_shrink(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    connection = connect(path)
    connection.execute("PRAGMA auto_vacuum = NONE")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("DROP TABLE t")
    file = JournalFile(connection)
    file.write([Batch(observations=tuple(observation(i) for i in range(3_000)))], NOW)
    steps = sum(1 for _ in file.prune(Limits(age=timedelta(0)), NOW + timedelta(days=1)))
    file.close()
    assert steps < 20


def test_pruning_goes_in_steps_that_let_others_write(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    file = JournalFile.open(path)
    old = [observation(i, seen_at=NOW - timedelta(days=90)) for i in range(20_000)]
    file.write([Batch(observations=tuple(old))], NOW)
    left = [rows(path)]
    for index, _ in enumerate(file.prune(Limits(), NOW)):
        other = JournalFile(impatient(path))
        other.write([Batch(observations=(observation(index, "run_2"),))], NOW)
        other.close()
        left.append(rows(path))
    file.close()
    assert max(before - after for before, after in pairwise(left)) <= 2_000
    assert len(left) > 10
    assert rows(path) == len(left) - 1


@pytest.mark.parametrize(
    ("batch", "waits"),
    [
        (Batch(), True),
        (Batch(looks=(UnchangedPoll("a", NOW, NOW),)), True),
        (Batch(observations=(observation(),)), False),
        (Batch(summaries=(summary(),)), False),
        (Batch(forgotten=("a",)), False),
    ],
)
def test_what_only_tells_that_all_goes_on_can_wait(batch: Batch, waits: bool) -> None:
    assert batch.can_wait is waits
