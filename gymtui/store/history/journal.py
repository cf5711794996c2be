"""What was observed, kept on disk: one SQLite file a gym, written by a thread of its own.

The dashboard never waits for it and never fails with it. The file itself is `journal_file`.
"""

from __future__ import annotations

import errno
import hashlib
import queue
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from gymtui.store.history.journal_file import (
    Batch,
    Connect,
    ForeignFileError,
    JournalFile,
    Limits,
    NewerJournalError,
    SavedSummary,
    connect,
    primary_code,
)
from gymtui.store.history.observer import StateObservation, UnchangedPoll

__all__ = ["Journal", "Limits", "Notice", "SavedSummary", "Trouble", "file_name"]

FLUSH_AFTER_S = 0.5
"""A batch is written when its first row is this old, so that a kill loses less than two seconds."""

LOOKS_AFTER_S = 1.5
"""The same where all that came in is that nothing changed."""

PATIENCE_S = 10.0
"""How long somebody else may hold the file locked before the journal is given up."""

RETRY_S = 0.05
PRUNE_EVERY_S = 3_600.0
LOAD_TIMEOUT_S = 15.0

Answer = TypeVar("Answer")


class Trouble(StrEnum):
    """Why there is no journal."""

    LOCKED = "locked"
    FULL = "full"
    READ_ONLY = "read-only"
    CORRUPT = "corrupt"
    NEWER = "newer"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell the person, once.

    Attributes:
        text: What it means and where the file lies.
    """

    trouble: Trouble
    text: str


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


class _Question(Generic[Answer]):
    """Something to be read between batches, and where the answer goes."""

    def __init__(self, read: Callable[[JournalFile], Answer], without: Answer) -> None:
        self.read = read
        self.without = without
        self.future: Future[Answer] = Future()


def file_name(base_url: str) -> str:
    """The name of the journal's file for a gym: readable, and another for every base URL."""
    url = base_url.rstrip("/")
    host = re.sub(r"[^a-z0-9]+", "-", url.partition("://")[2].lower()).strip("-")[:40]
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"journal-{host or 'gym'}-{digest}.sqlite3"


