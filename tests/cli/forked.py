"""gymtui called in a process that forks from one which has imported it: most of a call's time.

`python -m tests.cli.forked FD` is that one. Each order it reads from the socket is a line of JSON
with three files for the standard streams; the answer is the exit code of the fork.
"""

from __future__ import annotations

import atexit
import gc
import io
import json
import os
import pkgutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

_ROOT = Path(__file__).parents[2]
_NOT_IMPORTED = ("gymtui.tui", "gymtui.__main__")
_IMPORTED_LATE = ("anyio._backends._asyncio", "httpcore")
"""What others import with the first request."""
_READ_AT_START = ("PYTHON", "LC_", "LANG")
"""Variables, by how they begin, that an interpreter reads as it starts."""
_DEADLINE_S = 60.0


def fits(env: Mapping[str, str]) -> bool:
    """Whether a fork does with these variables what a new interpreter does."""
    return not any(name.startswith(_READ_AT_START) for name in env)


class Server:
    """The process to fork from; one for each thread that calls, so that calls can overlap."""

    def __init__(self) -> None:
        self._channel, other = socket.socketpair()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.forked", str(other.fileno())],
                cwd=_ROOT,
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._channel.settimeout(_DEADLINE_S)
        atexit.register(self.close)

    def close(self) -> None:
        """End it, and with it nothing else: what it forked has ended."""
        self._channel.close()
        self._process.wait()

    def call(
        self, arguments: Sequence[str], env: Mapping[str, str], given: str
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
            order = {"arguments": arguments, "env": dict(env), "cwd": str(Path.cwd())}
            files = [stdin.fileno(), stdout.fileno(), stderr.fileno()]
            socket.send_fds(self._channel, [f"{json.dumps(order)}\n".encode()], files)
            status = int(self._channel.recv(16))
            texts = []
            for stream in (stdout, stderr):
                stream.seek(0)
                texts.append(stream.read().decode())
        return subprocess.CompletedProcess(["gymtui", *arguments], status, *texts)


_servers = threading.local()


def call(
    arguments: Sequence[str], env: Mapping[str, str], given: str
) -> subprocess.CompletedProcess[str]:
    """Call gymtui in a fork of this thread's server."""
    if not hasattr(_servers, "server"):
        _servers.server = Server()
    server: Server = _servers.server
    return server.call(arguments, env, given)


def _serve(channel: socket.socket) -> None:
    """Answer orders until there are no more; in a fork, return once it stands as ordered."""
    while True:
        message, files, _, _ = socket.recv_fds(channel, 1 << 16, 3)
        while message and not message.endswith(b"\n"):
            message += channel.recv(1 << 16)
        if not message:
            os._exit(0)
        child = os.fork()
        if not child:
            channel.close()
            _become(json.loads(message), files)
            return
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        channel.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _become(order: Mapping[str, object], files: Sequence[int]) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["env"])  # type: ignore[call-overload]
    time.tzset()
    os.chdir(str(order["cwd"]))
    sys.argv = ["gymtui", *order["arguments"]]  # type: ignore[misc]
    # As an interpreter opens them under C.UTF-8.
    sys.stdin = _stream(0, "surrogateescape")
    sys.stdout = _stream(1, "surrogateescape")
    sys.stderr = _stream(2, "backslashreplace", line_buffering=True)


def _stream(number: int, errors: str, *, line_buffering: bool = False) -> io.TextIOWrapper:
    raw = io.FileIO(number, "rb" if number == 0 else "wb", closefd=False)
    stream = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
    return io.TextIOWrapper(stream, "utf-8", errors=errors, line_buffering=line_buffering)


def _end_after(act: Callable[[], object]) -> NoReturn:
    """Do it and end as an interpreter does, but take nothing apart.

    Most of a call's time would go into that: it copies every page that is shared with the parent.
    """
    status = 0
    try:
        act()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - told as by any interpreter
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def _import_all() -> None:
    import gymtui

    for module in pkgutil.walk_packages(gymtui.__path__, "gymtui."):
        if not module.name.startswith(_NOT_IMPORTED):
            import_module(module.name)
    for name in _IMPORTED_LATE:
        import_module(name)


if __name__ == "__main__":
    _import_all()
    gc.collect()
    gc.freeze()  # collecting garbage, a fork would copy what it shares with its parent
    _serve(socket.socket(fileno=int(sys.argv[1])))

    from gymtui.cli.entry import main

    _end_after(lambda: main(prog_name="gymtui"))
