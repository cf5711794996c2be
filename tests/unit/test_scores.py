"""Scores: wherever the verifier puts them, and only numbers from 0 to 1."""

from __future__ import annotations

import json

import pytest

from gymtui.api.lenient import read
from gymtui.api.models import Result, Rollout
from gymtui.store.outcome import outcome_of
from gymtui.store.query import parse
from gymtui.store.records import RolloutRow
from gymtui.store.schemas import ROLLOUTS


def result_of(text: str) -> Result:
    rollout = read(Rollout, b'{"rollout_id": "r", "result": %s}' % text.encode())
    assert isinstance(rollout, Rollout)
    assert rollout.result is not None, "a bad score does not cost the result"
    return rollout.result


@pytest.mark.parametrize(
    ("result", "score"),
    [
        ({"score": 0.5}, 0.5),
        ({"output": {"score": 0.25}}, 0.25),
        ({"reward": 1}, 1.0),
        ({"output": {"reward": 0}}, 0.0),
        ({"score": 0, "output": {"score": 0.9}}, 0.0),
        ({"score": None, "output": {"score": 0.9}}, 0.9),
        ({"score": "0.7", "output": {"score": 0.9}}, 0.9),
        ({"score": 7, "reward": 0.5}, 0.5),
    ],
)
def test_a_score_is_read_where_it_stands(result: object, score: float) -> None:
    assert result_of(json.dumps(result)).score == score


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-0.1", "1.01", "1e400", '"0.7"', "true", "null", "[0.5]", "{}"]
)
@pytest.mark.parametrize(
    "place", ['{"success": true, "score": @}', '{"success": true, "output": {"score": @}}']
)
def test_what_is_no_score_is_not_known_and_costs_nothing_else(place: str, value: str) -> None:
    result = result_of(place.replace("@", value))
    assert result.score is None
    assert result.success is True


def test_failed_criteria_are_read_from_the_output_too() -> None:
    assert result_of('{"output": {"failed_criteria": ["a", "b"]}}').failed_criteria == ("a", "b")
    both = '{"failed_criteria": ["x"], "output": {"failed_criteria": ["a"]}}'
    assert result_of(both).failed_criteria == ("x",)
    assert result_of('{"output": {"failed_criteria": [3, {}]}}').failed_criteria is None


@pytest.mark.parametrize("output", ["3", "[1]", '"text"', "null", '{"score": {"score": 1}}'])
def test_an_output_of_another_shape_is_left_alone(output: str) -> None:
    result = result_of(f'{{"message": "m", "output": {output}}}')
    assert (result.message, result.score) == ("m", None)
    assert result.output == json.loads(output)


def test_rollouts_are_filtered_by_their_score() -> None:
    def row(result: dict[str, object]) -> RolloutRow:
        rollout = Rollout.model_validate(
            {"rollout_id": "r", "status": "completed", "result": {"success": True, **result}}
        )
        return RolloutRow("r", "run", b"", 0.0, 0.0, rollout, outcome=outcome_of(rollout))

    low = parse("score<0.5", ROLLOUTS)
    assert low.matches(row({"output": {"score": 0.2}}), 0.0)
    assert low.matches(row({"score": 0}), 0.0)
    assert not low.matches(row({"score": 0.5}), 0.0)
    assert not low.matches(row({}), 0.0), "what is not known passes no comparison"
