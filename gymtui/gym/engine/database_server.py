"""The gym's memory in PostgreSQL: how it is reached, its tables, its transactions.

What is read and written in it is `gym.engine.database`. Imported by those alone who name one. Its
password is asked for whenever it is connected to, given to the driver, and kept nowhere else.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from gymtui.gym.engine.database import Database
from gymtui.gym.engine.database_place import SharedDatabase
from gymtui.gym.engine.records import (
    STEPS,
    VERSION,
    DatabaseAwayError,
    DatabaseInUseError,
    DatabaseRefusedError,
    StorageError,
)

CONNECT_S: Final = 5
STATEMENT_S: Final = 15
LOCK_S: Final = 5
SILENCE_S: Final = 15
"""How long a connection, a statement, a lock and a server that says nothing are waited for."""
LOCK: Final = 0x67796D67
"""The first half of the advisory locks that are taken ("gymg")."""
SCHEMA: Final = "gymtui_gym"
"""Where the tables are: one gym in each database, beside a journal's and whatever else is there."""

_PASSING = ("08", "25006", "28", "3D", "40", "53", "55P03", "57")
"""States of what may be over soon: away, restarting, full, not yet set up, locked (SQLSTATE)."""

Rows = psycopg.Connection[dict[str, Any]]


class ServerConnection:
    """A connection that is made anew where it was lost.

    Args:
        connect: Makes one.
    """

    def __init__(self, connect: Callable[[], Rows]) -> None:
        self._connect = connect
        self._live: Rows | None = None

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        """Carry out a statement.

        Raises:
            StorageError: It cannot be. What only reads is tried on a new connection first.
        """
        try:
            return self._once(statement, values)
        except DatabaseAwayError:
            if self._live is not None or not statement.startswith("SELECT"):
                raise
            return self._once(statement, values)

    def _once(self, statement: str, values: Sequence[Any]) -> Any:
        with self._told():
            return self.live().execute(_marked(statement), [_storable(value) for value in values])

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Carry out a statement once for each row of values."""
        with self._told(), self.live().cursor() as cursor:
            plain = ([_storable(value) for value in row] for row in rows)
            return cursor.executemany(_marked(statement), plain)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have everything in the block happen, or nothing."""
        with self._told(), self.live().transaction():
            yield

    def live(self) -> Rows:
        """Return the connection, made anew where it was lost."""
        if self._live is None:
            self._live = self._connect()
        return self._live

    def close(self) -> None:
        """Close it."""
        if self._live is not None:
            self._live.close()
            self._live = None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            if self._live is not None and self._live.broken:
                self.close()
            raise storage_error(error) from None


class DatabaseServer(Database):
    """The gym's part of a PostgreSQL database.

    Args:
        place: Where it is.

    Raises:
        DatabaseRefusedError: It does not answer, or is not one of ours.
    """

    last_written: datetime | None = None

    def __init__(self, place: SharedDatabase) -> None:
        self._place = place
        self._connection: ServerConnection = ServerConnection(self._connected)
        name = f"the database {place.name}"
        try:
            self._prepare(name)
        except StorageError as error:
            raise DatabaseRefusedError(f"cannot use {name}: {error}") from None
        except DatabaseRefusedError:
            self.close()
            raise

    def _connected(self) -> Rows:
        connection = connect(self._place)
        try:
            # Two gyms on one database would each declare the other's rollouts cut off.
            locked = connection.execute("SELECT pg_try_advisory_lock(%s, 1) AS got", (LOCK,))
            if not (locked.fetchone() or {})["got"]:
                words = f"cannot use the database {self._place.name}: in use by another gym"
                raise DatabaseInUseError(words)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, name: str) -> None:
        migrate(self._connection, name)

    def _transaction(self) -> Any:
        return self._connection.transaction()

    def keep_reserve(self) -> None:
        """Do nothing: the server's disk is its own business."""

    def make_room(self) -> None:
        """Do nothing: there is no reserve."""

    def close(self) -> None:
        """Close the connection; closing twice does nothing."""
        self._connection.close()


