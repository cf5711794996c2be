"""What went wrong, grouped while rollouts come, change and go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gymtui.api.models import Rollout
from gymtui.core.pieces import result_of
from gymtui.store.outcome import Outcome, outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failures import ERROR_OUTCOMES, Failures

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def row(name: str, run_id: str = "run", *, cancelled: bool = False, **fields: Any) -> RolloutRow:
    rollout = Rollout.model_validate({"rollout_id": name, "run_id": run_id} | fields)
    outcome = outcome_of(rollout, we_cancelled=cancelled)
    return RolloutRow(name, run_id, name.encode(), 0.0, 0.0, rollout, outcome=outcome)


def fail(name: str, message: str = "no event 7", **fields: Any) -> RolloutRow:
    result = {"success": False, "message": message}
    return row(name, **{"status": "completed", "result": result} | fields)


def error(name: str, reason: str = "429 from endpoint", **fields: Any) -> RolloutRow:
    return row(name, **{"status": "failed", "termination_reason": reason} | fields)


def test_it_groups_by_folded_words_largest_first_across_runs() -> None:
    rows = [error("a"), fail("b"), fail("c", "no event 8"), error("d", run_id="other"), fail("e")]
    failures = Failures()
    for each in rows:
        assert failures.take(each)
    groups = result_of(failures.groups_in_pieces())
    assert [(g.text, g.rollout_ids) for g in groups] == [
        ("no event #", ("b", "c", "e")),
        ("429 from endpoint", ("a", "d")),
    ]
    assert groups[1].run_ids == ("run", "other")
    assert groups[0].example == "no event 7"


def test_a_fail_and_an_error_in_the_same_words_are_apart() -> None:
    failures = Failures()
    for each in (fail("a", "429 from endpoint"), error("b"), row("c", status="workspace_error")):
        failures.take(each)
    assert {(g.text, g.outcome, g.rollout_ids) for g in result_of(failures.groups_in_pieces())} == {
        ("429 from endpoint", Outcome.FAILED, ("a",)),
        ("429 from endpoint", Outcome.AGENT, ("b",)),
        ("no reason given", Outcome.ENVIRONMENT, ("c",)),
    }


def test_equal_groups_keep_their_places_whichever_was_met_first() -> None:
    rows = [fail("a", "zebra"), fail("b", "ant"), fail("c", "mole")]
    for order in (rows, rows[::-1]):
        failures = Failures()
        for each in order:
            failures.take(each)
        assert [group.text for group in result_of(failures.groups_in_pieces())] == [
            "ant",
            "mole",
            "zebra",
        ]


def test_one_that_recovers_is_taken_out_again() -> None:
    failures = Failures()
    failures.take(fail("a"))
    passed = row("a", status="completed", result={"success": True})
    assert failures.take(passed)
    assert not failures.take(passed)
    assert result_of(failures.groups_in_pieces()) == ()


def test_the_same_rollout_once_more_changes_nothing() -> None:
    failures, failed = Failures(), fail("a")
    assert failures.take(failed)
    assert not failures.take(failed)
    assert failures.take(fail("a", "something else"))
    assert [group.text for group in result_of(failures.groups_in_pieces())] == ["something else"]


def test_what_is_dropped_or_not_kept_is_in_no_group() -> None:
    failures = Failures()
    for name in ("a", "b", "c"):
        failures.take(fail(name))
    assert failures.drop("a")
    assert not failures.drop("a")
    assert failures.keep({"b"})
    assert not failures.keep({"b", "x"})
    assert [group.rollout_ids for group in result_of(failures.groups_in_pieces())] == [("b",)]


def test_only_what_ended_since_then_counts_as_recent() -> None:
    failures = Failures()
    failures.take(error("old", completed_at=T0 - timedelta(minutes=11)))
    failures.take(error("new", completed_at=T0 - timedelta(minutes=9)))
    event = {"status": "failed", "timestamp": T0 - timedelta(minutes=1)}
    failures.take(error("by event", status_events=[event]))
    failures.take(error("nobody knows"))
    (group,) = result_of(
        failures.groups_in_pieces(ERROR_OUTCOMES, since=T0 - timedelta(minutes=10))
    )
    assert group.rollout_ids == ("new", "by event")


def test_what_broke_is_neither_a_fail_nor_a_cancel() -> None:
    failures = Failures()
    failures.take(fail("a"))
    failures.take(error("b", "cancelled"))
    failures.take(error("c"))
    failures.take(row("d", status="workspace_error"))
    assert {group.outcome for group in result_of(failures.groups_in_pieces(ERROR_OUTCOMES))} == {
        Outcome.AGENT,
        Outcome.ENVIRONMENT,
    }


def test_one_we_cancelled_says_so_whatever_the_server_calls_it() -> None:
    failures = Failures()
    failures.take(row("a", status="failed", cancelled=True))
    (group,) = result_of(failures.groups_in_pieces())
    assert (group.outcome, group.text) == (Outcome.CANCELLED, "cancelled")


def test_one_that_could_not_be_read_is_left_out() -> None:
    failures = Failures()
    assert not failures.take(RolloutRow("m", "run", b"{", 0.0, 0.0, None, "no id"))
    assert len(failures) == 0
