"""The gym's memory in a SQLite file: opening it for this process alone, its tables, transactions.

What is read and written in it is `gym.engine.database`.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gymtui.gym.engine.database import Connection, Database
from gymtui.gym.engine.records import (
    STEPS,
    VERSION,
    DatabaseInUseError,
    DatabaseRefusedError,
    RunNameTakenError,
    StorageError,
)

MEMORY = Path(":memory:")
RESERVE_BYTES = 1 << 20
"""Of disk that is given up when it is full, so that what failed for it can still be written."""


class _Connection(sqlite3.Connection):
    """A connection that fails with an error of its own: tools in workspaces use SQLite too."""

    def execute(self, *args: Any) -> sqlite3.Cursor:
        try:
            return super().execute(*args)
        except sqlite3.OperationalError as error:
            raise StorageError(str(error)) from error

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        try:
            return super().executemany(*args)
        except sqlite3.OperationalError as error:
            raise StorageError(str(error)) from error


class DatabaseFile(Database):
    """One open database file; not shared between threads or processes."""

    _connection: Connection

    def __init__(self, path: Path) -> None:
        """Open or create the file at `path`.

        Raises:
            DatabaseInUseError: Another gym has it open.
            DatabaseRefusedError: The file cannot be opened, or is not one of ours.
        """
        self.last_written = _last_written(path)
        try:
            self._file = sqlite3.connect(
                path, isolation_level=None, timeout=1.0, factory=_Connection
            )
        except sqlite3.Error as error:
            raise DatabaseRefusedError(f"cannot open the database {path}: {error}") from error
        self._file.row_factory = sqlite3.Row
        self._connection = self._file
        try:
            self._prepare(path)
        except (StorageError, sqlite3.DatabaseError) as error:
            self._file.close()
            if "locked" in str(error):
                words = f"cannot use the database {path}: in use by another gym"
                raise DatabaseInUseError(words) from error
            raise DatabaseRefusedError(f"cannot use the database {path}: {error}") from error
        except DatabaseRefusedError:
            self._file.close()
            raise
        self._reserve = None if path == MEMORY else path.with_name(f"{path.name}-reserve")
        with suppress(StorageError):
            self.keep_reserve()

    def keep_reserve(self) -> None:
        """Keep some of the disk in reserve.

        Raises:
            StorageError: There is no room for it.
        """
        if self._reserve is None or self._reserve.exists():
            return
        try:
            self._reserve.write_bytes(os.urandom(RESERVE_BYTES))
        except OSError:
            self.make_room()
            raise StorageError("database or disk is full") from None

    def make_room(self) -> None:
        if self._reserve is not None:
            self._reserve.unlink(missing_ok=True)

    def _prepare(self, path: Path) -> None:
        # Two gyms on one file would each declare the other's rollouts cut off, so the lock is
        # kept for the connection's lifetime; it also spares WAL its shared memory file.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        with self._transaction():
            version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            if version > VERSION:
                raise DatabaseRefusedError(
                    f"the database {path} is of version {version}, this gym writes {VERSION}"
                )
            for step in STEPS[version:]:
                for statement in step.split(";"):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # A full disk has ended it already.
            if self._file.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._file.close()
        self.make_room()

    # -- what the demo asks --------------------------------------------------------------------

    def count_from(self, number: int) -> None:
        """Have the next run of a new file be of the number after this one."""
        self._connection.execute("INSERT INTO sqlite_sequence VALUES ('runs', ?)", (number,))

    def take_in(self, other: "DatabaseFile") -> None:
        """Write everything that another file holds into this one, all or nothing.

        Raises:
            RunNameTakenError: A run of one of its ids exists.
        """
        with self._transaction():
            for table in ("runs", "rollouts", "artifacts"):
                rows = other._connection.execute(f"SELECT * FROM {table} ORDER BY rowid")
                for row in rows:
                    # Numbers are each file's own.
                    names = [name for name in row.keys() if name != "number"]  # noqa: SIM118  (a row is its values)
                    places = ",".join("?" * len(names))
                    columns = ",".join(names)
                    try:
                        self._connection.execute(
                            f"INSERT INTO {table} ({columns}) VALUES ({places})",
                            [row[name] for name in names],
                        )
                    except sqlite3.IntegrityError as error:
                        raise RunNameTakenError(row["run_id"]) from error

    @property
    def runs_ever(self) -> int:
        """How many runs this file has ever seen, deleted ones included."""
        seen = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'runs'")
        row = seen.fetchone()
        return 0 if row is None else int(row[0])


def _last_written(path: Path) -> datetime | None:
    """When a database was written last: after a kill its log is newer than the file itself."""
    seen_s = []
    for name in (path, path.with_name(f"{path.name}-wal")):
        with suppress(OSError):
            seen_s.append(name.stat().st_mtime)
    return datetime.fromtimestamp(max(seen_s), UTC) if seen_s else None
