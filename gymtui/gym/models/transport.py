"""A way to model servers for many requests at once.

httpx's own pool looks at each of its connections several times a request, and with sixty of them
most of the time goes there. Here each connection has a pool of its own, taken from a stack.
"""

import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import cast

import httpx

Origin = tuple[str, str, int | None]


class _Stream(httpx.AsyncByteStream):
    """An answer's body, after which its connection is free again."""

    def __init__(
        self,
        body: httpx.AsyncByteStream,
        lane: httpx.AsyncHTTPTransport,
        free: list[httpx.AsyncHTTPTransport],
    ) -> None:
        self._body = body
        self._lane = lane
        self._free = free
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._body.aclose()
        finally:
            self._free.append(self._lane)


class ParallelTransport(httpx.AsyncBaseTransport):
    """Carries any number of requests at once; whoever uses it decides how many."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self._free: defaultdict[Origin, list[httpx.AsyncHTTPTransport]] = defaultdict(list)
        self._all: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over a connection that is free, or over a new one."""
        url = request.url
        free = self._free[(url.scheme, url.host, url.port)]
        lane = free.pop() if free else self._new()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            free.append(lane)
            raise
        # What this transport answers with is always read asynchronously.
        response.stream = _Stream(cast("httpx.AsyncByteStream", response.stream), lane, free)
        return response

    def _new(self) -> httpx.AsyncHTTPTransport:
        if self._context is None:
            self._context = httpx.create_ssl_context()
        lane = httpx.AsyncHTTPTransport(
            verify=self._context,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=1),
        )
        self._all.append(lane)
        return lane

    async def aclose(self) -> None:
        """Close every connection."""
        for lane in self._all:
            await lane.aclose()
