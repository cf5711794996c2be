"""An answer about a scenario, taken apart into answers about its runs."""

from __future__ import annotations

import json

import pytest

from gymtui.api.errors import Garbled
from gymtui.poll.scenario_answer import SPLIT_AT_ONCE, answers_by_run
from tests.helpers.model_gym import ended, rollouts_body


def found(body: bytes, totals: dict[str, int]) -> dict[str, bytes]:
    steps = answers_by_run(body, totals.keys(), totals)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            answers: dict[str, bytes] = done.value
            return answers


def test_each_run_gets_what_it_would_have_been_answered_alone() -> None:
    items = [ended(f"{run}.{n}", run) for n in range(3) for run in ("a", "b", "other")]
    answers = found(rollouts_body(*items), {"a": 3, "b": 3})
    assert answers.keys() == {"a", "b"}
    for run_id, body in answers.items():
        document = json.loads(body)
        assert document == {"total": 3, "rollouts": [i for i in items if i["run_id"] == run_id]}


def test_a_run_of_which_not_all_is_there_is_left_out() -> None:
    items = [ended("a.0", "a"), ended("a.1", "a"), ended("b.0", "b")]
    assert found(rollouts_body(*items), {"a": 2, "b": 2}).keys() == {"a"}
    assert found(rollouts_body(), {"a": 2}) == {}


def test_what_names_no_run_costs_the_others_nothing() -> None:
    body = b'{"rollouts":[17,{"run_id":5},{"rollout_id":"x"},{"rollout_id":"a.0","run_id":"a"}]}'
    assert found(body, {"a": 1}).keys() == {"a"}


def test_what_is_no_list_is_an_error() -> None:
    with pytest.raises(Garbled):
        found(b'{"detail":"no"}', {"a": 1})


def test_a_large_one_stops_now_and_then() -> None:
    items = [ended(f"a.{n}", "a") for n in range(2 * SPLIT_AT_ONCE)]
    assert len(list(answers_by_run(rollouts_body(*items), {"a"}, {"a": len(items)}))) >= 3
