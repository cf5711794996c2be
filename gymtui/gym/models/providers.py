"""Models of the named providers, through any-llm, which is there with the extra `providers`.

It speaks each provider's own form and answers in that of OpenAI's chat completions. Its requests go
out through the gym's own client: what comes of them is told as that of any model server, and what
is tried again, and how often, is the business of `model_servers`.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx
import msgspec

from gymtui.gym.json_text import parse
from gymtui.gym.models.agent import AgentError
from gymtui.gym.models.answers import server_words
from gymtui.gym.models.bedrock import Bedrock
from gymtui.gym.models.exchange import BLOCKS, Exchange
from gymtui.gym.models.failures import Failure
from gymtui.gym.models.model_client import Answered, ModelClient, lost, refused
from gymtui.gym.wire import ModelConfig

EXTRA = "gymtui[providers]"
NAMES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "aws-bedrock": "bedrock",
    "azure-openai": "azureopenai",
    "gcp": "gemini",
}
"""What any-llm calls them."""
PACKAGES = {"aws-bedrock": ("boto3",), "gcp": ("google", "google.genai")}
WITHOUT_LOG_PROBS = ("anthropic", "aws-bedrock", "gcp")
IN_OPENAI_FORM = ("openai", "azure-openai")
"""Whose answers are read as they came, whatever any-llm makes of them."""
ENDPOINT = "AZURE_OPENAI_ENDPOINT"
OWN_KEY = (
    "With a base_url an api_key is needed: a key of the gym's environment goes to the provider's"
    " own address only"
)
OWN_HEADERS = ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS")
"""Variables of the environment with headers, a line each, for the provider's own address."""
NEEDED = {"aws-bedrock": "it needs a region (AWS_DEFAULT_REGION), and an api_key or credentials"}
"""What a client takes, where that is more than a key."""


def is_installed(provider: str) -> bool:
    """Return whether what it takes to reach a provider is there."""
    return all(find_spec(name) is not None for name in ("any_llm", *PACKAGES.get(provider, ())))


def problem(settings: ModelConfig) -> tuple[str, str] | None:
    """Return why a provider's model cannot be used, as far as that shows at once.

    Returns:
        The setting and the words, or None.
    """
    if not is_installed(settings.provider):
        words = f"The local gym reaches {settings.provider} through an extra: install {EXTRA}"
        return "provider", words
    if settings.log_prob and settings.provider in WITHOUT_LOG_PROBS:
        return "log_prob", f"Through {settings.provider} there are no log probabilities"
    if settings.base_url and not settings.api_key.get_secret_value():
        return "api_key", OWN_KEY
    if settings.provider == "aws-bedrock" and (settings.base_url or "").startswith("http:"):
        return "base_url", "aws-bedrock takes an api_key over https only"
    if settings.provider == "azure-openai" and not (settings.base_url or os.environ.get(ENDPOINT)):
        return "base_url", f"azure-openai needs its endpoint: a base_url, or {ENDPOINT}"
    return None


_EXCHANGE: ContextVar[Exchange] = ContextVar("exchange")  # that of the task that asks


class _Carrier(httpx.AsyncBaseTransport):
    """Carries a library's requests through the gym's client.

    Args:
        is_elsewhere: Whether they go to an address that a launch names.
    """

    def __init__(self, client: ModelClient, *, is_elsewhere: bool) -> None:
        self._client = client
        self._is_elsewhere = is_elsewhere

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = dict(request.headers)
        for name in _own_headers() if self._is_elsewhere else ():
            headers.pop(name, None)
        content = await request.aread()
        answered = await _EXCHANGE.get().carry(
            self._client.exchange(request.method, request.url, content, headers)
        )
        # The body is whole and decompressed.
        beside = ("content-encoding", "content-length", "transfer-encoding")
        kept = [(name, value) for name, value in answered.headers.items() if name not in beside]
        return httpx.Response(answered.status, headers=kept, content=answered.content)


def _own_headers() -> list[str]:
    """Return the headers that libraries add by the environment, besides the key."""
    lines = [line for name in OWN_HEADERS for line in os.environ.get(name, "").splitlines()]
    named = [line.partition(":")[0].strip().lower() for line in lines]
    return ["openai-organization", "openai-project", *named]


Ask = Callable[[Mapping[str, Any], Exchange], Awaitable[Any]]
"""Has a library ask for a completion, given its body with the model; returns its answer."""


