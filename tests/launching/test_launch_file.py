"""Launches as files."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from gymtui.api.launch_request import LaunchRequest
from gymtui.cli.launch_command import EXAMPLE
from gymtui.core.secret import ApiKey
from gymtui.launching.json_input import JsonError, read_json
from gymtui.launching.launch_file import (
    LaunchFileError,
    line_of,
    mask_keys,
    read_document,
    requests_of,
    rules_of,
)
from gymtui.launching.model_keys import ModelKeys, NoModelKey
from tests.api.samples import LAUNCH

NOW = datetime(2026, 3, 20, 10, 0, 6, tzinfo=UTC)
KEY = "sk_live_fedcba9876543210"
PLAIN: dict[str, Any] = {
    **LAUNCH,
    "model_config": {k: v for k, v in LAUNCH["model_config"].items() if k != "api_key"},
}


def key_of(provider: str) -> ApiKey:
    return ApiKey(f"key-of-{provider}")


def read(text: str, *, private: bool = True) -> tuple[LaunchRequest, ...]:
    document = read_document(text, "run.toml", private=private)
    return requests_of(document, key_of, now=NOW, rng=random.Random(7))


def refused(text: str, *, private: bool = True) -> str:
    with pytest.raises(LaunchFileError) as caught:
        read(text, private=private)
    return str(caught.value)


def test_the_example_of_the_help_is_a_launch() -> None:
    (request,) = read(EXAMPLE)
    assert request.scenario_id == "hr"
    assert request.settings.provider == "openai"
    assert request.settings.api_key.reveal() == "key-of-openai"


def test_toml_and_json_are_told_apart_by_what_they_hold() -> None:
    assert read(f"\n  {json.dumps(PLAIN)}")[0].run_name == PLAIN["run_name"]
    assert read("\ufeff" + json.dumps(PLAIN))[0].scenario_id == "hr"


def test_several_models_are_a_run_each() -> None:
    found = read(EXAMPLE.replace('model = "gpt-4o" ', 'model = ["gpt-4o", "o/mini"] '))
    assert [(r.run_name, r.settings.model) for r in found] == [
        ("nightly-gpt-4o", "gpt-4o"),
        ("nightly-o-mini", "o/mini"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("temperature = 0.7", "temperature = 7", "run.toml:10: model_config.temperature: should"),
        ("rollout_count = 4", "rollout_count = 0", "run.toml:3: rollout_count: should be at least"),
        ('"openai"', '"opanai"', "run.toml:9: model_config.provider: should be one of custom"),
        ("scenario_id =", "scenarioid =", "run.toml: scenario_id: is required"),
        ("scenario_id =", "scenarioid =", "run.toml:1: scenarioid: unknown field"),
        ("scenario_id =", "scenarioid =", "unknown field; did you mean scenario_id?"),
        ("rollout_count", "rolout_count", "unknown field; did you mean rollout_count?"),
        ("[model_config]", "[model_confg]", "unknown field; did you mean model_config?"),
        ("temperature", "temprature", "unknown field; did you mean temperature?"),
        ('model = "gpt-4o" ', "model = [1] ", "run.toml:8: model_config.model: should be a name"),
        ("temperature = 0.7", "temperature = ", "run.toml: is not valid TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, words: str) -> None:
    assert words in refused(EXAMPLE.replace(old, new))


def test_every_mistake_is_told_at_once() -> None:
    said = refused(EXAMPLE.replace("0.7", "7").replace("count = 4", "count = 0"))
    assert len(said.splitlines()) == 2


def test_a_key_that_is_not_there_hides_no_other_mistake() -> None:
    text = EXAMPLE.replace("rollout_count", "rolout_count").replace("0.7", "7")
    document = read_document(text, "run.toml")
    with pytest.raises(LaunchFileError) as caught:
        requests_of(document, ModelKeys().get, now=NOW, rng=random.Random(7))
    said = str(caught.value)
    assert len(said.splitlines()) == 3
    for words in ("no key: set OPENAI", "rolout_count: unknown field", "should be 0 to 2"):
        assert words in said


def test_json_that_is_none_is_told_with_its_line() -> None:
    said = refused('{\n "a": 1,\n}')
    assert said == "run.toml:2: is not JSON: Illegal trailing comma before end of object"


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ('{\n "a": 1,\n}', "Illegal trailing comma before end of object", (2, 10)),
        ('{"a": [1 ,\n\n]}', "Illegal trailing comma before end of array", (1, 10)),
        ("[1,}", "Expecting value", (1, 4)),
        ("[\n,]", "Expecting value", (2, 3)),
        ("{,}", "Expecting property name enclosed in double quotes", (1, 2)),
        ('{"a": 1,,}', "Expecting property name enclosed in double quotes", (1, 9)),
        ('{"a": 1,]', "Expecting property name enclosed in double quotes", (1, 9)),
        ('{"a":\n"x', "Unterminated string starting at", (2, 7)),
        ("", "Expecting value", (1, 1)),
    ],
)
def test_a_mistake_in_json_has_the_same_place_on_every_python(
    text: str, said: str, place: tuple[int, int]
) -> None:
    with pytest.raises(JsonError, match=f"^is not JSON: {said}$") as caught:
        read_json(text)
    assert (caught.value.line, caught.value.column) == place


def test_a_mistake_in_json_is_told_with_its_line() -> None:
    text = json.dumps({**PLAIN, "rollout_count": 0}, indent=1)
    line = next(n for n, said in enumerate(text.splitlines(), 1) if "rollout_count" in said)
    assert f"run.toml:{line}: rollout_count" in refused(text)


def test_a_key_in_a_file_is_refused_unless_the_file_means_it() -> None:
    text = EXAMPLE + f'api_key = "{KEY}"\n'
    said = refused(text)
    assert "run.toml:11: model_config.api_key: keys are not taken from files" in said
    assert KEY not in said
    meant = f"api_key_from_file = true\n{text}"
    assert read(meant)[0].settings.api_key.reveal() == KEY
    said = refused(meant, private=False)
    assert "readable by other users" in said
    assert KEY not in said


def test_the_same_holds_for_the_simulated_user() -> None:
    user = f'\n[user_model_config]\nmodel = "p"\napi_key = "{KEY}"\n'
    assert "user_model_config.api_key: keys are not taken" in refused(EXAMPLE + user)
    plain = EXAMPLE + '\n[user_model_config]\nmodel = "p"\n'
    found = read(plain)[0].user_settings
    assert found is not None
    assert found.api_key.reveal() == "key-of-custom"


def test_a_provider_without_a_key_is_told_at_its_place() -> None:
    document = read_document(EXAMPLE, "run.toml")
    with pytest.raises(
        LaunchFileError, match=r"run.toml:9: model_config.provider: no key: set OPENAI"
    ):
        requests_of(document, ModelKeys().get, now=NOW, rng=random.Random(7))
    assert issubclass(NoModelKey, Exception)


def test_a_dry_run_shows_all_that_would_be_sent_but_the_keys() -> None:
    (request,) = read(f'api_key_from_file = true\n{EXAMPLE}api_key = "{KEY}"\n')
    body = mask_keys(request)
    assert body["model_config"].pop("api_key") == "sk_…3210"
    assert body["model_config"]["temperature"] == 0.7
    assert KEY not in repr(body)


def test_lines_are_found_in_tables_and_in_nested_objects() -> None:
    assert line_of("[a]\nx = 1\n[b]\nx = 2\n", "b.x") == 4
    assert line_of('a = 1\n[ "b" ]\n x=2\n', "b.x") == 3
    assert line_of("b.x = 2\n", "b.x") == 1
    assert line_of('{"a": {\n"x": 1}, "b": {\n"x": 2}}', "b.x") == 3
    assert line_of("", "b.x") is None


def rules(text: str) -> list[str]:
    return [rule.words for rule in rules_of(read_document(text, "run.toml"))]


def test_rules_of_a_file_are_read_and_not_sent() -> None:
    assert rules(EXAMPLE) == ["cancel when pass<30%"]
    assert "rules" not in read(EXAMPLE)[0].to_wire()
    assert rules('rules = "tell when errors>=1; cancel when pass<30%"') == [
        "tell when errors>=1",
        "cancel when pass<30%",
    ]
    assert rules('scenario_id = "hr"') == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('a = 1\nrules = ["cancel when x<1"]', "run.toml:2: rules: cancel when x<1: no column x"),
        ("rules = 3", "run.toml:1: rules: should be a list of rules"),
        ("rules = [3]", "run.toml:1: rules: should be a list of rules"),
        ('rules = ["pass<30%"]', "run.toml:1: rules: pass<30%: a rule begins with one of"),
    ],
)
def test_a_rule_that_is_none_is_refused_at_its_place(text: str, why: str) -> None:
    with pytest.raises(LaunchFileError) as caught:
        rules(text)
    assert str(caught.value).startswith(why)
