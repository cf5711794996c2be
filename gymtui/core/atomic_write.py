"""Files that are replaced whole or not at all, so that no reader ever sees half of one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Be the only one, of all processes that do the same, to change files of a directory."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def replace_text(path: Path, text: str, *, mode: int = 0o600, lasting: bool = False) -> None:
    """Put a text, as UTF-8, in a file's place; its directory is there.

    Args:
        mode: Who may read and write it; nobody else could in the meantime either.
        lasting: Whether it is waited for until the text would survive a loss of power.

    Raises:
        OSError: It could not be written; the file is as it was.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
