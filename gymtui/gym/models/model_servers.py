"""Requests to model servers: one limiter a model, failures tried again, no key in what is said.

Whatever goes wrong becomes an `AgentError` whose words are the server's own or ours: never those of
an exception, which may hold a header or a URL.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random
from typing import Any

import httpx
import msgspec

from gymtui.gym.json_text import parse
from gymtui.gym.models.agent import AgentError
from gymtui.gym.models.failures import Failure
from gymtui.gym.models.limiter import REAL_TIME, Limiter, Timer
from gymtui.gym.models.model_client import ERRORS, Answered, ModelClient, lost, refused
from gymtui.gym.models.providers import Providers
from gymtui.gym.models.secret_filter import environment_secrets, remove_secrets
from gymtui.gym.wire import ModelConfig

TRIES = 6  # of one request, the first included
MOST_WAITING_S = 300.0  # between the tries of one request, all together
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0


@dataclass(frozen=True)
class ServerLimits:
    """What model servers are asked at most."""

    at_once: int = 64  # requests at a time to one model of one server, over all runs
    timeout_s: float = 600.0  # how long one answer may take, seconds


LIMITS = ServerLimits()


@dataclass
class ModelServers:
    """The way to every model server; `close` it at the end."""

    client: ModelClient
    limits: ServerLimits = LIMITS
    timer: Timer = REAL_TIME
    chance: Random = field(default_factory=Random)
    _limiters: dict[tuple[str, str], Limiter] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._providers = Providers(self.client)

    async def close(self) -> None:
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
        except ERRORS as error:
            raise lost(error, "endpoint") from None
        raw = remove_secrets(response.content, settings.secrets())
        if not response.is_success:
            raise refused(replace(response, content=raw), "endpoint")
        try:
            return parse(raw)
        except ValueError:
            raise AgentError("the endpoint's answer is not JSON") from None

    async def open_provider(self, settings: ModelConfig) -> None:
        """See that a provider can be asked at all.

        Raises:
            AgentError: It cannot.
        """
        await self._providers.open(settings)

    async def post(self, settings: ModelConfig, content: bytes) -> Answered:
        """Send a chat completion once; the answer is there whole, or not at all.

        Raises:
            One of `ERRORS`: What goes wrong on the way.
        """
        key = settings.api_key.get_secret_value()
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        url = _url(f"{(settings.base_url or '').rstrip('/')}/chat/completions")
        async with asyncio.timeout(self.limits.timeout_s):
            return await self.client.exchange("POST", url, content, headers)


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    """Read a URL; the one of each request of a conversation is the same."""
    return httpx.URL(text)


def _after(failure: Failure, tried: int, wait_s: float) -> str:
    if failure.wait_s is not None and failure.wait_s > MOST_WAITING_S:
        return f"{failure.words} (to be tried again in {wait_s:.0f} s)"
    return failure.words if tried == 1 else f"{failure.words} ({tried} tries)"
