"""The gym's SQLite file: opening it for this process alone, its schema, its transactions.

What is read and written in it is `gym.engine.database`.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from gymtui.gym.engine.records import (
    PROGRESS,
    SCHEMA,
    VERSION,
    DatabaseInUseError,
    DatabaseRefusedError,
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


class DatabaseFile:
    """One open database file; not shared between threads or processes."""

    def __init__(self, path: Path) -> None:
        """Open or create the file at `path`.

        Raises:
            DatabaseInUseError: Another gym has it open.
            DatabaseRefusedError: The file cannot be opened, or is not one of ours.
        """
        self.last_written = _last_written(path)
        """When an earlier gym wrote it last, by the machine's clock; None for a new file."""
        try:
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=1.0, factory=_Connection
            )
        except sqlite3.Error as error:
            raise DatabaseRefusedError(f"cannot open the database {path}: {error}") from error
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare(path)
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" in str(error):
                words = f"cannot use the database {path}: in use by another gym"
                raise DatabaseInUseError(words) from error
            raise DatabaseRefusedError(f"cannot use the database {path}: {error}") from error
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise DatabaseRefusedError(f"cannot use the database {path}: {error}") from error
        except DatabaseRefusedError:
            self._connection.close()
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
        """Give up what was kept in reserve on the disk."""
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
            if version == 0:
                self._make(SCHEMA, PROGRESS)
            elif version == 1:
                self._make(PROGRESS)
            elif version != VERSION:
                raise DatabaseRefusedError(
                    f"the database {path} is of version {version}, this gym writes {VERSION}"
                )

    def _make(self, *schemas: str) -> None:
        for schema in schemas:
            for statement in schema.split(";"):
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # A full disk has ended it already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._connection.close()
        self.make_room()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _last_written(path: Path) -> datetime | None:
    """When a database was written last: after a kill its log is newer than the file itself."""
    seen_s = []
    for name in (path, path.with_name(f"{path.name}-wal")):
        with suppress(OSError):
            seen_s.append(name.stat().st_mtime)
    return datetime.fromtimestamp(max(seen_s), UTC) if seen_s else None
