"""Files that others are writing: looked at by time and size, read once, half-written ones wait."""

from __future__ import annotations

import math
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gymtui.sources.json_fields import JsonFields
from gymtui.transcript import artifact_files
from gymtui.transcript.artifact_files import FileProblem

T = TypeVar("T")

FileSplitter = Callable[[Path, int], Iterator[tuple[bytes, int, bool]]]
"""Divides a file from a place on: each piece, where it starts and whether a byte ends it."""
_CHUNK = 8 << 20
_HEAD = 4096
_END_BYTES = 64 * 1024
_SETTLED_S = 60.0
"""A file that cannot be read and was not touched for so long is damaged, not being written."""
_REST_SHARE = 0.1  # what was not touched for a while is not looked at for this part of it
_LONGEST_REST_S = 60.0
_LEAST_SHARE = 0.25
"""This part of a look's time is for reading, however long it took to find what to read."""


@dataclass(frozen=True, slots=True)
class FileVersion:
    """By what a file is seen to be another than before."""

    modified_ns: int  # when it was last written, in nanoseconds since the epoch
    size: int  # its bytes
    inode: int  # which file it is: one that is replaced is another


_NEVER = FileVersion(-1, -1, -1)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a file."""

    path: Path
    start: int  # its first byte
    size: int  # its bytes

    def read(self) -> bytes:
        """Its bytes as they are now."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


@dataclass(frozen=True, slots=True)
class Entries:
    """What a directory holds, by name."""

    files: frozenset[str] = frozenset()
    directories: frozenset[str] = frozenset()


@dataclass(slots=True)
class _EntryValue:
    value: Any
    again_s: float


@dataclass(slots=True)
class _FileValue:
    version: FileVersion
    value: Any = None
    fault: str = ""
    lasting: bool = False


@dataclass(slots=True)
class _LineValues:
    """How far a file of lines was read."""

    version: FileVersion  # as it was when it was read
    inode: int  # of the file
    end: int = 0  # where what was read whole ends
    values: list[Any] = field(default_factory=list)  # what its lines hold
    # What the line holds that has no end yet, if it is whole all the same.
    last: list[Any] = field(default_factory=list)


def version_of_file(path: Path) -> FileVersion | None:
    """The version of a file or directory; None where there is none, or a pipe nobody may write."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return None
    return FileVersion(found.st_mtime_ns, found.st_size, found.st_ino)


def read_bytes(file: Path) -> bytes | None:
    """What is in a file; None where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return None


def tail_text(file: Path) -> str:
    """A text file that a program wrote as it went, of a large one its end; "" without."""
    body = read_bytes(file) or b""
    text = body[-_END_BYTES:].decode("utf-8", "replace")
    return f"… {len(body) - _END_BYTES:,} bytes before\n{text}" if len(body) > _END_BYTES else text


def list_entries(path: Path) -> Entries:
    """What is in a directory, but for what is hidden; nothing where it cannot be read."""
    try:
        return _scan(path)
    except OSError:
        return Entries()


def _scan(path: Path) -> Entries:
    """What is in a directory: files and directories, no pipes, and no links that lead nowhere."""
    files: set[str] = set()
    directories: set[str] = set()
    with os.scandir(path) as found:
        for entry in found:
            with suppress(OSError):  # a link to itself, say, costs only itself
                if not entry.name.startswith("."):
                    if entry.is_dir():
                        directories.add(entry.name)
                    elif entry.is_file():
                        files.add(entry.name)
    return Entries(frozenset(files), frozenset(directories))


class UnsupportedError(ValueError):
    """A file that is whole and cannot be read here; its text says what would help."""


class OutOfTimeError(Exception):
    """Something is not read yet, and there is no more time for it in this look."""


