"""The way to model servers over HTTP, and how what goes wrong on it is told.

The words are the server's own or ours: never those of an exception, which may hold a header or a
URL.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies

import httpx

from gymtui.gym.json_text import parse
from gymtui.gym.models.answers import server_words
from gymtui.gym.models.failures import Failure
from gymtui.gym.models.transport import ParallelTransport
from gymtui.gym.response_body import TooLargeError, read_body

Transport = httpx.AsyncBaseTransport
"""What carries requests to model servers; tests put one of their own in its place."""

CONNECT_TIMEOUT_S = 10.0
ERRORS = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, TooLargeError)
"""What may be raised where there is no answer."""

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")


@dataclass(frozen=True)
class Answered:
    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class ModelClient(httpx.AsyncClient):
    """The client of all model servers.

    Args:
        transport: Replaces the network in tests.
    """

    def __init__(self, transport: Transport | None = None) -> None:
        self._direct = ParallelTransport() if transport is None else None
        self._proxies = getproxies()
        # How many requests go out is the limiters' business, how long one takes that of who asks.
        super().__init__(
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=None),
            transport=transport,
            mounts=self._direct_mounts(),
        )
        self._extensions = {"timeout": self.timeout.as_dict()}

    def _direct_mounts(self) -> dict[str, httpx.AsyncBaseTransport]:
        """Return what goes through no proxy: what none is set for, and always this machine."""
        if self._direct is None:
            return {}
        patterns = LOOPBACK if self._proxies.get("all") else (*LOOPBACK, "all://")
        return dict.fromkeys(patterns, self._direct)

    async def open(
        self, method: str, url: httpx.URL, content: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        """Send a request; whoever calls it reads the answer and closes it.

        With neither a proxy nor a login, it does without what of httpx no model server needs, such
        as cookies and redirects: these take a sixth of the gym's time.
        """
        request = httpx.Request(
            method,
            url,
            content=content,
            headers={**self.headers, **headers},
            extensions=self._extensions,
        )
        if self._direct is None or url.userinfo or self._is_proxied(url):
            return await self.send(request, stream=True)
        return await self._direct.handle_async_request(request)

    def _is_proxied(self, url: httpx.URL) -> bool:
        is_here = url.host in LOOPBACK_HOSTS
        return not is_here and bool(self._proxies.get(url.scheme) or self._proxies.get("all"))

    async def exchange(
        self, method: str, url: httpx.URL, content: bytes, headers: Mapping[str, str]
    ) -> Answered:
        """Send a request once; the answer is there whole, or not at all.

        Raises:
            One of `ERRORS`: What goes wrong on the way.
        """
        response = await self.open(method, url, content, headers)
        try:
            body = await read_body(response.aiter_bytes())
        finally:
            await response.aclose()
        return Answered(response.status_code, response.headers, body)


def failure_words(error: Exception) -> str:
    """Say what went wrong on the way, in words that are never the exception's own."""
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return "timeout"
    if isinstance(error, TooLargeError):
        return str(error)
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return "no usable base_url, so no answer"
    if isinstance(error, httpx.DecodingError):
        return "an answer that cannot be decompressed"
    if isinstance(error, (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        return "a connection cut short"
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, OSError) and (reason.errno or 0) > 0:
            return f"no answer ({os.strerror(reason.errno or 0).lower()})"
        reason = reason.__cause__ or reason.__context__
    return "no answer"


def lost(error: Exception, whom: str) -> Failure:
    """Return one of `ERRORS` as the failure that it is."""
    kinds = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
    return Failure(f"{failure_words(error)} from {whom}", passes=isinstance(error, kinds))


def refused(answered: Answered, whom: str) -> Failure:
    """Return an answer that is no success as the failure that it is, with the server's words."""
    raw = answered.content
    try:
        answer = parse(raw)
    except ValueError:
        # A page of HTML tells nobody anything.
        is_text = "text/plain" in answered.headers.get("content-type", "")
        answer = raw.decode(errors="replace") if is_text else None
    reason = server_words(answer)
    return Failure(
        f"{answered.status} from {whom}" + (f": {reason}" if reason else ""),
        status=answered.status,
        code=_code(answer),
        headers=answered.headers,
    )


def _code(answer: Any) -> str | None:
    error = answer.get("error") if isinstance(answer, Mapping) else None
    code = error.get("code") or error.get("type") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) else None
