"""Programs in real terminals, for tests: in tmux to be looked at, or on a bare pty byte by byte.

Nothing here knows gymtui beyond how to keep it off the person's own files. Every wait has a
deadline, every start an end.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyte

from gymtui.tui.runtime.crash_report import EXIT_DEFECT
from tests.helpers.environment import isolated
from tests.helpers.forked import Forked
from tests.terminal.processes import Started, family

PYTHON = sys.executable
DEADLINE_S = 60.0
"""Ends a failing test, however busy the machine; what holds is seen long before."""
COPY_S = 5.0
"""How long a copy may take before its key is pressed again; the program waits for two."""

_NOT_FOR_PYTE = re.compile(
    rb"\x1b\[[<>=][0-9;]*u|\x1b\[\?[0-9;]*\$p"  # kitty's and in-band ones: it takes them for text
    rb"|\x1b\[[0-9;:]*m"  # colours, of which `screen` tells nothing: most of what is written
)


@dataclass(frozen=True)
class Size:
    """Of a terminal, in cells."""

    columns: int = 120
    rows: int = 36


def until(condition: Callable[[], bool], what: str, timeout_s: float = DEADLINE_S) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: It did not come true in time; `what` says which.
    """
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.02)


class Terminal:
    """A program in a tmux of its own. A context manager: leaving it leaves no process.

    Args:
        home: Directory for HOME, XDG directories and whatever the program writes.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._sockets = tempfile.mkdtemp(prefix="gt-")  # short: a socket's path has 108 bytes
        self._started = Started()
        self._env = isolated(home)  # the server's, and so its children's
        self._pressed_on: str | None = None
        """The screen on which a key was pressed since something was last waited for."""
        self.pid = 0
        """Of the program, once started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._started.note(self.pids())
        self._tmux("kill-server", check=False)
        self._started.end()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def start(
        self, command: Sequence[str], size: Size | None = None, env: Mapping[str, str] | None = None
    ) -> Self:
        """Start a program as the terminal's only process.

        Args:
            command: Program and arguments.
            size: Of the terminal.
            env: Variables on top of the isolated ones.
        """
        size = size or Size()
        self._env = isolated(self.home, env)
        options = (
            *("-g remain-on-exit on", "-g status off", "-g escape-time 10", "-s set-clipboard on"),
            "-ga terminal-overrides ,*:Tc",
        )
        room = ("-x", str(size.columns), "-y", str(size.rows))
        # The shell that tmux begins with makes room: the program is the terminal's only process.
        self._tmux(
            *("-u", "new-session", "-d", *room, ";"),
            *(word for option in options for word in ("set", *option.split(), ";")),
            *("respawn-pane", "-k", "--", *command),
        )
        self.pid = int(self._tmux("display", "-p", "#{pane_pid}"))
        self._started.note([self.pid])
        self.resize(size)
        return self

    def keys(self, *names: str) -> Self:
        """Press keys, by tmux's names: `Enter`, `C-d`, `Down`, `text`."""
        self._started.note(self.pids())
        self._pressed_on = self.screen()
        self._tmux(*(word for name in names for word in ("send-keys", name, ";")))
        return self

    def type(self, text: str) -> Self:
        """Type a text as it is."""
        self._pressed_on = self.screen()
        self._tmux("send-keys", "-l", "--", text)
        return self

    def screen(self) -> str:
        """What is on the screen, a line each row."""
        return self._tmux("capture-pane", "-p")

    def wait_for(self, pattern: str, timeout_s: float = DEADLINE_S) -> str:
        """Wait until the screen matches; after a key, until another screen does.

        Args:
            pattern: A regular expression, multi-line.
            timeout_s: Seconds.

        Returns:
            The screen that matched.

        Raises:
            AssertionError: With the screen, if it never did.
        """
        return self._wait(lambda s: re.search(pattern, s, re.M) is not None, pattern, timeout_s)

    def wait_gone(self, pattern: str, timeout_s: float = DEADLINE_S) -> str:
        """Wait until the screen no longer matches."""
        return self._wait(
            lambda s: re.search(pattern, s, re.M) is None, f"not {pattern}", timeout_s
        )

    def _wait(self, good: Callable[[str], bool], what: str, timeout_s: float) -> str:
        # What held before the key would end the wait before it has acted, or after, by chance.
        pressed_on, self._pressed_on = self._pressed_on, None
        end = time.monotonic() + timeout_s
        while not good(screen := self.screen()) or screen == pressed_on:
            assert time.monotonic() < end, f"{what!r} not within {timeout_s:g} s:\n{screen}"
            time.sleep(0.1)  # every look is a process
        self._started.note(self.pids())
        return screen

    def wait_exit(self, timeout_s: float = DEADLINE_S) -> int:
        """Wait until the program ended by itself; its exit code (the screen stays readable)."""

        def status() -> str:
            dead, _, code = self._tmux(
                "display", "-p", "#{pane_dead} #{pane_dead_status}"
            ).partition(" ")
            if dead == "1" and not code.strip():
                # tmux 3.3 now and then misses a child's end; another child's makes it look again.
                self._tmux("run-shell", "true")
            return code.strip()

        until(lambda: status() != "", "exit", timeout_s)
        code = int(status())
        if code == EXIT_DEFECT:
            print(self.screen())
        return code

    def resize(self, size: Size) -> Self:
        """Give the terminal another size."""
        self._tmux("resize-window", "-x", str(size.columns), "-y", str(size.rows))
        return self

    def kill_terminal(self) -> tuple[int, ...]:
        """Take the terminal away under the program, as a dropped connection does.

        Returns:
            The program and its descendants as they were just before.
        """
        pids = self.pids()
        self._started.note(pids)
        self._tmux("kill-server")
        return pids

    def buffer(self) -> str:
        """What was copied into tmux."""
        return self._tmux("show-buffer", check=False)

    def copy(self, key: str = "c") -> str:
        """Press the key that copies until tmux holds something.

        A tmux that is busy may take longer than the program waits for it, which the program says.

        Returns:
            What tmux holds.
        """
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            self.keys(key)
            again = time.monotonic() + COPY_S
            while time.monotonic() < again:
                if held := self.buffer():
                    return held
                time.sleep(0.02)
        raise AssertionError(f"nothing was copied:\n{self.screen()}")

    def pids(self) -> tuple[int, ...]:
        """The program and its descendants that run."""
        return family(self.pid) if self.pid else ()

    def _tmux(self, *args: str, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-L", "t", "-f", "/dev/null", *args],
            env={**self._env, "TMUX_TMPDIR": self._sockets}, cwd=self.home,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"tmux {args[0]}: {done.stderr}"
        return done.stdout


class Pty:
    """A program on a bare pty: every byte it writes, when we choose to read them.

    A context manager. The emulator answers nothing; what the program asks goes unanswered.

    Args:
        command: Program and arguments.
        home: As for `Terminal`.
        size: Of the terminal.
        env: Variables on top.
        ignore_hangup: Start it as `nohup` would, SIGHUP ignored.
        fork: Have it forked from what has imported it: where what it does then is the point.
    """

    def __init__(
        self,
        command: Sequence[str],
        home: Path,
        size: Size | None = None,
        env: Mapping[str, str] | None = None,
        *,
        ignore_hangup: bool = False,
        fork: bool = False,
    ) -> None:
        size = size or Size(80, 24)
        self.written = bytearray()
        """All bytes read so far."""
        self.read_at_s = 0.0
        """When the last of them were, monotonic seconds."""
        self._screen = pyte.Screen(size.columns, size.rows)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))

        def own_terminal() -> None:
            # Under `nohup` the tests themselves have it off.
            signal.signal(signal.SIGHUP, signal.SIG_IGN if ignore_hangup else signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process: subprocess.Popen[bytes] | Forked
        if fork:
            ignored = [signal.SIGHUP] if ignore_hangup else []
            streams = (slave, slave, slave)
            self.process = Forked(
                command, isolated(home, env), streams, cwd=home, terminal=True, ignored=ignored
            )
        else:
            self.process = subprocess.Popen(
                command, stdin=slave, stdout=slave, stderr=slave, env=isolated(home, env),
                cwd=home, start_new_session=True, preexec_fn=own_terminal,
            )  # fmt: skip
        self.slave: int | None = slave
        """Our end of the program's side, to look at its modes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        started = Started()
        started.note(family(self.process.pid))
        self.hang_up()
        started.end()
        self.process.wait(10)

    def hang_up(self) -> None:
        """Take the terminal away."""
        if self.slave is not None:
            os.close(self.slave)
            os.close(self._master)
            self.slave = None

    def send(self, data: bytes) -> None:
        """Type bytes."""
        os.write(self._master, data)

    def read(self, timeout_s: float = 0.2) -> bytes:
        """Read what is there, waiting at most so long for the first of it."""
        if not select.select([self._master], [], [], timeout_s)[0]:
            return b""
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return b""
        self.read_at_s = time.monotonic()
        self.written += data
        self._stream.feed(_NOT_FOR_PYTE.sub(b"", data))
        return data

    def read_until(self, pattern: str, timeout_s: float = DEADLINE_S) -> str:
        """Read until the emulated screen matches.

        Returns:
            The screen.

        Raises:
            AssertionError: With the screen, if it never did.
        """
        end = time.monotonic() + timeout_s
        while not re.search(pattern, self.screen(), re.M):
            assert time.monotonic() < end, (
                f"{pattern!r} not within {timeout_s:g} s:\n{self.screen()}"
            )
            self.read()
        return self.screen()

    def read_bytes(self, wanted: bytes, timeout_s: float = DEADLINE_S) -> None:
        """Read until these bytes have been written."""
        end = time.monotonic() + timeout_s
        while wanted not in self.written:
            assert time.monotonic() < end, f"no {wanted!r} within {timeout_s:g} s"
            self.read()

    def settle(self, quiet_s: float = 0.3, timeout_s: float = DEADLINE_S) -> str:
        """Read until nothing more comes; the screen then."""
        end = time.monotonic() + timeout_s
        while self.read(quiet_s):
            assert time.monotonic() < end, f"still writing after {timeout_s:g} s"
        return self.screen()

    def wait_exit(self, timeout_s: float = DEADLINE_S, *, reading: bool = True) -> int:
        """Wait until the program ended; its exit code."""
        end = time.monotonic() + timeout_s
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still running after {timeout_s:g} s:\n{self.screen()}"
            if reading and self.slave is not None:
                self.read(0.05)
            else:
                time.sleep(0.02)
        if reading and self.slave is not None:
            self.settle(0.05)
        if self.process.returncode == EXIT_DEFECT:
            print(self.screen())
        return self.process.returncode

    def screen(self) -> str:
        """The emulated screen, trailing blanks removed."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip("\n")

    def is_cooked(self) -> bool:
        """Whether the terminal echoes and edits lines, as a shell expects to find it."""
        assert self.slave is not None
        flags = termios.tcgetattr(self.slave)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)
