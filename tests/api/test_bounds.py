"""However large a field is, little of it is kept, and that says that it was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.api import item_limits
from gymtui.api.errors import Garbled
from gymtui.api.item_limits import ITEM_BYTES, ITEMS, bound_item
from gymtui.api.list_answer import parse_rollout, parse_run, split
from gymtui.api.models import Malformed, Rollout, RunStatus, Scenario
from gymtui.api.response import models_of

LONG = 3_000_000
"""More than an item may take."""


def as_json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


LARGE = {
    "text": "x" * LONG,
    "marks": "é✓" * LONG,
    "quotes": '"\\' * LONG,
    "list": ["x"] * LONG,
    "object": {f"{number}": "x" * 20 for number in range(LONG // 20)},
    "deep": {"a": {"b": [{"c": "x" * LONG}]}},
    "name": {"x" * LONG: 1},
    "number": int("9" * 4_000),
}


@pytest.mark.parametrize("kind", LARGE)
def test_one_large_field_costs_itself_and_no_other(kind: str) -> None:
    run = {"run_id": "r", "total": 3, "odd": LARGE[kind], "source": "rl-gym"}
    kept = bound_item(as_json(run))
    assert len(kept) <= ITEM_BYTES
    read = json.loads(kept)
    assert (read["run_id"], read["total"], read["source"]) == ("r", 3, "rl-gym")
    assert isinstance(parse_run(kept), RunStatus)


def test_a_text_that_is_cut_says_so() -> None:
    result = {"success": False, "message": "Missing: " + "x" * LONG}
    [item] = split(as_json({"rollouts": [{"rollout_id": "r", "result": result}]}), "rollouts").items
    rollout = parse_rollout(item)
    assert isinstance(rollout, Rollout) and rollout.result is not None
    assert rollout.result.success is False
    message = rollout.result.message or ""
    assert message.startswith("Missing: xxx") and message.endswith("… (cut: 3,000,009 bytes)")
    assert len(message) < 5_000


@pytest.mark.parametrize("where", ["listed", "widely"])
def test_an_id_of_megabytes_is_an_item_that_cannot_be_read(where: str) -> None:
    more = "NaN" if where == "widely" else "1"
    body = b'{"total": %s, "runs": [{"run_id": "%s"}]}' % (more.encode(), b"x" * LONG)
    [item] = split(body, "runs").items
    run = parse_run(item)
    assert isinstance(run, Malformed)
    assert "run_id" in run.reason and "1024" in run.reason
    assert len(run.raw) <= ITEM_BYTES


@pytest.mark.parametrize(("letters", "fits"), [(1024, True), (1025, False)])
def test_an_id_has_at_most_so_many_letters(letters: int, fits: bool) -> None:
    item = as_json({"rollout_id": "é" * letters})
    assert isinstance(parse_rollout(item), Rollout) is fits


def test_what_is_small_enough_is_kept_as_received() -> None:
    item = b'{"run_id" : "r",  "odd": "' + b"x" * (ITEM_BYTES - 40) + b'"}'
    assert bound_item(item) == item


@pytest.mark.parametrize("between", [b",", b" ,\n "])
def test_an_answer_of_too_many_items_is_refused_before_it_is_taken_apart(between: bytes) -> None:
    for many in (ITEMS, ITEMS + 1):
        body = b'{"total": 1, "runs": [' + between.join([b"{}"] * many) + b"]}"
        assert item_limits.holds_too_many(body) is (many > ITEMS)
    with pytest.raises(Garbled, match="more than 1,000,000 items"):
        split(body, "runs")


def test_what_is_no_json_is_not_kept() -> None:
    assert bound_item(b"{" + b"x" * LONG) == b""


def test_what_a_launch_offers_is_bounded_too() -> None:
    body = as_json([{"scenario_id": "hr", "name": "x" * LONG}, {"scenario_id": "x" * LONG}])
    [scenario] = models_of(Scenario, body, "scenarios", "GET /scenarios")
    assert scenario.scenario_id == "hr"
    assert len(scenario.name or "") < 5_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.integers(2, 200))
def test_whatever_is_cut_is_json_within_the_bound(document: Any, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(item_limits, "ITEM_BYTES", most)
        patch.setattr(item_limits, "_TEXT_BYTES", 8)
        item = as_json(document)
        kept = bound_item(item)
        assert kept == item if len(item) <= most else len(kept) <= max(most, 4)
        json.loads(kept)


@given(st.text(), st.integers(1, 40))
def test_a_text_is_cut_between_characters(text: str, most: int) -> None:
    for whole in (json.dumps(text).encode(), as_json(text)):
        if len(whole) <= most:
            continue
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(item_limits, "_TEXT_BYTES", most)
            kept, _, mark = json.loads(item_limits._cut_text(whole)).rpartition("… (cut: ")
        assert text.startswith(kept)
        assert mark.endswith("bytes)")
