"""The SQLite file of an archive: opening it, room in it, and what goes when there is none.

What is kept in it, and what it is asked, is `archive`.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from gymtui.session.archive_key import ArchiveKey
from gymtui.session.trigrams import index_text
from gymtui.transcript.packed_passages import texts_in

log = logging.getLogger(__name__)

T = TypeVar("T")

SHRINK_TO = 0.9
"""An archive over its limit loses what was used least recently down to this share of it."""
BUSY_S = 5.0
USED_S = 60.0  # use is noted no more often than this
_SCHEMA_VERSION = 2
_PAGES = 500  # pages of the index that are rewritten in one transaction
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SCHEMA = (
    """CREATE TABLE transcripts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, gym TEXT NOT NULL, rollout_id TEXT NOT NULL,
        redacted INTEGER NOT NULL, version TEXT NOT NULL, used_at REAL NOT NULL,
        size INTEGER NOT NULL, reading TEXT,
        UNIQUE (gym, rollout_id, redacted))""",
    "CREATE INDEX by_use ON transcripts (used_at)",
    "CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    # Its number is that of the first passage in it.
    "CREATE TABLE texts (number INTEGER PRIMARY KEY, text BLOB NOT NULL)",
)
_TRIGRAM_TABLE = (
    "CREATE VIRTUAL TABLE trigrams USING fts5(text, content='', detail='none', tokenize='trigram')"
)
NUMBERS = 24  # bits of a passage's number in its row of the index


class ArchiveFile:
    """A file of transcripts, one connection for all threads; without a path all is in memory."""

    def __init__(self, path: Path | None, limit_bytes: int, now: Callable[[], float]) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._now = now
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self.has_trigrams = True  # whether this SQLite has an index of trigrams

    def use(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do something with it; whatever is wrong with the file, there is an answer."""
        with self._lock:
            try:
                if self._open is None:
                    self._open = self._connected()
                return act(self._open)
            except (sqlite3.Error, OSError, zlib.error, msgspec.MsgspecError) as error:
                log.warning("transcripts on disk: %s", error)
                self._close()
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN:
                    self._begin_anew()
                return otherwise

    def _connected(self) -> sqlite3.Connection:
        where = ":memory:" if self._path is None else str(self._path)
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives the files beside it the same mode.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(where, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA journal_size_limit = {16 * 1024 * 1024}")
            with writing(db):
                (version,) = db.execute("PRAGMA user_version").fetchone()
                if version != _SCHEMA_VERSION:
                    self._lay_out(db)
            self.has_trigrams = _has_trigrams(db)
        except BaseException:
            db.close()
            raise
        return db

    def _lay_out(self, db: sqlite3.Connection) -> None:
        for table in ("trigrams", "transcripts", "bodies", "texts"):
            db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _SCHEMA:
            db.execute(statement)
        with suppress(sqlite3.OperationalError):  # an SQLite without: all texts are looked at
            db.execute(_TRIGRAM_TABLE)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.close()
            self._open = None

    def _begin_anew(self) -> None:
        """Remove a file that is none of SQLite's any more, so that the next use makes another."""
        if self._path is not None:
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self._path.with_name(self._path.name + suffix).unlink()

    def ids(
        self, db: sqlite3.Connection, key: ArchiveKey, *, version: str | None = None
    ) -> list[int]:
        """Where artifacts of a rollout are, of any version or of one."""
        rows = db.execute(
            "SELECT id FROM transcripts WHERE gym = ? AND rollout_id = ? AND redacted = ?"
            " AND version = coalesce(?, version)",
            (key.gym, key.rollout_id, key.redacted, version),
        )
        return [place for (place,) in rows]

    def note_use(self, db: sqlite3.Connection, places: Sequence[int]) -> None:
        if not places:
            return
        now = self._now()
        # Where another dashboard writes for long, it is no matter.
        with suppress(sqlite3.OperationalError), writing(db):
            db.executemany(
                "UPDATE transcripts SET used_at = ? WHERE id = ?",
                ((now, place) for place in places),
            )

    def make_room(self, db: sqlite3.Connection, size: int, spare: int = -1) -> bool:
        """Drop what was used least recently until there is room for so many bytes, if there can be.

        In transactions of its own; what is spared stays.
        """
        if size > self._limit_bytes * SHRINK_TO:
            return False
        if self._has_room(db, size):
            return True
        (total,) = db.execute("SELECT coalesce(sum(size), 0) FROM transcripts").fetchone()
        rows = db.execute("SELECT id, size FROM transcripts ORDER BY used_at, id").fetchall()
        is_room = False
        for place, its_size in rows:
            is_room = total + size <= self._limit_bytes * SHRINK_TO and self._merged(db, size)
            if is_room:
                break
            if place != spare:
                with writing(db):
                    self.drop(db, [place])
                total -= its_size
        is_room = is_room or self._merged(db, size)
        return is_room

    def _has_room(self, db: sqlite3.Connection, size: int) -> bool:
        """Whether there is room in the file, given back what is free in it."""
        if file_bytes(db) + size > self._limit_bytes:
            db.executescript("PRAGMA incremental_vacuum")  # `execute` would give back one page
        return file_bytes(db) + size <= self._limit_bytes

    def _merged(self, db: sqlite3.Connection, size: int) -> bool:
        """Have the index give back what was dropped from it; whether there is room then."""
        while self.has_trigrams and not self._has_room(db, size):
            before = db.total_changes
            with writing(db):
                db.execute("INSERT INTO trigrams (trigrams, rank) VALUES ('merge', ?)", (-_PAGES,))
            if db.total_changes - before < 2:  # which says that it is through
                break
        return self._has_room(db, size)

    def drop(self, db: sqlite3.Connection, places: Iterable[int]) -> None:
        """Drop transcripts, in the transaction that is under way."""
        for place in places:
            self.drop_text(db, place)
            db.execute("DELETE FROM bodies WHERE id = ?", (place,))
            db.execute("DELETE FROM transcripts WHERE id = ?", (place,))

    def drop_text(self, db: sqlite3.Connection, place: int) -> None:
        """Drop what can be searched in a transcript, likewise."""
        if self.has_trigrams:
            # An index without its text is told what goes.
            for number, pack in packs_at(db, place):
                db.executemany(
                    "INSERT INTO trigrams (trigrams, rowid, text) VALUES ('delete', ?, ?)",
                    rows_of(number, texts_in(pack)),
                )
        db.execute(
            "DELETE FROM texts WHERE number >= ? AND number < ?",
            (place << NUMBERS, (place + 1) << NUMBERS),
        )


def packs_at(db: sqlite3.Connection, place: int) -> list[tuple[int, bytes]]:
    """A transcript's passages as they are packed, each pack with its number."""
    return db.execute(
        "SELECT number, text FROM texts WHERE number >= ? AND number < ? ORDER BY number",
        (place << NUMBERS, (place + 1) << NUMBERS),
    ).fetchall()


def rows_of(first: int, texts: Iterable[str]) -> Iterator[tuple[int, str]]:
    for number, text in enumerate(texts, first):
        yield number, index_text(text)


def file_bytes(db: sqlite3.Connection) -> int:
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    return int(pages * size)


def _has_trigrams(db: sqlite3.Connection) -> bool:
    try:
        db.execute("SELECT rowid FROM trigrams WHERE trigrams MATCH '\"abc\"' LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        return False
    return True


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, one dashboard at a time."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
