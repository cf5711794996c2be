"""A launch as it is typed: judged field by field, and what it becomes."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from gymtui.api.errors import FieldError
from gymtui.core.secret import ApiKey
from gymtui.launching.draft import Draft, run_names, without_launched
from gymtui.launching.form_fields import RULES
from gymtui.launching.requests import build_requests, document_of
from gymtui.launching.validation import check, describe_refusals

NOW = datetime(2026, 3, 20, 10, 0, 6, tzinfo=UTC)
KEY = "sk_live_fedcba9876543210"
TASKS = ("schedule_phone_screen", "offer_negotiation", "phone_book")

GOOD = {"scenario_id": "hr", "task_ids": "t1, t2", "model_config.model": "gpt-4o"}


def draft(**texts: str) -> Draft:
    named = {name.replace("__", "."): text for name, text in texts.items()}
    made = Draft()
    for path, text in {**GOOD, **named}.items():
        made = made.with_text(path, text)
    return made


def sent(of: Draft, **options: Any) -> list[dict[str, Any]]:
    names = run_names(of, now=NOW, rng=random.Random(7))
    tasks = check(of, **options).tasks
    made = build_requests(of, tasks, names, lambda provider: ApiKey(f"key-of-{provider}"))
    return [json.loads(json.dumps(request.to_wire())) for request in made]


def test_what_is_left_open_takes_the_defaults_of_the_api() -> None:
    (body,) = sent(draft())
    assert body["run_name"].startswith("gpt-4o-0320-")
    del body["run_name"]
    assert body == {
        "scenario_id": "hr",
        "task_ids": ["t1", "t2"],
        "rollout_count": 1,
        "model_config": {
            "model": "gpt-4o",
            "provider": "custom",
            "api_key": "key-of-custom",
            "temperature": 0.7,
            "max_steps": 30,
            "log_prob": False,
            "summarize_every_n_turns": 0,
            "context_stride": 3,
        },
    }


def test_every_field_that_is_typed_is_sent() -> None:
    typed = draft(
        rollout_count="4",
        max_parallel=" 2 ",
        run_name="nightly",
        model_config__provider="openai",
        model_config__base_url="http://127.0.0.1:1/v1",
        model_config__temperature="1",
        model_config__max_steps="12",
        model_config__system_prompt="be brief⏎be kind",
        model_config__tool_server_url="http://127.0.0.1:2",
        model_config__log_prob="Yes",
        model_config__summarize_every_n_turns="5",
        model_config__context_stride="1",
        user_model_config__model="persona",
        user_model_config__temperature="0",
        task_overrides='{"t2": {"description": "d",⏎ "client_context": {"a": 1}}}',
    ).with_text("model_config.api_key", KEY)
    (body,) = sent(typed)
    assert body["rollout_count"] == 4
    assert body["max_parallel"] == 2
    assert body["run_name"] == "nightly"
    assert body["model_config"] == {
        "model": "gpt-4o",
        "provider": "openai",
        "api_key": KEY,
        "base_url": "http://127.0.0.1:1/v1",
        "temperature": 1.0,
        "max_steps": 12,
        "system_prompt": "be brief\nbe kind",
        "tool_server_url": "http://127.0.0.1:2",
        "log_prob": True,
        "summarize_every_n_turns": 5,
        "context_stride": 1,
    }
    assert body["user_model_config"]["model"] == "persona"
    assert body["user_model_config"]["temperature"] == 0
    assert body["user_model_config"]["api_key"] == "key-of-custom"
    assert body["task_overrides"] == {"t2": {"description": "d", "client_context": {"a": 1}}}


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("scenario_id", " ", "name the scenario"),
        ("task_ids", " , ", "name at least one task"),
        ("rollout_count", "0", "should be at least 1"),
        ("rollout_count", "1.5", "should be a whole number"),
        ("rollout_count", "9" * 30, "should be a whole number"),
        ("max_parallel", "-1", "should be at least 1"),
        ("model_config.temperature", "2.01", "should be 0 to 2"),
        ("model_config.temperature", "-0.1", "should be 0 to 2"),
        ("model_config.temperature", "warm", "should be a number"),
        ("model_config.temperature", "nan", "should be a number, 0 to 2"),
        ("model_config.max_steps", "0", "should be at least 1"),
        ("model_config.context_stride", "0", "should be at least 1"),
        ("model_config.summarize_every_n_turns", "-1", "should be at least 0"),
        ("model_config.log_prob", "maybe", "should be yes or no"),
        ("model_config.provider", "opanai", "should be one of custom, openai"),
        ("user_model_config.temperature", "3", "should be 0 to 2"),
        ("task_overrides", "{", "is not JSON"),
        ("task_overrides", "[]", "valid dictionary"),
        ("task_overrides", '{"t9": {}}', "not among task_ids: t9"),
        ("task_overrides", '{"t1": {"nmae": 1}}', "t1.nmae: unknown field"),
        ("task_overrides", "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nowhere_else(path: str, text: str, words: str) -> None:
    found = check(draft().with_text(path, text))
    assert list(found.problems) == [path]
    assert words in found.problems[path]


def test_a_good_draft_has_nothing_to_tell() -> None:
    found = check(draft(rollout_count="4"), offered=("t1", "t2"), scenarios=("hr",))
    assert not found.problems
    assert not found.remarks
    assert found.words == "1 model × 2 tasks × 4 rollouts = 8"


def test_a_number_that_is_not_one_yet_leaves_the_sum_open() -> None:
    found = check(draft(rollout_count="x"))
    assert found.total is None
    assert found.words == "1 model × 2 tasks × ? rollouts = ?"


def test_wildcards_stand_for_tasks_of_the_gyms_list() -> None:
    found = check(draft(task_ids="*phone*, offer_negotiation, offer_negotiation"), offered=TASKS)
    assert found.tasks == ("schedule_phone_screen", "phone_book", "offer_negotiation")
    assert "matches no task" in check(draft(task_ids="*x*"), offered=TASKS).problems["task_ids"]
    assert "no task list" in check(draft(task_ids="*")).problems["task_ids"]


def test_ids_from_the_gym_are_sent_as_they_are_commas_wildcards_and_all() -> None:
    odd = ("a, b", "*", "日本\x1b[31m")
    chosen = draft().with_ids("task_ids", odd)
    assert check(chosen).tasks == odd
    assert sent(chosen)[0]["task_ids"] == list(odd)
    assert check(chosen.with_text("task_ids", "t1")).tasks == ("t1",)


def test_what_is_not_in_the_gyms_lists_is_remarked_on_and_can_be_sent() -> None:
    found = check(draft(), offered=("t1",), scenarios=("crm",))
    assert not found.problems
    assert found.remarks == {
        "scenario_id": "not in the gym's list: crm",
        "task_ids": "not in the gym's list: t2",
    }
    assert found.unlisted == found.remarks
    near = check(draft(task_ids="phone_bok"), offered=TASKS).remarks["task_ids"]
    assert near == "not in the gym's list: phone_bok; did you mean phone_book?"


def test_several_models_are_a_run_each_with_names_that_tell_them_apart() -> None:
    of = draft(model_config__model="org/a, org/b, org/a", run_name="compare", rollout_count="3")
    assert check(of).words == "2 models × 2 tasks × 3 rollouts = 12"
    assert [(b["run_name"], b["model_config"]["model"]) for b in sent(of)] == [
        ("compare-org-a", "org/a"),
        ("compare-org-b", "org/b"),
    ]


def test_names_of_models_that_differ_only_in_marks_differ_too() -> None:
    of = draft(model_config__model="a/b, a-b", run_name="c")
    assert [body["run_name"] for body in sent(of)] == ["c-a-b", "c-a-b-2"]


def test_a_model_may_name_its_own_provider_whose_key_it_takes() -> None:
    of = draft(
        model_config__model="gpt-4o, anthropic:claude-4, ft:gpt-4o:org",
        model_config__provider="openai",
        model_config__base_url="http://127.0.0.1:1",
    ).with_text("model_config.api_key", KEY)
    first, second, third = (body["model_config"] for body in sent(of))
    assert (first["provider"], first["model"], first["api_key"]) == ("openai", "gpt-4o", KEY)
    assert (second["provider"], second["model"]) == ("anthropic", "claude-4")
    assert second["api_key"] == "key-of-anthropic", "one provider's key is not sent to another's"
    assert "base_url" not in second
    assert (third["provider"], third["model"]) == ("openai", "ft:gpt-4o:org")


def test_a_missing_key_is_told_at_the_keys_field_unless_one_is_typed() -> None:
    of = draft(model_config__provider="openai")

    def missing_key_reason(provider: str) -> str | None:
        return "no key: set OPENAI_API_KEY" if provider == "openai" else None

    assert check(of, missing_key_reason=missing_key_reason).problems == {
        "model_config.api_key": "no key: set OPENAI_API_KEY"
    }
    assert not check(
        of.with_text("model_config.api_key", KEY), missing_key_reason=missing_key_reason
    ).problems
    user = draft(user_model_config__provider="openai")
    assert list(check(user, missing_key_reason=missing_key_reason).problems) == [
        "user_model_config.api_key"
    ]


def test_keys_are_in_no_text_of_a_draft() -> None:
    of = draft().with_text("model_config.api_key", KEY)
    assert KEY not in repr(of) + str(of)
    assert of.text("model_config.api_key") == ""
    assert "model_config.api_key" not in of.with_text("model_config.api_key", "").keys


def test_what_was_launched_is_taken_out_of_a_comparison() -> None:
    of = draft(model_config__model="a, anthropic:b, c")
    left = without_launched(of, of.variants[:1])
    assert [(model.name, model.provider) for model in left.models] == [
        ("b", "anthropic"),
        ("c", "custom"),
    ]


def test_refusals_of_the_gym_find_their_fields() -> None:
    found = describe_refusals(
        (
            FieldError(("body", "model_config", "temperature"), "too hot"),
            FieldError(("body", "task_ids", 1), "no such task"),
            FieldError(("body",), "not today"),
        ),
        ("t1", "t2"),
    )
    assert found == {
        "model_config.temperature": "too hot",
        "task_ids": "t2: no such task",
        "": "not today",
    }


def test_rules_are_judged_and_told_and_not_sent() -> None:
    made = Draft({**GOOD, RULES: "cancel when pass<30%; tell the first error of each kind"})
    found = check(made)
    assert RULES not in found.problems
    assert found.remarks[RULES] == "2 rules, armed once launched"
    assert [rule.about for rule in made.rules] == ["pass<30%", ""]
    assert RULES not in document_of(made)[0]
    wrong = check(made.with_text(RULES, "cancel when nonsense<3"))
    assert wrong.problems[RULES].startswith("cancel when nonsense<3: no column nonsense")
