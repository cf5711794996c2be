"""Trying a model server before anything depends on it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from gymtui.gym.models.agent import AgentError
from gymtui.gym.models.failures import Failure
from gymtui.gym.models.model_client import ERRORS, failure_words
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.response_body import TooLargeError
from gymtui.gym.wire import ModelConfig, ProbeResult

REACH_TIMEOUT_S = 30.0  # how long whoever launches waits for a sign of life


async def probe(servers: ModelServers, settings: ModelConfig) -> ProbeResult:
    """Ask a model server for one token and say how that went."""
    body = {"messages": [{"role": "user", "content": "ping"}], "max_tokens": 1}
    if settings.provider != "custom":
        return await _probe_provider(servers, settings, body)
    try:
        response = await servers.post(
            settings, json.dumps({"model": settings.model, **body}).encode()
        )
    except TooLargeError as error:
        return ProbeResult(success=False, message=f"{error}", error_type="bad_request")
    except (httpx.TimeoutException, TimeoutError):
        return ProbeResult(success=False, message="No answer in time", error_type="timeout")
    except ERRORS as error:
        message = f"Cannot reach {settings.shown_url}: {failure_words(error)}"
        return ProbeResult(success=False, message=message, error_type="connection_error")
    if response.is_success:
        return ProbeResult(success=True, message=f"{settings.model} answered")
    return _refusal(response.status, f"The endpoint answered {response.status}")


async def _probe_provider(
    servers: ModelServers, settings: ModelConfig, body: Mapping[str, Any]
) -> ProbeResult:
    try:
        await servers.once(settings, body)
    except Failure as failure:
        return _refusal(failure.status, failure.words)
    except AgentError as error:
        return ProbeResult(success=False, message=str(error), error_type="connection_error")
    return ProbeResult(success=True, message=f"{settings.model} answered")


def _refusal(status: int | None, message: str) -> ProbeResult:
    match status:
        case None:
            kind = "timeout" if message.startswith("timeout") else "connection_error"
            return ProbeResult.model_validate(
                {"success": False, "message": message, "error_type": kind}
            )
        case 401 | 403:
            return ProbeResult(success=False, message=message, error_type="authentication_error")
        case 404:
            return ProbeResult(success=False, message=message, error_type="invalid_model")
        case 429:
            return ProbeResult(success=False, message=message, error_type="rate_limit")
        case 400 | 422:
            return ProbeResult(success=False, message=message, error_type="bad_request")
    return ProbeResult(success=False, message=message, error_type="unknown")


async def probe_model(servers: ModelServers, settings: ModelConfig) -> str | None:
    """Return why a launch on this model server cannot work, or None when something answers there.

    Only the connection is tried: whether the model is right is for the rollouts, or for `probe`.
    """
    try:
        url = f"{(settings.base_url or '').rstrip('/')}/models"
        # That there is an answer is enough.
        async with asyncio.timeout(REACH_TIMEOUT_S), servers.client.stream("GET", url):
            pass
    except ERRORS as error:
        return f"cannot reach {settings.shown_url}: {failure_words(error)}"
    return None
