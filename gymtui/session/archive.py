"""Transcripts on disk: artifacts as received, compressed, and an index of what stands in them.

One SQLite file for all gyms, in the cache directory: what is in it, a gym can give again, so
whatever is wrong with it costs a download and nothing else. Every method may be called from any
thread, and none raises for the sake of the file. Which transcripts are searched is
`session.transcript_search`.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from gymtui import __version__
from gymtui.api.listing import without_secrets
from gymtui.session.archive_key import ArchiveKey
from gymtui.session.trigrams import indexed, trigram_query
from gymtui.transcript.blocks import BlockKind
from gymtui.transcript.hits import SpokenPassage
from gymtui.transcript.search import Passage, Query

log = logging.getLogger(__name__)

T = TypeVar("T")

IN_MEMORY_BYTES = 32 * 1024 * 1024
"""What an archive holds that has no file."""
SHRINK_TO = 0.9
"""An archive over its limit loses what was used least recently down to this share of it."""
BUSY_S = 5.0
_USED_S = 60.0
"""Use is noted no more often than this."""
_LEVEL = 3
_SCHEMA_VERSION = 2
_READING = __version__
"""What texts were read by: another version may read other turns into the same artifacts."""
_PAGES = 500
"""Pages of the index that are rewritten in one transaction."""
_CHUNK = 16
"""Passages that are packed together: a few of a transcript are read without the rest."""
_NUMBERS = 24
"""Bits of a passage's number in its row of the index."""
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
_Written = list[tuple[int, int, str, tuple[int, ...], str, str, bool]]
_decoder = msgspec.msgpack.Decoder(_Written)


@dataclass(frozen=True, slots=True)
class Known:
    """What an archive knows of some transcripts.

    Attributes:
        passages: By the key of each transcript that is indexed, the passages that can hold what
            is looked for; None for all of them.
        kept: Those whose artifacts are here, indexed or not.
    """

    passages: Mapping[ArchiveKey, Sequence[int] | None] = field(default_factory=dict)
    kept: frozenset[ArchiveKey] = frozenset()


