"""Models of the named providers, through any-llm, which is there with the extra `providers`.

It speaks each provider's own form and answers in that of OpenAI's chat completions. What is tried
again, and how often, is not its business but that of `model_servers`.
"""

import asyncio
import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from inspect import isawaitable
from typing import Any

from gymtui.gym.models.agent import AgentError
from gymtui.gym.models.failures import Failure
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
CUT = ("Connect", "Protocol", "ReadError", "Disconnect")
"""In the names of exceptions that say that a connection broke, whichever library is behind."""
ENDPOINT = "AZURE_OPENAI_ENDPOINT"


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
    if settings.provider == "azure-openai" and not (settings.base_url or os.environ.get(ENDPOINT)):
        return "base_url", f"azure-openai needs its endpoint: a base_url, or {ENDPOINT}"
    return None


class Providers:
    """Clients of providers, made when they are first asked for."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str | None, str], asyncio.Task[Any]] = {}

    async def open(self, settings: ModelConfig) -> Any:
        """Return the client for a model's settings.

        Raises:
            AgentError: None can be made: there is no key for it, or no region.
        """
        key = settings.api_key.get_secret_value()
        place = settings.provider, settings.base_url, key
        if place not in self._clients:
            # The libraries take a second to import: not on the event loop.
            make = asyncio.to_thread(_client, settings)
            self._clients[place] = asyncio.create_task(make)
        try:
            return await asyncio.shield(self._clients[place])
        except Exception as error:  # noqa: BLE001  (whatever the libraries raise)
            del self._clients[place]
            # The environment may have a key that this gym was not given.
            words = f"no client can be made for {settings.provider}: {type(error).__name__}"
            raise AgentError(words) from None

    async def close(self) -> None:
        for made in await asyncio.gather(*self._clients.values(), return_exceptions=True):
            if not isinstance(made, BaseException):
                # any-llm closes none itself; what it stands on does, each in its way.
                own = made.client
                asynchronous = getattr(own, "aio", own)
                closed = getattr(asynchronous, "aclose", own.close)()
                if isawaitable(closed):
                    await closed

    async def once(self, settings: ModelConfig, body: Mapping[str, Any], timeout_s: float) -> bytes:
        """Ask for a completion once; returns its JSON in the form of OpenAI's.

        Raises:
            AgentError: No client can be made.
            Failure: There is no answer.
        """
        client = await self.open(settings)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await client.acompletion(settings.model, **body)
        except TimeoutError:
            raise Failure(f"timeout from {settings.provider}") from None
        except Exception as error:  # noqa: BLE001  (whatever the libraries raise)
            raise _failure(error, settings.provider) from None
        return bytes(answer.model_dump_json(exclude_none=True), "utf-8")


def _client(settings: ModelConfig) -> Any:
    any_llm = import_module("any_llm")
    once: dict[str, Any] = {"max_retries": 0}
    if settings.provider == "aws-bedrock":
        config = import_module("botocore.config").Config
        once = {"config": config(retries={"total_max_attempts": 1}, connect_timeout=10)}
    return any_llm.AnyLLM.create(
        NAMES[settings.provider],
        api_key=settings.api_key.get_secret_value() or None,
        api_base=settings.base_url,
        unified_exceptions=True,
        **once,
    )


def _status(error: Any) -> int | None:
    """Return the status of an answer; boto3 keeps it where any-llm does not look."""
    found = error.status_code
    if found is None and isinstance(
        response := getattr(error.original_exception, "response", None), Mapping
    ):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return found if isinstance(found, int) else None


def _failure(error: Exception, provider: str) -> Failure:
    """Return what any-llm says of a failure; of another exception only what it is called."""
    errors = import_module("any_llm.exceptions")
    if not isinstance(error, errors.AnyLLMError):
        return Failure(f"{type(error).__name__} from {provider}")
    status = _status(error)
    if status is None:
        causes = [type(error.original_exception).__name__, type(error).__name__]
        is_timeout = any("Timeout" in name for name in causes)
        is_cut = any(word in name for name in causes for word in CUT)
        words = "timeout" if is_timeout else "no answer" if is_cut else error.message
        return Failure(f"{words} from {provider}", passes=is_cut and not is_timeout)
    return Failure(
        f"{status} from {provider}: {error.message}",
        status=status,
        code=error.code,
        retry_after=str(getattr(error, "retry_after", None) or ""),
    )
