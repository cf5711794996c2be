"""Where the journal of a gym is: a file of one's own, or a database that a team shares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gymtui.core import paths
from gymtui.core.new_file import gym_part
from gymtui.store.history.journal_store import UnusableJournalError

if TYPE_CHECKING:
    from gymtui.config.settings import Settings
    from gymtui.store.history.database_engine import DatabaseEngine
    from gymtui.store.history.file_engine import FileEngine
    from gymtui.store.history.journal_database import JournalDatabase
    from gymtui.store.history.journal_file import JournalFile

    JournalEngine = FileEngine | DatabaseEngine
    """Opens a journal, to write it or to read it alone, and knows what its errors mean."""
    JournalStore = JournalFile | JournalDatabase
    """An open journal of one gym. Used by one thread; what it raises its engine knows."""


class SharedPlace(Struct, frozen=True):
    """The part of a gym in a database."""

    url: str  # of the database, without a password
    gym: str  # the base URL of the gym, by which its rows are told apart
    path: Path  # where the file would be: what stays on this machine is kept beside it
    password_command: tuple[str, ...] = ()  # prints the password; empty where libpq finds it


Place = Path | SharedPlace


def file_name(base_url: str) -> str:
    """The name of the journal's file for a gym: readable, and another for every base URL."""
    return f"journal-{gym_part(base_url)}.sqlite3"


def place_of(settings: Settings, env: Mapping[str, str]) -> Place:
    """Where what is observed of a gym is kept: in the state directory, a file a gym, or shared."""
    return place_at(settings, paths.state_dir(env) / file_name(settings.base_url))


def place_at(settings: Settings, path: Path) -> Place:
    """Where it is kept: in a file, unless the settings name a database."""
    shared = settings.journal
    if shared.url is None:
        return path
    return SharedPlace(shared.url, settings.base_url, path, shared.password_command)


def local_path(place: Place) -> Path:
    """The path beside which is kept what stays on this machine: notes, rules, launches."""
    return place if isinstance(place, Path) else place.path


def engine_of(place: Place) -> JournalEngine:
    """What opens the journal there; raises as `database_engine`."""
    if not isinstance(place, Path):
        return database_engine(place)
    # SQLite, too, is imported by those alone who use it.
    from gymtui.store.history.file_engine import FileEngine

    return FileEngine(place)


def database_engine(place: SharedPlace) -> DatabaseEngine:
    """What connects to a database; `UnusableJournalError` where its driver is not installed."""
    try:
        from gymtui.store.history.database_engine import DatabaseEngine
    except ImportError as error:
        advice = "pip install 'gymtui[postgres]'"
        raise UnusableJournalError(f"{advice} is needed for a journal in PostgreSQL") from error
    return DatabaseEngine(place.url, place.gym, place.password_command)