class Journal:
    """The journal of one gym. Its methods may be called from any thread.

    Nothing here raises for what happens to the file. In trouble there is one notice, and from
    then on what is recorded goes nowhere and what is loaded is empty.
    """

    def __init__(
        self,
        path: Path,
        *,
        limits: Limits,
        now: Callable[[], datetime],
        on_notice: Callable[[Notice], None],
        connect: Connect,
        patience_s: float,
    ) -> None:
        self._path = path
        self._limits = limits
        self._now = now
        self._on_notice = on_notice
        self._connect = connect
        self._patience_s = patience_s
        self._notice: Notice | None = None
        self._inode: int | None = None
        self._inbox: queue.SimpleQueue[Batch | _Question[Any] | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._open = True
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="gymtui-journal", daemon=True)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_notice: Callable[[Notice], None] = lambda _notice: None,
        connect: Connect = connect,
        patience_s: float = PATIENCE_S,
    ) -> Journal:
        """Start a journal; returns at once, the file is opened on the journal's thread.

        Args:
            path: Of its file, by `file_name` in the state directory.
            limits: How much is kept; 30 days and 200 MB.
            now: The local time, for the age of rows.
            on_notice: Called once, on the journal's thread, when there is trouble; must not raise.
            patience_s: How long the file may be locked by somebody else.
        """
        journal = cls(
            path,
            limits=limits or Limits(),
            now=now,
            on_notice=on_notice,
            connect=connect,
            patience_s=patience_s,
        )
        journal._thread.start()
        return journal

    @property
    def notice(self) -> Notice | None:
        """Why there is no journal; None while there is one."""
        return self._notice

    def record(self, observations: Iterable[StateObservation]) -> None:
        """Keep observations; written within a second."""
        self._put(Batch(observations=tuple(observations)))

    def looked(self, looks: Iterable[UnchangedPoll]) -> None:
        """Keep until when what runs was seen unchanged; written within two seconds."""
        self._put(Batch(looks=tuple(looks)))

    def keep(self, *summaries: SavedSummary) -> None:
        """Keep runs' summaries, replacing earlier ones; a final one stays."""
        self._put(Batch(summaries=summaries))

    def forget(self, *run_ids: str) -> None:
        """Drop what is kept of runs that were deleted."""
        self._put(Batch(forgotten=run_ids))

    def load(self, run_id: str) -> tuple[StateObservation, ...]:
        """A run's observations by time, those recorded just now included. Waits for the disk."""
        return self._ask(lambda file: file.observations(run_id), ())

    def summaries(self) -> tuple[SavedSummary, ...]:
        """The summaries of all runs. Waits for the disk."""
        return self._ask(lambda file: file.summaries(), ())

    def flush(self) -> None:
        """Wait until what was recorded is written."""
        self._ask(lambda _file: None, None)

    def close(self, timeout_s: float = 1.5) -> None:
        """Write what is left and stop; more than `timeout_s` is not waited for."""
        with self._door:
            self._open = False
            self._inbox.put(None)
        self._closing.set()
        self._thread.join(timeout_s)

    # -- between the threads ---------------------------------------------------------------------

    def _put(self, message: Batch | _Question[Any]) -> bool:
        with self._door:
            if self._open:
                self._inbox.put(message)
            return self._open

    def _ask(self, read: Callable[[JournalFile], Answer], without: Answer) -> Answer:
        question = _Question(read, without)
        if not self._put(question):
            return without
        try:
            return question.future.result(LOAD_TIMEOUT_S)
        except TimeoutError:
            return without

    # -- on the journal's thread -----------------------------------------------------------------

    def _work(self) -> None:
        file: JournalFile | None = None
        try:
            file = self._patiently(lambda: JournalFile.open(self._path, self._connected))
            self._serve(file)
        except (sqlite3.Error, OSError, NewerJournalError, ForeignFileError) as error:
            if file is not None:
                file.close()
            self._give_up(error)
        else:
            file.close()

    def _connected(self, path: Path) -> sqlite3.Connection:
        self._inode = path.stat().st_ino
        return self._connect(path)

    def _serve(self, file: JournalFile) -> None:
        """Batch, write, answer and prune until told to stop."""
        pending: list[Batch] = []
        due_s = prune_s = time.monotonic()
        pruning: Iterator[None] | None = None
        while True:
            now_s = time.monotonic()
            if pending and now_s >= due_s and self._write(file, pending):
                prune_s = now_s
            if pruning is None and now_s >= prune_s:
                pruning, prune_s = file.prune(self._limits, self._now()), now_s + PRUNE_EVERY_S
            until_s = now_s if pruning else min(due_s, prune_s) if pending else prune_s
            try:
                message = self._inbox.get(timeout=max(until_s - now_s, 0.0))
            except queue.Empty:
                if pruning is not None and not _goes_on(pruning):
                    pruning = None
                continue
            if isinstance(message, Batch):
                wait_s = LOOKS_AFTER_S if message.can_wait else FLUSH_AFTER_S
                due_s = min(due_s, now_s + wait_s) if pending else now_s + wait_s
                pending.append(message)
                continue
            try:
                if self._write(file, pending):
                    prune_s = now_s
                if message is None:
                    return
                message.future.set_result(self._patiently(partial(message.read, file)))
            except (sqlite3.Error, OSError):
                if message is not None:
                    message.future.set_result(message.without)
                raise

    def _write(self, file: JournalFile, pending: list[Batch]) -> bool:
        """Write what came in, and empty the list; tell whether the file is too large now."""
        if not pending:
            return False
        self._patiently(partial(file.write, pending, self._now()))
        pending.clear()
        return file.size_bytes > self._limits.size_bytes

    def _patiently(self, act: Callable[[], Answer]) -> Answer:
        """Do something, again and again while somebody else holds the lock."""
        until_s = time.monotonic() + self._patience_s
        while True:
            try:
                return act()
            except sqlite3.OperationalError as error:
                out_of_patience = time.monotonic() >= until_s or self._closing.is_set()
                if trouble_of(error) is not Trouble.LOCKED or out_of_patience:
                    raise
            self._closing.wait(RETRY_S)

    def _give_up(self, error: Exception) -> None:
        """Say why once, and let everybody go on without."""
        trouble, aside = trouble_of(error), None
        if trouble is Trouble.CORRUPT:
            try:
                aside = set_aside(self._path, self._inode, self._now())
            except OSError as refusal:
                trouble, error = Trouble.UNUSABLE, refusal
        text = _TEXTS[trouble].format(
            path=self._path, aside=aside.name if aside else "another file", error=error
        )
        self._notice = Notice(trouble, f"No journal: {text}.")
        with self._door:
            self._open = False
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, _Question):
                message.future.set_result(message.without)
        self._on_notice(self._notice)


def trouble_of(error: Exception) -> Trouble:
    """What kind of trouble an error of the file is."""
    if isinstance(error, NewerJournalError):
        return Trouble.NEWER
    if isinstance(error, sqlite3.Error):
        return _BY_CODE.get(primary_code(error) or 0, Trouble.UNUSABLE)
    code = error.errno if isinstance(error, OSError) else None
    return _BY_ERRNO.get(code or 0, Trouble.UNUSABLE)


def _goes_on(pruning: Iterator[None]) -> bool:
    """Do one step of it. Where another dashboard holds the lock, that one may be pruning."""
    try:
        next(pruning)
    except StopIteration:
        return False
    except sqlite3.OperationalError as error:
        if trouble_of(error) is not Trouble.LOCKED:
            raise
        return False
    return True


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
