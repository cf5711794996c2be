"""A model server on loopback, on the test's own event loop: it records what it is sent.

It plays what it is given, answer by answer; the last one is repeated.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Raw:
    """An answer as bytes; by default whole, under the length it really has."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Whether the connection ends before the body does."""


CUT = Raw(cut=True, status=0)
"""The connection ends without an answer."""
HANG = object()
"""No answer, until `ModelServer.let_go`."""
DRIP = object()
"""An answer that comes byte by byte and never ends."""

Play = Any
"""What is answered: a message, a `Raw`, `CUT`, `HANG`, `DRIP`, a completion, or a function of the
request's body that returns one of them."""


@dataclass
class Sent:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: Any
    lines: list[str] = field(default_factory=list)
    """Its headers, each as it stands."""


def error(status: int, body: Any, **headers: str) -> Raw:
    """An error with a body of JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Raw(json.dumps(body).encode(), status, named)


def completion(message: Any, **beside: Any) -> Raw:
    """A completion with more than a message in it; `usage` goes beside the choice."""
    usage = beside.pop("usage", {"prompt_tokens": 100, "completion_tokens": 10})
    return Raw(json.dumps({"choices": [{"message": message, **beside}], "usage": usage}).encode())


def calling(name: str, arguments: Any = "{}", call_id: str = "call_a") -> dict[str, Any]:
    """A message that calls a tool."""
    call = {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def saying(text: str) -> dict[str, Any]:
    """A message without calls."""
    return {"role": "assistant", "content": text}


class ModelServer:
    """What it was sent, and what it answers."""

    def __init__(self, *plays: Play) -> None:
        self.plays = list(plays)
        self.sent: list[Sent] = []
        self.in_flight = 0
        self.peak = 0
        self.url = ""
        self._let_go = asyncio.Event()
        self.connections_ever = 0
        self._connections: set[asyncio.Task[Any]] = set()

    def let_go(self) -> None:
        """Answer everything that hangs."""
        self._let_go.set()

    @property
    def bodies(self) -> list[Any]:
        """The bodies of the completions that were asked for."""
        return [one.body for one in self.sent if one.path.endswith("/chat/completions")]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.connections_ever += 1
        try:
            # Ended by `end`, and then nobody is to hear of it.
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def end(self) -> None:
        """Cut every connection."""
        connections = [*self._connections]
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        path = request.split(" ")[1]
        self.sent.append(Sent(path, headers, json.loads(raw) if raw else None, lines[:-2]))
        if path.endswith("/models"):
            return await _write(writer, Raw(b"{}"))
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
            if callable(play):
                play = play(self.sent[-1].body)
            if play is HANG:
                gone = asyncio.ensure_future(reader.read(1))
                held = asyncio.ensure_future(self._let_go.wait())
                await asyncio.wait({gone, held}, return_when=asyncio.FIRST_COMPLETED)
                held.cancel()
                if gone.done():
                    return False
                gone.cancel()
                await asyncio.wait({gone})
                play = saying("Done.")
            if play is DRIP:
                await _drip(writer)
            if isinstance(play, dict):
                play = completion(play)
            return await _write(writer, play)
        finally:
            self.in_flight -= 1


async def _write(writer: asyncio.StreamWriter, raw: Raw) -> bool:
    if raw.status:
        head = {"Content-Type": "application/json", "Content-Length": str(len(raw.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (head | raw.headers).items())
        part = raw.body[: len(raw.body) // 2] if raw.cut else raw.body
        writer.write(f"HTTP/1.1 {raw.status} x\r\n{lines}\r\n".encode() + part)
        await writer.drain()
    return not raw.cut


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
    )
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.002)


@asynccontextmanager
async def model_server(*plays: Play) -> AsyncIterator[ModelServer]:
    """A server that answers with `plays`; it ends with the block."""
    server = ModelServer(*plays)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=512)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listening.close()
        await server.end()
        # Transports close at the loop's next turn.
        await asyncio.sleep(0)


class FakeTime:
    """Time that passes only when it is waited for, and then at once."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)
