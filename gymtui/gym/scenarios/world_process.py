"""Worlds of a bundle in processes of their own, seen from the gym: started, asked, given up on."""

import asyncio
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from gymtui.gym.scenarios.base import WorldError
from gymtui.gym.scenarios.bundle_files import BundleError, BundleFiles, Mistake
from gymtui.gym.tools.toolbox import Call, Observation
from gymtui.gym.wire import Result

START_LIMIT_S = 60.0
MOST_LINE_BYTES = 64 * 1024 * 1024
SHARED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "VIRTUAL_ENV")
"""What of the environment a bundle gets: no keys."""


class BundleProcess:
    """The process of a bundle; `close` ends it and all its worlds."""

    def __init__(self, files: BundleFiles) -> None:
        self._files = files
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self.tools: Sequence[Mapping[str, Any]] = ()

    def start(self) -> None:
        """Start it.

        Raises:
            BundleError: Its Python cannot be imported.
        """
        ours, theirs = socket.socketpair()
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in SHARED or name.startswith(("LC_", "PYTHON"))
        }
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (this interpreter, this package)
                [
                    *(sys.executable, "-P", "-m", "gymtui.gym.scenarios.world_host"),
                    str(self._files.directory.resolve()),
                ],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                env=environment,
                # What a terminal sends to what runs in it is for the gym, which ends this one.
                start_new_session=True,
            )
        self._orders = ours
        hello = self._hello()
        if "tools" not in hello:
            self.close()
            raise BundleError(_mistake(self._files.directory, hello.get("error", "it ended")))
        self.tools = hello["tools"]

    def _hello(self) -> Mapping[str, Any]:
        process = self._process
        assert process is not None and process.stdout is not None  # noqa: S101  (just started)
        received = b""
        with process.stdout as stream, selectors.DefaultSelector() as ready:
            ready.register(stream, selectors.EVENT_READ)
            while not received.endswith(b"\n"):
                if not ready.select(START_LIMIT_S):
                    return {"error": f"its Python is not imported within {START_LIMIT_S:.0f} s"}
                part = os.read(stream.fileno(), 65536)
                if not part:
                    return {}
                received += part
        hello: Mapping[str, Any] = msgspec.json.decode(received)
        return hello

    async def open(self, task: Mapping[str, Any], verifiers: Sequence[str]) -> "ProcessWorld":
        """Open a world in a process of its own.

        Raises:
            WorldError: The bundle's process does not take it.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                if self._orders is None:
                    raise OSError
                socket.send_fds(self._orders, [b"w"], [theirs.fileno()])
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=MOST_LINE_BYTES)
        except OSError:
            ours.close()
            raise WorldError("the bundle's process has ended: restart the gym") from None
        urls = {
            name: server.tool_server_url
            for name, server in self._files.servers.items()
            if server.tool_server_url is not None
        }
        writer.write(_line({"task": task, "urls": urls}))
        limit_s = self._files.scenario.time_limit_s
        return ProcessWorld(reader, writer, self.tools, verifiers, limit_s)

    def close(self) -> None:
        """End it and its worlds; closing twice does nothing."""
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class ProcessWorld:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        functions: Sequence[Mapping[str, Any]],
        verifiers: Sequence[str],
        time_limit_s: float,
    ) -> None:
        self.functions = functions
        self._reader = reader
        self._writer = writer
        self._verifiers = verifiers
        self.time_limit_s = time_limit_s  # how long one request to it may take, seconds
        self._pid: int | None = None
        self._is_busy = False

    async def seed(self, seed: str) -> None:
        await self._ask({"do": "make", "seed": seed}, "world.py")

    async def call(self, call: Call) -> Observation:
        request = {
            **{"do": "call", "server": call.server, "tool": call.tool},
            "parameters": dict(call.parameters),
        }
        answer = await self._ask(request, f"the tool server {call.server}")
        return Observation(answer["value"], is_error=answer["is_error"])

    async def verify(self, record: Mapping[str, Any]) -> Result:
        request = {"do": "verify", "modules": self._verifiers, "record": record}
        return Result.model_validate(await self._ask(request, "the verifier"))

    async def _ask(self, request: Mapping[str, Any], whom: str) -> Any:
        self._is_busy = True
        try:
            async with asyncio.timeout(self.time_limit_s):
                self._writer.write(_line(request))
                await self._writer.drain()
                if self._pid is None:
                    greeting = await self._reader.readline()
                    self._pid = msgspec.json.decode(greeting)["pid"] if greeting else None
                line = await self._reader.readline()
        except TimeoutError:
            self.close()
            raise WorldError(
                f"{whom} took longer than {self.time_limit_s:g} s (time_limit_s)"
            ) from None
        except (OSError, ValueError):
            line = b""
        self._is_busy = False
        if not line:
            self.close()
            raise WorldError(f"the process of {whom} ended")
        answer = msgspec.json.decode(line)
        if "error" in answer:
            raise WorldError(answer["error"])
        return answer

    def close(self) -> None:
        """Throw it away: its process ends when this side is closed, or is ended if it hangs."""
        self._writer.transport.abort()
        if self._is_busy and self._pid is not None:
            # It has not closed its side, so the number is still its own.
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._is_busy = False


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _mistake(directory: Path, words: str) -> Mistake:
    """Return what the process says, at the place that it names."""
    place, separator, rest = words.partition(": ")
    file, _, line = place.rpartition(":")
    if separator and file and line.isdecimal():
        return Mistake(directory / file, int(line), rest)
    return Mistake(directory, 1, words)
