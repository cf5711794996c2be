"""How the gym sits on a socket: uvicorn's HTTP protocol, which keeps hold of its connections."""

import asyncio
import socket
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORTS: dict[tuple[str, int], asyncio.Transport] = {}
"""Open connections by the client's address, which is unique while the connection lasts."""


class Protocol(H11Protocol):
    """uvicorn's protocol on h11; remembers each connection's transport so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the transport, and have it send at once."""
        super().connection_made(transport)
        # asyncio leaves Nagle's algorithm on for sockets accepted from a listener that was made
        # without naming TCP; with it each answer waits 40 ms for the client's delayed ACK.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.client is not None:
            _TRANSPORTS[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.client is not None and _TRANSPORTS.get(self.client) is self.transport:
            del _TRANSPORTS[self.client]


def transport_of(scope: Scope) -> asyncio.Transport:
    client: Any = scope["client"]
    return _TRANSPORTS[(client[0], client[1])]
