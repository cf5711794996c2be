"""gymtui as scripts and people call it: in a process, on a pipe or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.gym.running_gym import RunningGym, launch_body, unfinished, until_now
from tests.helpers import forked, patient_http
from tests.helpers.environment import isolated
from tests.helpers.forked import Forked


def gymtui(
    home: Path, *arguments: str, given: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run it off a terminal, with `given` on its standard input."""
    if forked.fits(env):
        return forked.call(arguments, isolated(home, env), given)
    return subprocess.run(
        [sys.executable, "-m", "gymtui", *arguments],
        env=isolated(home, env),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
    )


def in_shell(
    home: Path, script: str, *, fork: bool = True, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a script of bash in which `gymtui` is this one, forked or started."""
    command = forked.in_shell() if fork else f"{sys.executable} -m gymtui"
    function = f'gymtui() {{ {command} "$@"; }}; '
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", function + script],
        env=isolated(home, env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


class Running:
    """It under way off a terminal. A context manager: leaving it leaves no process.

    Args:
        home: Where HOME is.
        arguments: Of the command line.
    """

    def __init__(self, home: Path, *arguments: str) -> None:
        (out, its_out), (err, its_err) = os.pipe(), os.pipe()
        command = [sys.executable, "-m", "gymtui", *arguments]
        with Path(os.devnull).open() as nothing:
            streams = (nothing.fileno(), its_out, its_err)
            self.process = Forked(command, isolated(home), streams, cwd=Path.cwd())
        os.close(its_out)
        os.close(its_err)
        self.stdout, self.stderr = os.fdopen(out), os.fdopen(err)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.stdout.close()
        self.stderr.close()

    def end(self) -> subprocess.CompletedProcess[str]:
        """Wait until it ends by itself: its exit code, and what of its words was not read yet."""
        err, out = self.stderr.read(), self.stdout.read()
        return subprocess.CompletedProcess(["gymtui"], self.process.wait(), out, err)


@dataclass(frozen=True)
class Seen:
    """What became of a program on a terminal: all it wrote there, and its exit code."""

    text: str
    status: int


class OnTerminal:
    """It on a terminal of its own. A context manager: leaving it leaves no process.

    Args:
        home: Where HOME is.
        arguments: Of the command line.
        columns: The terminal's width.
        env: Further variables.
    """

    def __init__(self, home: Path, *arguments: str, columns: int = 120, **env: str) -> None:
        assert forked.fits(env)
        self._written = b""
        self._terminal, slave = pty.openpty()
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        command = [sys.executable, "-m", "gymtui", *arguments]
        streams = (slave, slave, slave)
        self._process = Forked(command, isolated(home, env), streams, cwd=Path.cwd(), terminal=True)
        os.close(slave)

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)

    @property
    def text(self) -> str:
        """What it has written so far."""
        return self._written.decode("utf-8", "replace")

    def wait_for(self, words: str, timeout_s: float = 60) -> None:
        """Wait until it has written this."""
        end = time.monotonic() + timeout_s
        while words not in self.text:
            assert time.monotonic() < end, f"no {words!r} in {self.text!r}"
            assert self._read(0.5), f"it ended without {words!r}: {self.text!r}"

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def end(self, timeout_s: float = 60) -> Seen:
        """Wait until it ends by itself."""
        end = time.monotonic() + timeout_s
        while self._read(0.5):
            assert time.monotonic() < end, f"it goes on: {self.text!r}"
        return Seen(self.text, self._process.wait())

    def _read(self, timeout_s: float) -> bool:
        """Read what there is; False once nothing will come any more."""
        if not select.select([self._terminal], [], [], timeout_s)[0]:
            return True
        try:
            data = os.read(self._terminal, 65536)
        except OSError:
            return False
        self._written += data
        return bool(data)


def launch(gym: RunningGym, name: str, **changes: object) -> None:
    """Launch a small run."""
    body = launch_body(run_name=name, **changes)
    patient_http.post(f"{gym.url}/runs", json=body).raise_for_status()


def finish(gym: RunningGym, name: str) -> None:
    """Wait until a run has ended."""
    until_now(
        lambda: not unfinished(patient_http.get(f"{gym.url}/runs/{quote(name, safe='')}").json())
    )


def fault(gym: RunningGym, path: str, times: int | None = 1, **what: object) -> None:
    """Have the gym misbehave, so often or until it is cleared."""
    order = {"path": path, "times": times, "fault": what}
    patient_http.post(f"{gym.url}/__faults__", json=order).raise_for_status()
