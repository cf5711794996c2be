"""gymtui in a process that forks from one which has imported it: most of a start's time.

`python -m tests.helpers.forked FD FD` is that one. Each order that it reads from the first socket,
or from who connects to the second, is a datagram of JSON with files for the standard streams and
one for the answers: the fork's process id at once, and its exit code when it has ended.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import io
import json
import os
import pkgutil
import runpy
import secrets
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from tests.helpers.environment import isolated
from tests.helpers.places import ROOT

_MODULES = ("gymtui", "tests.terminal.tiny")
"""What `python -m` is followed by in what is forked."""
_IMPORTED_LATE = ("anyio._backends._asyncio", "httpcore", "tests.terminal.tiny")
"""What others import with the first request; and what nothing of gymtui imports."""
_READ_AT_START = ("PYTHON", "LC_", "LANG", "TEXTUAL", "ESCDELAY")
"""Variables, by how they begin, that are read as an interpreter starts or a module is imported."""
_ANSWER = 16
"""Bytes of an answer: a number, padded."""


def fits(env: Mapping[str, str]) -> bool:
    """Whether a fork does with these variables what a new interpreter does."""
    return not any(name.startswith(_READ_AT_START) for name in env)


class _Server:
    """The process to fork from."""

    def __init__(self) -> None:
        self.address = f"gymtui-tests-{os.getpid()}-{secrets.token_hex(8)}"
        """Of a socket without a file (unix(7): abstract)."""
        self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(f"\0{self.address}")
        listener.listen()
        with other, listener:
            sockets = (other.fileno(), listener.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.helpers.forked", *map(str, sockets)],
                cwd=ROOT,
                env=isolated(Path(tempfile.gettempdir())),
                pass_fds=sockets,
                stdin=subprocess.DEVNULL,
            )
        atexit.register(self._close)

    def _close(self) -> None:
        """End it, and with it nothing else: what it forked has ended."""
        self._channel.close()
        self._process.wait()

    def order(self, what: Mapping[str, object], files: Sequence[int]) -> None:
        """Have it fork."""
        socket.send_fds(self._channel, [json.dumps(what).encode()], files)


_server: _Server | None = None
_starting = threading.Lock()


def _the_server() -> _Server:
    global _server
    with _starting:
        if _server is None:
            _server = _Server()
    return _server


class Forked:
    """A program that was forked, as a `subprocess.Popen` is one that was started.

    Args:
        command: The interpreter, `-m`, one of the modules, and arguments.
        env: All its variables.
        streams: Files for its standard streams.
        cwd: Where it stands.
        terminal: Whether its standard input becomes its terminal, in a session of its own.
        ignored: Signals that it finds ignored.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        streams: tuple[int, int, int],
        *,
        cwd: Path,
        terminal: bool = False,
        ignored: Sequence[signal.Signals] = (),
    ) -> None:
        interpreter, option, module, *arguments = command
        assert (interpreter, option) == (sys.executable, "-m") and module in _MODULES
        self.returncode: int | None = None
        self._answers, answer = os.pipe()
        order = {
            "module": module, "arguments": arguments, "env": dict(env), "cwd": str(cwd),
            "terminal": terminal, "ignored": [int(number) for number in ignored],
        }  # fmt: skip
        try:
            _the_server().order(order, [*streams, answer])
        finally:
            os.close(answer)
        self.pid = int(os.read(self._answers, _ANSWER))

    def poll(self, timeout_s: float | None = 0) -> int | None:
        """Its exit code, if it has ended or does so within that time; None waits for ever."""
        if self.returncode is None and select.select([self._answers], [], [], timeout_s)[0]:
            self.returncode = int(os.read(self._answers, _ANSWER))
            os.close(self._answers)
        return self.returncode

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for its end; its exit code."""
        code = self.poll(timeout_s)
        assert code is not None, f"still running after {timeout_s} s"
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


def call(
    arguments: Sequence[str], env: Mapping[str, str], given: str
) -> subprocess.CompletedProcess[str]:
    """Call gymtui, and wait for its end.

    Args:
        arguments: Of its command line.
        env: All its variables.
        given: Its standard input.
    """
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(given.encode())
        stdin.seek(0)
        streams = (stdin.fileno(), stdout.fileno(), stderr.fileno())
        command = [sys.executable, "-m", "gymtui", *arguments]
        status = Forked(command, env, streams, cwd=Path.cwd()).wait()
        texts = []
        for stream in (stdout, stderr):
            stream.seek(0)
            texts.append(stream.read().decode())
    return subprocess.CompletedProcess(["gymtui", *arguments], status, *texts)


def in_shell() -> str:
    """A command of a shell that takes arguments as gymtui does."""
    return shlex.join([sys.executable, "-I", "-S", "-c", _CALLING, _the_server().address])


_CALLING = """
import json, os, socket, sys
channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
channel.connect("\\0" + sys.argv[1])
answers, answer = os.pipe()
order = {"module": "gymtui", "arguments": sys.argv[2:], "env": dict(os.environ)}
order |= {"cwd": os.getcwd(), "terminal": False, "ignored": []}
socket.send_fds(channel, [json.dumps(order).encode()], [0, 1, 2, answer])
os.close(answer)
os.read(answers, 16)
sys.exit(int(os.read(answers, 16)))
"""


def _serve(channel: socket.socket, listener: socket.socket) -> dict[str, Any]:
    """Answer orders until there are no more; in a fork, return the order once it stands so."""
    running: dict[int, tuple[int, int]] = {}
    channels = {channel.fileno(): channel}
    events = select.poll()
    events.register(channel, select.POLLIN)
    events.register(listener, select.POLLIN)
    while True:
        for event, _ in events.poll():
            if event == listener.fileno():
                accepted, _ = listener.accept()
                channels[accepted.fileno()] = accepted
                events.register(accepted, select.POLLIN)
                continue
            if event in running:
                child, answer = running.pop(event)
                _, status = os.waitpid(child, 0)
                events.unregister(event)
                os.close(event)
                _tell(answer, os.waitstatus_to_exitcode(status))
                os.close(answer)
                continue
            message, files, _, _ = socket.recv_fds(channels[event], 1 << 20, 4)
            if not message:
                if event == channel.fileno():
                    os._exit(0)
                events.unregister(event)
                channels.pop(event).close()
                continue
            *streams, answer = files
            child = os.fork()
            if not child:
                order: dict[str, Any] = json.loads(message)
                _become(order, streams)
                return order
            for file in streams:
                os.close(file)
            _tell(answer, child)
            process = os.pidfd_open(child)
            running[process] = child, answer
            events.register(process, select.POLLIN)


def _tell(answer: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # who ordered it has ended
        os.write(answer, f"{number:<{_ANSWER}}".encode())


def _become(order: Mapping[str, Any], streams: Sequence[int]) -> None:
    for number, file in enumerate(streams):
        os.dup2(file, number)
    os.closerange(3, max(streams) + 1024)
    if order["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in order["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    os.chdir(order["cwd"])
    # As an interpreter opens them under C.UTF-8.
    sys.stdin = sys.__stdin__ = _stream(0, "surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _stream(1, "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "backslashreplace")  # type: ignore[misc]


def _stream(number: int, errors: str) -> io.TextIOWrapper:
    raw = io.FileIO(number, "rb" if number == 0 else "wb", closefd=False)
    stream = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
    by_line = number == 2 or raw.isatty()
    return io.TextIOWrapper(stream, "utf-8", errors=errors, line_buffering=by_line)


def _run(order: Mapping[str, Any]) -> NoReturn:
    """Do what is ordered and end as an interpreter does, but take nothing apart.

    Most of a call's time would go into that: it copies every page that is shared with the parent.
    """
    status = 0
    sys.argv = [order["module"], *order["arguments"]]
    try:
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - told as by any interpreter
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = status or 120  # the interpreter's own
    os._exit(status & 0xFF)


def _import_all() -> None:
    import gymtui

    for module in pkgutil.walk_packages(gymtui.__path__, "gymtui."):
        if module.name != "gymtui.__main__":
            with contextlib.suppress(ModuleNotFoundError):  # of an extra that is not installed
                import_module(module.name)
    for name in _IMPORTED_LATE:
        import_module(name)


if __name__ == "__main__":
    _import_all()
    gc.collect()
    gc.freeze()  # collecting garbage, a fork would copy what it shares with its parent
    _run(_serve(*(socket.socket(fileno=int(number)) for number in sys.argv[1:])))
