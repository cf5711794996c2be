import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from gymtui.api.launch_request import (
    LaunchRequest,
    ModelConfig,
    TaskOverride,
    new_run_name,
    read_launch,
)
from gymtui.config.schema import describe_fault
from tests.api.samples import LAUNCH

NOW = datetime(2026, 3, 20, 10, 0, 6, tzinfo=UTC)


def _launch(**changes: Any) -> LaunchRequest:
    return LaunchRequest.model_validate({**LAUNCH, **changes})


def _config(**changes: Any) -> dict[str, Any]:
    return {**LAUNCH["model_config"], **changes}


def test_the_body_is_complete_with_the_defaults_of_the_api() -> None:
    assert _launch().to_wire() == {
        "scenario_id": "hr",
        "task_ids": ("t1", "t2"),
        "rollout_count": 1,
        "run_name": "nightly",
        "model_config": {
            "model": "gpt-4o",
            "provider": "openai",
            "api_key": "sk-launch-1234567890",
            "temperature": 0.7,
            "max_steps": 30,
            "log_prob": False,
            "summarize_every_n_turns": 0,
            "context_stride": 3,
        },
    }


def test_every_field_of_the_api_reaches_the_wire() -> None:
    config = _config(
        base_url="http://127.0.0.1:1/v1",
        temperature=2,
        max_steps=1,
        system_prompt="be brief",
        tool_server_url="http://127.0.0.1:2",
        log_prob=True,
        summarize_every_n_turns=4,
        context_stride=1,
    )
    assert config.keys() == ModelConfig.model_fields.keys()
    override = {
        "task_json": {"a": 1},
        "name": "n",
        "description": "d",
        "rubric_markdown": "# r",
        "client_context": {"who": "me"},
    }
    assert override.keys() == TaskOverride.model_fields.keys()
    wire = _launch(
        model_config=config,
        user_model_config=_config(api_key="sk-user-1234567890"),
        rollout_count=3,
        max_parallel=2,
        task_overrides={"t2": override},
    ).to_wire()
    assert json.loads(json.dumps(wire)) == {
        "scenario_id": "hr",
        "task_ids": ["t1", "t2"],
        "model_config": config,
        "rollout_count": 3,
        "max_parallel": 2,
        "run_name": "nightly",
        "user_model_config": wire["user_model_config"],
        "task_overrides": {"t2": override},
    }
    assert wire["user_model_config"]["api_key"] == "sk-user-1234567890"
    fields = LaunchRequest.model_fields
    # What the real gym does not know is not sent unless it is asked for.
    assert wire.keys() == {info.alias or name for name, info in fields.items()} - {"source"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scenario_id": ""}, "scenario_id"),
        ({"task_ids": []}, "task_ids"),
        ({"task_ids": [""]}, "task_ids.0"),
        ({"rollout_count": 0}, "rollout_count"),
        ({"rollout_count": True}, "rollout_count"),
        ({"max_parallel": 0}, "max_parallel"),
        ({"run_name": ""}, "run_name"),
        ({"run_nmae": "x"}, "run_nmae"),
        ({"model_config": _config(temperature=2.01)}, "model_config.temperature"),
        ({"model_config": _config(temperature=-0.1)}, "model_config.temperature"),
        ({"model_config": _config(temperature=float("nan"))}, "model_config.temperature"),
        ({"model_config": _config(max_steps=0)}, "model_config.max_steps"),
        ({"model_config": _config(context_stride=0)}, "model_config.context_stride"),
        (
            {"model_config": _config(summarize_every_n_turns=-1)},
            "model_config.summarize_every_n_turns",
        ),
        ({"model_config": _config(provider="opanai")}, "model_config.provider"),
        ({"model_config": _config(api_key="")}, "model_config.api_key"),
        ({"model_config": {"model": "m"}}, "model_config.api_key"),
        ({"user_model_config": {"model": "m"}}, "user_model_config.api_key"),
        ({"task_overrides": {"t9": {}}}, "task_overrides"),
    ],
)
def test_what_the_api_would_refuse_is_refused_here_at_its_field(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        _launch(**changes)
    assert ".".join(map(str, caught.value.errors()[0]["loc"])) == field


def test_an_override_of_another_task_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        _launch(task_overrides={"t1": {}, "t9": {}})
    assert "not among task_ids: t9" in caught.value.errors()[0]["msg"]


def test_a_name_is_made_only_when_none_is_given() -> None:
    unnamed = {key: value for key, value in LAUNCH.items() if key != "run_name"}
    made = read_launch(unnamed, now=NOW, rng=random.Random(7)).run_name
    assert made.startswith("gpt-4o-0320-")
    assert read_launch(LAUNCH, now=NOW, rng=random.Random(7)).run_name == "nightly"


def test_made_names_differ_and_need_no_quoting() -> None:
    rng = random.Random(7)
    names = {new_run_name("HR / ü", "org/Model:v1..", NOW, rng) for _ in range(200)}
    assert len(names) == 200
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") for name in names)
    assert all(name.startswith("model-v1-0320-") for name in names)


@pytest.mark.parametrize(
    ("model", "begins"),
    [
        ("policy-8b-s3000", "policy-8b-s3000-0320-"),
        ("meta-llama/Llama-3.1-70B-Instruct", "3.1-70b-instruct-0320-"),
        ("ft:gpt-4o-mini:org:nightly-s4000", "nightly-s4000-0320-"),
        ("x" * 60, f"{'x' * 16}-0320-"),
        ("", "hr-0320-"),
    ],
)
def test_made_names_are_short_and_keep_what_differs(model: str, begins: str) -> None:
    name = new_run_name("hr", model, NOW, random.Random(7))
    assert name.startswith(begins)
    assert len(name) <= 27


def test_a_name_is_made_even_of_nothing() -> None:
    name = new_run_name("日本", "", NOW, random.Random(7))
    assert name.startswith("0320-")
    with pytest.raises(ValidationError):
        read_launch({}, now=NOW, rng=random.Random(7))


def test_keys_show_nowhere_but_on_the_wire() -> None:
    request = _launch(user_model_config=_config(api_key="sk-user-1234567890"))
    texts = [repr(request), str(request), request.model_dump_json(), str(request.model_dump())]
    texts += [repr(request.settings), f"{request.settings.api_key}"]
    assert not any("1234567890" in text for text in texts)
    assert {key.reveal() for key in request.secrets()} == {
        "sk-launch-1234567890",
        "sk-user-1234567890",
    }


def test_a_refusal_of_ours_does_not_quote_a_key() -> None:
    with pytest.raises(ValidationError) as caught:
        _launch(model_config=_config(api_key=["sk-launch-1234567890"], temperature=9))
    assert "1234567890" not in str(caught.value)
    assert "1234567890" not in str([describe_fault(fault) for fault in caught.value.errors()])