class Archive:
    """Transcripts that were read before.

    Args:
        path: The file, made where it is missing; None keeps them in memory.
        limit_bytes: What it may hold, index included.
        now: UNIX seconds.
    """

    def __init__(
        self,
        path: Path | None,
        limit_bytes: int = IN_MEMORY_BYTES,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._secrets: set[bytes] = set()
        self._now = now
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._has_trigrams = True

    def keep_out(self, secret: str) -> None:
        """Never keep what holds this text."""
        if secret:
            self._secrets.add(secret.encode("utf-8", "replace"))

    def body(self, key: ArchiveKey) -> bytes | None:
        """A rollout's artifacts as they were received, if they are here."""

        def read(db: sqlite3.Connection) -> bytes | None:
            found = db.execute(
                "SELECT id, body, used_at FROM transcripts JOIN bodies USING (id)"
                " WHERE gym = ? AND rollout_id = ? AND redacted = ? AND version = ?",
                (key.gym, key.rollout_id, key.redacted, key.version),
            ).fetchone()
            if found is None:
                return None
            if found[2] < self._now() - _USED_S:
                self._used(db, [found[0]])
            return zlib.decompress(found[1])

        return self._with(read, None)

    def keep(self, key: ArchiveKey, body: bytes) -> bool:
        """Keep a rollout's artifacts, in the place of others of its id.

        Returns:
            Whether they are here now.
        """
        body = without_secrets(body)
        if not body or any(secret in body for secret in self._secrets):
            return False
        packed = zlib.compress(body, _LEVEL)

        def write(db: sqlite3.Connection) -> bool:
            if not self._make_room(db, len(packed)):
                return False
            with _writing(db):
                self._drop(db, self._ids(db, key))
                row = db.execute(
                    "INSERT INTO transcripts (gym, rollout_id, redacted, version, used_at, size)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        *(key.gym, key.rollout_id, key.redacted, key.version),
                        *(self._now(), len(packed)),
                    ),
                )
                db.execute("INSERT INTO bodies VALUES (?, ?)", (row.lastrowid, packed))
            return True

        return self._with(write, False)

    def index(self, key: ArchiveKey, passages: Iterable[SpokenPassage]) -> bool:
        """Keep what can be searched in a rollout's artifacts, which are here.

        Returns:
            Whether it is here now.
        """
        written: _Written = [
            (p.turn, p.block, p.text, p.starts, str(spoken.kind), spoken.tool, spoken.error)
            for spoken in passages
            for p in (spoken.passage,)
        ]
        packed = [
            (at, zlib.compress(msgspec.msgpack.encode(written[at : at + _CHUNK]), _LEVEL))
            for at in range(0, len(written), _CHUNK)
        ]
        held = sum(len(chunk) for _, chunk in packed)
        # Of text, the index takes about half.
        size = held + sum(len(entry[2]) for entry in written) // 2

        def write(db: sqlite3.Connection) -> bool:
            ids = self._ids(db, key, version=key.version)
            if not ids or not self._make_room(db, size, spare=ids[0]):
                return False
            (place,) = ids
            before = _file_bytes(db)
            with _writing(db):
                if self._ids(db, key, version=key.version) != ids:
                    return False  # another dashboard dropped it meanwhile
                self._drop_text(db, place)
                db.executemany(
                    "INSERT INTO texts VALUES (?, ?)",
                    ((place << _NUMBERS | at, chunk) for at, chunk in packed),
                )
                if self._has_trigrams:
                    db.executemany(
                        "INSERT INTO trigrams (rowid, text) VALUES (?, ?)",
                        _rows(place << _NUMBERS, written),
                    )
                db.execute("UPDATE transcripts SET reading = ? WHERE id = ?", (_READING, place))
            # Only now it is known what the index took.
            grown = max(_file_bytes(db) - before, held)
            with _writing(db):
                db.execute("UPDATE transcripts SET size = size + ? WHERE id = ?", (grown, place))
            return self._make_room(db, 0, spare=place)

        return self._with(write, False)

    def known(self, keys: Sequence[ArchiveKey], query: Query) -> Known:
        """See which of some transcripts are here, and where in them a phrase can be."""
        wanted = trigram_query(query) if self._has_trigrams else None

        def read(db: sqlite3.Connection) -> Known:
            places: dict[int, ArchiveKey] = {}
            kept: set[ArchiveKey] = set()
            unused: list[int] = []
            by_name = {(key.gym, key.rollout_id, int(key.redacted)): key for key in keys}
            for gym in {key.gym for key in keys}:
                rows = db.execute(
                    "SELECT id, rollout_id, redacted, version, reading, used_at FROM transcripts"
                    " WHERE gym = ?",
                    (gym,),
                )
                for place, rollout_id, redacted, version, reading, used_at in rows:
                    key = by_name.get((gym, rollout_id, redacted))
                    if key is None or key.version != version:
                        continue
                    kept.add(key)
                    if reading == _READING:
                        places[place] = key
                        if used_at < self._now() - _USED_S:
                            unused.append(place)
            self._used(db, unused)
            if wanted is None or not self._has_trigrams:
                return Known(dict.fromkeys(places.values()), frozenset(kept))
            found: dict[ArchiveKey, list[int]] = {key: [] for key in places.values()}
            if places:
                first, last = min(places) << _NUMBERS, (max(places) + 1) << _NUMBERS
                rows = db.execute(
                    "SELECT rowid FROM trigrams"
                    " WHERE trigrams MATCH ? AND rowid >= ? AND rowid < ?",
                    (wanted, first, last),
                )
                for (row,) in rows:
                    place = row >> _NUMBERS
                    if place in places:
                        found[places[place]].append(row & ((1 << _NUMBERS) - 1))
            return Known(found, frozenset(kept))

        return self._with(read, Known())

    def passages(
        self, key: ArchiveKey, numbers: Sequence[int] | None
    ) -> Sequence[SpokenPassage] | None:
        """Some of an indexed transcript's passages; None if they are here no more.

        Args:
            numbers: Which; None for all.
        """
        wanted = (
            None if numbers is None else sorted({number - number % _CHUNK for number in numbers})
        )

        def read(db: sqlite3.Connection) -> list[tuple[int, bytes]] | None:
            found = db.execute(
                "SELECT id FROM transcripts WHERE gym = ? AND rollout_id = ? AND redacted = ?"
                " AND version = ? AND reading = ?",
                (key.gym, key.rollout_id, key.redacted, key.version, _READING),
            ).fetchone()
            if found is None:
                return None
            first = found[0] << _NUMBERS
            if wanted is None:
                chunks = _chunks(db, found[0])
            else:
                one = "SELECT number, text FROM texts WHERE number = ?"
                chunks = [row for at in wanted for row in db.execute(one, (first | at,))]
            return [(number - first, chunk) for number, chunk in chunks]

        chunks = self._with(read, None)
        if chunks is None:
            return None
        chosen = None if numbers is None else frozenset(numbers)
        return [
            SpokenPassage(Passage(turn, block, text, starts), BlockKind(kind), tool, error)
            for first, chunk in chunks
            for at, (turn, block, text, starts, kind, tool, error) in enumerate(
                _decoder.decode(zlib.decompress(chunk)), first
            )
            if chosen is None or at in chosen
        ]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._close()

    # -- the file --------------------------------------------------------------------------

    def _with(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
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
            with _writing(db):
                (version,) = db.execute("PRAGMA user_version").fetchone()
                if version != _SCHEMA_VERSION:
                    self._lay_out(db)
            self._has_trigrams = _has_trigrams(db)
        except BaseException:
            db.close()
            raise
        return db

    def _lay_out(self, db: sqlite3.Connection) -> None:
        """Make the tables, in the place of those of another version."""
        for table in ("trigrams", "transcripts", "bodies", "texts"):
            db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _SCHEMA:
            db.execute(statement)
        with suppress(sqlite3.OperationalError):  # an SQLite without: all texts are looked at
            db.execute(_TRIGRAM_TABLE)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

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

    # -- rows ------------------------------------------------------------------------------

    def _ids(
        self, db: sqlite3.Connection, key: ArchiveKey, *, version: str | None = None
    ) -> list[int]:
        """Where artifacts of a rollout are, of any version or of one."""
        rows = db.execute(
            "SELECT id FROM transcripts WHERE gym = ? AND rollout_id = ? AND redacted = ?"
            " AND version = coalesce(?, version)",
            (key.gym, key.rollout_id, key.redacted, version),
        )
        return [place for (place,) in rows]

    def _used(self, db: sqlite3.Connection, places: Sequence[int]) -> None:
        if not places:
            return
        now = self._now()
        # Where another dashboard writes for long, it is no matter.
        with suppress(sqlite3.OperationalError), _writing(db):
            db.executemany(
                "UPDATE transcripts SET used_at = ? WHERE id = ?",
                ((now, place) for place in places),
            )

    def _make_room(self, db: sqlite3.Connection, size: int, spare: int = -1) -> bool:
        """Drop what was used least recently until there is room, in transactions of its own.

        Args:
            size: For so many bytes.
            spare: Whose place stays.

        Returns:
            Whether there is.
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
                with _writing(db):
                    self._drop(db, [place])
                total -= its_size
        is_room = is_room or self._merged(db, size)
        return is_room

    def _has_room(self, db: sqlite3.Connection, size: int) -> bool:
        """Whether there is room in the file, given back what is free in it."""
        if _file_bytes(db) + size > self._limit_bytes:
            db.executescript("PRAGMA incremental_vacuum")  # `execute` would give back one page
        return _file_bytes(db) + size <= self._limit_bytes

    def _merged(self, db: sqlite3.Connection, size: int) -> bool:
        """Have the index give back what was dropped from it; whether there is room then."""
        while self._has_trigrams and not self._has_room(db, size):
            before = db.total_changes
            with _writing(db):
                db.execute("INSERT INTO trigrams (trigrams, rank) VALUES ('merge', ?)", (-_PAGES,))
            if db.total_changes - before < 2:  # which says that it is through
                break
        return self._has_room(db, size)

    def _drop(self, db: sqlite3.Connection, places: Iterable[int]) -> None:
        for place in places:
            self._drop_text(db, place)
            db.execute("DELETE FROM bodies WHERE id = ?", (place,))
            db.execute("DELETE FROM transcripts WHERE id = ?", (place,))

    def _drop_text(self, db: sqlite3.Connection, place: int) -> None:
        if self._has_trigrams:
            # An index without its text is told what goes.
            for number, chunk in _chunks(db, place):
                written = _decoder.decode(zlib.decompress(chunk))
                db.executemany(
                    "INSERT INTO trigrams (trigrams, rowid, text) VALUES ('delete', ?, ?)",
                    _rows(number, written),
                )
        db.execute(
            "DELETE FROM texts WHERE number >= ? AND number < ?",
            (place << _NUMBERS, (place + 1) << _NUMBERS),
        )


def _chunks(db: sqlite3.Connection, place: int) -> list[tuple[int, bytes]]:
    return db.execute(
        "SELECT number, text FROM texts WHERE number >= ? AND number < ? ORDER BY number",
        (place << _NUMBERS, (place + 1) << _NUMBERS),
    ).fetchall()


def _rows(first: int, written: _Written) -> Iterator[tuple[int, str]]:
    for number, entry in enumerate(written, first):
        yield number, indexed(entry[2])


def _file_bytes(db: sqlite3.Connection) -> int:
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
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, one dashboard at a time."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
