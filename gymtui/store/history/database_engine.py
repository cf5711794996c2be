"""A journal in PostgreSQL: how the database is reached, and what its errors mean.

Imported by those alone who name one. Its password is asked for whenever it is connected to, given
to the driver, and kept nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from gymtui.config.api_key import CommandFailedError, Runner, run_command
from gymtui.core import urls
from gymtui.store.history.database_schema import migrate, version_of
from gymtui.store.history.journal_database import JournalDatabase
from gymtui.store.history.journal_store import ForeignFileError, NewerJournalError, Trouble

CONNECT_S: Final = 5
STATEMENT_S: Final = 15
LOCK_S: Final = 5  # how long a connection, a statement and a lock are waited for

_REFUSED = ("25006", "40", "53", "55P03")
_PASSING = (*_REFUSED, "08", "28", "3D", "57")
"""States of what may be over soon (SQLSTATE): it answers, but is full, locked or a standby; or it
is away, restarting, or not yet set up."""


_run = partial(run_command, own_session=True)
"""Runs a command without the terminal, on which a screen is drawn."""


class DatabaseEngine:
    """The journal of one gym in a database; its password is libpq's business, or a command's."""

    errors = (psycopg.Error, OSError, CommandFailedError, NewerJournalError, ForeignFileError)

    def __init__(
        self,
        url: str,
        gym: str,
        password_command: Sequence[str] = (),
        run: Runner = _run,
    ) -> None:
        self._url = url
        self.name = urls.database_name(url)
        self._gym = gym
        self._command = password_command
        self._run = run

    def open(self) -> JournalDatabase:
        """Connect, and make or update the tables."""
        return self._open_store(update=True)

    def look(self) -> JournalDatabase:
        """Connect to read alone: nothing is made."""
        return self._open_store(update=False)

    def version(self) -> int:
        """The version of the tables that are there; 0 without any."""
        with self._connection() as connection:
            return version_of(connection)

    def trouble_of(self, error: Exception) -> Trouble:
        """What kind of trouble an error of the database is."""
        if isinstance(error, NewerJournalError):
            return Trouble.NEWER
        if isinstance(error, psycopg.Error):
            if error.sqlstate is not None:
                passing = error.sqlstate.startswith(_PASSING)
            else:
                passing = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
            return Trouble.AWAY if passing else Trouble.UNUSABLE
        return Trouble.AWAY if isinstance(error, CommandFailedError) else Trouble.UNUSABLE

    def words_of(self, error: Exception) -> str:
        """What an error of the database means."""
        if isinstance(error, NewerJournalError):
            return f"{self.name} was made by a newer gymtui"
        if isinstance(error, CommandFailedError):
            return f"{self.name}: the command that prints its password {error}"
        said, state = None, ""
        if isinstance(error, psycopg.Error):
            said, state = error.diag.message_primary, error.sqlstate or ""
        what = "cannot be used"
        if self.trouble_of(error) is Trouble.AWAY:
            what = "takes nothing" if state.startswith(_REFUSED) else "does not answer"
        return f"{self.name} {what}: {said or _reason_of(error)}"

    def leave(self, error: Exception, now: datetime) -> tuple[Trouble, str]:
        """Leave it, until it is back where it is away."""
        trouble, text = self.trouble_of(error), self.words_of(error)
        waits = "; what is observed is written once it does" if trouble is Trouble.AWAY else ""
        return trouble, text + waits

    def connect(self, *, update: bool) -> Connection:
        """Connect; with `update`, make tables or update them; else they must be there."""
        connection = self._connection()
        try:
            if update:
                migrate(connection)
            elif not version_of(connection):
                raise ForeignFileError("it holds no journal")
            return connection
        except BaseException:
            connection.close()
            raise

    def _open_store(self, *, update: bool) -> JournalDatabase:
        connection = self.connect(update=update)
        try:
            return JournalDatabase(connection, self._gym)
        except BaseException:
            connection.close()
            raise

    def _connection(self) -> Connection:
        options: dict[str, Any] = {"connect_timeout": CONNECT_S, "application_name": "gymtui"}
        options |= conninfo_to_dict(self._url)
        if self._command:
            printed = self._run(self._command, os.environ)
            # Password managers print notes below the password.
            options["password"] = next(iter(printed.strip().splitlines()), "")
        options |= {"client_encoding": "utf8"}
        # No statements are prepared: what stands between us and the server may not keep them.
        connection = psycopg.connect("", autocommit=True, prepare_threshold=None, **options)
        try:
            encoding = connection.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                raise ForeignFileError(f"its encoding is {encoding}, which has not every text")
            for name, limit_s in (("statement_timeout", STATEMENT_S), ("lock_timeout", LOCK_S)):
                connection.execute("SELECT set_config(%s, %s, false)", (name, f"{limit_s}s"))
        except BaseException:
            connection.close()
            raise
        return connection


def _reason_of(error: Exception) -> str:
    """Why nobody was reached: the last line, without the system's hint and what was tried."""
    lines = [line for line in str(error).strip().splitlines() if not line.startswith("\t")]
    reason = lines[-1] if lines else type(error).__name__
    for sign in ("failed: ", "FATAL:"):
        reason = reason.rpartition(sign)[2].strip()
    return reason
