"""Questions before they are sent (an id is one path segment), and why one got no answer."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from msgspec import Struct

from gymtui.core.secret import ApiKey

if TYPE_CHECKING:  # nobody launches before the first frame
    from gymtui.api.launch_request import LaunchRequest, ModelConfig

Progress = Callable[[int, int | None], None]
"""Told (bytes received on the wire, bytes announced if known) as a download goes on."""
Sink = Callable[[bytes], object]
"""Given a good answer's body as it comes, decompressed; what it raises ends the download."""
Ready = Callable[[], Awaitable[object]]
"""Awaited after each piece that a sink was given, before more is read."""

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


class Timeouts(Struct, frozen=True):
    """How long to wait, in seconds."""

    connect_s: float = 5.0
    read_s: float = 20.0
    write_s: float = 20.0
    pool_s: float = 20.0
    # For a whole call, however steadily it trickles; artifacts are exempt, since a person watches
    # them come and can stop them.
    total_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """A question: what is needed to send it, once or again under another prefix."""

    method: str
    template: str  # the path as API.md writes it, with a `{blank}` for each id
    ids: tuple[str, ...] = ()  # what goes into the blanks, in order
    query: tuple[tuple[str, str], ...] = ()
    # What is sent along; its keys are revealed only as it is sent.
    body: LaunchRequest | ModelConfig | None = None
    timed: bool = True  # whether the time for a whole call applies
    on_progress: Progress | None = field(default=None, repr=False)
    # Who takes the body instead of the answer, whatever its size.
    sink: Sink | None = field(default=None, repr=False)
    ready: Ready | None = field(default=None, repr=False)  # whether the sink can take more

    @property
    def name(self) -> str:
        """The call as errors name it: nothing of the ids is in it."""
        return f"{self.method} {self.template}"

    @property
    def target(self) -> bytes:
        """Path and query, encoded."""
        ids = iter(self.ids)
        parts = self.template.split("/")
        path = "/".join(segment(next(ids)) if part.startswith("{") else part for part in parts)
        query = urlencode(self.query, quote_via=quote, errors="surrogatepass")
        return f"{path}?{query}".rstrip("?").encode("ascii")

    @property
    def secrets(self) -> tuple[ApiKey, ...]:
        """The keys that are sent along."""
        return () if self.body is None else self.body.secrets()


def segment(value: str) -> str:
    """An id as exactly one path segment, dots included: `..` is `%2E%2E`, `a/b` is `a%2Fb`."""
    if value in {".", ".."}:
        return value.replace(".", "%2E")
    return quote(value, safe="", errors="surrogatepass")


def query_of(**filters: str | None) -> tuple[tuple[str, str], ...]:
    """The filters that were given, as a query."""
    return tuple((name, value) for name, value in filters.items() if value is not None)


def unreachable_reason(error: BaseException) -> str:
    """A word or two for a connection that failed, found in what lies under the library's error."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "no such host"
        if isinstance(cause, ssl.SSLError):
            words = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "failed"
            return f"TLS: {str(words).replace('_', ' ').lower()}"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, OSError) and cause.errno in _NO_ROUTE:
            return "no route"
        if isinstance(cause, ConnectionError):
            return "dropped"
    kind = type(error).__name__
    if kind == "RemoteProtocolError" and "illegal" in str(error):
        return "no HTTP"  # something else listens there
    if kind == "ProxyError":
        status = str(error)[:3]  # of its answer to `CONNECT`, where there was one
        words = f" ({status})" if status.isdecimal() else ""
        return f"the proxy {'requires a login' if status == '407' else 'refused'}{words}"
    return "no connection" if kind == "ConnectError" else "dropped"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__
