"""Opens a gym's memory, wherever it is: the driver of a database is imported by who names one."""

from contextlib import closing
from pathlib import Path

from gymtui.gym.engine.database import Database
from gymtui.gym.engine.database_file import DatabaseFile
from gymtui.gym.engine.database_place import Place, SharedDatabase
from gymtui.gym.engine.records import DatabaseRefusedError

NO_DRIVER = "pip install 'gymtui[postgres]' is needed for a gym in PostgreSQL"


def open_database(place: Place) -> Database:
    """Open a gym's memory; it is made where it is missing.

    Raises:
        DatabaseInUseError: Another gym has it open.
        DatabaseRefusedError: It cannot be used, or its driver is not installed.
    """
    if isinstance(place, Path):
        return DatabaseFile(place)
    try:
        from gymtui.gym.engine.database_server import DatabaseServer
    except ImportError:
        raise DatabaseRefusedError(NO_DRIVER) from None
    return DatabaseServer(place)


def version_at(place: SharedDatabase) -> int:
    """Return the version of the gym's tables in a database, 0 where there are none.

    Raises:
        DatabaseRefusedError: It cannot be used or hold every text, or its driver is not installed.
        StorageError: It does not answer, or the password is not to be had.
    """
    try:
        from gymtui.gym.engine.database_server import ServerConnection, connect, version_of
    except ImportError:
        raise DatabaseRefusedError(NO_DRIVER) from None
    with closing(ServerConnection(lambda: connect(place))) as connection:
        return version_of(connection)
