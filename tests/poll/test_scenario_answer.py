"""An answer about a scenario, taken apart into answers about its runs while it comes in."""

from __future__ import annotations

import json

import pytest

from gymtui.api import list_splitter
from gymtui.api.errors import Garbled
from gymtui.poll import scenario_answer
from gymtui.poll.scenario_answer import ScenarioAnswer
from tests.helpers.model_gym import ended, rollouts_body


def found(
    body: bytes, totals: dict[str, int], piece: int = 1 << 20
) -> dict[str, tuple[bytes, ...]]:
    """By run the items about it, all of which must come at the latest at the end."""
    answer, runs = ScenarioAnswer(totals.get), dict[str, tuple[bytes, ...]]()
    for at in range(0, len(body), piece):
        answer.put(body[at : at + piece])
        while answer.step():
            runs |= answer.take_runs()
    answer.close()
    return runs | dict(answer.take_runs())


def test_each_run_gets_what_it_would_have_been_answered_alone() -> None:
    items = [ended(f"{run}.{n}", run) for n in range(3) for run in ("a", "b", "other")]
    answers = found(rollouts_body(*items), {"a": 3, "b": 3})
    assert answers.keys() == {"a", "b"}
    for run_id, listed in answers.items():
        assert list(map(json.loads, listed)) == [i for i in items if i["run_id"] == run_id]


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


def test_one_that_never_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario_answer, "MOST_BYTES", 500)
    with pytest.raises(Garbled, match="larger"):
        found(rollouts_body(*(ended(f"a.{n}", "a") for n in range(50))), {"a": 50}, piece=100)


def test_a_run_leaves_as_soon_as_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_splitter, "PART_BYTES", 64)
    runs = [f"r{n}" for n in range(40)]
    body = rollouts_body(*(ended(f"{run}.{n}", run) for run in runs for n in range(3)))
    answer, early = ScenarioAnswer(dict.fromkeys(runs, 3).get), 0
    for at in range(0, len(body), 100):
        answer.put(body[at : at + 100])
        while answer.step():
            early += len(list(answer.take_runs()))
    assert early >= 36


def test_what_comes_of_a_run_after_all_of_it_is_told() -> None:
    answer = ScenarioAnswer({"a": 2}.get)
    answer.put(rollouts_body(*(ended(f"a.{n}", "a") for n in range(3))))
    while answer.step():
        pass
    answer.close()
    assert (answer.found, answer.more) == ({"a"}, {"a"})