def connect(place: SharedDatabase) -> Rows:
    """Return a connection, whose statements find the gym's tables.

    Raises:
        psycopg.Error: There is none.
        StorageError: The password is not to be had.
        DatabaseRefusedError: It cannot hold every text.
    """
    options: dict[str, Any] = {
        **{"connect_timeout": CONNECT_S, "application_name": "gymtui gym"},
        **{"tcp_user_timeout": SILENCE_S * 1000},
        **conninfo_to_dict(place.url),
        "client_encoding": "utf8",
    }
    if place.password is not None:
        options["password"] = place.password()
    # No statements are prepared: what stands between us and the server may not keep them.
    connection = psycopg.connect(
        "", autocommit=True, prepare_threshold=None, row_factory=dict_row, **options
    )
    try:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            words = f"its encoding is {encoding}, which has not every text"
            raise DatabaseRefusedError(f"cannot use the database {place.name}: {words}")
        for setting, value in (
            ("search_path", SCHEMA),
            ("statement_timeout", f"{STATEMENT_S}s"),
            ("lock_timeout", f"{LOCK_S}s"),
        ):
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
    except BaseException:
        connection.close()
        raise
    return connection


def version_of(connection: ServerConnection) -> int:
    """Return the version of the gym's tables in a database, 0 where there are none."""
    there = connection.execute(
        "SELECT FROM pg_tables WHERE schemaname = ? AND tablename = 'version'", (SCHEMA,)
    )
    if not there.rowcount:
        return 0
    return int(connection.execute("SELECT version FROM version").fetchone()["version"])


def migrate(connection: ServerConnection, name: str) -> None:
    """Bring a database to this version, whole or not at all; of several at once, one does it.

    Raises:
        DatabaseRefusedError: It is of a newer one.
        StorageError: It cannot be done.
    """
    if version_of(connection) == VERSION:
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(?, 0)", (LOCK,))
        version = version_of(connection)
        if version > VERSION:
            raise DatabaseRefusedError(f"{name} is of version {version}, this gym writes {VERSION}")
        if version == 0:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            connection.execute("CREATE TABLE version (version integer NOT NULL)")
            connection.execute("INSERT INTO version VALUES (0)")
        for step in STEPS[version:]:
            for statement in step.split(";"):
                if statement.strip():
                    connection.execute(_translated(statement))
        connection.execute("UPDATE version SET version = ?", (VERSION,))


def condition(place: SharedDatabase) -> int:
    """Return the version of the gym's tables in a database, 0 where there are none.

    Raises:
        DatabaseRefusedError: It cannot hold every text.
        StorageError: It does not answer, or the password is not to be had.
    """
    connection = ServerConnection(lambda: connect(place))
    try:
        return version_of(connection)
    finally:
        connection.close()


def storage_error(error: psycopg.Error) -> StorageError:
    """Return what an error of the driver means."""
    # The last line is the server's, without the addresses that were tried.
    lines = str(error).strip().splitlines()
    words = lines[-1].rpartition("FATAL:")[2].strip() if lines else type(error).__name__
    if error.sqlstate is not None:
        is_passing = error.sqlstate.startswith(_PASSING)
    else:
        is_passing = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return DatabaseAwayError(words) if is_passing else StorageError(words)


@lru_cache(256)
def _marked(statement: str) -> Any:
    """Return a statement with the driver's marks; ours hold no question mark and no per cent."""
    return statement.replace("?", "%s")


def _translated(statement: str) -> str:
    """Return what makes a table, in PostgreSQL's words."""
    own = "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    numbered = re.sub("INTEGER PRIMARY KEY( AUTOINCREMENT)?", own, statement)
    return numbered.replace("INTEGER", "bigint")


def _storable(value: Any) -> Any:
    """Return a value as PostgreSQL takes it, which has no text with NUL or lone surrogates."""
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "\ufffd").encode(errors="replace").decode()
