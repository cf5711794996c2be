"""The gym's SQLite file: opening it for this process alone, its schema, its transactions.

What is read and written in it is `gym.engine.database`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from gymtui.gym.engine.records import SCHEMA, VERSION, DatabaseInUseError, DatabaseRefusedError


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
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
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
                for statement in SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")
            elif version != VERSION:
                raise DatabaseRefusedError(
                    f"the database {path} is of version {version}, this gym writes {VERSION}"
                )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._connection.close()

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
