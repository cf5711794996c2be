"""A journal in a SQLite file: how it is opened, what its errors mean, where a corrupt one goes."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from gymtui.store.history.journal_file import Connect, JournalFile, connect, primary_code
from gymtui.store.history.journal_schema import version_of
from gymtui.store.history.journal_store import ForeignFileError, NewerJournalError, Trouble

LOOK_S = 0.2  # how long a lock is waited for by who only reads

_TEXTS = {
    Trouble.LOCKED: "{path} is locked by another program",
    Trouble.FULL: "the disk of {path} is full",
    Trouble.READ_ONLY: "{path} cannot be written",
    Trouble.CORRUPT: "{path} was corrupt",
    Trouble.NEWER: "{path} was written by a newer gymtui",
    Trouble.UNUSABLE: "{path} cannot be used: {error}",
}

_BY_CODE = {
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_PERM: Trouble.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: Trouble.CORRUPT,
    sqlite3.SQLITE_NOTADB: Trouble.CORRUPT,
}

_BY_ERRNO = {
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.EROFS: Trouble.READ_ONLY,
    errno.EACCES: Trouble.READ_ONLY,
    errno.EPERM: Trouble.READ_ONLY,
}


class ReadFile(JournalFile):
    """A journal opened to be read alone: nothing is made, no mode is chosen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection


class FileEngine:
    """The journal in a SQLite file."""

    errors = (sqlite3.Error, OSError, NewerJournalError, ForeignFileError)

    def __init__(self, path: Path, connect: Connect = connect) -> None:
        self._path = path
        self._connect = connect
        self._inode: int | None = None

    def open(self) -> JournalFile:
        """Open the file, or make it."""

        def connected(path: Path) -> sqlite3.Connection:
            self._inode = path.stat().st_ino
            return self._connect(path)

        return JournalFile.open(self._path, connected)

    def look(self) -> JournalFile:
        """Open the file to read alone."""
        if not self._path.is_file():
            raise ForeignFileError("there is none")
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=LOOK_S)
        try:
            if not version_of(connection):
                raise ForeignFileError("it is empty")
        except BaseException:
            connection.close()
            raise
        return ReadFile(connection)

    def version(self) -> int:
        """The version of the tables in the file."""
        with closing(self.look()) as file:
            return file.version

    def trouble_of(self, error: Exception) -> Trouble:
        """What kind of trouble an error of the file is."""
        if isinstance(error, NewerJournalError):
            return Trouble.NEWER
        if isinstance(error, sqlite3.Error):
            return _BY_CODE.get(primary_code(error) or 0, Trouble.UNUSABLE)
        code = error.errno if isinstance(error, OSError) else None
        return _BY_ERRNO.get(code or 0, Trouble.UNUSABLE)

    def words_of(self, error: Exception) -> str:
        """What an error of the file means."""
        return _TEXTS[self.trouble_of(error)].format(path=self._path, error=error)

    def leave(self, error: Exception, now: datetime) -> tuple[Trouble, str]:
        """Leave it for good; a corrupt one is set aside."""
        trouble, aside = self.trouble_of(error), None
        if trouble is Trouble.CORRUPT:
            try:
                aside = set_aside(self._path, self._inode, now)
            except OSError as refusal:
                return Trouble.UNUSABLE, self.words_of(refusal)
        text = self.words_of(error)
        if trouble is Trouble.CORRUPT:
            name = aside.name if aside else "another file"
            text = f"{text}; set aside as {name}, the next start begins a new one"
        return trouble, text


def set_aside(path: Path, inode: int | None, now: datetime) -> Path | None:
    """Rename a corrupt journal and what belongs to it, so that the next start has a new one.

    Args:
        inode: Of the file that was found corrupt; another dashboard may have been faster, and
            what lies at the path now is sound.
    """
    if not path.exists() or (inode is not None and path.stat().st_ino != inode):
        return None
    stem = f"{path.name}.corrupt-{now:%Y%m%d-%H%M%S}"
    aside, count = path.with_name(stem), 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{stem}-{count}")
    path.rename(aside)
    for suffix in ("-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside
