"""The demo: a gym in a process of its own on a free loopback port, which ends with this one.

Where it keeps what it learns is the demo's own place, never where the person's gyms have theirs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from gymtui.cli.dashboard import Storage, open_dashboard
from gymtui.config.settings import LoadedSettings
from gymtui.core import child_environment, paths
from gymtui.core.replacement import replace
from gymtui.gym.demo.lock import ServedGym, hold_lock

END_S = 5.0
REQUESTS_PER_S = 20.0  # its gym is this machine's own, and is watched four times as often as others
LOCK = "lock"
JOURNAL = "journal.sqlite3"
"""A fixed name: others are named for a gym's URL, and the demo's port is never the same."""


class DemoError(Exception):
    """The demo's gym did not start; its own words are on standard error."""


def open_demo(
    settle: Callable[[str], LoadedSettings],
    env: Mapping[str, str],
    *,
    speed: float,
    seed: int,
    fresh: bool,
) -> int:
    """Run the dashboard on the demo's gym until its person leaves it; its exit code.

    Raises:
        DemoError: The gym did not start.
    """
    with ExitStack() as until:
        home, notes = until.enter_context(_home(paths.demo_dir(env)))
        gym = until.enter_context(LocalGym(speed=speed, seed=seed, directory=home, fresh=fresh))
        if gym.served.words:
            notes = (*notes, gym.served.words)
        storage = Storage()
        if home is not None and gym.served.kept:
            # Not what was arranged: a filter left from the last time would hide what happens.
            storage = Storage(journal=home / JOURNAL, archive=home / paths.ARCHIVE)
            if gym.served.anew:
                _forget(home / JOURNAL)
        loaded = _speed_up(settle(gym.served.url), speed)
        return open_dashboard(loaded, env, storage=storage, notes=notes, guided=True)


def _speed_up(loaded: LoadedSettings, speed: float) -> LoadedSettings:
    """What hurries is stuck sooner, since its steps are shorter, and is asked more often."""
    settings = loaded.settings
    stuck = settings.stuck
    sooner = {name: getattr(stuck, name) / speed for name in ("floor_s", "fallback_s")}
    stuck = stuck.model_copy(update=sooner)
    update: dict[str, object] = {"stuck": stuck}
    if settings.origins.get("max_requests_per_s", "default") == "default":
        update["max_requests_per_s"] = REQUESTS_PER_S
    return replace(loaded, settings=settings.model_copy(update=update))


@contextmanager
def _home(directory: Path) -> Iterator[tuple[Path | None, tuple[str, ...]]]:
    with ExitStack() as until:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            mine = until.enter_context(hold_lock(directory / LOCK))
        except OSError as error:
            yield None, (f"This demo will not be saved: {error}.",)
            return
        if mine:
            yield directory, ()
        else:
            yield None, ("Another demo is running: this one is separate and will not be saved.",)


def _forget(journal: Path) -> None:
    """What was seen of a gym that is no more would only be taken for something else."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):  # what cannot go is trouble that the journal itself will tell of
            journal.with_name(journal.name + suffix).unlink()
    for kept in journal.parent.glob(f"{journal.stem}.*.json"):  # as `paths.beside` names them
        with suppress(OSError):
            kept.unlink()


class LocalGym:
    """A gym with runs in progress. A context manager: leaving it ends the gym.

    The gym holds the other end of a pipe and ends when that closes, which it does however this
    process ends: no process is left behind even when this one is killed.

    Args:
        directory: Where its state is kept; None keeps none.
    """

    def __init__(
        self, *, speed: float, seed: int, directory: Path | None = None, fresh: bool = False
    ) -> None:
        self._command = [
            *(sys.executable, "-m", "gymtui.gym.demo.process"),
            *("--speed", str(speed), "--seed", str(seed)),
            *(("--directory", str(directory)) if directory is not None else ()),
            *(("--fresh",) if fresh else ()),
        ]
        self._process: subprocess.Popen[str] | None = None
        self.served = ServedGym(url="", kept=False, anew=True)

    def __enter__(self) -> Self:
        """Start it, and wait until it listens.

        Raises:
            DemoError: It did not start.
        """
        # A session of its own: what the terminal does to its foreground (^C, hang-up) is ours.
        self._process = subprocess.Popen(  # noqa: S603  (this interpreter, this package)
            self._command,
            env=child_environment.helper_environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101  (it was asked for)
        line = self._process.stdout.readline()
        if not line:
            self._end()
            raise DemoError("the demo's gym did not start; see its output above")
        self.served = ServedGym(**json.loads(line))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._end()

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
