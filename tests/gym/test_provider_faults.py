"""What goes wrong with a named provider ends as it does with any model server, in its own form."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.models.model_client import ModelClient
from gymtui.gym.models.model_servers import ServerLimits
from gymtui.gym.models.providers import Providers
from gymtui.gym.wire import ModelConfig
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import DRIP, HANG, Play, Raw, model_server
from tests.gym.one_rollout import DONE, LOOK
from tests.gym.provider_wires import (
    IN_BLOCKS,
    KEY,
    TOOL,
    WIRES,
    openai,
    set_environment,
    settings_of,
    with_provider,
)
from tests.gym.running_gym import until
from tests.gym.test_model_faults import FATAL, PASSING

pytest.importorskip("any_llm", reason="the extra `providers` is not installed")

OF_PYTHON = re.compile(
    r"Error\b|object at 0x|'NoneType'|Traceback|Expecting value|validation err|<"
)


@pytest.fixture(autouse=True)
def _no_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


@pytest.mark.fair_part(3)
@pytest.mark.parametrize("kind", FATAL)
@pytest.mark.parametrize("provider", WIRES)
async def test_a_fault_ends_the_rollout_with_words_and_all_that_was_said(
    tmp_path: Path, provider: str, kind: str
) -> None:
    fault, words, tries = FATAL[kind]
    ended, server = await with_provider(tmp_path, provider, WIRES[provider].plays[0], fault)
    assert (ended.rollout.status, ended.rollout.result) == ("failed", None)
    assert ended.reason.startswith("Agent execution failed: ")
    assert not OF_PYTHON.search(ended.reason)
    if fault.status >= 300:
        assert words.replace("endpoint", provider) in ended.reason
    assert len(server.sent) == 1 + tries
    assert ended.artifacts.error == ended.reason
    assert [message["role"] for message in ended.artifacts.messages] == [
        *("user", "assistant", "tool")
    ]
    assert len(ended.artifacts.tool_results) == 1


@pytest.mark.fair_part(3)
@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("provider", WIRES)
async def test_a_fault_that_passes_costs_time_and_nothing_else(
    tmp_path: Path, provider: str, kind: str
) -> None:
    first, last = WIRES[provider].plays
    fault = PASSING[kind]
    ended, server = await with_provider(tmp_path, provider, fault, first, fault, fault, last)
    assert (ended.rollout.status, ended.rollout.termination_reason) == ("completed", None)
    assert ended.artifacts.final_observation == "That is all."
    assert len(server.sent) == 5
    assert server.sent[0].body == server.sent[1].body
    assert ended.time.now_s > 0


@pytest.mark.parametrize("play", [HANG, DRIP])
@pytest.mark.parametrize("provider", WIRES)
async def test_an_answer_that_takes_too_long_is_a_timeout(
    tmp_path: Path, provider: str, play: Play
) -> None:
    limits = {"server_limits": ServerLimits(timeout_s=0.1)}
    ended, _ = await with_provider(tmp_path, provider, play, gym=limits)
    assert ended.reason == f"Agent execution failed: timeout from {provider}"


@pytest.mark.parametrize("is_deleted", [False, True])
@pytest.mark.parametrize("provider", WIRES)
async def test_a_cancel_and_a_delete_end_the_requests_in_flight(
    tmp_path: Path, provider: str, is_deleted: bool
) -> None:
    # More than the threads that a small machine has.
    count = 40
    async with model_server(HANG) as server, engine_at(tmp_path / "db") as engine:
        settings = {"model": "m", **settings_of(provider, server.url)}
        about = {"rollout_count": count, "max_parallel": count}
        run_id = await start(engine, model_config=settings, **about)

        async def in_flight(wanted: int) -> None:
            async def so_many() -> bool:
                return server.in_flight == wanted

            await until(so_many, what=f"{wanted} requests")

        await in_flight(count)
        if is_deleted:
            assert engine.delete(run_id) == count
        else:
            engine.cancel(run_id)
            ended = await finish(engine, run_id)
            assert {(one.status, one.termination_reason) for one in ended} == {
                ("failed", "cancelled")
            }
        await in_flight(0)


@pytest.mark.parametrize("provider", WIRES)
async def test_a_proxy_of_the_environment_is_not_for_loopback(
    tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    ended, _ = await with_provider(tmp_path, provider, *WIRES[provider].plays)
    assert ended.rollout.status == "completed"


# -- keys of the environment -----------------------------------------------------------------------

MARKED = {
    name: f"MARKED-of-the-environment-{number}"
    for number, name in enumerate(
        (
            *("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"),
            *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
            *("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"),
            *("GOOGLE_API_KEY", "GEMINI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "AWS_SESSION_TOKEN"),
        )
    )
} | {
    "OPENAI_CUSTOM_HEADERS": "X-Gateway: MARKED-header",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Gateway: MARKED-header\nX-Other: MARKED-other",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
}


@pytest.mark.parametrize("provider", sorted(set(WIRES) - {"aws-bedrock"}))
async def test_no_key_of_the_environment_goes_where_a_launch_says(
    tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in MARKED.items():
        monkeypatch.setenv(name, value)
    ended, server = await with_provider(tmp_path, provider, *WIRES[provider].plays)
    assert ended.rollout.status == "completed"
    assert len(server.sent) == 2
    for one in server.sent:
        assert "MARKED-of" not in str(one) and "MARKED-header" not in str(one)
        assert "MARKED-other" not in str(one)
        assert KEY in str(one.headers)


@pytest.mark.parametrize("field", ["model_config", "user_model_config"])
@pytest.mark.parametrize("provider", WIRES)
async def test_without_a_key_a_launch_may_not_name_an_address(
    tmp_path: Path, provider: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in MARKED.items():
        monkeypatch.setenv(name, value)
    async with model_server(DONE) as server, engine_at(tmp_path / "db") as engine:
        plain = {"model": "m", "api_key": "k", "base_url": server.url}
        given = {**plain, "api_key": "", "provider": provider}
        with pytest.raises(LaunchRefusedError) as refusal:
            await start(engine, **{"model_config": plain, field: given})
        [problem] = refusal.value.problems
        assert problem.loc == (field, "api_key")
        assert "own address only" in problem.message
        tried = await engine.test_model(ModelConfig.model_validate(given))
        assert not tried.success and "own address only" in tried.message
        assert server.sent == []


async def test_bedrock_takes_no_key_over_plain_http(tmp_path: Path) -> None:
    settings = {"model": "m", "provider": "aws-bedrock", "api_key": KEY}
    async with engine_at(tmp_path / "db") as engine:
        with pytest.raises(LaunchRefusedError) as refusal:
            await start(engine, model_config={**settings, "base_url": "http://127.0.0.1:1"})
    [problem] = refusal.value.problems
    assert (problem.loc, "over https only" in problem.message) == (
        *(("model_config", "base_url"), True),
    )


async def test_what_boto3_says_of_its_settings_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    ended, server = await with_provider(tmp_path, "aws-bedrock", DONE)
    assert "requires an HTTPS endpoint" in ended.reason
    assert not OF_PYTHON.search(ended.reason)
    assert server.sent == []


@pytest.mark.parametrize("provider", sorted(set(WIRES) - {"aws-bedrock"}))
async def test_a_key_that_is_repeated_in_what_is_no_completion_is_taken_out(
    tmp_path: Path, provider: str
) -> None:
    play = Raw(json.dumps({"error": {"message": f"no: {KEY}"}}).encode())
    ended, _ = await with_provider(tmp_path, provider, play)
    assert ended.rollout.status == "failed"
    assert "no: [key]" in ended.reason
    assert KEY not in ended.artifacts.model_dump_json()


async def test_a_key_of_the_environment_goes_to_the_address_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with model_server(openai(DONE)) as server, engine_at(tmp_path / "db") as engine:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        settings = {"model": "m", "provider": "openai", "api_key": ""}
        [rollout] = await finish(engine, await start(engine, model_config=settings))
    assert rollout.status == "completed"
    assert server.sent[-1].headers["authorization"] == f"Bearer {KEY}"


# -- what is only in a provider's own form ---------------------------------------------------------


@pytest.mark.parametrize("provider", IN_BLOCKS)
async def test_thoughts_are_sent_back_as_they_were_received_and_kept(
    tmp_path: Path, provider: str
) -> None:
    answer, content, find = IN_BLOCKS[provider]
    ended, server = await with_provider(tmp_path, provider, answer, WIRES[provider].plays[1])
    assert ended.rollout.status == "completed", ended.reason
    assert find(server.sent[1].body) == content
    said = next(item for item in ended.artifacts.messages if item["role"] == "assistant")
    assert said["content_blocks"] == content
    assert said["content"]["tool_calls"][0]["function"]["name"] == TOOL
    assert "Let me look." in json.dumps(said)


SIGNED = {"google": {"thought_signature": "c2lnbmVk"}}


@pytest.mark.parametrize("provider", ["openai", "azure-openai"])
async def test_what_a_call_holds_besides_is_sent_back_in_openais_form(
    tmp_path: Path, provider: str
) -> None:
    call = {**LOOK["tool_calls"][0], "extra_content": SIGNED}
    message = {"role": "assistant", "content": None, "tool_calls": [call], "extra_content": SIGNED}
    ended, server = await with_provider(
        tmp_path, provider, openai(message), WIRES[provider].plays[1]
    )
    [echo] = [item for item in server.sent[1].body["messages"] if item["role"] == "assistant"]
    assert (echo["tool_calls"], echo["extra_content"]) == ([call], SIGNED)
    said = next(item for item in ended.artifacts.messages if item["role"] == "assistant")
    assert said["content"]["tool_calls"] == [call]
    assert said["extra_content"] == SIGNED


async def test_the_signature_of_a_thought_is_sent_back_to_gemini(tmp_path: Path) -> None:
    signature = "c2lnbmVkIGJ5IEdlbWluaQ=="
    part: dict[str, Any] = {
        "functionCall": {"name": TOOL, "args": {"query": "Nadia"}},
        "thoughtSignature": signature,
    }
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    play = Raw(json.dumps({"candidates": [candidate]}).encode())
    ended, server = await with_provider(tmp_path, "gcp", play, WIRES["gcp"].plays[1])
    [echo] = [item for item in server.sent[1].body["contents"] if item["role"] == "model"]
    assert [item.get("thoughtSignature") for item in echo["parts"]] == [signature]
    said = next(item for item in ended.artifacts.messages if item["role"] == "assistant")
    assert signature in json.dumps(said["content"]["tool_calls"])


async def test_an_answer_of_an_odd_form_is_read_as_that_of_any_server(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "That "}, {"type": "text", "text": "is all."}]
    play = Raw(json.dumps({"choices": [{"message": {"content": parts}}], "usage": []}).encode())
    ended, _ = await with_provider(tmp_path, "openai", play)
    assert ended.artifacts.final_observation == "That is all."


async def test_many_that_want_a_client_that_cannot_be_made_are_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    settings = ModelConfig.model_validate({"model": "m", "provider": "openai", "api_key": ""})
    async with ModelClient() as client:
        opening = Providers(client)
        asked = [opening.open(settings) for _ in range(3)]
        refused = await asyncio.gather(*asked, return_exceptions=True)
    assert {str(one) for one in refused} == {
        "no client can be made for openai: it needs an api_key"
    }


async def test_bedrock_is_asked_as_it_was_signed(tmp_path: Path) -> None:
    model = "arn:aws:bedrock:eu-central-1:1:inference-profile/eu.anthropic.claude-3-7:0"
    answer = WIRES["aws-bedrock"].plays[1]
    ended, server = await with_provider(tmp_path, "aws-bedrock", answer, model=model)
    assert ended.rollout.status == "completed"
    [sent] = server.sent
    assert sent.path == f"/model/{quote(model, safe='')}/converse"
    assert sent.headers["user-agent"].startswith("Boto3")
    names = [line.partition(":")[0].lower() for line in sent.lines]
    assert len(names) == len(set(names))
