"""Trying a model server before anything depends on it."""

import json

import httpx

from gymtui.gym.models.model_servers import ModelServers, failure_words
from gymtui.gym.wire import ModelConfig, ProbeResult

ERRORS = (httpx.HTTPError, httpx.InvalidURL, TimeoutError)


async def probe(servers: ModelServers, settings: ModelConfig) -> ProbeResult:
    """Ask a model server for one token and say how that went."""
    body = {
        "model": settings.model,
        "messages": [{"role": "user", "content": "ping"}],
        "max_tokens": 1,
    }
    try:
        response = await servers.post(settings, json.dumps(body).encode())
    except (httpx.TimeoutException, TimeoutError):
        return ProbeResult(success=False, message="No answer in time", error_type="timeout")
    except ERRORS as error:
        message = f"Cannot reach {settings.shown_url}: {failure_words(error)}"
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


async def reach(servers: ModelServers, settings: ModelConfig) -> str | None:
    """Return why a launch on this model server cannot work, or None when something answers there.

    Only the connection is tried: whether the model is right is for the rollouts, or for `probe`.
    """
    try:
        await servers.client.get(f"{(settings.base_url or '').rstrip('/')}/models")
    except ERRORS as error:
        return f"cannot reach {settings.shown_url}: {failure_words(error)}"
    return None
