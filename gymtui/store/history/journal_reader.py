"""Looking into a journal that a dashboard may be writing: read only, quick, never in its way.

Whatever is wrong with it, and where there is none: what is not there was not observed. Nothing here
raises for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gymtui.store.history import last_steps as steps_of
from gymtui.store.history.journal_place import Place, engine_of
from gymtui.store.history.journal_store import SavedSummary, UnusableJournalError
from gymtui.store.history.observer import StateObservation

if TYPE_CHECKING:
    from gymtui.store.history.journal_place import JournalStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JournalCondition:
    """How a journal is."""

    version: int | None = None  # of its tables; None where it cannot be read
    runs: int = 0  # of how many the numbers are kept
    fault: str = ""  # why it cannot be read
    read_only: bool = False  # whether others write it, and this person may not


def summaries(place: Place) -> tuple[SavedSummary, ...]:
    """The summaries of all runs, as a dashboard kept them."""
    return _look(place, lambda journal: journal.summaries(), ())


def observations(
    place: Place, run_ids: Iterable[str]
) -> Mapping[str, tuple[StateObservation, ...]]:
    """What was seen of some runs' rollouts, by run, each by time."""
    return _look(
        place, lambda journal: {run_id: journal.observations(run_id) for run_id in run_ids}, {}
    )


def last_steps(place: Place, run_ids: Iterable[str]) -> Mapping[str, int]:
    """The last step of rollouts watched until their agent was done: ended ones no longer say it."""
    found: dict[str, int] = {}
    for seen in observations(place, run_ids).values():
        found |= steps_of.last_steps(steps_of.lives_of(seen))
    return found


def recent_runs(place: Place) -> list[str]:
    """Runs that a dashboard has watched, the last seen first."""
    return _look(place, lambda journal: journal.recent_runs(), [])


def read_condition(place: Place) -> JournalCondition:
    """How a journal that is there is just now."""
    try:
        engine = engine_of(place)
    except UnusableJournalError as error:
        return JournalCondition(fault=str(error))
    try:
        version = engine.version()
        if not version:
            return JournalCondition(0)
        with closing(engine.look()) as journal:
            return JournalCondition(version, len(journal.summaries()), read_only=journal.read_only)
    except engine.errors as error:
        return JournalCondition(fault=engine.words_of(error))


def _look(place: Place, read: Callable[[JournalStore], T], without: T) -> T:
    try:
        engine = engine_of(place)
    except UnusableJournalError:
        return without
    try:
        with closing(engine.look()) as journal:
            return read(journal)
    except engine.errors:
        return without
