"""A server that sends exactly the bytes a test wants, and remembers exactly those it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class Seen:
    method: str
    target: bytes
    headers: dict[str, str]
    body: bytes


class Then(Enum):
    """What the server does once its bytes are out."""

    KEEP = "keep the connection for the next question"
    CLOSE = "close it"
    RESET = "drop it without a good-bye"
    HANG = "say nothing more until the client goes"


@dataclass(frozen=True)
class Reply:
    data: bytes = b""
    then: Then = Then.KEEP


@dataclass
class Served:
    url: str
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    """A whole response, its length told unless a header of the caller's says otherwise."""
    lines = [f"HTTP/1.1 {status} Whatever", *headers]
    if not any(h.lower().startswith(("content-length", "transfer-encoding")) for h in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def raw_server(respond: Callable[[Seen], Reply | bytes]) -> AsyncIterator[Served]:
    served = Served("")
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        served.connections += 1
        try:
            while True:
                seen = await _question(reader)
                served.seen.append(seen)
                reply = respond(seen)
                reply = Reply(reply) if isinstance(reply, bytes) else reply
                writer.write(reply.data)
                await writer.drain()
                if reply.then is Then.RESET:
                    writer.transport.abort()
                if reply.then is Then.HANG:
                    await reader.read()
                if reply.then is not Then.KEEP:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return  # the client is gone, or the test is over
        finally:
            writer.close()
            conversations.discard(task)

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        for task in list(conversations):
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


async def _question(reader: asyncio.StreamReader) -> Seen:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *rest = head.split(b"\r\n")
    method, target, _ = first.split(b" ")
    headers = {}
    for line in filter(None, rest):
        name, _, value = line.partition(b":")
        headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method.decode(), target, headers, body)
