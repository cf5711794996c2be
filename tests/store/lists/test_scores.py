"""Scores: wherever the verifier puts them, and only numbers from 0 to 1."""

from __future__ import annotations

import json

import pytest

from gymtui.api.lenient import read
from gymtui.api.models import Result, Rollout, RunStatus
from gymtui.core.replacement import replace
from gymtui.store.lists.columns import ROLLOUTS, RUNS, RunView
from gymtui.store.lists.groups import Grouping, Groups
from gymtui.store.lists.query import parse
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow, RunRow
from gymtui.store.stats.run_stats_builder import run_numbers
from gymtui.store.stats.run_summary import RunSummary, SummaryBuilder, from_kept, to_keep


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


def ended(number: int, **result: object) -> RolloutRow:
    rollout = Rollout.model_validate(
        {"rollout_id": str(number), "status": "completed", "result": result}
    )
    return RolloutRow(str(number), "run", b"", 0.0, 0.0, rollout, outcome=outcome_of(rollout))


SCORED = (
    ended(1, success=True, score=1.0),
    ended(2, success=False, output={"score": 0.25}),
    ended(3, success=False),
    ended(4, reward=0.1),  # no verdict, but a score
)


def summed(*rows: RolloutRow) -> RunSummary:
    built = SummaryBuilder()
    for row in rows:
        built.add(row)
    return built.summary(rows)


def test_a_run_has_the_mean_of_the_scores_that_are_known() -> None:
    summary = summed(*SCORED)
    assert (summary.scored, summary.score) == (3, pytest.approx(0.45))
    scores = run_numbers(row.rollout for row in SCORED if row.rollout).scores
    assert scores is not None
    assert (scores.count, scores.mean) == (3, pytest.approx(0.45))
    assert (summed(SCORED[2]).scored, summed(SCORED[2]).score) == (0, None), "not known is not 0"


def test_scores_are_counted_out_again_to_the_last_bit() -> None:
    built = SummaryBuilder()
    rows = [ended(n, score=n / 7) for n in range(8)]
    for row in rows:
        built.add(row)
    for row in rows[1:]:
        built.remove(row)
    assert built.summary(rows[:1]) == summed(*rows[:1])
    built.remove(rows[0])
    assert built.summary([]).score is None


def test_the_journal_keeps_the_mean_score_and_believes_no_impossible_one() -> None:
    kept = to_keep("run", summed(*SCORED[:3]))
    again = from_kept(kept)
    assert again is not None
    assert (again.scored, again.score) == (2, 0.625)
    for wrong in ({"score": 7.0}, {"scored": 9}, {"scored": 0}, {"score": None}):
        found = from_kept(replace(kept, **wrong))
        assert found is not None
        assert (found.scored, found.score) == (0, None)


def test_a_group_of_runs_has_the_mean_over_its_rollouts() -> None:
    views = {
        name: RunView(RunRow(name, b"", 0.0, RunStatus(run_id=name, scenario_id="hr")), summary)
        for name, summary in (("a", summed(*SCORED[:2])), ("b", summed(SCORED[3])))
    }
    groups = Groups(Grouping.SCENARIO)
    found, _ = groups.apply(views, ())
    (group,) = found.values()
    assert group.summary is not None
    assert (group.summary.scored, group.summary.score) == (3, pytest.approx(0.45))


def test_runs_are_filtered_by_their_mean_score() -> None:
    view = RunView(RunRow("a", b"", 0.0, RunStatus(run_id="a")), summed(*SCORED))
    assert parse("score<0.5", RUNS).matches(view, 0.0)
    assert not parse("score>=0.5", RUNS).matches(view, 0.0)
    assert not parse("score<0.5", RUNS).matches(RunView(view.row), 0.0)
