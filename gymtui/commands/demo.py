"""The demo's gym: a process of its own on a free loopback port, which ends with this one."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Self

START_S = 20.0
END_S = 5.0


class LocalGym:
    """A gym with runs in progress. A context manager: leaving it ends the gym.

    The gym holds the other end of a pipe and ends when that closes, which it does however this
    process ends: no process is left behind even when this one is killed.

    Args:
        speed: Times real time.
        seed: What chance starts from.
    """

    def __init__(self, *, speed: float, seed: int) -> None:
        self._command = [
            *(sys.executable, "-m", "gymtui.gym.story"),
            *("--speed", str(speed), "--seed", str(seed)),
        ]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start it, and wait until it listens.

        Raises:
            RuntimeError: It did not start.
        """
        # A session of its own: what the terminal does to its foreground (^C, hang-up) is ours.
        self._process = subprocess.Popen(  # noqa: S603  (this interpreter, this package)
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101  (it was asked for)
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self._end()
            raise RuntimeError("the local gym did not start; its words are above")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
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
