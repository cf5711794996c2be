"""A PostgreSQL server for tests: a cluster in a directory of its own, on a socket in it.

It needs no port and is reached by nobody else. It ends with the process that started it, however
that ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest

OWNER = "postgres"
"""Whom the server runs as where the tests run as root, whom it refuses."""

SECRET = "pw-4711-never-shown"
"""The password of the user `guarded`."""

# Nothing of it outlives the tests, so that nothing waits for a disk.
_HURRY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Attributes:
        directory: Where its socket is.
        restart: Ends it at once, as a crash would, and starts it again.

    Nobody is asked for a password, but for the user `guarded`.
    """

    directory: Path
    restart: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """Its first database, as somebody who may do everything there."""
        return self.of("postgres")

    def of(self, database: str, user: str = "gymtui") -> str:
        """The URL of another of its databases, or of another user's way there."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.directory))}"

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Carry out a statement in the first database."""
        return run_sql(self.url, statement, *values)

    def guard(self) -> None:
        """Make the user who must say `SECRET`."""
        if not self.sql("SELECT 1 FROM pg_roles WHERE rolname = 'guarded'"):
            self.sql(f"CREATE ROLE guarded LOGIN SUPERUSER PASSWORD '{SECRET}'")

    def new_database(self) -> str:
        """Make an empty database; its URL."""
        name = f"d{uuid.uuid4().hex}"
        self.sql(f"CREATE DATABASE {name}")
        return self.of(name)

    def gym_database(self) -> str:
        """A database in which there is no gym yet, always the same; its URL."""
        if not self.sql("SELECT 1 FROM pg_database WHERE datname = 'gym'"):
            self.sql("CREATE DATABASE gym")
        run_sql(self.of("gym"), "DROP SCHEMA IF EXISTS gymtui_gym CASCADE")
        return self.of("gym")


def run_sql(url: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Carry out a statement in a database; what it answers."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def _programs() -> Path | None:
    """Where the newest server's programs are."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    return debian[-1].parent if debian else None


def _version(initdb: Path) -> float:
    return float(initdb.parent.parent.name)


def _as_owner() -> list[str]:
    """What runs a program as one who may run a server, until this process ends."""
    dying = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        dying += [f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"]
    return dying


@contextmanager
def own_server() -> Iterator[Server]:
    """Start a server, and end it."""
    until = ExitStack()
    programs = _programs()
    assert programs is not None
    directory = Path(tempfile.mkdtemp(prefix="gymtui-postgres-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            shutil.chown(directory, OWNER, OWNER)
        data = directory / "data"
        told = ["-A", "trust", "-U", "gymtui", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run([*_as_owner(), str(programs / "initdb"), "-D", str(data), *told])
        # Whom else nobody asks for a password, `guarded` is.
        rules = data / "pg_hba.conf"
        rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
        words = [*_as_owner(), str(programs / "postgres"), "-D", str(data), "-k", str(directory)]
        for setting in _HURRY:
            words += ["-c", setting]
        log = until.enter_context((directory / "log").open("wb"))
        running: list[subprocess.Popen[bytes]] = []

        def begin() -> None:
            running.append(subprocess.Popen(words, stdout=log, stderr=log, cwd=directory))

        def end() -> None:
            # At once: nothing in it is to be kept.
            running[-1].send_signal(signal.SIGQUIT)
            running[-1].wait(60)

        def restart() -> None:
            end()
            begin()
            _await(server, running[-1])

        server = Server(directory, restart)
        begin()
        until.callback(end)
        _await(server, running[-1])
        yield server
    finally:
        until.close()
        shutil.rmtree(directory, ignore_errors=True)


def _run(words: Sequence[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr


def _await(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Wait until it answers."""
    import psycopg

    from tests.helpers.journals import wait_until

    def answers() -> bool:
        assert process.poll() is None, (server.directory / "log").read_text()
        try:
            server.sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    wait_until(answers)


def why_not() -> str | None:
    """Why there can be no server; None where there can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed"
    if _programs() is None:
        return "PostgreSQL is not installed"
    if shutil.which("setpriv") is None:
        return "setpriv is not installed, by which a server ends with the tests"
    return None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server that answers, one for all tests of a worker; skips where there can be none."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with own_server() as server:
        yield server
