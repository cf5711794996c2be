"""This machine's copy of a team's recording, and the database by which all copies agree.

Files of a recording are only ever appended to: of two copies the longer one has what the other
lacks. A recorder writes its own copy, from where the rest is sent; everybody else fetches. So a
recording is read from files however it came there, and what the database does not take waits in
them, within their bounds of size and age.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gymtui.store.history.journal_place import SharedPlace, database_engine
from gymtui.store.history.journal_store import UnusableJournalError
from gymtui.store.history.recording_format import SUFFIX
from gymtui.store.history.recording_place import RecordingPlace
from gymtui.store.history.recording_writer import FILE_MODE, FOLDER_MODE, KEPT, RecordingLimits

if TYPE_CHECKING:
    from gymtui.store.history.database_engine import DatabaseEngine
    from gymtui.store.history.recording_database import RecordingDatabase

PART_BYTES = 1 << 20
SEND_EVERY_S, FETCH_EVERY_S = 0.25, 0.5
IDLE_EVERY_S = 2.0  # how often it is looked whether anybody records, while nobody does
NOTED_EVERY_S = 2.0  # how often a recorder says that it is at work
FRESH_S = 8.0  # a recorder that was not seen for so long is not at work
AWAY_S = (0.5, 30.0)  # how soon a database that is away is tried again: at first, and after a while
LAST_S = 5.0  # how long it is waited at the end until the rest is sent

_NAME = re.compile(rf"\d{{8}}T\d{{12}}-[0-9a-f]{{8}}({KEPT})?{re.escape(SUFFIX)}", re.ASCII)


class RecordingCopy:
    """The copy in a directory, beside an open database. For one thread at a time.

    Its methods may raise `OSError` and `psycopg.Error`.
    """

    def __init__(self, directory: Path, database: RecordingDatabase) -> None:
        self._directory = directory
        self.database = database
        self._sent: dict[str, int] | None = None
        self._is_tidy = False

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def send(self, limits: RecordingLimits) -> None:
        """Send what the database lacks, within the limits of what is kept there."""
        if self._sent is None:
            self._sent = self.database.sizes()
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            with suppress(FileNotFoundError):  # deleted by age meanwhile
                if path.stat().st_size <= self._sent.get(path.name, 0):
                    continue
                if path.name not in self._sent:
                    self.database.prune(limits)
                self._send_file(path, self._sent)

    def _send_file(self, path: Path, sent: dict[str, int]) -> None:
        with path.open("rb") as file:
            at = file.seek(sent.get(path.name, 0))
            while data := file.read(PART_BYTES):
                kept = path.stem.endswith(KEPT)
                if not self.database.append(path.name, at, data, kept=kept):
                    self._sent = None  # another is ahead, or it is gone
                    return
                at += len(data)
                sent[path.name] = at

    def fetch(self, newest: int | None = None) -> None:
        """Fetch what the copy lacks of the newest segments, and delete what is gone for good."""
        for segment in self.database.segments(newest):
            path = self._directory / segment.name
            # Whoever may write there names no file elsewhere.
            if _NAME.fullmatch(segment.name) is None:
                continue
            here = path.stat().st_size if path.exists() else 0
            if here >= segment.size:
                continue
            self._is_tidy &= here > 0
            self._directory.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            try:
                # At their places: another program may fetch the same at once.
                for begins, data in self.database.parts(segment, here):
                    _write_at(handle, begins, data)
                os.utime(handle, (segment.written_s, segment.written_s))
            finally:
                os.close(handle)
        if not self._is_tidy:
            for name in self.database.gone(p.name for p in self._directory.glob(f"*{SUFFIX}")):
                (self._directory / name).unlink(missing_ok=True)
            self._is_tidy = True


def _write_at(handle: int, at: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        done = os.pwrite(handle, left, at)
        left, at = left[done:], at + done


@dataclass(frozen=True, slots=True)
class Fetched:
    """How fetching went."""

    recorders: tuple[str, ...] = ()  # whose are at work
    fault: str = ""  # why nothing could be fetched, in words for the person


def fetch_recording(place: RecordingPlace) -> Fetched:
    """Fetch all that this machine's copy lacks, where the recording is a team's."""
    return _with_copy(place, lambda copy: copy.fetch())


def recorders_of(place: RecordingPlace) -> tuple[str, ...]:
    """Whose recorders of the gym a team's database knows to be at work."""
    return _with_copy(place, lambda _copy: None).recorders


def _with_copy(place: RecordingPlace, read: Callable[[RecordingCopy], None]) -> Fetched:
    if place.shared is None:
        return Fetched()
    try:
        engine = database_engine(place.shared)
    except UnusableJournalError as error:
        return Fetched(fault=str(error))
    try:
        with closing(_open_copy(place.directory, place.shared, engine, writes=False)) as copy:
            read(copy)
            found = copy.database.recorders()
            return Fetched(tuple(seen.name for seen in found if seen.ago_s < FRESH_S))
    except engine.errors as error:
        return Fetched(fault=_words_of(error, engine))