class Files:
    """Reads files, each as often as it changes.

    A value is kept by the function that made it, so that this must be one of a module.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._values: dict[tuple[Path, object], _FileValue] = {}
        self._lines: dict[tuple[Path, object], _LineValues] = {}
        self._entries: dict[tuple[str, str], _EntryValue] = {}
        self._now_s = 0.0
        self._most_s = math.inf
        self._until_s = math.inf
        self._begun = False
        self.unread = 0  # of how many things there was no time to read them in this place

    def begin(self, now_s: float, most_s: float) -> None:
        """Look at everything anew, at UNIX time `now_s`, for `most_s` seconds at most."""
        self._now_s = now_s
        self._most_s = most_s
        self._until_s = self._monotonic() + most_s
        self._begun = False

    def read_entries(
        self, kind: str, place: Path, names: Iterable[str], read: Callable[[Path], tuple[T, float]]
    ) -> list[T]:
        """What a directory's entries hold, one by one.

        The longer ago one was touched, the more rarely it is looked at: once a minute at least.

        Args:
            read: Makes it, and says when it was last touched, UNIX seconds.

        Returns:
            What could be read in the time there is.
        """
        found = []
        for name in names:
            key = (kind, f"{place}/{name}")
            made = self._entries.get(key)
            if made is None or self._now_s >= made.again_s:
                try:
                    value, touched_s = read(place / name)
                except OutOfTimeError:
                    self.unread += 1
                    continue
                again_s = self._now_s + recheck_after_s(self._now_s - touched_s)
                made = self._entries[key] = _EntryValue(value, again_s)
            found.append(made.value)
        return found

    def entries(self, path: Path) -> Entries:
        """What is in a directory; where it cannot be read that is told with the damaged files."""
        try:
            found = _scan(path)
        except OSError as error:
            fault = error.strerror or str(error)
            self._values[path, _scan] = _FileValue(_NEVER, fault=fault, lasting=True)
            return Entries()
        self._values.pop((path, _scan), None)
        return found

    def parsed(self, path: Path, parse: Callable[[bytes], T]) -> T | None:
        """What a file, gzip or not, holds.

        Args:
            parse: Makes something of its bytes; a ValueError says that they are not whole.

        Returns:
            None where there is no such file, or nothing that could be read of it so far.
        """
        return self.cached(path, parse, lambda: parse(artifact_files.load(path)))

    def fields(self, path: Path) -> JsonFields:
        """The fields of an object in a file; none where it cannot be read so far."""
        return self.parsed(path, JsonFields) or JsonFields()

    def head(self, path: Path) -> bytes:
        """How a file begins: enough to know it by."""
        return self.cached(path, _HEAD, lambda: Slice(path, 0, _HEAD).read()) or b""

    def cached(self, path: Path, kind: object, read: Callable[[], T]) -> T | None:
        """What somebody makes of a file, made again when the file is another.

        Args:
            kind: What is made of it, beside what else is.
            read: Makes it; a ValueError or FileProblem says that the file is not whole.
        """
        version, key = version_of_file(path), (path, kind)
        if version is None:
            self._values.pop(key, None)
            return None
        kept = self._values.get(key)
        value: T | None = kept.value if kept is not None else None
        if kept is not None and kept.version == version:
            return value
        self._check_time()
        fault, lasting = "", False
        try:
            value = read()
        except UnsupportedError as error:
            fault, lasting = str(error), True
        except (ValueError, FileProblem, OSError) as problem:
            fault = str(problem) or "cannot be read"  # what was read before stands meanwhile
        self._values[key] = _FileValue(version, value, fault, lasting)
        return value

    def cached_of(
        self,
        paths: Iterable[Path],
        read: Callable[[Path], T],
        is_one: Callable[[Path, Files], bool] = lambda _path, _files: True,
    ) -> Iterator[tuple[Path, T]]:
        """What somebody makes of files, as `cached`, but for those there is no time to read.

        Args:
            read: Makes it, and is its kind.
            is_one: Whether a file is of those, by how it begins.
        """
        for path in paths:
            try:
                value = self.cached(path, read, partial(read, path)) if is_one(path, self) else None
            except OutOfTimeError:
                self.unread += 1
                continue
            if value is not None:
                yield path, value

    def lines(
        self,
        path: Path,
        parse: Callable[[bytes, Slice], T | None],
        split: FileSplitter | None = None,
    ) -> list[T]:
        """What the lines of a file hold; of one that has grown only the new ones are read.

        Args:
            parse: Makes something of a line; None or a ValueError leaves it out.
            split: Divides a file into other pieces than its lines.
        """
        version, key = version_of_file(path), (path, parse)
        if version is None:
            self._lines.pop(key, None)
            return []
        known = self._lines.get(key)
        if known is None or known.inode != version.inode or version.size < known.end:
            known = self._lines[key] = _LineValues(_NEVER, inode=version.inode)
        if known.version != version:
            known.version = version
            self._read_new_lines(path, known, parse, split or _split_lines)
        return [*known.values, *known.last]

    def damaged(self, now_s: float) -> list[str]:
        """Files that cannot be read and that nobody writes any more, with what is wrong."""
        return [
            f"{path.name}: {kept.fault}"
            for (path, _kind), kept in self._values.items()
            if kept.lasting or (kept.fault and now_s - kept.version.modified_ns / 1e9 > _SETTLED_S)
        ]

    def _check_time(self) -> None:
        """Begin to read something; raises `OutOfTimeError` once the time of this look is over."""
        now_s = self._monotonic()
        if not self._begun:
            self._begun = True
            self._until_s = max(self._until_s, now_s + _LEAST_SHARE * self._most_s)
        elif now_s > self._until_s:
            raise OutOfTimeError

    def _read_new_lines(
        self,
        path: Path,
        known: _LineValues,
        parse: Callable[[bytes, Slice], T | None],
        split: FileSplitter,
    ) -> None:
        known.last = []
        try:
            for line, start, whole in split(path, known.end):
                try:
                    self._check_time()
                except OutOfTimeError:
                    known.version = _NEVER  # it is gone on with in the next look
                    self.unread += 1
                    return
                made = []
                with suppress(ValueError):
                    found = parse(line, Slice(path, start, len(line))) if line.strip() else None
                    made = [] if found is None else [found]
                if not whole:
                    known.last = made
                    return
                known.values += made
                known.end = start + len(line) + 1
        except OSError:
            return


def _split_lines(path: Path, start: int) -> Iterator[tuple[bytes, int, bool]]:
    """A file's lines from a place on, each with where it starts and whether it has an end."""
    rest: list[bytes] = []
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(_CHUNK):
            first, *others = chunk.split(b"\n")
            rest.append(first)
            for line in others:
                whole = b"".join(rest)
                yield whole, start, True
                start += len(whole) + 1
                rest = [line]
    last = b"".join(rest)
    if last:
        yield last, start, False


def recheck_after_s(quiet_s: float) -> float:
    """For how long what was not touched for so long is not looked at."""
    return min(_LONGEST_REST_S, _REST_SHARE * quiet_s)


def files_in(place: Path) -> list[Path]:
    """A directory's files by name; of a file itself alone."""
    return (
        [place] if place.is_file() else [place / name for name in sorted(list_entries(place).files)]
    )


def last_modified_s(*paths: Path) -> float:
    """When the last of some files and directories was written, UNIX seconds; 0 for none."""
    versions = (version_of_file(path) for path in paths)
    return max((found.modified_ns / 1e9 for found in versions if found is not None), default=0.0)
