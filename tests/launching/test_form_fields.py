"""Fields of a launch as data, and where their keys come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from pydantic import BaseModel

from gymtui.api.launch_request import LaunchRequest, ModelConfig
from gymtui.config.api_key import CommandFailedError
from gymtui.config.schema import ModelKeySource
from gymtui.launching.form_fields import BY_PATH, FIELDS, RULES, FieldKind, field_path_of
from gymtui.launching.model_keys import NO_KEY, ModelKeys, NoModelKey

KEY = "sk_live_fedcba9876543210"


def names(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def test_every_field_that_is_sent_can_be_typed() -> None:
    # A source is for trying the local gym's filter: `gymtui launch --source`.
    run = names(LaunchRequest) - {"model_config", "user_model_config", "source"}
    models = {
        f"{owner}.{name}"
        for owner in ("model_config", "user_model_config")
        for name in names(ModelConfig)
    }
    assert {field.path for field in FIELDS} == run | models | {RULES}


@pytest.mark.parametrize(
    ("path", "allows"),
    [
        ("scenario_id", "required"),
        ("rollout_count", "default 1, at least 1"),
        ("max_parallel", "optional, at least 1"),
        ("model_config.temperature", "default 0.7, 0 to 2"),
        ("model_config.max_steps", "default 30, at least 1"),
        ("model_config.context_stride", "default 3, at least 1"),
        ("model_config.summarize_every_n_turns", "default 0, at least 0"),
        ("model_config.provider", "default custom"),
        ("model_config.log_prob", "default no"),
        ("run_name", "optional"),
    ],
)
def test_defaults_and_limits_are_those_of_the_api(path: str, allows: str) -> None:
    assert BY_PATH[path].allows == allows


def test_each_field_has_words_of_its_own() -> None:
    assert len({field.label for field in FIELDS}) == len(FIELDS)
    assert all(field.help for field in FIELDS)
    assert [f.path for f in FIELDS if f.kind is FieldKind.SECRET] == [
        "model_config.api_key",
        "user_model_config.api_key",
    ]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("model_config.temperature", "model_config.temperature"),
        ("task_ids.3", "task_ids"),
        ("task_overrides.t1.task_json", "task_overrides"),
        ("model_config", "model_config.model"),
        ("nothing.known", ""),
        ("", ""),
    ],
)
def test_a_refusal_is_shown_at_the_nearest_field(path: str, field: str) -> None:
    assert field_path_of(path) == field


def keys(env: Mapping[str, str] | None = None, **sources: ModelKeySource) -> ModelKeys:
    def never(argv: Sequence[str], env: Mapping[str, str]) -> str:
        raise AssertionError("nothing is to be run")

    return ModelKeys({name.replace("_", "-"): s for name, s in sources.items()}, env or {}, never)


def test_the_usual_variables_are_looked_into_in_their_order() -> None:
    found = keys({"GOOGLE_API_KEY": "g" * 20, "GEMINI_API_KEY": KEY})
    assert found.get("gcp").reveal() == KEY
    assert found.key_source("gcp").words == "GEMINI_API_KEY (sk_…3210)"
    assert keys({"GOOGLE_API_KEY": KEY}).get("gcp").reveal() == KEY


def test_what_the_configuration_names_goes_before_the_usual_variable() -> None:
    env = {"OPENAI_API_KEY": "usual" * 4, "MINE": KEY}
    assert keys(env, openai=ModelKeySource(env="MINE")).get("openai").reveal() == KEY


def test_a_named_variable_that_is_not_set_is_told_and_not_replaced_by_another() -> None:
    found = keys({"OPENAI_API_KEY": KEY}, openai=ModelKeySource(env="MINE"))
    assert not found.key_source("openai").there
    with pytest.raises(NoModelKey, match="MINE is not set"):
        found.get("openai")


def test_a_custom_model_needs_no_key() -> None:
    assert keys().get("custom").reveal() == NO_KEY
    assert keys().key_source("custom").there


def test_a_provider_without_any_key_says_which_to_set() -> None:
    with pytest.raises(NoModelKey, match="set ANTHROPIC_API_KEY, or \\[model_keys\\]"):
        keys({"ANTHROPIC_API_KEY": "  "}).get("anthropic")


def test_half_of_an_access_key_pair_is_not_sent_anywhere() -> None:
    with pytest.raises(NoModelKey):
        keys({"AWS_SECRET_ACCESS_KEY": KEY, "AWS_ACCESS_KEY_ID": "id"}).get("aws-bedrock")


def test_a_command_is_run_only_when_its_key_is_wanted() -> None:
    asked: list[Sequence[str]] = []

    def run(argv: Sequence[str], env: Mapping[str, str]) -> str:
        asked.append(argv)
        return f"\n{KEY}\nnotes below\n"

    found = ModelKeys({"openai": ModelKeySource(command=("/usr/bin/pass", "show", "m"))}, {}, run)
    assert found.key_source("openai").words == "`pass`, run at launch"
    assert not asked
    assert found.get("openai").reveal() == KEY
    assert asked == [("/usr/bin/pass", "show", "m")]


@pytest.mark.parametrize("printed", ["", "  \n"])
def test_a_command_without_a_key_is_told_without_what_it_printed(printed: str) -> None:
    def run(argv: Sequence[str], env: Mapping[str, str]) -> str:
        if not printed:
            raise CommandFailedError("failed with exit status 1")
        return printed

    found = ModelKeys({"openai": ModelKeySource(command=("pass",))}, {}, run)
    with pytest.raises(NoModelKey, match=r"pass (failed with exit status 1|printed no key)"):
        found.get("openai")


def test_keys_are_in_no_text_of_where_they_are() -> None:
    found = keys({"OPENAI_API_KEY": KEY})
    assert KEY not in repr(found) + found.key_source("openai").words
