"""The demo's gym as a process: where it is kept from one time to the next, and who may have it.

`python -m gymtui.gym.demo.process` prints one line of JSON (`ServedGym`) and serves until its
standard input closes: whoever holds the other end of that pipe need not live to end it. What
happens in it is `gymtui.gym.demo.schedule`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from gymtui.gym.clock import monotonic_s
from gymtui.gym.demo.agents import AGENTS, plan_troubles
from gymtui.gym.demo.lock import ServedGym, hold_lock
from gymtui.gym.demo.schedule import launch_runs, troubles_of
from gymtui.gym.engine.database_file import DatabaseFile
from gymtui.gym.engine.records import DatabaseInUseError, DatabaseRefusedError
from gymtui.gym.http.server import GymOptions, bind, serve_until

DATABASE = "gym.sqlite3"
GYM_LOCK = "gym.lock"
BROKEN = f"{DATABASE}.broken"
"""What a database that cannot be read is renamed to; the one before it goes."""
PREFIX = "gymtui-demo-"  # of directories for gyms that are not kept

PATIENCE_S = 10.0  # how long a gym that is just ending may take to let go of its directory


@dataclass(frozen=True)
class DemoDirectory:
    """Where a gym keeps its database: a `ServedGym` without its URL."""

    directory: Path
    kept: bool
    anew: bool
    words: str = ""


@contextmanager
def demo_directory(wanted: Path | None, *, fresh: bool, temporary: Path) -> Iterator[DemoDirectory]:
    """Have a directory to oneself: the wanted one if that can be, else one that goes afterwards.

    Args:
        wanted: The one that is kept; None for none.
        temporary: Where directories that are not kept are made, and those of gyms that were
            killed lie.
    """
    sweep(temporary)
    with ExitStack() as held_on:
        if wanted is None:
            yield _temporary(temporary, "", held_on)
        else:
            yield _kept(wanted, fresh, temporary, held_on)


def _kept(wanted: Path, fresh: bool, temporary: Path, until: ExitStack) -> DemoDirectory:
    try:
        if until.enter_context(hold_lock(wanted / GYM_LOCK, PATIENCE_S)):
            anew, words = _settle(wanted / DATABASE, fresh=fresh)
            return DemoDirectory(wanted, kept=True, anew=anew, words=words)
        reason = "another demo has its place"
    except (OSError, DatabaseRefusedError) as error:
        reason = str(error)
    return _temporary(temporary, f"this demo is not kept: {reason}", until)


def _temporary(temporary: Path, words: str, until: ExitStack) -> DemoDirectory:
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary))
    until.callback(shutil.rmtree, directory, ignore_errors=True)
    # Locked before it has its name, so that nobody who sweeps can be faster.
    unnamed = directory / "new"
    until.enter_context(hold_lock(unnamed))
    unnamed.rename(directory / GYM_LOCK)
    return DemoDirectory(directory, kept=False, anew=True, words=words)


def _settle(database: Path, *, fresh: bool) -> tuple[bool, str]:
    """See that the database can be used, whatever it takes.

    Returns:
        Whether it begins anew, and what the person should know.

    Raises:
        DatabaseRefusedError: A gym that was started by hand has it open, or none can be made.
        OSError: What is in the way cannot be moved.
    """
    if fresh:
        _remove(database)
    words = ""
    try:
        with DatabaseFile(database) as found:
            anew = found.runs_ever == 0
        if _is_sound(database):
            return anew, words
        words = "it is damaged"
    except DatabaseInUseError:
        raise
    except (DatabaseRefusedError, sqlite3.DatabaseError) as error:
        words = str(error)
    broken = database.with_name(BROKEN)
    with suppress(FileNotFoundError):
        database.replace(broken)
    _remove(database)
    with DatabaseFile(database):
        pass
    return True, f"the demo begins anew: {words}; set aside as {broken.name}"


def _is_sound(database: Path) -> bool:
    """Whether every page of a database reads as one should."""
    with closing(sqlite3.connect(database)) as connection:
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError:
            return False
    return bool(found == "ok")


def _remove(database: Path) -> None:
    """Delete a database and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal", "-reserve"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def sweep(temporary: Path) -> None:
    """Remove what killed gyms of this user left behind; never one that is alive."""
    with suppress(OSError):
        for directory in temporary.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if _is_ours(directory):
                    with hold_lock(directory / GYM_LOCK) as abandoned:
                        if abandoned:
                            shutil.rmtree(directory, ignore_errors=True)


def _is_ours(directory: Path) -> bool:
    """Whether it is a directory that a gym of this user had made its own."""
    found = directory.lstat()
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return mine and (directory / GYM_LOCK).is_file()


async def _serve(speed: float, seed: int, where: DemoDirectory) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Nothing is ever written to it: readable means closed.
    loop.add_reader(sys.stdin.fileno(), ending.set)

    def ready(url: str) -> None:
        served = ServedGym(url, where.kept, where.anew, where.words)
        print(json.dumps(asdict(served)), flush=True)  # noqa: T201  (stdout is how it is said)

    began_s = monotonic_s()
    ordered = plan_troubles(partial(troubles_of, seed), lambda: monotonic_s() - began_s)
    await serve_until(
        ending,
        bind("127.0.0.1", 0, has_key=False),
        where.directory / DATABASE,
        GymOptions(speed=speed, seed=seed, temperaments=AGENTS, troubles=ordered),
        ready=ready,
        beside=lambda engine: launch_runs(engine, speed=speed, seed=seed),
    )


def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser(prog="gymtui.gym.demo.process")
    parser.add_argument("--speed", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    temporary = Path(tempfile.gettempdir())
    with demo_directory(options.directory, fresh=options.fresh, temporary=temporary) as where:
        asyncio.run(_serve(options.speed, options.seed, where))


if __name__ == "__main__":
    main()
