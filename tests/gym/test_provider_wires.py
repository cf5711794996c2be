"""The named providers: each is spoken to in its own form, on a server of the test's."""

import json
from pathlib import Path
from typing import Any

import pytest

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.models import providers
from gymtui.gym.models.model_client import ModelClient
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.models.probe import probe
from gymtui.gym.wire import ModelConfig
from tests.gym.engines import engine_at, start
from tests.gym.model_server import CUT, Play, Raw, error, model_server, saying
from tests.gym.one_rollout import DONE
from tests.gym.provider_wires import KEY, TOOL, WIRES, openai, set_environment, with_provider

pytest.importorskip("any_llm", reason="the extra `providers` is not installed")


@pytest.fixture(autouse=True)
def _no_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


@pytest.mark.parametrize("provider", WIRES)
async def test_a_rollout_through_a_provider(tmp_path: Path, provider: str) -> None:
    wire = WIRES[provider]
    ended, server = await with_provider(tmp_path, provider, *wire.plays)
    assert (ended.rollout.status, ended.rollout.termination_reason) == ("completed", None)
    assert ended.artifacts.final_observation == "That is all."
    assert ended.artifacts.provider == provider
    [result] = ended.artifacts.tool_results
    assert "Nadia Petrov" in json.dumps(result.observation)
    assert len(server.sent) == 2
    for one in server.sent:
        assert one.path.split("?")[0].endswith(wire.path)
        header, before = wire.key
        assert one.headers[header].startswith(f"{before}{wire.api_key}")
    first, second = (json.dumps(one.body, ensure_ascii=False) for one in server.sent)
    assert "Nadia Petrova" in first and TOOL in first and "0.7" in first
    assert "Nadia Petrov" in second and "search_candidates" in second
    tokens = ended.artifacts.metadata["rollout_metrics"]["token_usage"]
    assert (tokens["prompt_tokens_total"], tokens["completion_tokens_total"]) == (200, 20)
    assert KEY not in ended.artifacts.model_dump_json()


@pytest.mark.parametrize("provider", WIRES)
async def test_what_a_provider_says_no_with_is_the_reason_without_the_key(
    tmp_path: Path, provider: str
) -> None:
    ended, server = await with_provider(tmp_path, provider, error(400, WIRES[provider].error))
    assert ended.rollout.status == "failed"
    assert f"400 from {provider}" in ended.reason
    assert "no: " in ended.reason
    assert ("[key]" in ended.reason) == (WIRES[provider].api_key == KEY)
    assert KEY not in ended.reason
    assert len(server.sent) == 1


@pytest.mark.parametrize("provider", WIRES)
async def test_a_provider_that_is_asked_too_much_is_asked_again(
    tmp_path: Path, provider: str
) -> None:
    wire = WIRES[provider]
    busy = error(429, wire.error, Retry_After="7")
    ended, server = await with_provider(tmp_path, provider, busy, wire.plays[1])
    assert ended.rollout.status == "completed"
    assert len(server.sent) == 2
    assert ended.time.now_s > 0


@pytest.mark.parametrize("provider", WIRES)
async def test_a_connection_that_is_cut_is_tried_again(tmp_path: Path, provider: str) -> None:
    ended, server = await with_provider(tmp_path, provider, CUT, WIRES[provider].plays[1])
    assert ended.rollout.status == "completed"
    assert len(server.sent) == 2


async def test_log_probabilities_come_through_openai_and_are_refused_elsewhere(
    tmp_path: Path,
) -> None:
    token = {"token": "That", "logprob": -0.25, "bytes": [84], "top_logprobs": []}
    answer = json.loads(openai(DONE).body)
    answer["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    play = Raw(json.dumps(answer).encode())
    ended, server = await with_provider(tmp_path, "openai", play, log_prob=True)
    assert server.sent[0].body["logprobs"] is True
    assert ended.artifacts.messages[-1]["log_probs"]["content"][0]["logprob"] == -0.25
    async with engine_at(tmp_path / "other") as engine:
        for provider in providers.WITHOUT_LOG_PROBS:
            settings = {"model": "m", "provider": provider, "api_key": KEY, "log_prob": True}
            with pytest.raises(LaunchRefusedError) as refusal:
                await start(engine, model_config=settings)
            assert refusal.value.problems[0].loc == ("model_config", "log_prob")


async def refused(directory: Path, **settings: Any) -> tuple[Any, str]:
    async with engine_at(directory) as engine:
        with pytest.raises(LaunchRefusedError) as refusal:
            await start(engine, model_config={"model": "m", "api_key": KEY, **settings})
        [problem] = refusal.value.problems
        assert engine.database.rollouts() == []
        return problem.loc, problem.message


async def test_azure_needs_its_endpoint(tmp_path: Path) -> None:
    assert (await refused(tmp_path / "db", provider="azure-openai"))[0][-1] == "base_url"


async def test_a_provider_without_a_key_is_refused_at_launch(tmp_path: Path) -> None:
    place, words = await refused(tmp_path / "db", provider="openai", api_key="")
    assert (place[-1], "no client can be made") == ("provider", words.split(" for ")[0])


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (openai(saying("pong")), None),
        (error(401, {"error": {"message": "no"}}), "authentication_error"),
        (error(404, {"error": {"message": "no"}}), "invalid_model"),
        (error(429, {"error": {"message": "no"}}), "rate_limit"),
        (error(400, {"error": {"message": "no"}}), "bad_request"),
        (CUT, "connection_error"),
    ],
)
async def test_a_provider_can_be_tried(play: Play, kind: str | None) -> None:
    async with model_server(play) as server, ModelClient() as client:
        settings = ModelConfig.model_validate(
            {"model": "m", "provider": "openai", "api_key": KEY, "base_url": server.url}
        )
        result = await probe(ModelServers(client), settings)
    assert (result.success, result.error_type) == (kind is None, kind)
    assert KEY not in result.message
