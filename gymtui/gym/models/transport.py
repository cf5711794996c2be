"""A way to model servers for many requests at once.

httpx's own pool looks at each of its connections several times a request, and with sixty of them
most of the time goes there. Here connections that are free lie on a stack, one for each request.
"""

import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import httpcore
import httpx

Origin = tuple[bytes, bytes, int]
KEPT_S = 5.0  # how long a connection that is free is kept, as httpx does
PORTS = {b"http": 80, b"https": 443}


class JoinedWrites(httpcore.AsyncNetworkStream):
    """A connection's bytes: what is written of a request goes out whole, once an answer is read.

    Head and body would else be two system calls and two packets.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._written = bytearray()

    # The parameters are httpcore's.
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  (of httpcore)
        """Read what came, after what was written went out."""
        if self._written:
            written, self._written = bytes(self._written), bytearray()
            # Whoever closed the connection too early may have said why.
            with suppress(httpcore.WriteError):
                await self._stream.write(written, timeout)
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  (of httpcore)
        """Have something go out with the next `read`."""
        del timeout
        self._written += buffer

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  (of httpcore)
    ) -> httpcore.AsyncNetworkStream:
        return JoinedWrites(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore.AnyIOBackend):
    async def connect_tcp(self, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return JoinedWrites(await super().connect_tcp(*args, **options))


class _Stream(httpx.AsyncByteStream):
    """An answer's body, after which its connection is free again."""

    def __init__(
        self,
        body: httpcore.Response,
        connection: httpcore.AsyncHTTPConnection,
        free: list[httpcore.AsyncHTTPConnection],
    ) -> None:
        self._body = body
        self._connection = connection
        self._free = free
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._body.aiter_stream():
                yield part

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        with _as_httpx():
            await self._body.aclose()
        if self._connection.is_available():
            self._free.append(self._connection)


class ParallelTransport(httpx.AsyncBaseTransport):
    """Carries any number of requests at once; whoever uses it decides how many."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self._network = _Network()
        self._free: defaultdict[Origin, list[httpcore.AsyncHTTPConnection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over a connection that is free, or over a new one."""
        url = request.url
        scheme, host = url.raw_scheme, url.raw_host
        if scheme not in PORTS:
            raise httpx.UnsupportedProtocol("only http and https are spoken", request=request)
        origin = scheme, host, url.port or PORTS[scheme]
        connection = await self._connection(origin)
        with _as_httpx():
            try:
                answer = await connection.handle_async_request(
                    httpcore.Request(
                        request.method,
                        httpcore.URL(scheme=scheme, host=host, port=url.port, target=url.raw_path),
                        headers=request.headers.raw,
                        content=request.stream,
                        extensions=request.extensions,
                    )
                )
            except BaseException:
                # Whatever it was, the next request begins with another.
                await connection.aclose()
                raise
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            # What this transport answers with is always read asynchronously.
            stream=_Stream(answer, connection, self._free[origin]),
            extensions=answer.extensions,
        )

    async def _connection(self, origin: Origin) -> httpcore.AsyncHTTPConnection:
        free = self._free[origin]
        while free:
            connection = free.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        if self._context is None:
            self._context = httpx.create_ssl_context()
        scheme, host, port = origin
        return httpcore.AsyncHTTPConnection(
            httpcore.Origin(scheme, host, port),
            self._context,
            keepalive_expiry=KEPT_S,
            network_backend=self._network,
        )

    async def aclose(self) -> None:
        """Close every connection that is free; the others are closed by who uses them."""
        for free in self._free.values():
            while free:
                await free.pop().aclose()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Raise what httpx raises, which gives its exceptions the names of httpcore's."""
    try:
        yield
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        kind = cast("type[httpx.TransportError]", getattr(httpx, type(error).__name__))
        raise kind(str(error)) from error
