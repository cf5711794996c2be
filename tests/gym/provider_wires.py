"""How each named provider is spoken to, on a model server of a test's."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gym.model_server import ModelServer, Play, Raw, completion, model_server
from tests.gym.one_rollout import DONE, LOOK, Ended, rolled_out

KEY = "sk-MARKED-k3y-0123456789"
TOOL, ARGUMENTS = "hr_records__search_candidates", {"query": "Nadia"}


def anthropic(*content: dict[str, Any], stop: str) -> Raw:
    usage = {"input_tokens": 100, "output_tokens": 10}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    return Raw(
        json.dumps({**message, "content": content, "stop_reason": stop, "usage": usage}).encode()
    )


def bedrock(*content: dict[str, Any], stop: str) -> Raw:
    usage = {"inputTokens": 100, "outputTokens": 10, "totalTokens": 110}
    answer = {
        "output": {"message": {"role": "assistant", "content": content}},
        **{"stopReason": stop, "usage": usage, "metrics": {"latencyMs": 1}},
    }
    return Raw(json.dumps(answer).encode())


def gemini(*parts: dict[str, Any], stop: str) -> Raw:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": stop, "index": 0}
    return Raw(json.dumps({"candidates": [candidate], "usageMetadata": usage}).encode())


def openai(message: dict[str, Any]) -> Raw:
    whole = json.loads(completion(message, finish_reason="stop", index=0).body)
    usage = {**whole["usage"], "total_tokens": 110}
    about = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return Raw(json.dumps({**about, **whole, "usage": usage}).encode())


@dataclass(frozen=True)
class Wire:
    """How a provider is spoken to.

    Attributes:
        path: What it is asked under.
        key: The header that the key is in, and what stands before it.
        plays: A call of a tool, then the end.
        error: How it says no.
        api_key: What it is given as one; over plain HTTP Bedrock takes credentials only.
    """

    path: str
    key: tuple[str, str]
    plays: tuple[Play, Play]
    error: Any
    api_key: str = KEY


WIRES = {
    "openai": Wire(
        "/chat/completions",
        ("authorization", "Bearer "),
        (openai(LOOK), openai(DONE)),
        {"error": {"message": f"no: {KEY}", "type": "t", "code": "c"}},
    ),
    "azure-openai": Wire(
        "/chat/completions",
        ("authorization", "Bearer "),
        (openai(LOOK), openai(DONE)),
        {"error": {"message": f"no: {KEY}", "type": "t", "code": "c"}},
    ),
    "anthropic": Wire(
        "/v1/messages",
        ("x-api-key", ""),
        (
            anthropic(
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "t1", "name": TOOL, "input": ARGUMENTS},
                stop="tool_use",
            ),
            anthropic({"type": "text", "text": "That is all."}, stop="end_turn"),
        ),
        {"type": "error", "error": {"type": "t", "message": f"no: {KEY}"}},
    ),
    "aws-bedrock": Wire(
        "/model/m/converse",
        ("authorization", "AWS4-HMAC-SHA256 Credential=AKIATEST"),
        (
            bedrock(
                {"toolUse": {"toolUseId": "t1", "name": TOOL, "input": ARGUMENTS}}, stop="tool_use"
            ),
            bedrock({"text": "That is all."}, stop="end_turn"),
        ),
        {"message": "no: it is down"},
        api_key="",
    ),
    "gcp": Wire(
        "/models/m:generateContent",
        ("x-goog-api-key", ""),
        (
            gemini({"functionCall": {"name": TOOL, "args": ARGUMENTS}}, stop="STOP"),
            gemini({"text": "That is all."}, stop="STOP"),
        ),
        {"error": {"code": 400, "message": f"no: {KEY}", "status": "INVALID_ARGUMENT"}},
    ),
}


BEDROCK = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
"""What Bedrock takes from there."""
NO_KEYS = (
    *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AZURE_OPENAI_ENDPOINT", "GOOGLE_API_KEY"),
    *("GEMINI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"),
)


def set_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an environment with what Bedrock takes, and no keys; `settings_of` may write to it."""
    for name, value in {**ENVIRONMENT, BEDROCK: ""}.items():
        monkeypatch.setenv(name, value)
    for name in NO_KEYS:
        monkeypatch.delenv(name, raising=False)


async def with_provider(
    directory: Path, provider: str, *plays: Play, gym: Any = None, **settings: Any
) -> tuple[Ended, ModelServer]:
    """Run one rollout through a provider on a server that answers so.

    Args:
        gym: What goes into the engine.
    """
    async with model_server(*plays) as server:
        given = {**settings_of(provider, server.url), **settings}
        return await rolled_out(directory, DONE, settings=given, gym=gym or {}), server


def settings_of(provider: str, url: str) -> dict[str, Any]:
    """Return what a launch names of a provider on a server of the test's.

    Bedrock's is the one that the environment names: its credentials go there and nowhere else.
    """
    url = url.removesuffix("/v1")
    base_url = None if provider == "aws-bedrock" else url
    os.environ[BEDROCK] = url
    return {"provider": provider, "api_key": WIRES[provider].api_key, "base_url": base_url}


_THOUGHTS = (
    {"type": "thinking", "thinking": "Who is it?", "signature": "c2lnMQ=="},
    {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="},
    {"type": "text", "text": "Let me look."},
    {"type": "thinking", "thinking": "Search.", "signature": "c2lnMg=="},
    {"type": "tool_use", "id": "t1", "name": TOOL, "input": ARGUMENTS},
)
_REASONING = (
    {"reasoningContent": {"reasoningText": {"text": "Who is it?", "signature": "c2lnMQ=="}}},
    {"reasoningContent": {"redactedContent": "cmVkYWN0ZWQ="}},
    {"text": "Let me look."},
    {"toolUse": {"toolUseId": "t1", "name": TOOL, "input": ARGUMENTS}},
)


def _said_before(body: Any) -> Any:
    [message] = [item for item in body["messages"] if item["role"] == "assistant"]
    return message["content"]


IN_BLOCKS = {
    "anthropic": (anthropic(*_THOUGHTS, stop="tool_use"), [*_THOUGHTS], _said_before),
    "aws-bedrock": (bedrock(*_REASONING, stop="tool_use"), [*_REASONING], _said_before),
}
"""An answer with thoughts, its content, and where the next request repeats it."""
