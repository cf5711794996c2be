"""A recording being written: chunks appended to one file a segment, old files deleted.

It knows no gym: what is written comes from `poll.recorder`. Not for two at a time: `lock`.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from gymtui.core.instants import micros
from gymtui.store.history.recording_format import SUFFIX, Chunk, Kind, pack_chunk
from gymtui.store.history.recording_frames import RowStream, dictionary_of, pack_snapshot
from gymtui.store.history.recording_rows import Head, Mark, Row, Snapshot, pack

LOCK = "recorder.lock"
KEPT = "-kept"  # what the names of files end in that are not deleted
FOLDER_MODE, FILE_MODE = 0o700, 0o600


class RecordingLimits(Struct, frozen=True):
    """How much is kept of one gym; what is older, or too much, is deleted a file at a time."""

    age: timedelta = timedelta(days=14)
    size_bytes: int = 1024 * 1024 * 1024


class RecorderLock:
    """The right to record a gym, held until it is closed or the process ends.

    Raises:
        BlockingIOError: Somebody else records it.
        OSError: The directory cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._handle = os.open(directory / LOCK, flags, FILE_MODE)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise

    def close(self) -> None:
        """Let somebody else record."""
        os.close(self._handle)


def first_free(directory: Path, *, beside: bool) -> tuple[Path, RecorderLock]:
    """Where a gym can be recorded, with the right to; raises as `RecorderLock`.

    Args:
        beside: Whether another directory will do where somebody records there: two recorders never
            write to one.
    """
    number, free = 1, directory
    while True:
        try:
            return free, RecorderLock(free)
        except BlockingIOError:
            if not beside:
                raise
            number += 1
            free = directory.with_name(f"{directory.name}-{number}")


def is_recorded(directory: Path) -> bool:
    """Whether somebody records the gym just now."""
    try:
        handle = os.open(directory / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


class RecordingWriter:
    """Writes segments. Its methods raise `OSError` where the disk does; then begin a new segment.

    Args:
        directory: Where its files are; made if it is missing.
        keep: Whether what is written is never deleted by age or size.
    """

    def __init__(
        self,
        directory: Path,
        limits: RecordingLimits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        keep: bool = False,
    ) -> None:
        self._kept = KEPT if keep else ""
        self._directory = directory
        self._limits = limits or RecordingLimits()
        self._now = now
        self._handle: int | None = None
        self._stream: RowStream | None = None
        self.segment = 0
        """The number of the segment that is written; 0 before the first."""
        self.chunks = 0  # of the segment so far
        self.written = 0
        """Bytes of the segment so far."""

    def begin(self, head: Head, snapshot: Snapshot, at_us: int, *, goes_on: bool) -> bytes:
        """Begin a segment.

        Args:
            goes_on: Whether it goes on from the one that is written now, without a gap.

        Returns:
            The dictionary of keys that build on it.
        """
        head = msgspec.structs.replace(head, began_us=micros(self._now()))
        if goes_on:
            follows, count = self.segment, self.chunks
            head = msgspec.structs.replace(head, follows=follows, follows_chunks=count)
        self._release()
        self._directory.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._prune()
        self.segment = secrets.randbits(31) or 1
        self.chunks = self.written = 0
        # Names in the order of time make a listing readable; nothing else hangs on them.
        stamp = self._now().strftime("%Y%m%dT%H%M%S%f")
        path = self._directory / f"{stamp}-{self.segment:08x}{self._kept}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._handle = os.open(path, flags, FILE_MODE)
        try:
            self._put(Kind.HEAD, pack(head), at_us)
            return self._keyframe(Kind.BASE, snapshot, at_us, None, b"")
        except OSError:
            path.unlink(missing_ok=True)  # without its base nothing can be read from it
            raise

    def key(self, snapshot: Snapshot, at_us: int, dictionary: bytes) -> bytes:
        """Write what is another than in what a key builds on, and begin a new stream."""
        return self._keyframe(Kind.KEY, snapshot, at_us, snapshot.builds_on, dictionary)

    def append(self, rows: list[Row], at_us: int) -> None:
        """Write rows: after this a kill loses none of them."""
        if self._stream is None:
            raise OSError("no segment is open")
        self._put(Kind.EVENTS, self._stream.pack(pack(rows)), at_us)

    def mark(self, marks: list[Mark], at_us: int) -> None:
        """Write marks."""
        self._put(Kind.MARKS, pack(marks), at_us)

    def end(self, at_us: int) -> None:
        """Nothing is watched from now on."""
        if self._handle is not None:
            self._put(Kind.END, b"", at_us)
        self._release()

    def _keyframe(
        self, kind: Kind, snapshot: Snapshot, at_us: int, builds_on: int | None, dictionary: bytes
    ) -> bytes:
        self._stream = None  # of two at once the memory would be the double
        plain = pack(snapshot)
        self._put(kind, pack_snapshot(plain, builds_on, dictionary), at_us)
        own = dictionary_of(plain)
        self._stream = RowStream(own)
        return own

    def _put(self, kind: Kind, payload: bytes, at_us: int) -> None:
        if self._handle is None:
            raise OSError("no segment is open")
        data = pack_chunk(Chunk(kind, self.segment, self.chunks, at_us, payload))
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError:
            # What was written of it is cut off by its checksum; what follows begins anew.
            self._release()
            raise
        self.chunks += 1
        self.written += len(data)

    def _release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
        self._handle = self._stream = None

    def _prune(self) -> None:
        """Delete the oldest files, by age and until the rest is small enough."""
        found = self._directory.glob(f"*{SUFFIX}")
        files = sorted((p.stat().st_mtime, p) for p in found if not p.stem.endswith(KEPT))
        oldest = (self._now() - self._limits.age).timestamp()
        left = sum(path.stat().st_size for _, path in files)
        for modified, path in files:
            if modified >= oldest and left <= self._limits.size_bytes:
                break
            left -= path.stat().st_size
            path.unlink()
