"""A run's numbers, kept up to date rollout by rollout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gymtui.api.models import Rollout
from gymtui.store.outcome import Outcome, outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.stats.formulas import Tally
from gymtui.store.stats.run_summary import RunSummary, SummaryBuilder, from_kept, to_keep

START = datetime(2026, 3, 20, 10, tzinfo=UTC)


def row(**fields: object) -> RolloutRow:
    rollout = Rollout.model_validate({"rollout_id": "r", "status": "completed"} | fields)
    return RolloutRow("r", "a", b"", 0.0, 0.0, rollout, outcome=outcome_of(rollout))


UNREADABLE = RolloutRow("m", "a", b"", 0.0, 0.0, None, "no id")


def plainly(rows: list[RolloutRow]) -> RunSummary:
    """The same numbers, all added up at one go."""
    built = SummaryBuilder()
    for each in rows:
        built.add(each)
    return built.summary(rows)


def test_outcomes_are_counted_apart_and_a_rollout_that_cannot_be_read_for_nothing() -> None:
    rows = [
        row(result={"success": True}),
        row(result={"success": False}),
        row(status="workspace_error"),
        row(status="failed"),
        row(status="failed", termination_reason="cancelled"),
        row(status="running"),
        row(status="pending"),
        UNREADABLE,
    ]
    summary = plainly(rows)
    assert summary.known == 7
    assert (summary.passes, summary.verdicts, summary.errors) == (1, 2, 3)
    assert (summary.ended, summary.unfinished) == (5, 2)
    assert summary.counts == {
        Outcome.PASSED: 1,
        Outcome.FAILED: 1,
        Outcome.ENVIRONMENT: 1,
        Outcome.AGENT: 1,
        Outcome.CANCELLED: 1,
        Outcome.RUNNING: 1,
        Outcome.WAITING: 1,
    }


def test_a_dead_run_is_over_with_what_it_did_not_run() -> None:
    end = START + timedelta(minutes=5)
    rows = [row(result={"success": True}, completed_at=end), row(status="not run")]
    summary = plainly(rows)
    assert (summary.unfinished, summary.not_run, summary.ended, summary.errors) == (0, 1, 1, 0)
    assert summary.settled and summary.ended_at == end


def test_it_ends_with_its_last_rollout_and_not_before_all_are_over() -> None:
    early = row(created_at=START, started_at=START, completed_at=START + timedelta(seconds=5))
    late = row(created_at=START - timedelta(1), completed_at=START + timedelta(seconds=9))
    summary = plainly([early, late])
    assert summary.created_at == START - timedelta(1)
    assert summary.started_at == START
    assert summary.ended_at == START + timedelta(seconds=9)
    assert plainly([early, row(status="running")]).ended_at is None


def test_several_models_are_named_by_the_first_and_it_stays_the_first() -> None:
    one, two = row(model_config={"model": "m1", "provider": "p"}), row(model_config={"model": "m2"})
    built = SummaryBuilder()
    built.add(one)
    built.add(two)
    assert built.summary([one, two]).model == "m1 +1"
    moved = row(model_config={"model": "m1", "provider": "p"}, current_step=3)
    built.replace(one, moved)
    assert built.summary([moved, two]).model == "m1 +1"
    built.remove(moved)
    assert (built.summary([two]).model, built.summary([two]).provider) == ("m2", None)


def test_it_is_settled_once_all_have_ended_and_completed_ones_have_results() -> None:
    assert plainly([row(result={"success": True}), row(status="failed")]).settled
    assert not plainly([row()]).settled
    assert not plainly([row(status="paused")]).settled
    assert plainly([row(status="archived", completed_at=START)]).settled


def test_what_the_journal_keeps_of_a_run_comes_back_whole() -> None:
    rows = [
        row(task_id="t", result={"success": True, "score": 0.5}, created_at=START),
        row(task_id="t", result={"success": False, "score": 0.0}, model_config={"model": "m"}),
        row(task_id="u", result={"success": True}, completed_at=START, started_at=START),
        row(result={"success": True}),
    ]
    summary = plainly(rows)
    assert summary.tallies is not None
    assert dict(summary.tallies) == {"t": Tally(1, 2), "u": Tally(1, 1)}
    assert summary.tallies.loose == Tally(1, 1)
    assert (summary.scored, summary.score) == (2, 0.25)
    assert (summary.model, summary.provider) == ("m", None)
    assert from_kept(to_keep("a", summary)) == summary
    assert from_kept(to_keep("a", plainly([row(status="running")]))) is None


TIMES = st.none() | st.integers(0, 3).map(lambda s: START + timedelta(seconds=s))
ROWS = st.builds(
    row,
    status=st.sampled_from(["pending", "running", "completed", "failed", "odd"]),
    created_at=TIMES,
    started_at=TIMES,
    completed_at=TIMES,
    result=st.sampled_from([None, {"success": True}]),
    model_config=st.just({"model": "m"}) | st.none(),
) | st.just(UNREADABLE)


@given(st.lists(st.tuples(st.integers(0, 4), st.none() | ROWS), max_size=25))
def test_step_by_step_comes_to_the_same_as_at_one_go(steps: list[tuple[int, RolloutRow]]) -> None:
    rows: dict[int, RolloutRow] = {}
    built = SummaryBuilder()
    for place, after in steps:
        before = rows.pop(place, None)
        if before is not None and after is not None:
            built.replace(before, after)
        elif before is not None:
            built.remove(before)
        elif after is not None:
            built.add(after)
        if after is not None:
            rows[place] = after
        assert built.summary(rows.values()) == plainly(list(rows.values()))
