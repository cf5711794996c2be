"""A journal in a SQLite file: how it is opened, what its errors mean, where a corrupt one goes."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from gymtui.store.history.journal_file import Connect, JournalFile, connect, primary_code
from gymtui.store.history.journal_store import ForeignFileError, NewerJournalError, Trouble

_TEXTS = {
    Trouble.LOCKED: "{path} is locked by another program",
    Trouble.FULL: "the disk of {path} is full",
    Trouble.READ_ONLY: "{path} cannot be written",
    Trouble.CORRUPT: "{path} was corrupt; set aside as {aside}, the next start begins a new one",
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


class FileEngine:
    """The journal in a SQLite file.

    Args:
        path: Of the file; folders on the way are made.
    """

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

    def trouble_of(self, error: Exception) -> Trouble:
        """What kind of trouble an error of the file is."""
        if isinstance(error, NewerJournalError):
            return Trouble.NEWER
        if isinstance(error, sqlite3.Error):
            return _BY_CODE.get(primary_code(error) or 0, Trouble.UNUSABLE)
        code = error.errno if isinstance(error, OSError) else None
        return _BY_ERRNO.get(code or 0, Trouble.UNUSABLE)

    def give_up(self, error: Exception, now: datetime) -> tuple[Trouble, str]:
        """Leave it for good; a corrupt one is set aside."""
        trouble, aside = self.trouble_of(error), None
        if trouble is Trouble.CORRUPT:
            try:
                aside = set_aside(self._path, self._inode, now)
            except OSError as refusal:
                trouble, error = Trouble.UNUSABLE, refusal
        return trouble, _TEXTS[trouble].format(
            path=self._path, aside=aside.name if aside else "another file", error=error
        )


def set_aside(path: Path, inode: int | None, now: datetime) -> Path | None:
    """Rename a corrupt journal and what belongs to it, so that the next start has a new one.

    Args:
        inode: Of the file that was found corrupt; another dashboard may have been faster, and
            what lies at the path now is sound.

    Returns:
        The new name; None if there is nothing to rename.

    Raises:
        OSError: It cannot be renamed.
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
