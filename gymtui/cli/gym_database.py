"""Which database a local gym has, as a command line or the environment says it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gymtui.cli.options import fail, with_options

if TYPE_CHECKING:
    from gymtui.gym.engine.database_place import Place, SharedDatabase

VARIABLE: Final = "GYMTUI_GYM_DB"
COMMAND_VARIABLE: Final = "GYMTUI_GYM_DB_PASSWORD_COMMAND"

database_options = with_options(
    click.option(
        "--db",
        metavar="PLACE",
        envvar=VARIABLE,
        default="gym.sqlite3",
        show_default=True,
        help="Database file, or postgresql://….",
    ),
    click.option(
        "--db-password-command",
        metavar="COMMAND",
        envvar=COMMAND_VARIABLE,
        help="Prints the database's password; default: PGPASSFILE.",
    ),
)


def is_shared(text: str) -> bool:
    """Whether a place is a PostgreSQL database rather than a file."""
    return text.strip().startswith(("postgresql:", "postgres:"))


def place_of(text: str, command: str | None) -> Place:
    """The place that is meant; ends the program where it cannot be one."""
    if not is_shared(text):
        return Path(text)
    try:
        return shared_place(text, command)
    except ValueError as error:
        fail(f"--db {error}")


def shared_place(text: str, command: str | None) -> SharedDatabase:
    """The PostgreSQL database that is meant; a command prints its password.

    Raises:
        ValueError: It is none, or carries a password; nothing of it is repeated.
    """
    from gymtui.config.api_key import CommandFailedError, run_command
    from gymtui.core.urls import database_url
    from gymtui.gym.engine.database_place import SharedDatabase
    from gymtui.gym.engine.records import DatabaseAwayError

    url = database_url(text)
    words = shlex.split(command or "")
    if not words:
        return SharedDatabase(url)

    def password() -> str:
        try:
            printed = run_command(words, os.environ)
        except CommandFailedError as error:
            raise DatabaseAwayError(f"the command that prints its password {error}") from None
        # Password managers print notes below the password.
        return next(iter(printed.strip().splitlines()), "")

    return SharedDatabase(url, password)
