"""How a question travels to a gym and its answer back: pooled, capped, with the key kept safe.

The questions are `endpoints`, what answers mean is `response`; when to ask again is `poll`: nothing
here retries. No error leaves with an httpx object in its chain: their headers hold the key.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from typing import Self, cast

from gymtui.api import proxies
from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import (
    Garbled,
    GymError,
    Intercepted,
    NotFound,
    Redirected,
    Refused,
    Unauthorized,
    Unreachable,
    UnsafeUrl,
)
from gymtui.api.etag_cache import EtagCache
from gymtui.api.gzip_decoder import BadEncodingError, GzipDecoder, OverCapError, small_parts
from gymtui.api.request import Call, Timeouts, unreachable_reason
from gymtui.api.response import Answer, date_of, detect_interception, error_of
from gymtui.core import urls
from gymtui.core.secret import ApiKey

# httpx's own command line, which nobody here calls, brings pygments: 0.1 s and 5 MB at each start.
# None says that a module is not there; httpx then goes without it.
sys.modules["httpx._main"] = None  # type: ignore[assignment]
import httpx  # noqa: E402  (the line before it comes first)

del sys.modules["httpx._main"]
with suppress(ImportError):  # else read in with the first request, which holds the event loop up
    import_module("anyio._backends._asyncio")

log = logging.getLogger(__name__)


DEFAULT_MAX_BYTES = 64 * 1024 * 1024
_ERROR_BYTES = 64 * 1024
_UNCAPPED = 1 << 62
_REDIRECTS = 5
_LOOK_AROUND_S = 60.0
_CONNECTIONS = 20
_IDLE_S = 4.0  # below the 5 s after which common servers close an idle connection
_KEEP_METHOD = frozenset({307, 308})
_REDIRECT = frozenset({301, 302, 303}) | _KEEP_METHOD
_NOT_MODIFIED = 304
_POLLED = frozenset({"/runs", "/runs/{run_id}", "/rollouts"})


_ANY_RUN = Call("GET", "/runs", query=(("limit", "1"),))


def trusted_context() -> ssl.SSLContext:
    """Who may vouch for a gym: whom `SSL_CERT_FILE` or `SSL_CERT_DIR` name, else the usual ones.

    At this machine too, where the other end of a tunnel may listen.

    Raises:
        UnsafeUrl: What they name cannot be read, or `SSLKEYLOGFILE` cannot be written.
    """
    proxies.check_key_log(os.environ)
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        why = error.strerror if isinstance(error, FileNotFoundError) else "contains no certificate"
        raise UnsafeUrl(f"SSL_CERT_FILE: {why or error}") from None


class _KeyHeader(httpx.Auth):
    """Adds the key to each request at the last moment, so that nothing else holds it in clear."""

    def __init__(self, key: ApiKey | None) -> None:
        self.key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self.key is not None:
            request.headers["API-Key"] = self.key.reveal()
        yield request


class GymClient(Endpoints):
    """A gym, over HTTP. An async context manager: leaving it closes its connections."""

    def __init__(
        self,
        base_url: str,
        key: ApiKey | None = None,
        *,
        insecure: bool = False,
        timeouts: Timeouts = Timeouts(),
        max_bytes: int = DEFAULT_MAX_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Opens nothing yet.

        Args:
            base_url: Where the gym is; a path in it is kept.
            key: Sent as `API-Key` with each request to that origin, and to no other.
            insecure: Allows plain http to another machine.
            max_bytes: The largest answer that is taken, in bytes after decompression.
            transport: Another way to send requests, for tests.
            now: The wall clock, aware.

        Raises:
            UnsafeUrl: `base_url` is no base URL, or plain http to another machine; or the
                environment names a proxy, certificates or a key log that cannot be used.
            Unauthorized: `key` holds what no header can carry.
        """
        self._url = _check_url(base_url, insecure=insecure)
        if key is not None and not (key.reveal().isascii() and key.reveal().isprintable()):
            raise Unauthorized("the key contains characters not allowed in a header")
        self._auth = _KeyHeader(key)
        # Those of before too: the answer to what was sent with one may quote it yet.
        self._keys = [] if key is None else [key]
        self._timeouts = timeouts
        self._max_bytes = max_bytes
        self._clock = clock
        self._now = now
        self._etags = EtagCache()
        self._prefix = ""
        self._settled = False
        self._looked_around_s = float("-inf")
        self._looking_around = asyncio.Lock()  # whoever else misses something waits for the answer
        self._note: str | None = None
        # A transport of a test's own is reached through nothing.
        proxy = None if transport is not None else proxies.proxy_for(base_url, os.environ)
        secure = self._url.scheme == "https" or (proxy or "").startswith("https:")
        # Plain http needs nobody to vouch for anyone, nor the time to read who may.
        context = trusted_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # httpx refuses the context for a proxy that is not spoken to through TLS.
        to_proxy = context if (proxy or "").startswith("https:") else None
        self._http = httpx.AsyncClient(
            auth=self._auth,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": "gymtui",
            },
            timeout=httpx.Timeout(
                connect=timeouts.connect_s,
                read=timeouts.read_s,
                write=timeouts.write_s,
                pool=timeouts.pool_s,
            ),
            limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_IDLE_S),
            transport=transport,
            verify=context,
            proxy=None if proxy is None else httpx.Proxy(proxy, ssl_context=to_proxy),
            trust_env=False,
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        key = self._auth.key
        return f"<GymClient {self._url} key {key.hint if key else 'none'}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def use_key(self, key: ApiKey) -> None:
        """Sends this key from now on; one that `usable_key` took, which a header can carry."""
        self._auth.key = key
        if key not in self._keys:
            self._keys.append(key)

    async def aclose(self) -> None:
        """Closes the connections; what is asked from then on raises `Unreachable`."""
        await self._http.aclose()

    @property
    def note(self) -> str | None:
        """Where the gym's paths begin, if that was not where they should."""
        return self._note

    async def _ask(self, call: Call) -> Answer:
        prefix = self._prefix
        outcome = await self._exchange(call, prefix)
        if _is_missing(outcome):
            async with self._looking_around:
                outcome = await self._elsewhere(call, prefix) or outcome
        if isinstance(outcome, GymError):
            raise outcome  # here, outside any handler: its chain is empty
        self._settled = True
        return outcome

    async def _elsewhere(self, call: Call, prefix: str) -> Answer | GymError | None:
        """After a 404: the same question under the other prefix, if `GET /runs` lives there.

        Some gyms put `/v1` before every path (API.md). `GET /runs` itself settles which; a 404 of
        anything else counts only as long as nothing was ever found. Tried once, and again no
        sooner than a minute later, since a gym left open for days may move.
        """
        if self._prefix != prefix:  # another call has found it meanwhile
            return await self._exchange(call, self._prefix)
        is_list = call.method == "GET" and call.template == "/runs"
        soon = self._clock() - self._looked_around_s < _LOOK_AROUND_S
        if soon or (self._settled and not is_list) or self._url.path.rstrip("/").endswith("/v1"):
            return None
        if not is_list and not _is_missing(await self._exchange(_ANY_RUN, prefix)):
            self._settled = True
            return None
        self._looked_around_s = self._clock()
        other = "" if prefix else "/v1"
        there = await self._exchange(call if is_list else _ANY_RUN, other)
        if isinstance(there, NotFound | Garbled | Unreachable | Redirected):
            return None
        if isinstance(there, Answer) and detect_interception(there.body) is not None:
            return None
        self._prefix = other
        self._note = f"the gym's paths {'start with /v1' if other else 'no longer start with /v1'}"
        return there if is_list else await self._exchange(call, other)

    async def _exchange(self, call: Call, prefix: str) -> Answer | GymError:
        """Asks once. Errors are returned: raised here, they would hold what they came from."""
        if not log.isEnabledFor(logging.DEBUG):
            return await self._exchanged(call, prefix)
        sent_s = self._clock()
        outcome = await self._exchanged(call, prefix)
        what = outcome.brief if isinstance(outcome, GymError) else f"{len(outcome.body):,} bytes"
        target = f"{prefix}{call.target.decode('ascii')}" if all(call.ids) else call.template
        took_ms = (self._clock() - sent_s) * 1000
        log.debug("%s %s: %s in %.0f ms", call.method, target, what, took_ms)
        return outcome

    async def _exchanged(self, call: Call, prefix: str) -> Answer | GymError:
        if self._http.is_closed:
            # A question may be on its way here when one leaves; it is no defect of whoever asks.
            return Unreachable("the client was closed")
        try:
            async with asyncio.timeout(self._timeouts.total_s if call.timed else None):
                return await self._follow(call, prefix)
        except (TimeoutError, httpx.TimeoutException):
            return Unreachable("timeout")
        except httpx.RemoteProtocolError as error:
            # httpx reads the location of every redirect itself, followed or not; only its own
            # complaint about one has nothing of the connection beneath it.
            if error.__cause__ is None:
                return Garbled(f"{call.name}: a redirect to an invalid URL")
            return Unreachable(unreachable_reason(error))
        except httpx.TransportError as error:
            return Unreachable(unreachable_reason(error))
        except httpx.InvalidURL:
            return Garbled(f"{call.name}: a redirect to an invalid URL")

    async def _follow(self, call: Call, prefix: str) -> Answer | GymError:
        if not all(call.ids):
            return Refused(400, "an id that is empty names nothing")
        path = self._url.raw_path.rstrip(b"/") + prefix.encode() + call.target
        try:
            url = self._url.copy_with(raw_path=path)
        except httpx.InvalidURL:
            return Refused(400, "an id that is too long for a URL")
        content = None if call.body is None else json.dumps(call.body.to_wire()).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        tag = self._etags.tag(path) if _is_polled(call) else None
        if tag is not None:
            headers["If-None-Match"] = tag
        for _ in range(_REDIRECTS + 1):
            sent_s = self._clock()
            request = self._http.build_request(call.method, url, content=content, headers=headers)
            response = await self._http.send(request, stream=True)
            try:
                if response.status_code not in _REDIRECT or "location" not in response.headers:
                    return await self._take(call, path, response, sent_s)
                target = self._redirected(call, response, url)
            finally:
                await response.aclose()
            if isinstance(target, GymError):
                return target
            url = target
        return Redirected(f"{call.name}: redirect loop")

    def _redirected(
        self, call: Call, response: httpx.Response, url: httpx.URL
    ) -> httpx.URL | GymError:
        target = url.join(response.headers["location"])
        if _origin(target) != _origin(self._url) or target.userinfo:
            there = f"{target.scheme}://{target.netloc.rpartition(b'@')[2].decode('ascii')}"
            return Redirected(
                f"redirected to {there}, a proxy or login page? not followed: the key stays with "
                f"{_origin(self._url)}"
            )
        if call.method != "GET" and response.status_code not in _KEEP_METHOD:
            return Redirected(f"{call.name}: redirected by a {response.status_code}: not followed")
        return target

    async def _take(
        self, call: Call, path: bytes, response: httpx.Response, sent_s: float
    ) -> Answer | GymError:
        headers = response.headers
        if response.status_code == _NOT_MODIFIED and (kept := self._etags.body(path)) is not None:
            return Answer(kept, date_of(headers), sent_s, self._clock(), 0)
        if not response.is_success:
            return error_of(
                response.status_code,
                headers,
                await self._error_body(response),
                call=call.name,
                now=self._now(),
                secrets=(*self._keys, *call.secrets),
            )
        announced = _length(headers.get("content-length"))
        received, body = 0, bytearray()
        try:
            most = self._max_bytes if call.sink is None else _UNCAPPED
            inflater = GzipDecoder(headers.get("content-encoding", ""), most)
            async for chunk in _raw(response):
                received += len(chunk)
                data = inflater.feed(chunk)
                if call.on_progress is not None:
                    call.on_progress(received, announced)
                if call.sink is None:
                    body += data
                else:
                    call.sink(data)
                    if call.ready is not None:
                        await call.ready()
            inflater.finish()
        except OverCapError:
            return Garbled(f"{call.name}: larger than {self._max_bytes / 2**20:.3g} MiB")
        except BadEncodingError as error:
            return Garbled(f"{call.name}: {error}")
        except httpx.RemoteProtocolError:
            return Garbled(f"{call.name}: cut off after {received} bytes")
        whole = bytes(body)
        if _is_polled(call):
            self._etags.keep(path, headers.get("etag"), whole)
        return Answer(whole, date_of(headers), sent_s, self._clock(), received)

    async def _error_body(self, response: httpx.Response) -> bytes:
        """As much of an error's body as can be had: the status alone says enough."""
        body = bytearray()
        try:
            inflater = GzipDecoder(response.headers.get("content-encoding", ""), _ERROR_BYTES)
            async for chunk in _raw(response):
                body += inflater.feed(chunk)
        except (OverCapError, BadEncodingError, httpx.TransportError):
            pass  # what was read until then is used
        return bytes(body)


def _is_polled(call: Call) -> bool:
    return call.method == "GET" and call.template in _POLLED and call.sink is None


def _is_missing(outcome: Answer | GymError) -> bool:
    """Whether it is a 404, of the gym or of whatever serves its address."""
    page = isinstance(outcome, Intercepted) and outcome.status == 404
    return page or isinstance(outcome, NotFound)


def _check_url(base_url: str, *, insecure: bool) -> httpx.URL:
    try:
        url = httpx.URL(urls.base_url(base_url))
    except (ValueError, httpx.InvalidURL) as error:
        fault = str(error)
    else:
        # Judged by what httpx makes of it, since that is where the key would go.
        if url.scheme == "https" or insecure or urls.is_loopback(url.host):
            return url
        fault = f"plain http to {url.host}: the key would be sent unencrypted"
    raise UnsafeUrl(f"base URL {fault}")


def _origin(url: httpx.URL) -> urls.Origin:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
    return urls.Origin(url.scheme, url.host.rstrip("."), port)


def _raw(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it came: `aiter_bytes` would inflate a whole chunk, bomb or not."""
    return small_parts(cast("httpx.AsyncByteStream", response.stream))


def _length(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
