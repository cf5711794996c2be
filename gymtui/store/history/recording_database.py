"""A team's recording in PostgreSQL: the bytes of its segments, and who records just now.

How the database is reached is `database_engine`; the tables are those of `database_schema`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sys import maxsize

from psycopg import Connection

from gymtui.store.history.database_schema import gym_number
from gymtui.store.history.database_text import from_stored, to_stored
from gymtui.store.history.recording_writer import RecordingLimits

_LENGTHEN = """
UPDATE gymtui.segments SET size = size + %(length)s, written_at = clock_timestamp()
WHERE gym_id = %(gym)s AND name = %(name)s AND size = %(at)s AND NOT gone
RETURNING segment_id
"""
_BEGIN = """
INSERT INTO gymtui.segments (gym_id, name, size, kept)
VALUES (%(gym)s, %(name)s, %(length)s, %(kept)s)
ON CONFLICT DO NOTHING RETURNING segment_id
"""
# As files are deleted: by age, and the oldest until the rest is small enough.
_PRUNE = """
WITH by_age AS (
    SELECT segment_id, written_at,
        sum(size) OVER (ORDER BY written_at DESC, segment_id DESC) AS size_from_here
    FROM gymtui.segments WHERE gym_id = %s AND NOT kept AND NOT gone
), old AS (
    UPDATE gymtui.segments s SET gone = true FROM by_age b WHERE s.segment_id = b.segment_id
        AND (b.written_at < clock_timestamp() - %s OR b.size_from_here > %s)
    RETURNING s.segment_id
)
DELETE FROM gymtui.segment_parts p USING old WHERE p.segment_id = old.segment_id
"""
# A copy may end within a part, where the disk was full.
_PARTS = """
SELECT begins, bytes FROM gymtui.segment_parts
WHERE segment_id = %(segment)s AND begins >= coalesce((
    SELECT max(begins) FROM gymtui.segment_parts
    WHERE segment_id = %(segment)s AND begins <= %(begin)s), 0)
ORDER BY begins
"""


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment in the database."""

    number: int
    name: str  # of its file
    size: int  # bytes
    written_s: float  # when it was last written, UNIX seconds by the database's clock


@dataclass(frozen=True, slots=True)
class RecorderSeen:
    """A recorder that is, or was, at work."""

    name: str  # whose, and on which machine
    ago_s: float  # seconds since it was last seen at work


class RecordingDatabase:
    """A team's recording of one gym, whose methods may all raise `psycopg.Error`."""

    def __init__(self, connection: Connection, gym: str, *, writes: bool) -> None:
        self._connection = connection
        self._name, self._writes, self._number = gym, writes, -1

    @property
    def _gym(self) -> int:
        if self._number < 0:  # who only reads may be there before anybody wrote
            self._number = gym_number(self._connection, self._name, make=self._writes)
        return self._number

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    # -- segments --------------------------------------------------------------------------

    def sizes(self) -> dict[str, int]:
        """How long each segment is, by its name; endless where it is gone for good."""
        rows = self._connection.execute(
            "SELECT name, size, gone FROM gymtui.segments WHERE gym_id = %s", (self._gym,)
        )
        return {name: maxsize if gone else size for name, size, gone in rows}

    def append(self, name: str, at: int, data: bytes, *, kept: bool) -> bool:
        """Make a segment longer that is `at` bytes long; whether it was."""
        values = {"gym": self._gym, "name": name, "at": at, "length": len(data), "kept": kept}
        with self._connection.transaction():
            found = self._connection.execute(_LENGTHEN if at else _BEGIN, values).fetchone()
            if found is not None:
                self._connection.execute(
                    "INSERT INTO gymtui.segment_parts VALUES (%s, %s, %s)", (found[0], at, data)
                )
        return found is not None

    def prune(self, limits: RecordingLimits) -> None:
        """Delete the oldest segments, by age and until the rest is small enough."""
        self._connection.execute(_PRUNE, (self._gym, limits.age, limits.size_bytes))

    def segments(self, newest: int | None) -> list[StoredSegment]:
        """The newest segments that are there; for None all."""
        rows = self._connection.execute(
            "SELECT segment_id, name, size, extract(epoch FROM written_at)::float8"
            " FROM gymtui.segments WHERE gym_id = %s AND NOT gone"
            " ORDER BY written_at DESC, name DESC LIMIT %s",
            (self._gym, newest),
        )
        return [StoredSegment(*row) for row in rows]

    def parts(self, segment: StoredSegment, begin: int) -> Iterator[tuple[int, bytes]]:
        """Where parts of a segment begin, and their bytes: from that on in which `begin` is."""
        values = {"segment": segment.number, "begin": begin}
        yield from self._connection.execute(_PARTS, values)

    def gone(self, names: Iterable[str]) -> list[str]:
        """Which of these segments were too old, or too much."""
        rows = self._connection.execute(
            "SELECT name FROM gymtui.segments WHERE gym_id = %s AND gone AND name = ANY(%s)",
            (self._gym, list(names)),
        )
        return [name for (name,) in rows]

    # -- recorders -------------------------------------------------------------------------

    def note_recorder(self, name: str) -> None:
        """Say that a recorder is at work."""
        self._connection.execute(
            "INSERT INTO gymtui.recorders (gym_id, name) VALUES (%s, %s)"
            " ON CONFLICT (gym_id, name) DO UPDATE SET seen_at = excluded.seen_at",
            (self._gym, to_stored(name)),
        )

    def forget_recorder(self, name: str) -> None:
        """Say that a recorder has ended."""
        self._connection.execute(
            "DELETE FROM gymtui.recorders WHERE gym_id = %s AND name = %s",
            (self._gym, to_stored(name)),
        )

    def recorders(self) -> list[RecorderSeen]:
        """Who records it or did, the last seen first."""
        rows = self._connection.execute(
            "SELECT name, extract(epoch FROM clock_timestamp() - seen_at)::float8"
            " FROM gymtui.recorders WHERE gym_id = %s ORDER BY seen_at DESC",
            (self._gym,),
        )
        return [RecorderSeen(from_stored(name) or "", ago_s) for name, ago_s in rows]
