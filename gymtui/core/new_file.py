"""Files that are written whole or not at all, and never over another; and their names."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from gymtui.core.text import clean

_MOST_NUMBER = 1000


class NewFile:
    """A file that appears under its name when it is finished. A context manager.

    It is written beside its place under another name. Leaving it unfinished leaves nothing.

    Raises:
        FileExistsError: Something has that name.
        OSError: The directory cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        if os.path.lexists(path):
            raise FileExistsError(f"{path} exists")
        self.path = path
        self._part = path.with_name(f".{secrets.token_hex(8)}.part")
        # Saved on purpose, and perhaps for others: who may read it is what the umask says.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._part, flags, 0o666), "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            self._part.unlink()

    def write(self, data: bytes) -> None:
        """Add to it."""
        self._file.write(data)

    def restart(self) -> None:
        """Drop what was written."""
        self._file.seek(0)
        self._file.truncate()

    @contextlib.contextmanager
    def written(self) -> Iterator[bytes | mmap.mmap]:
        """What is in it so far, to be looked at without reading it into memory."""
        self._file.flush()
        if not self._file.tell():
            yield b""  # nothing cannot be mapped
            return
        with self._part.open("rb") as file:
            found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            yield found
        finally:
            # Closed once nothing refers to it, which what is being raised may do.
            del found

    def finish(self) -> None:
        """Give it its name; raises `FileExistsError` where something has taken that meanwhile."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        try:
            # A link, unlike a rename, never replaces anything.
            os.link(self._part, self.path)
        except FileExistsError:
            raise
        except OSError:
            # A file system without links: between looking and renaming lies a moment.
            if os.path.lexists(self.path):
                raise FileExistsError(f"{self.path} exists") from None
            self._part.rename(self.path)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist, whole or not at all; raises as `NewFile`."""
    with NewFile(path) as file:
        file.write(data)
        file.finish()


def file_name(rollout_id: str, suffix: str) -> str:
    """A file name for a rollout: the same for the same id, and another for any other."""
    name = safe_filename(rollout_id)
    # `a.rollout` would be called as the record of `a` is.
    if name != rollout_id or name.lower().endswith(".rollout"):
        digest = hashlib.sha256(rollout_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = f"{name[:150]}-{digest}"
    return name + suffix


def gym_part(base_url: str) -> str:
    """A gym's part of file names: readable, and another for every base URL."""
    url = base_url.rstrip("/")
    host = re.sub(r"[^a-z0-9]+", "-", url.partition("://")[2].lower()).strip("-")[:40]
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{host or 'gym'}-{digest}"


def free_path(path: Path) -> Path:
    """A name like this one that nothing has: `a.json`, `a-2.json`; raises `FileExistsError`."""
    for number in range(1, _MOST_NUMBER):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if not os.path.lexists(candidate):
            return candidate
    raise FileExistsError(f"{path} and {_MOST_NUMBER} like it exist")


def safe_filename(value: object, suffix: str = "") -> str:
    """Make a file name, never a path, from a name off the wire.

    Args:
        suffix: What to append, such as ``.json``; not cleaned.

    Returns:
        A name of at most 200 bytes in UTF-8 that no common file system refuses: no separators, no
        leading dot or dash, no device name, not empty.
    """
    name = unicodedata.normalize("NFC", clean(value, newline=" "))
    name = re.sub(r'[/\\:*?"<>|\s]+', "_", name).strip("._- ")
    name = name.encode()[: 199 - len(suffix.encode())].decode(errors="ignore").rstrip("._- ")
    if not name or re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name):
        name = f"_{name}"
    return name + suffix
