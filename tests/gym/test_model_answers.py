"""Answers of every ordinary form: what was said is read, kept and said again as it came."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import Raw, calling, completion, model_server
from tests.gym.one_rollout import DONE, LOOK, rolled_out


async def test_content_in_parts_is_text(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "That "}, {"type": "text", "text": "is all."}]
    ended = await rolled_out(tmp_path, {"role": "assistant", "content": parts})
    assert ended.artifacts.final_observation == "That is all."
    assert ended.artifacts.messages[-1]["content"] == "That is all."


async def test_content_that_is_more_than_text_stays_as_it_came(tmp_path: Path) -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Done."}]
    ended = await rolled_out(tmp_path, {**LOOK, "content": parts}, DONE)
    assert ended.artifacts.messages[1]["content"]["content"] == parts
    assert ended.server.bodies[1]["messages"][2]["content"] == parts


@pytest.mark.parametrize(
    "usage",
    [[], None, "many", {"prompt_tokens": "100", "completion_tokens": None}, {"prompt_tokens": []}],
)
async def test_usage_of_any_form_breaks_nothing(tmp_path: Path, usage: Any) -> None:
    ended = await rolled_out(tmp_path, completion(DONE, usage=usage))
    assert ended.rollout.status == "completed"
    tokens = ended.artifacts.metadata["rollout_metrics"].get("token_usage", {})
    expected = {"prompt_tokens_total": 100} if "100" in str(usage) else {}
    assert {key: tokens[key] for key in tokens if key != "total_tokens_total"} == expected


CALLS = {
    "without an id": {"function": LOOK["tool_calls"][0]["function"]},
    "with an id of null": {**LOOK["tool_calls"][0], "id": None},
    "with arguments as an object": {
        "id": "c",
        "function": {"name": "hr_records__search_candidates", "arguments": {"query": "Nadia"}},
    },
    "flat": {"name": "hr_records__search_candidates", "arguments": '{"query": "Nadia"}'},
    "as text": json.dumps(LOOK["tool_calls"][0]),
}


@pytest.mark.parametrize("kind", CALLS)
async def test_a_call_of_any_form_is_made(tmp_path: Path, kind: str) -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [CALLS[kind]]}
    ended = await rolled_out(tmp_path, message, DONE)
    assert ended.rollout.status == "completed"
    [result] = ended.artifacts.tool_results
    assert "Nadia Petrov" in json.dumps(result.observation)
    called, told = ended.server.bodies[1]["messages"][2:]
    assert called["tool_calls"][0]["id"] == told["tool_call_id"]
    assert ended.artifacts.messages[1]["content"]["tool_calls"] == called["tool_calls"]


async def test_a_function_call_is_answered_in_its_form(tmp_path: Path) -> None:
    call = {"name": "hr_records__search_candidates", "arguments": '{"query": "Nadia"}'}
    ended = await rolled_out(tmp_path, {"content": None, "function_call": call}, DONE)
    called, told = ended.server.bodies[1]["messages"][2:]
    assert called["function_call"] == call
    assert (told["role"], told["name"]) == ("function", call["name"])
    assert "Nadia Petrov" in told["content"]


@pytest.mark.parametrize("calls", ["oops", [7], [None], {"a": 1}])
async def test_calls_that_are_none_are_kept(tmp_path: Path, calls: Any) -> None:
    ended = await rolled_out(tmp_path, {"content": "x", "tool_calls": calls}, DONE)
    assert ended.rollout.status == "completed"
    [said] = [m for m in ended.artifacts.messages if m["role"] == "assistant"][:1]
    kept = said.get("tool_calls") or said["content"]["tool_calls"]
    assert kept == calls or "_unparsed" in json.dumps(kept) or kept[0]["function"]["name"] == ""


async def test_a_name_that_is_no_tools_is_recorded_as_it_was_said(tmp_path: Path) -> None:
    ended = await rolled_out(tmp_path, calling("search"), DONE)
    call = ended.artifacts.messages[1]["content"]["tool_calls"][0]
    assert call["function"]["name"] == "search"
    assert ended.artifacts.tool_results[0].observation["tool"] == "search"


async def test_reasons_refusals_and_ends_are_kept(tmp_path: Path) -> None:
    thinking = {**LOOK, "reasoning_content": "Who is Nadia?"}
    refusing = {"content": "", "refusal": "I will not.", "annotations": []}
    ended = await rolled_out(
        tmp_path,
        completion(thinking, finish_reason="tool_calls"),
        completion(refusing, finish_reason="length"),
    )
    thought, refused = (m for m in ended.artifacts.messages if m["role"] == "assistant")
    assert thought["reasoning_content"] == "Who is Nadia?"
    assert (refused["refusal"], refused["finish_reason"]) == ("I will not.", "length")
    assert "annotations" not in refused
    assert ended.server.bodies[1]["messages"][2]["reasoning_content"] == "Who is Nadia?"


async def test_log_probabilities_are_asked_for_and_kept(tmp_path: Path) -> None:
    probabilities = {"content": [{"token": "That", "logprob": -0.25, "bytes": None}]}
    async with model_server(completion(DONE, logprobs=probabilities)) as server:
        settings = {"model": "m", "base_url": server.url, "api_key": "k", "log_prob": True}
        async with engine_at(tmp_path / "db") as engine:
            [rollout] = await finish(engine, await start(engine, model_config=settings))
            artifacts = engine.database.artifacts(rollout.rollout_id)
    assert server.bodies[0]["logprobs"] is True
    assert artifacts is not None
    assert artifacts.messages[-1]["log_probs"] == probabilities


async def test_none_are_asked_for_unless_wanted(tmp_path: Path) -> None:
    ended = await rolled_out(tmp_path, DONE)
    assert "logprobs" not in ended.server.bodies[0]
    assert "log_probs" not in ended.artifacts.messages[-1]


async def test_half_characters_and_numbers_that_are_none_are_kept_as_far_as_they_can(
    tmp_path: Path,
) -> None:
    body = b'{"choices": [{"message": {"content": "a \\ud83d b"}, "logprobs": {"x": NaN}}]}'
    ended = await rolled_out(tmp_path, Raw(body))
    assert ended.rollout.status == "completed"
    assert ended.artifacts.final_observation == "a � b"
    assert ended.artifacts.messages[-1]["log_probs"] == {"x": None}


# -- what is empty is empty -----------------------------------------------------------------------


async def test_an_empty_system_prompt_is_none_and_an_empty_description_is_empty(
    tmp_path: Path,
) -> None:
    async with model_server(DONE) as server:
        settings = {"model": "m", "base_url": server.url, "api_key": "k", "system_prompt": ""}
        overrides = {"schedule_phone_screen": {"description": ""}}
        async with engine_at(tmp_path / "db") as engine:
            run_id = await start(engine, model_config=settings, task_overrides=overrides)
            await finish(engine, run_id)
    assert server.bodies[0]["messages"] == [{"role": "user", "content": ""}]


async def test_a_proxy_of_the_environment_is_not_for_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    ended = await rolled_out(tmp_path, DONE)
    assert ended.rollout.status == "completed"
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.HTTPError):
            await client.get(ended.server.url)