def _open_copy(
    directory: Path, shared: SharedPlace, engine: DatabaseEngine, *, writes: bool
) -> RecordingCopy:
    # Its driver is imported by those alone who name one.
    from gymtui.store.history.recording_database import RecordingDatabase

    connection = engine.connect(update=writes)
    try:
        database = RecordingDatabase(connection, shared.gym, writes=writes)
        return RecordingCopy(directory, database)
    except BaseException:
        connection.close()
        raise


def _words_of(error: Exception, engine: DatabaseEngine) -> str:
    if isinstance(error, OSError):
        return f"its copy on this machine: {error.strerror or error}"
    return engine.words_of(error)


class _CopyThread:
    """Has a copy brought up to date again and again, on a thread for which nobody waits."""

    def __init__(
        self,
        place: RecordingPlace,
        every_s: float,
        *,
        writes: bool,
        on_fault: Callable[[str | None], object],
        away_s: tuple[float, float],
    ) -> None:
        if place.shared is None:
            raise ValueError("the recording is one's own")
        self._directory, self._shared, self._writes = place.directory, place.shared, writes
        self._every_s, self._away_s = every_s, away_s
        self._on_fault = on_fault
        self._is_told = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="gymtui-recording", daemon=True)
        self._thread.start()

    def update(self, copy: RecordingCopy) -> None:
        """Do what is to be done now."""
        raise NotImplementedError

    def finish(self, copy: RecordingCopy) -> None:
        """Do what is to be done at the end."""

    def close(self, timeout_s: float = 0.0) -> None:
        """Stop; more than so long is not waited for."""
        self._closing.set()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        try:
            engine = database_engine(self._shared)
        except UnusableJournalError as error:
            self._on_fault(str(error))
            return
        wait_s, most_s = self._away_s
        while True:
            is_last = self._closing.is_set()
            try:
                with closing(
                    _open_copy(self._directory, self._shared, engine, writes=self._writes)
                ) as copy:
                    ends = False
                    while not ends:
                        ends = self._closing.is_set()
                        self.update(copy)
                        self._tell(None)
                        wait_s = self._away_s[0]
                        if not ends:
                            self._closing.wait(self._every_s)
                    self.finish(copy)
                return
            except engine.errors as error:
                self._tell(_words_of(error, engine))
            if is_last:
                return
            self._closing.wait(wait_s)
            wait_s = min(2 * wait_s, most_s)

    def _tell(self, fault: str | None) -> None:
        """Say it, each once."""
        if (fault is not None) is not self._is_told:
            self._is_told = fault is not None
            self._on_fault(fault)


class RecordingSender(_CopyThread):
    """Sends what is recorded, and says who records.

    Args:
        recorder: Whose it is, and on which machine.
        on_fault: Told once on its thread that nothing is sent, and with None once it is again.
    """

    def __init__(
        self,
        place: RecordingPlace,
        recorder: str,
        limits: RecordingLimits,
        on_fault: Callable[[str | None], object],
        *,
        away_s: tuple[float, float] = AWAY_S,
    ) -> None:
        self._recorder, self._limits, self._noted_s = recorder, limits, 0.0
        super().__init__(place, SEND_EVERY_S, writes=True, on_fault=on_fault, away_s=away_s)

    def update(self, copy: RecordingCopy) -> None:
        """Send what is new."""
        copy.send(self._limits)
        now_s = time.monotonic()
        if now_s - self._noted_s >= NOTED_EVERY_S or not self._noted_s:
            copy.database.note_recorder(self._recorder)
            self._noted_s = now_s

    def finish(self, copy: RecordingCopy) -> None:
        """Say that it has ended."""
        copy.database.forget_recorder(self._recorder)

    def close(self, timeout_s: float = LAST_S) -> None:
        """Send the rest and stop."""
        super().close(timeout_s)


class RecordingFetcher(_CopyThread):
    """Fetches what a team's recorders write, while they write it.

    Args:
        on_fault: Told once on its thread that nothing is fetched, and with None once it is again.
    """

    def __init__(
        self,
        place: RecordingPlace,
        newest: int | None = None,
        on_fault: Callable[[str | None], object] = lambda _fault: None,
        *,
        away_s: tuple[float, float] = AWAY_S,
    ) -> None:
        self._newest = newest
        # Until it is known, one is taken to be.
        self._fresh_until_s = time.monotonic() + FRESH_S
        super().__init__(place, FETCH_EVERY_S, writes=False, on_fault=on_fault, away_s=away_s)

    def is_recorded(self) -> bool:
        """Whether a recorder is at work, as far as the database says so still."""
        return time.monotonic() < self._fresh_until_s

    def update(self, copy: RecordingCopy) -> None:
        """Fetch what is new."""
        copy.fetch(self._newest)
        ago_s = min((seen.ago_s for seen in copy.database.recorders()), default=FRESH_S)
        self._fresh_until_s = time.monotonic() + FRESH_S - ago_s
        self._every_s = FETCH_EVERY_S if ago_s < FRESH_S else IDLE_EVERY_S
