"""The journal's SQLite file: opening, tables, rows, pruning.

Threads and batches are `journal`; what its errors mean is `file_engine`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gymtui.core.instants import from_micros, micros
from gymtui.store.history.journal_schema import (
    LOOKS_SINCE,
    SCHEMA_VERSION,
    migrate,
    version_of,
)
from gymtui.store.history.journal_store import (
    STEPS_KEPT,
    Batch,
    Limits,
    SavedSummary,
    TeamNews,
    gaps_text,
    steps_in,
    summaries_in,
    summary_text,
)
from gymtui.store.history.observer import (
    StateObservation,
    StepTimes,
    UnchangedPoll,
    extend_observations,
)

BUSY_TIMEOUT_S = 1.0
"""How long SQLite itself waits for a lock; two dashboards hold it for milliseconds."""

PRUNE_ROWS = 2_000  # rows deleted in one transaction, so that nobody else waits long for the lock

VACUUM_PAGES = 1_000  # pages given back to the file system at a time

SHRINK_TO = 0.9  # a file over its limit loses its oldest rows down to this share of it

_ADD_SIGHTING = "INSERT INTO sightings VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

# A run deleted and launched again under its name is another run: its summary replaces a final one.
_KEEP_SUMMARY = """
INSERT INTO summaries (run_id, kept_at, final, created_at, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (run_id) DO UPDATE SET kept_at = excluded.kept_at, final = excluded.final,
    created_at = excluded.created_at, body = excluded.body
WHERE excluded.final >= summaries.final OR excluded.created_at > summaries.created_at
"""

# Of two dashboards on a run, the one that looked last knows best.
_KEEP_LOOK = """
INSERT INTO looks (run_id, seen_from, seen_at) VALUES (?, ?, ?)
ON CONFLICT (run_id) DO UPDATE SET seen_from = excluded.seen_from, seen_at = excluded.seen_at
WHERE excluded.seen_at > looks.seen_at
"""

# The step that was seen last counts; since when, whoever saw it there first knows best.
_KEEP_STEPS = """
INSERT INTO steps (rollout_id, run_id, step, seen_from, seen_at, gaps) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (rollout_id) DO UPDATE SET run_id = excluded.run_id, step = excluded.step,
    seen_from = excluded.seen_from, seen_at = excluded.seen_at, gaps = excluded.gaps
WHERE (excluded.step <> steps.step AND excluded.seen_at > steps.seen_at)
    OR (excluded.step = steps.step AND excluded.seen_at < steps.seen_at)
"""

_BY_AGE = {"sightings": "seen_at", "summaries": "kept_at", "looks": "seen_at", "steps": "seen_at"}

_RECENT_SIGHTINGS = 2_000

_RECENT_RUNS = """
SELECT run_id, kept_at AS at FROM summaries
UNION ALL
SELECT run_id, seen_at FROM (SELECT run_id, seen_at FROM sightings ORDER BY seen_at DESC LIMIT ?)
ORDER BY at DESC
"""

Connect = Callable[[Path], sqlite3.Connection]


def connect(path: Path) -> sqlite3.Connection:
    """Open a database file, with transactions begun by hand."""
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)


class JournalFile:
    """An open journal. Every method may raise `sqlite3.Error`.

    Raises:
        NewerJournalError: A newer version wrote it; nothing was changed.
        ForeignFileError: It holds something else; nothing was changed.
    """

    read_only = False

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        if not version_of(connection):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._choose_journal_mode()
        if version_of(connection) < SCHEMA_VERSION:
            with self._writing():
                migrate(connection)

    @classmethod
    def open(cls, path: Path, connect: Connect = connect) -> JournalFile:
        """Open the journal at a path, or make one that only its owner can read."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = connect(path)
        try:
            return cls(connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def version(self) -> int:
        """The version of its tables."""
        return version_of(self._connection)

    @property
    def journal_mode(self) -> str:
        """`wal`, or `delete` where the file system has no shared memory for it."""
        return str(self._pragma("journal_mode"))

    @property
    def size_bytes(self) -> int:
        """What the rows take up, empty pages left out."""
        pages = int(self._pragma("page_count")) - int(self._pragma("freelist_count"))
        return pages * int(self._pragma("page_size"))

    def write(self, batches: Iterable[Batch], now: datetime) -> None:
        """Write batches in their order, all or nothing."""
        with self._writing() as connection:
            for batch in batches:
                for run_id in batch.forgotten:
                    stored = (_stored(run_id),)
                    for table in _BY_AGE:
                        connection.execute(f"DELETE FROM {table} WHERE run_id = ?", stored)
                connection.executemany(_ADD_SIGHTING, map(_sighting_row, batch.observations))
                connection.executemany(_KEEP_LOOK, map(_look_row, batch.looks))
                connection.executemany(_KEEP_STEPS, map(_steps_row, batch.steps))
                connection.executemany(
                    _KEEP_SUMMARY, (_summary_row(summary, now) for summary in batch.summaries)
                )

    def observations(self, run_id: str) -> tuple[StateObservation, ...]:
        """A run's sightings, by time; with those that the last look at the run adds to them."""
        rows = self._connection.execute(
            "SELECT rollout_id, status, phase, seen_from, seen_at, last_otherwise_at, step"
            " FROM sightings WHERE run_id = ? ORDER BY seen_at, rowid",
            (_stored(run_id),),
        )
        kept = tuple(
            StateObservation(
                rollout_id=_read(rollout_id) or "",
                run_id=run_id,
                status=_read(status),
                phase=_read(phase),
                seen_from=from_micros(seen_from),
                seen_at=from_micros(seen_at),
                last_otherwise_at=None if otherwise is None else from_micros(otherwise),
                step=step,
            )
            for rollout_id, status, phase, seen_from, seen_at, otherwise, step in rows
        )
        look = self._look(run_id)
        return kept if look is None else extend_observations(kept, look)

    def _look(self, run_id: str) -> UnchangedPoll | None:
        if self.version < LOOKS_SINCE:
            return None
        row = self._connection.execute(
            "SELECT seen_from, seen_at FROM looks WHERE run_id = ?", (_stored(run_id),)
        ).fetchone()
        return None if row is None else UnchangedPoll(run_id, *map(from_micros, row))

    def steps(self, run_id: str) -> tuple[StepTimes, ...]:
        """When a run's rollouts took their last steps."""
        rows = self._connection.execute(
            "SELECT rollout_id, step, seen_from, seen_at, gaps FROM steps WHERE run_id = ?",
            (_stored(run_id),),
        )
        return steps_in(run_id, rows, _read)

    def summaries(self) -> tuple[SavedSummary, ...]:
        """All summaries; a row that does not read as one is left out."""
        rows = self._connection.execute("SELECT body FROM summaries ORDER BY kept_at")
        return summaries_in(rows)

    def news(self) -> TeamNews:
        """Nothing: who else writes to a file is nobody's team."""
        return TeamNews()

    def recent_runs(self) -> list[str]:
        """Runs whose names are text, the last kept or seen first."""
        rows = self._connection.execute(_RECENT_RUNS, (_RECENT_SIGHTINGS,))
        return list(dict.fromkeys(run_id for run_id, _ in rows if isinstance(run_id, str)))

    def is_over(self, limits: Limits) -> bool:
        """Whether it is larger than it may be."""
        return self.size_bytes > limits.size_bytes

    def prune(self, limits: Limits, now: datetime) -> Iterator[None]:
        """Delete what is too old or too much in short transactions, and give its space back."""
        for table, column in _BY_AGE.items():
            age = min(limits.age, STEPS_KEPT) if table == "steps" else limits.age
            while self._delete_oldest(table, column, micros(now - age)):
                yield
        if self.is_over(limits):
            for table, column in _BY_AGE.items():
                while self.size_bytes > SHRINK_TO * limits.size_bytes and self._delete_oldest(
                    table, column, None
                ):
                    yield
        empty, before = self._pragma("freelist_count"), -1
        while empty not in (0, before):
            # `execute` takes its first step alone, which frees one page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
            empty, before = self._pragma("freelist_count"), empty
            yield
        # The file itself shrinks when its log is folded in; this waits for nobody.
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _delete_oldest(self, table: str, column: str, before: int | None) -> bool:
        with self._writing() as connection:
            cursor = connection.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table}"
                f" WHERE ? IS NULL OR {column} < ? ORDER BY {column} LIMIT {PRUNE_ROWS})",
                (before, before),
            )
            return cursor.rowcount > 0

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that has the write lock from its start, so that it cannot fail half-way."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            # A full disk has rolled back already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _choose_journal_mode(self) -> None:
        """WAL, so that readers and a writer do not wait for each other; else a rollback journal.

        WAL wants memory shared between processes, which network file systems do not have: there
        SQLite keeps the old mode, or fails, as the first access to that memory does.
        """
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._pragma("schema_version")
        except sqlite3.OperationalError as error:
            if primary_code(error) not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
                raise
        if self.journal_mode != "wal":
            self._connection.execute("PRAGMA journal_mode = DELETE")
        # A kill loses nothing that was committed; a power cut may, and that is cheap here.
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def _pragma(self, name: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return value  # type: ignore[no-any-return]


def primary_code(error: sqlite3.Error) -> int | None:
    """SQLite's result code without its extension; None for an error of the module's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _sighting_row(observation: StateObservation) -> tuple[object, ...]:
    return (
        _stored(observation.run_id),
        _stored(observation.rollout_id),
        _stored(observation.status),
        _stored(observation.phase),
        micros(observation.seen_from),
        micros(observation.seen_at),
        micros(observation.last_otherwise_at),
        observation.step,
    )


def _look_row(look: UnchangedPoll) -> tuple[object, ...]:
    return (_stored(look.run_id), micros(look.seen_from), micros(look.seen_at))


def _steps_row(times: StepTimes) -> tuple[object, ...]:
    return (
        *(_stored(times.rollout_id), _stored(times.run_id), times.step),
        *(micros(times.seen_from), micros(times.seen_at)),
        gaps_text(times),
    )


def _summary_row(summary: SavedSummary, now: datetime) -> tuple[object, ...]:
    return (
        _stored(summary.run_id),
        micros(now),
        summary.final,
        micros(summary.created_at),
        summary_text(summary),
    )


def _stored(text: str | None) -> str | bytes | None:
    """Text as SQLite takes it: a lone surrogate, which JSON can carry, makes it bytes."""
    if text is None or text.isascii():
        return text
    encoded = text.encode("utf-8", "surrogatepass")
    return text if encoded.decode("utf-8", "ignore") == text else encoded


def _read(stored: str | bytes | None) -> str | None:
    return stored.decode("utf-8", "surrogatepass") if isinstance(stored, bytes) else stored
