"""The gym's memory in PostgreSQL: the way there, its password, and what is said when it is away."""

import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from gymtui.cli.gym_database import place_of
from gymtui.gym.engine.database_place import SharedDatabase
from gymtui.gym.engine.database_server import SERVER_VERSION
from gymtui.gym.engine.databases import open_database, version_at
from gymtui.gym.engine.records import DatabaseAwayError, DatabaseRefusedError, StorageError
from gymtui.gym.http.server import GymOptions, create_app
from tests.cli.in_process import Shell
from tests.gym.engines import engine_at
from tests.gym.test_database import T1, add
from tests.helpers.postgres_server import SECRET, Server, run_sql


def test_a_lost_connection_is_made_anew(postgres: Server) -> None:
    url = postgres.gym_database()
    with open_database(SharedDatabase(url)) as database:
        add(database, "one", "a")
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        run_sql(url, cut)
        assert database.has_run("one"), "what only reads is tried again"
        run_sql(url, cut)
        with pytest.raises(DatabaseAwayError):
            database.begin("one.0", T1)
        assert database.begin("one.0", T1)


async def test_a_database_that_is_away_is_said_as_503(postgres: Server) -> None:
    place = SharedDatabase(postgres.gym_database())
    async with engine_at(place) as engine:

        def away() -> None:
            raise DatabaseAwayError("the database system is shutting down")

        engine.database._connection._connect = away  # type: ignore[attr-defined]
        engine.database.close()
        app = httpx.ASGITransport(create_app(engine, GymOptions()))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
            answer = await client.get("/runs")
    assert (answer.status_code, "shutting down" in answer.text) == (503, True)


def test_a_server_that_is_not_there_is_said_in_the_systems_words() -> None:
    with pytest.raises(DatabaseRefusedError, match=r"127.0.0.1:1/gym: Connection refused$"):
        open_database(SharedDatabase("postgresql://127.0.0.1:1/gym"))


def test_without_the_driver_one_line_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "gymtui.gym.engine.database_server", raising=False)
    shell = Shell(tmp_path, lambda _: httpx.Response(500), monkeypatch, {})
    done = shell("gym", "--port", "0", "--db", "postgresql://127.0.0.1/gym")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'gymtui[postgres]'" in done.stderr


def test_whoever_has_a_file_never_loads_the_driver(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import gymtui.cli.gym_commands, gymtui.gym.http.server\n"
        "from gymtui.gym.engine.databases import open_database\n"
        "open_database(Path(sys.argv[1])).close()\n"
        "assert not {'psycopg', 'psycopg_binary'} & set(sys.modules)\n"
        "assert 'gymtui.gym.engine.database_server' not in sys.modules\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "gym.sqlite3")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def guarded(postgres: Server) -> str:
    """A database as somebody who is asked for a password."""
    url = postgres.gym_database()
    postgres.guard()
    return url.replace("gymtui@", "guarded@")


def test_the_password_comes_from_a_command(guarded: str, tmp_path: Path) -> None:
    program = tmp_path / "password"
    program.write_text(f"print('{SECRET}')\nprint('notes')\n")
    command = shlex.join([sys.executable, str(program)])
    place = place_of(guarded, command)
    assert isinstance(place, SharedDatabase)
    open_database(place).close()
    assert version_at(place) == SERVER_VERSION
    assert SECRET not in repr(place)
    with pytest.raises(DatabaseRefusedError, match="prints its password failed"):
        open_database(place_of(guarded, "false"))
    with pytest.raises(DatabaseRefusedError, match="password") as refused:
        open_database(place_of(guarded, "echo wrong"))
    assert "wrong" not in str(refused.value)


def test_the_password_comes_from_a_file(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "pgpass"
    kept.write_text(f"*:*:*:guarded:{SECRET}\n")
    kept.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(kept))
    open_database(SharedDatabase(guarded)).close()


@pytest.mark.parametrize(
    "url", [f"postgresql://me:{SECRET}@h/gym", f"postgresql://h/gym?password={SECRET}"]
)
def test_a_url_with_a_password_is_refused_and_not_repeated(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path, lambda _: httpx.Response(500), monkeypatch, {"GYMTUI_GYM_DB": url})
    for line in (("gym", "--port", "0"), ("gym", "--port", "0", "--db", url)):
        done = shell(*line)
        assert done.returncode == 2
        assert "PGPASSFILE" in done.stderr
        assert SECRET not in done.stdout + done.stderr
    said = shell("doctor", "--base-url", "http://127.0.0.1:9")
    assert "PGPASSFILE" in said.stdout
    assert SECRET not in said.stdout + said.stderr


def test_who_may_not_use_the_gyms_tables_is_told_so(postgres: Server) -> None:
    url = postgres.gym_database()
    open_database(SharedDatabase(url)).close()
    postgres.sql("DROP ROLE IF EXISTS stranger")
    postgres.sql("CREATE ROLE stranger LOGIN")
    with pytest.raises(DatabaseRefusedError, match="permission denied for schema gymtui_gym"):
        open_database(SharedDatabase(postgres.of("gym", "stranger")))
    with pytest.raises(StorageError, match="permission denied for schema gymtui_gym"):
        version_at(SharedDatabase(postgres.of("gym", "stranger")))


def test_doctor_says_the_version_of_a_gyms_database(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.gym_database()
    shell = Shell(tmp_path, lambda _: httpx.Response(500), monkeypatch, {"GYMTUI_GYM_DB": url})
    asked = ("doctor", "--base-url", "http://127.0.0.1:9")
    assert "tables are created by `gymtui gym`" in shell(*asked).stdout
    open_database(SharedDatabase(url)).close()
    assert f", version {SERVER_VERSION}\n" in shell(*asked).stdout
