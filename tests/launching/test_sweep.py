"""Several models, temperatures and step limits in one launch: a run each, named by what differs."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest

from gymtui.core.secret import ApiKey
from gymtui.launching.draft import Draft, draft_of_variant, run_names, without_launched
from gymtui.launching.launch_file import LaunchFileError, read_document, requests_of
from gymtui.launching.requests import build_configs, build_requests
from gymtui.launching.validation import check

NOW = datetime(2026, 3, 20, tzinfo=UTC)
SWEEP = {
    "scenario_id": "hr",
    "task_ids": "a, b",
    "rollout_count": "3",
    "run_name": "night",
    "model_config.model": "x, y",
    "model_config.temperature": "0.2, 0.7",
    "model_config.max_steps": "20,40 , 20",
}


def key_of(provider: str) -> ApiKey:
    return ApiKey(f"key-of-{provider}")


def names_of(draft: Draft) -> tuple[str, ...]:
    return run_names(draft, now=NOW, rng=random.Random(7))


def test_every_model_has_a_run_with_every_value_named_by_what_differs() -> None:
    draft = Draft(SWEEP)
    found = check(draft)
    assert not found.problems
    assert (len(found.variants), found.total) == (8, 48)
    assert found.words == "8 runs × 2 tasks × 3 rollouts = 48"
    names = names_of(draft)
    assert names[:4] == (
        "night-x-t0.2-s20",
        "night-x-t0.2-s40",
        "night-x-t0.7-s20",
        "night-x-t0.7-s40",
    )
    sent = build_requests(draft, found.tasks, names, key_of)
    assert [(r.run_name, r.settings.temperature, r.settings.max_steps) for r in sent[5:7]] == [
        ("night-y-t0.2-s40", 0.2, 40),
        ("night-y-t0.7-s20", 0.7, 20),
    ]
    assert [choice.name for choice, _ in build_configs(draft, key_of)] == ["x", "y"]


def test_names_that_are_made_begin_alike_so_that_a_list_groups_them() -> None:
    names = names_of(Draft({**SWEEP, "run_name": "", "model_config.model": "x"}))
    (base,) = {name.rpartition("-t")[0] for name in names}
    assert base.startswith("x-0320-")
    assert len(set(names)) == 4


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("model_config.temperature", "0.2, hot", "should be a number"),
        ("model_config.temperature", "0.2, 7", "7: should be 0 to 2"),
        ("model_config.max_steps", "20, 1.5", "should be a whole number"),
    ],
)
def test_each_value_is_judged(path: str, text: str, why: str) -> None:
    assert check(Draft({**SWEEP, path: text})).problems == {path: why}


def test_what_has_its_run_is_not_launched_again_and_a_run_remembers_its_own_values() -> None:
    draft = Draft(SWEEP)
    variants = draft.variants
    left = without_launched(draft, variants[:5])
    assert left.variants == variants[5:]
    assert check(left).total == 18
    one = draft_of_variant(draft, variants[5])
    assert one.text("model_config.model") == "y"
    assert (one.text("model_config.temperature"), one.text("model_config.max_steps")) == (
        "0.2",
        "40",
    )
    assert len(one.variants) == 1


def test_a_file_sweeps_by_lists() -> None:
    body = {
        "scenario_id": "hr",
        "task_ids": ["a"],
        "model_config": {"model": ["x", "y"], "temperature": [0.2, 1], "provider": "openai"},
    }
    document = read_document(json.dumps(body), "sweep.json")
    found = requests_of(document, key_of, now=NOW, rng=random.Random(7))
    assert [r.settings.temperature for r in found] == [0.2, 1.0, 0.2, 1.0]
    assert [r.run_name[-5:].rpartition("-")[2] for r in found] == ["t0.2", "t1", "t0.2", "t1"]
    assert len({r.run_name.rpartition("-t")[0] for r in found}) == 2
    body["model_config"]["temperature"] = []
    with pytest.raises(LaunchFileError, match="temperature: should be a number, or a list"):
        requests_of(read_document(json.dumps(body), "f"), key_of, now=NOW, rng=random.Random(7))
