"""Processes that a test has started: who they are, whether they run, what they use, their end."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def family(pid: int) -> tuple[int, ...]:
    """A process and all its descendants that run."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(stat[1])
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return tuple(member for member in found if alive(member))


class Started:
    """Processes that a test has started, to be ended with it: themselves, never a reused id."""

    def __init__(self) -> None:
        self._born: dict[int, str] = {}

    def note(self, pids: Sequence[int]) -> None:
        """Remember processes that run."""
        for pid in pids:
            self._born.setdefault(pid, _born(pid))

    def end(self) -> None:
        """Kill those that still run."""
        for pid, born in self._born.items():
            if born and _born(pid) == born:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _born(pid: int) -> str:
    """When a process was started, in the kernel's ticks; empty if it does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def memory_bytes(pid: int) -> int:
    """Memory that a process holds, resident."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
