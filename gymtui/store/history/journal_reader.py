"""Looking into a journal that a dashboard may be writing: read only, quick, never in its way.

Whatever is wrong with the file, what is not there was not observed: nothing here raises for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from gymtui.store.history import last_steps as steps_of
from gymtui.store.history.journal_file import JournalFile
from gymtui.store.history.journal_schema import version_of
from gymtui.store.history.journal_store import ForeignFileError, NewerJournalError, SavedSummary
from gymtui.store.history.observer import StateObservation

PATIENCE_S = 0.2
"""How long a lock is waited for."""

T = TypeVar("T")


class _Look(JournalFile):
    """A journal opened to be read alone: nothing is made, no mode is chosen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        if not version_of(connection):
            raise ForeignFileError("it is empty")


def summaries(path: Path) -> tuple[SavedSummary, ...]:
    """The summaries of all runs, as a dashboard kept them.

    Args:
        path: Of the journal's file, there or not.
    """
    return _looked(path, lambda journal: journal.summaries(), ())


def observations(path: Path, run_ids: Iterable[str]) -> Mapping[str, tuple[StateObservation, ...]]:
    """What was seen of some runs' rollouts, by run, each by time.

    Args:
        path: Of the journal's file, there or not.
    """
    return _looked(
        path, lambda journal: {run_id: journal.observations(run_id) for run_id in run_ids}, {}
    )


def last_steps(path: Path, run_ids: Iterable[str]) -> Mapping[str, int]:
    """The last step of rollouts watched until their agent was done: ended ones no longer say it.

    Args:
        path: Of the journal's file, there or not.
    """
    found: dict[str, int] = {}
    for seen in observations(path, run_ids).values():
        found |= steps_of.last_steps(steps_of.lives_of(seen))
    return found


def recent_runs(path: Path) -> list[str]:
    """Runs that a dashboard has watched, the last seen first.

    Args:
        path: Of the journal's file, there or not.
    """
    return _looked(path, lambda journal: journal.recent_runs(), [])


def readable(path: Path) -> bool:
    """Whether a journal's file can be read just now.

    Args:
        path: Of the file, there or not.
    """
    return _looked(path, lambda journal: bool(journal.size_bytes), False)


def _looked(path: Path, read: Callable[[_Look], T], without: T) -> T:
    try:
        if not path.is_file():
            return without
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE_S)) as connection:
            return read(_Look(connection))
    except (OSError, sqlite3.Error, ForeignFileError, NewerJournalError):
        return without