class Providers:
    """Clients of providers, made when they are first asked for."""

    def __init__(self, client: ModelClient) -> None:
        """Make none yet.

        Args:
            client: The way to all of them; closed by whoever made it.
        """
        self._client = client
        self._made: dict[tuple[str, str | None, str], asyncio.Task[Ask]] = {}

    async def open(self, settings: ModelConfig) -> Ask:
        """Return what asks the model of these settings.

        Raises:
            AgentError: There is none: there is no key for it, or no region.
        """
        place = settings.provider, settings.base_url, settings.api_key.get_secret_value()
        if place not in self._made:
            # The libraries take a second to import: not on the event loop.
            make = asyncio.to_thread(_made, settings, self._client)
            self._made[place] = asyncio.create_task(make)
        try:
            return await asyncio.shield(self._made[place])
        except Exception:  # noqa: BLE001  (whatever the libraries raise)
            # Whoever waited for it too may have been here before.
            self._made.pop(place, None)
            needed = NEEDED.get(settings.provider, "it needs an api_key")
            words = f"no client can be made for {settings.provider}: {needed}"
            raise AgentError(words) from None

    async def once(self, settings: ModelConfig, body: Mapping[str, Any], timeout_s: float) -> bytes:
        """Ask for a completion once; returns its JSON in the form of OpenAI's.

        Raises:
            AgentError: No client can be made.
            Failure: There is no answer that can be read.
        """
        ask = await self.open(settings)
        exchange = Exchange(timeout_s)
        try:
            answer = await ask({"model": settings.model, **body}, exchange)
        except Exception as error:  # noqa: BLE001  (whatever the libraries raise)
            return _unread(settings.provider, exchange, error)
        if settings.provider in IN_OPENAI_FORM and exchange.answered is not None:
            return exchange.answered.content
        return _with_blocks(settings.provider, answer, exchange.answered)


def _made(settings: ModelConfig, client: ModelClient) -> Ask:
    any_llm = import_module("any_llm")
    key = settings.api_key.get_secret_value() or None
    given: dict[str, Any] = {
        "api_key": key,
        "api_base": settings.base_url,
        "unified_exceptions": True,
    }
    if settings.provider == "aws-bedrock":
        return Bedrock(any_llm.AnyLLM.create, given, client).ask
    carrier = _Carrier(client, is_elsewhere=settings.base_url is not None)
    through = httpx.AsyncClient(transport=carrier, trust_env=False)
    if settings.provider == "gcp":
        given |= {"http_options": {"httpx_async_client": through}, "vertexai": False}
    else:
        given |= {"http_client": through, "max_retries": 0}
    library = any_llm.AnyLLM.create(NAMES[settings.provider], **given)

    async def ask(body: Mapping[str, Any], exchange: Exchange) -> Any:
        _EXCHANGE.set(exchange)
        messages = [_as_received(message) for message in body["messages"]]
        return await library.acompletion(**{**body, "messages": messages})

    return ask


def _as_received(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message with its content as Anthropic wrote it, where that was kept."""
    blocks = message.get(BLOCKS)
    return message if blocks is None else {"role": message["role"], "content": blocks}


PLAIN_BLOCKS = {"anthropic": ("text", "tool_use"), "aws-bedrock": ("text", "toolUse")}


def _with_blocks(provider: str, answer: Any, answered: Answered | None) -> bytes:
    """Return a library's answer, with the content as it came where more is in it than is read."""
    completion = answer.model_dump(mode="json", exclude_none=True)
    plain = PLAIN_BLOCKS.get(provider)
    if plain is not None and answered is not None and completion.get("choices"):
        whole = parse(answered.content)
        blocks = (
            whole["content"] if provider == "anthropic" else (whole["output"]["message"]["content"])
        )
        kinds = {block.get("type") or next(iter(block), "") for block in blocks}
        if not kinds <= {*plain}:
            completion["choices"][0]["message"][BLOCKS] = blocks
    return msgspec.json.encode(completion)


def _unread(provider: str, exchange: Exchange, error: Exception) -> bytes:
    """Tell why a library has no answer, by what came of its request.

    Returns:
        The answer, where the library refused one that can be read without it.

    Raises:
        Failure: There is no request, no answer, or one that cannot be read.
    """
    answered = exchange.answered
    if exchange.error is not None:
        raise lost(exchange.error, provider)
    if answered is None:
        words = _words_for_people(error)
        raise Failure(f"no request can be made to {provider}" + (f": {words}" if words else ""))
    if not answered.is_success:
        raise refused(answered, provider)
    try:
        answer = parse(answered.content)
    except ValueError:
        raise Failure(f"the answer from {provider} is not JSON") from None
    if provider in IN_OPENAI_FORM:
        return answered.content
    words = server_words(answer)
    raise Failure(f"the answer from {provider} is no completion" + (f": {words}" if words else ""))


def _words_for_people(error: Any) -> str:
    """Return an exception's words where they are any-llm's own, or boto3's of its settings."""
    original = getattr(error, "original_exception", error)
    is_meant = original is None or type(original).__module__ == "botocore.exceptions"
    return str(getattr(error, "message", "")) if is_meant else ""
