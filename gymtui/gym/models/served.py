"""Agents on a model server: any that speaks OpenAI's chat completions, reached through httpx.

What an agent is to the rest of the gym stands here too; the scripted ones are in `scripted.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from gymtui.gym.tools.toolbox import SEPARATOR, Call, Observation
from gymtui.gym.wire import ModelConfig, ProbeResult

Transport = httpx.AsyncBaseTransport
"""What carries requests to model servers; tests put one of their own in its place."""

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 120.0
DEFAULT_PROMPT = (
    "You are a diligent assistant. Use the tools to do what is asked, then say in a sentence or"
    " two what you did."
)


class AgentError(Exception):
    """The agent cannot go on; the rollout fails with these words."""


@dataclass(frozen=True)
class Turn:
    """What an agent does next: says something and calls tools, or, without calls, is done.

    Attributes:
        text: What it says; may be empty when it calls tools.
        calls: Tool calls, made together.
        prompt_tokens: What the turn read, None when unknown.
        completion_tokens: What the turn wrote, None when unknown.
    """

    text: str
    calls: tuple[Call, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Agent(Protocol):
    """Something that acts turn by turn."""

    async def act(self, results: Sequence[Observation]) -> Turn:
        """Return the next turn, given what the last turn's calls returned (nothing at first).

        Raises:
            AgentError: The agent cannot go on.
        """
        ...

    def thinks_for_s(self) -> float:
        """Return how many simulated seconds the next turn takes; 0 for those that really think."""
        ...


class ServedAgent:
    """An agent whose turns come from a model server."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        settings: ModelConfig,
        instruction: str,
        functions: Sequence[Mapping[str, Any]],
    ) -> None:
        """Begin a conversation.

        Args:
            client: Shared by all agents; closed by whoever made it.
            settings: With a `base_url` and a `model`.
            instruction: What the agent is told.
            functions: The tools as OpenAI function definitions.
        """
        self._client = client
        self._settings = settings
        self._functions = functions
        self._pending: tuple[Call, ...] = ()
        self._messages: list[dict[str, Any]] = [
            {"role": "system", "content": settings.system_prompt or DEFAULT_PROMPT},
            {"role": "user", "content": instruction},
        ]

    def thinks_for_s(self) -> float:
        """Return 0: it takes the time it takes."""
        return 0.0

    async def act(self, results: Sequence[Observation]) -> Turn:
        """Send the conversation so far and return what the model makes of it."""
        for made, result in zip(self._pending, results, strict=True):
            content = json.dumps(result.value, ensure_ascii=False)
            self._messages.append(
                {"role": "tool", "tool_call_id": made.call_id, "content": content}
            )
        body = {
            "model": self._settings.model,
            "messages": self._messages,
            "tools": self._functions,
            "temperature": self._settings.temperature,
        }
        if self._settings.log_prob:
            body["logprobs"] = True
        answer = await _complete(self._client, self._settings, body)
        try:
            message = answer["choices"][0]["message"]
            turn = _read_turn(message, answer.get("usage") or {})
        except (LookupError, TypeError, AttributeError) as error:
            raise AgentError(f"the endpoint's answer is no chat completion: {error!r}") from error
        self._messages.append(_echo(message))
        self._pending = turn.calls
        return turn


def _echo(message: Mapping[str, Any]) -> dict[str, Any]:
    echoed = {"role": "assistant", "content": message.get("content")}
    if message.get("tool_calls"):
        echoed["tool_calls"] = message["tool_calls"]
    return echoed


def _read_turn(message: Mapping[str, Any], usage: Mapping[str, Any]) -> Turn:
    calls = []
    for made in message.get("tool_calls") or []:
        server, _, tool = str(made["function"]["name"]).partition(SEPARATOR)
        try:
            parameters = json.loads(made["function"]["arguments"] or "{}")
        except ValueError:
            parameters = None
        if not isinstance(parameters, dict):
            # Kept, so that the tool's refusal tells the model what it sent.
            parameters = {"_unparsed": made["function"]["arguments"]}
        calls.append(Call(server, tool, parameters, str(made["id"])))
    return Turn(
        text=message.get("content") or "",
        calls=tuple(calls),
        prompt_tokens=usage.get("prompt_tokens"),
        completion_tokens=usage.get("completion_tokens"),
    )


def make_client(transport: Transport | None = None) -> httpx.AsyncClient:
    """Return the client that served agents share; `transport` replaces the network in tests."""
    timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    return httpx.AsyncClient(timeout=timeout, transport=transport)


async def _post(
    client: httpx.AsyncClient, settings: ModelConfig, body: Mapping[str, Any]
) -> httpx.Response:
    key = settings.api_key.get_secret_value()
    return await client.post(
        f"{(settings.base_url or '').rstrip('/')}/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {key}"} if key else {},
    )


async def _complete(
    client: httpx.AsyncClient, settings: ModelConfig, body: Mapping[str, Any]
) -> dict[str, Any]:
    try:
        response = await _post(client, settings, body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AgentError(f"{_name(error)} from endpoint") from error
    if response.status_code != httpx.codes.OK:
        raise AgentError(f"{response.status_code} from endpoint")
    try:
        answer = response.json()
    except ValueError as error:
        raise AgentError("the endpoint's answer is not JSON") from error
    if not isinstance(answer, dict):
        raise AgentError("the endpoint's answer is no chat completion")
    return answer


def _name(error: Exception) -> str:
    return "timeout" if isinstance(error, httpx.TimeoutException) else "no answer"


async def probe(client: httpx.AsyncClient, settings: ModelConfig) -> ProbeResult:
    """Ask a model server for one token and say how that went."""
    body = {
        "model": settings.model,
        "messages": [{"role": "user", "content": "ping"}],
        "max_tokens": 1,
    }
    try:
        response = await _post(client, settings, body)
    except httpx.TimeoutException:
        return ProbeResult(success=False, message="No answer in time", error_type="timeout")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        message = f"Cannot reach {settings.base_url}: {error}"
        return ProbeResult(success=False, message=message, error_type="connection_error")
    if response.is_success:
        return ProbeResult(success=True, message=f"{settings.model} answered")
    message = f"The endpoint answered {response.status_code}"
    match response.status_code:
        case 401 | 403:
            return ProbeResult(success=False, message=message, error_type="authentication_error")
        case 404:
            return ProbeResult(success=False, message=message, error_type="invalid_model")
        case 429:
            return ProbeResult(success=False, message=message, error_type="rate_limit")
        case 400 | 422:
            return ProbeResult(success=False, message=message, error_type="bad_request")
    return ProbeResult(success=False, message=message, error_type="unknown")


async def reach(client: httpx.AsyncClient, settings: ModelConfig) -> str | None:
    """Return why a launch on this model server cannot work, or None when something answers there.

    Only the connection is tried: whether the model is right is for the rollouts, or for `probe`.
    """
    try:
        await client.get(f"{(settings.base_url or '').rstrip('/')}/models")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return f"cannot reach {settings.base_url}: {error or _name(error)}"
    return None
