"""Requests to model servers: one limiter a model, failures tried again, no key in what is said.

Whatever goes wrong becomes an `AgentError` whose words are the server's own or ours: never those of
an exception, which may hold a header or a URL.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any
from urllib.request import getproxies

import httpx
import msgspec

from gymtui.gym.json_text import parse
from gymtui.gym.models.agent import AgentError
from gymtui.gym.models.answers import server_words
from gymtui.gym.models.failures import Failure
from gymtui.gym.models.limiter import REAL_TIME, Limiter, Timer
from gymtui.gym.models.providers import Providers
from gymtui.gym.models.secret_filter import environment_secrets, remove_secrets
from gymtui.gym.models.transport import ParallelTransport
from gymtui.gym.response_body import TooLargeError, read_body
from gymtui.gym.wire import ModelConfig

Transport = httpx.AsyncBaseTransport
"""What carries requests to model servers; tests put one of their own in its place."""

CONNECT_TIMEOUT_S = 10.0
TRIES = 6
"""Of one request, the first included."""
MOST_WAITING_S = 300.0
"""Between the tries of one request, all together."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0

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


@dataclass(frozen=True)
class ServerLimits:
    """What model servers are asked at most."""

    at_once: int = 64  # requests at a time to one model of one server, over all runs
    timeout_s: float = 600.0  # how long one answer may take, seconds


LIMITS = ServerLimits()


@dataclass
class ModelServers:
    """The way to every model server; `close` it at the end."""

    client: "ModelClient"
    limits: ServerLimits = LIMITS
    timer: Timer = REAL_TIME
    chance: Random = field(default_factory=Random)
    _providers: Providers = field(default_factory=Providers)
    _limiters: dict[tuple[str, str], Limiter] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def close(self) -> None:
        await self._providers.close()
        await self.client.aclose()

    def limiter(self, settings: ModelConfig) -> Limiter:
        """Return the limiter of a model, the same for whoever asks it."""
        url = settings.shown_url
        server = settings.provider if url is None else str(_url(url)).rstrip("/")
        place = server, settings.model or ""
        if place not in self._limiters:
            self._limiters[place] = Limiter(self.limits.at_once, self.timer)
        return self._limiters[place]

    async def complete(self, settings: ModelConfig, body: Mapping[str, Any]) -> Any:
        """Send a chat completion and return the answer's JSON.

        Args:
            settings: With a `base_url` and a `model`.
            body: In the form of OpenAI's chat completions, without the model.

        Raises:
            AgentError: There is none, after a few tries where another might have helped.
        """
        limiter = self.limiter(settings)
        waited_s = 0.0
        for tried in range(1, TRIES + 1):
            async with limiter.slot() as round_:
                await self._take_turn()
                try:
                    answer = await self.once(settings, body)
                except Failure as failure:
                    wait_s = self._wait_s(failure, tried)
                    is_last = tried == TRIES or waited_s + wait_s > MOST_WAITING_S
                    if is_last or not failure.passes:
                        raise AgentError(_after(failure, tried, wait_s)) from None
                    if failure.is_too_many:
                        limiter.slower(round_, wait_s)
                else:
                    limiter.faster()
                    return answer
            waited_s += wait_s
            await self.timer.sleep(wait_s)
        raise AssertionError("the last try ends above")

    async def _take_turn(self) -> None:
        """Begin one request a round of the event loop, so that they are never answered all at once.

        Whatever else the loop serves would wait until all of those answers were worked on.
        """
        async with self._turn:
            await asyncio.sleep(0)

    def _wait_s(self, failure: Failure, tried: int) -> float:
        if failure.wait_s is not None:
            return failure.wait_s
        longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (tried - 1))
        # Spread, so that those who failed together do not come back together.
        return longest_s * self.chance.uniform(0.5, 1.0)

    async def once(self, settings: ModelConfig, body: Mapping[str, Any]) -> Any:
        """Send a chat completion and return the answer's JSON, without another try.

        Raises:
            AgentError: It cannot be sent, or the answer is no JSON.
            Failure: There is no answer.
        """
        if settings.provider != "custom":
            # The libraries take keys of the environment where they are given none.
            secrets = [*settings.secrets(), *environment_secrets(os.environ)]
            try:
                raw = await self._providers.once(settings, body, self.limits.timeout_s)
            except Failure as failure:
                failure.words = remove_secrets(failure.words.encode(), secrets).decode()
                raise
            return parse(remove_secrets(raw, secrets))
        content = msgspec.json.encode({"model": settings.model, **body})
        try:
            response = await self.post(settings, content)
        except TooLargeError as error:
            raise AgentError(f"{error} from endpoint") from None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            passes = isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError))
            raise Failure(f"{failure_words(error)} from endpoint", passes=passes) from None
        raw = remove_secrets(response.content, settings.secrets())
        try:
            answer = parse(raw)
        except ValueError:
            answer = None
            if response.is_success:
                raise AgentError("the endpoint's answer is not JSON") from None
        if response.is_success:
            return answer
        # A page of HTML tells nobody anything.
        plain = "text/plain" in response.headers.get("content-type", "")
        reason = server_words(raw.decode(errors="replace") if answer is None and plain else answer)
        raise Failure(
            f"{response.status} from endpoint" + (f": {reason}" if reason else ""),
            status=response.status,
            code=_code(answer),
            headers=response.headers,
        )

    async def open_provider(self, settings: ModelConfig) -> None:
        """See that a provider can be asked at all.

        Raises:
            AgentError: It cannot.
        """
        await self._providers.open(settings)

    async def post(self, settings: ModelConfig, content: bytes) -> Answered:
        """Send a chat completion once; the answer is there whole, or not at all.

        Raises:
            httpx.HTTPError: What goes wrong on the way.
            httpx.InvalidURL: The base URL is none.
            TimeoutError: It takes too long.
            TooLargeError: It is larger than what is read.
        """
        key = settings.api_key.get_secret_value()
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        url = _url(f"{(settings.base_url or '').rstrip('/')}/chat/completions")
        async with asyncio.timeout(self.limits.timeout_s):
            response = await self.client.open("POST", url, content, headers)
            try:
                body = await read_body(response.aiter_bytes())
            finally:
                await response.aclose()
            return Answered(response.status_code, response.headers, body)


class ModelClient(httpx.AsyncClient):
    """The client of all model servers.

    Args:
        transport: Replaces the network in tests.
    """

    def __init__(self, transport: Transport | None = None) -> None:
        self._direct = ParallelTransport() if transport is None else None
        self._proxies = getproxies()
        # How many requests go out is the limiters' business, how long one takes that of `post`.
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


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    """Read a URL; the one of each request of a conversation is the same."""
    return httpx.URL(text)


def failure_words(error: Exception) -> str:
    """Say what went wrong on the way, in words that are never the exception's own."""
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return "timeout"
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


def _after(failure: Failure, tried: int, wait_s: float) -> str:
    if failure.wait_s is not None and failure.wait_s > MOST_WAITING_S:
        return f"{failure.words} (to be tried again in {wait_s:.0f} s)"
    return failure.words if tried == 1 else f"{failure.words} ({tried} tries)"


def _code(answer: Any) -> Any:
    error = answer.get("error") if isinstance(answer, Mapping) else None
    code = error.get("code") or error.get("type") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) else None
