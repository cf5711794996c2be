"""What the demo's gym and whoever starts it agree on: lock files, and the line it prints first.

Kept light: the dashboard's process imports it and nothing else of the gym.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

RETRY_S = 0.05


@dataclass(frozen=True)
class ServedGym:
    """What the gym's process prints once it serves."""

    url: str  # where
    kept: bool  # whether its directory is there the next time
    anew: bool  # whether nothing is left of an earlier time
    words: str = ""  # what the person should know, or nothing


@contextmanager
def hold_lock(path: Path, patience_s: float = 0.0) -> Iterator[bool]:
    """Hold a lock file while the block runs; the system lets go of it however the holder ends.

    Args:
        path: Of the file, made if need be in a directory that is there; it stays.
        patience_s: How long to wait for whoever holds it.

    Yields:
        Whether it is held.

    Raises:
        OSError: It cannot be made, or files cannot be locked there.
    """
    with path.open("a") as file:
        yield _lock(file, patience_s)


def _lock(file: IO[str], patience_s: float) -> bool:
    until_s = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                return False
        else:
            return True
        time.sleep(RETRY_S)
