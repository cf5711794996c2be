"""Rollouts share what they have in common, and say the same as before."""

from __future__ import annotations

import json
from typing import Any

from gymtui.api.lenient import read
from gymtui.api.list_answer import parse_rollout
from gymtui.api.models import Malformed, Rollout
from tests.helpers.model_gym import ended

SETTINGS = {"model": "m", "temperature": 0.5, "max_steps": 30}
EVENTS = [{"status": "pending", "timestamp": "2026-01-01T00:00:00Z"}]


def item(number: int, **fields: Any) -> bytes:
    said = {"model_config": SETTINGS, "status_events": EVENTS} | fields
    return json.dumps(ended(f"r{number}", "run") | said).encode()


def parsed(raw: bytes) -> Rollout:
    rollout = parse_rollout(raw)
    assert not isinstance(rollout, Malformed)
    return rollout


def test_a_rollout_says_what_it_said() -> None:
    odd = {"settings": None, "more": [1], "result": {"success": True, "output": {"x": 1}}}
    for raw in (item(1), item(2, **odd), item(3, model_config={"model": "m", "own": 1})):
        assert parsed(raw) == read(Rollout, raw)
        assert parsed(raw).model_dump() == read(Rollout, raw).model_dump()


def test_alike_settings_and_names_are_kept_once() -> None:
    one, other = parsed(item(1)), parsed(item(2))
    assert one.settings is other.settings
    assert one.task_id is other.task_id
    assert parsed(item(3, model_config=SETTINGS | {"max_steps": 31})).settings != one.settings


def test_settings_that_hold_a_key_are_not_remembered() -> None:
    keyed = [parsed(item(n, model_config=SETTINGS | {"api_key": "secret"})) for n in range(2)]
    assert keyed[0].settings is not keyed[1].settings


def test_a_copy_of_one_changes_none_of_the_others() -> None:
    one, other = parsed(item(1)), parsed(item(2))
    before = set(other.model_fields_set)
    one.model_copy(update={"current_step": 4, "new": 1})
    assert other.model_fields_set == before
