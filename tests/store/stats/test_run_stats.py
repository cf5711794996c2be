"""What rollouts count as, why they failed, and a run's numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gymtui.api.models import Rollout
from gymtui.core.replacement import replace
from gymtui.store.history.timeline import Segment
from gymtui.store.outcome import Outcome, at_step_limit, outcome_of, verdict
from gymtui.store.phases import SegmentKind
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failure_reasons import fold, reason_of
from gymtui.store.stats.formulas import Tally, shares
from gymtui.store.stats.matrix import by_task
from gymtui.store.stats.run_stats import time_spent_s
from gymtui.store.stats.run_stats_builder import run_numbers
from gymtui.store.stats.run_summary import RunSummary, SummaryBuilder, from_kept, to_keep
from tests.helpers.hostile_text import REASONS

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
T0_S = T0.timestamp()


def rollout(name: str = "rol_1", status: str | None = "completed", **fields: Any) -> Rollout:
    """One as it comes over the wire; times are seconds after T0."""
    for key in ("created_at", "started_at", "completed_at"):
        if isinstance(fields.get(key), int | float):
            fields[key] = (T0 + timedelta(seconds=fields[key])).isoformat()
    return Rollout.model_validate(
        {"rollout_id": name, "run_id": "run_1", "status": status} | fields
    )


def judged(success: bool | None, **fields: Any) -> Rollout:
    return rollout(result={"success": success, "message": fields.pop("message", None)}, **fields)


# -- what a rollout counts as --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (judged(True), Outcome.PASSED),
        (judged(False), Outcome.FAILED),
        (judged(None), Outcome.DONE),
        (rollout(), Outcome.DONE),
        (rollout(status="failed"), Outcome.AGENT),
        (judged(False, status="failed"), Outcome.FAILED),
        (rollout(status="workspace_error"), Outcome.ENVIRONMENT),
        (judged(False, status="workspace_error"), Outcome.ENVIRONMENT),
        (rollout(status="running"), Outcome.RUNNING),
        (judged(True, status="running"), Outcome.RUNNING),
        (rollout(status="pending"), Outcome.WAITING),
        (rollout(status="paused"), Outcome.UNKNOWN),
        (rollout(status=None), Outcome.UNKNOWN),
        (judged(True, status="succeeded", completed_at=9), Outcome.PASSED),
    ],
)
def test_a_verdict_is_a_finished_rollout_with_a_yes_or_no(
    received: Rollout, expected: Outcome
) -> None:
    assert outcome_of(received) is expected


@pytest.mark.parametrize(
    "received",
    [
        rollout(status="cancelled"),
        rollout(status="canceled"),
        rollout(status="failed", termination_reason="cancelled"),
        rollout(status="failed", termination_reason="user_canceled"),
        rollout(status="failed", termination_reason="Cancelled by user"),
        rollout(status="failed", termination_reason="cancel_requested"),
        rollout(status="failed", termination_reason="run_cancellation"),
        judged(False, status="completed", termination_reason="CANCELLED"),
        judged(None, status="failed", message="Cancelled"),
    ],
)
def test_a_cancelled_rollout_is_no_verdict_however_it_is_spelt(received: Rollout) -> None:
    assert outcome_of(received) is Outcome.CANCELLED
    assert verdict(received) is None


def test_words_about_cancelling_in_the_work_itself_are_not_a_cancellation() -> None:
    message = "Missing: the cancelled event is still in the calendar"
    assert verdict(judged(False, message=message)) is False
    called = rollout(status="failed", termination_reason="agent_called_cancel_order")
    assert outcome_of(called) is Outcome.AGENT
    assert verdict(judged(True, termination_reason="user_stop")) is True


def test_our_own_cancel_counts_where_the_server_does_not_say_it() -> None:
    assert outcome_of(rollout(status="failed"), we_cancelled=True) is Outcome.CANCELLED
    assert outcome_of(judged(None), we_cancelled=True) is Outcome.CANCELLED
    assert outcome_of(judged(False, status="failed"), we_cancelled=True) is Outcome.CANCELLED
    assert outcome_of(judged(True), we_cancelled=True) is Outcome.PASSED
    assert outcome_of(rollout(status="running"), we_cancelled=True) is Outcome.RUNNING


@pytest.mark.parametrize("success", [True, False])
def test_a_verdict_reached_in_spite_of_our_cancel_is_one_for_us_as_for_others(
    success: bool,
) -> None:
    received = judged(success, status="completed")
    assert verdict(received, we_cancelled=True) is verdict(received) is success


@pytest.mark.parametrize(
    "reason",
    ["max_steps", "max_steps_reached", "step_limit", "Max steps reached without final answer",
     "maximum-turns", "turn limit", "maximum number of 30 agent turns", "limit of 30 steps"],
)  # fmt: skip
def test_reaching_the_step_limit_is_a_fail_with_its_own_mark(reason: str) -> None:
    received = rollout(status="failed", termination_reason=reason)
    assert at_step_limit(received)
    assert outcome_of(received) is Outcome.FAILED


@pytest.mark.parametrize(
    "reason",
    [None, "timeout", "agent_stop", "rate_limit", "maxed out", "max_user_turns", "user turn limit",
     "max retries exceeded at step 4", "maximum tokens reached in turn 3"],
)  # fmt: skip
def test_other_ends_do_not_bear_the_mark_of_the_step_limit(reason: str | None) -> None:
    assert not at_step_limit(judged(False, termination_reason=reason, current_step=30))


# -- why they failed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "folded"),
    [
        ("rollout rol_001 timed out", "rollout rol_917 timed out", "rollout <id> timed out"),
        (
            "at 2026-03-20T10:00:06+00:00 the host was gone",
            "at 2026-03-21T22:41:59Z the host was gone",
            "at <time> the host was gone",
        ),
        ("no answer in 30.5s", "no answer in 8s", "no answer in #s"),
        (
            "request 9f8e7d6c-1234-4abc-8def-001122334455 failed",
            "request 00000000-ffff-4abc-8def-0011223344aa failed",
            "request <id> failed",
        ),
        ("commit 3fa9c01b is bad", "commit 77be0012a is bad", "commit <id> is bad"),
        ("expected 3 events, found 12", "expected 4 events, found 1", "expected # events, found #"),
        ("meeting at 10:30", "meeting at 9:15 am", "meeting at <time>"),
        ("evt19 not found", "evt204 not found", "<id> not found"),
    ],
)
def test_what_differs_between_reasons_is_folded(first: str, second: str, folded: str) -> None:
    assert fold(first) == fold(second) == folded


@pytest.mark.parametrize(
    "kept", ["HTTP 429 from endpoint", "503: try again", "Missing: calendar event for panel"]
)
def test_what_names_a_cause_stays(kept: str) -> None:
    assert fold(kept) == kept


def test_a_number_with_a_unit_is_no_http_status() -> None:
    assert fold("slept 500 ms") == "slept # ms"


@pytest.mark.parametrize(
    ("reason", "folded"),
    [*zip(REASONS, ["a-" * 150, "#.", "<id>", "a_" * 150, "<time>:" * 33 + "#:"], strict=True)],
    ids=[reason[:3] for reason in REASONS],
)
def test_only_the_start_of_an_endless_reason_counts(reason: str, folded: str) -> None:
    assert fold(reason) == folded


def test_a_reason_is_one_line_and_the_verifiers_word_comes_first_for_a_fail() -> None:
    both = judged(False, message="\nMissing: x\nTraceback", termination_reason="agent_stop")
    assert reason_of(both) == "Missing: x"
    broke = judged(None, status="failed", message="see log", termination_reason="timeout")
    assert reason_of(broke) == "timeout"
    assert reason_of(rollout()) is None


# -- a run's numbers -----------------------------------------------------------------------------


def a_run() -> list[Rollout]:
    def done(name: str, task: str, success: bool, start: float, end: float, **more: Any) -> Rollout:
        times = {"created_at": 0, "started_at": start, "completed_at": end}
        return judged(success, rollout_id=name, task_id=task, **times, **more)

    return [
        done("1", "a", True, 10, 70, current_step=6),
        done("2", "a", False, 10, 130, termination_reason="max_steps"),
        done("3", "b", True, 70, 100, current_step=3),
        done("4", "b", True, 100, 150),
        rollout("5", "workspace_error", task_id="b", started_at=100, completed_at=105),
        rollout("6", "failed", task_id="c", started_at=105, completed_at=125),
        rollout(
            "7",
            "failed",
            task_id="c",
            termination_reason="cancelled",
            started_at=121,
            completed_at=130,
        ),
        rollout("8", "running", task_id="c", started_at=150),
        rollout("9", "pending", task_id="d"),
    ]


def test_the_numbers_of_a_run() -> None:
    numbers = run_numbers(a_run(), total=11)
    assert (numbers.passes, numbers.verdicts, numbers.errors) == (3, 4, 3)
    assert numbers.pass_rate == 0.75
    assert numbers.rate_with_errors == pytest.approx(3 / 7)
    assert numbers.at_limit == 1
    assert (numbers.unknown, numbers.undecided, numbers.finished) == (2, 4, False)
    assert (numbers.judged, run_numbers(a_run(), total=12).eta(200.0)) == (4, None)
    assert run_numbers(a_run(), total=9).eta(200.0) is not None
    bounds = numbers.final_bounds
    assert bounds is not None
    assert (bounds.low, bounds.high) == (3 / 8, 7 / 8)
    assert numbers.tasks == {
        "a": Tally(1, 2),
        "b": Tally(2, 2),
        "c": Tally(0, 0),
        "d": Tally(0, 0),
    }
    assert numbers.durations_s == [30, 50, 60, 120]
    assert numbers.held_s == [5, 20, 30, 50, 60, 120]
    assert numbers.steps == [3, 6]
    found = numbers.pass_at(2)
    assert (found.rate, found.tasks, found.of_tasks) == (1.0, 2, 4)
    assert numbers.pass_hat(2).rate == 0.5
    speed = numbers.rate(T0_S + 150)
    assert speed is not None
    assert (speed.verdicts, speed.window_s) == (4, 140)
    assert sum(numbers.throughput(T0_S + 160, 8)) == 4


def test_a_run_whose_rollouts_are_unknown_has_no_rate_not_a_rate_of_zero() -> None:
    numbers = run_numbers([], total=100)
    assert numbers.pass_rate is None
    assert numbers.interval is None
    assert numbers.rate_with_errors is None
    assert numbers.rate(T0_S) is None
    assert numbers.eta(T0_S) is None
    assert not numbers.finished


def test_completed_is_not_passed() -> None:
    numbers = run_numbers([rollout("1"), judged(False, rollout_id="2")])
    assert (numbers.passes, numbers.verdicts) == (0, 1)


def test_what_ended_without_a_verdict_is_not_open() -> None:
    ended = {"completed_at": 130}
    over = [
        rollout("1", result={"score": 0.4}),
        rollout("2", "not run"),
        rollout("3", "interrupted"),
        rollout("4", "archived", **ended),
    ]
    numbers = run_numbers(over)
    assert (numbers.undecided, numbers.finished, numbers.final_bounds) == (0, True, None)
    still = run_numbers([*over, rollout("5", "archived"), rollout("6", "running")], total=7)
    assert (still.undecided, still.finished) == (3, False)


def test_errors_and_cancelled_rollouts_are_in_no_pass_at_k() -> None:
    same = {"task_id": "a"}
    clean = [judged(True, rollout_id="1", **same), judged(False, rollout_id="2", **same)]
    broken = [
        rollout("3", "workspace_error", **same),
        judged(False, rollout_id="4", status="failed", termination_reason="cancelled", **same),
        rollout("5", "failed", **same),
    ]
    with_errors, without = run_numbers([*clean, *broken]), run_numbers(clean)
    assert with_errors.tasks == without.tasks
    assert with_errors.pass_rate == without.pass_rate
    assert with_errors.interval == without.interval


def test_rollouts_without_a_task_count_but_not_as_attempts_of_one_task() -> None:
    numbers = run_numbers([judged(i % 2 == 0, rollout_id=str(i)) for i in range(8)])
    assert (numbers.verdicts, numbers.attempts) == (8, 0)
    assert numbers.interval is not None
    assert numbers.pass_at(2).of_tasks == 0


def test_scores_outside_0_to_1_are_not_scores() -> None:
    scored = [
        rollout(str(i), result={"success": True, "score": score})
        for i, score in enumerate([0.5, 1.0, 3.7, None])
    ]
    scores = run_numbers(scored).scores
    assert scores is not None
    assert (scores.mean, scores.count) == (0.75, 2)


def test_steps_no_longer_said_are_taken_from_when_they_were() -> None:
    done = [judged(True, rollout_id="1"), judged(True, rollout_id="2", current_step=4)]
    assert run_numbers(done, last_steps={"1": 9, "2": 1}).steps == [4, 9]


def test_the_matrix_orders_attempts_by_creation_then_id() -> None:
    rows = by_task(
        as_rows(
            [
                judged(
                    True, rollout_id="z", task_id="b", created_at=5, started_at=5, completed_at=9
                ),
                judged(False, rollout_id="y", task_id="a", created_at=2),
                judged(True, rollout_id="x", task_id="a", created_at=2),
                rollout("w", "running", task_id="a", created_at=1),
            ]
        )
    )
    assert [(row.task_id, [r.rollout_id for r in row.attempts]) for row in rows] == [
        ("b", ["z"]),
        ("a", ["w", "x", "y"]),
    ]
    assert rows[1].tally == Tally(1, 2)
    assert (rows[0].median_s, rows[1].median_s) == (4, None)


def as_rows(rollouts: list[Rollout]) -> list[RolloutRow]:
    return [
        RolloutRow(r.rollout_id, "run_1", b"", 0.0, 0.0, r, outcome=outcome_of(r)) for r in rollouts
    ]


def summed(rollouts: list[Rollout]) -> RunSummary:
    built = SummaryBuilder()
    for row in as_rows(rollouts):
        built.add(row)
    return built.summary(as_rows(rollouts))


def test_what_the_journal_keeps_of_a_run_is_final_once_all_have_ended() -> None:
    open_, done = a_run(), a_run()[:7]
    assert not to_keep("run_1", summed(open_)).final
    assert from_kept(to_keep("run_1", summed(open_))) is None
    kept = to_keep("run_1", summed(done))
    assert kept.final
    assert kept.counts["passed"] == 3
    assert kept.ended_at == T0 + timedelta(seconds=150)
    assert from_kept(kept) == summed(done)
    # An earlier version's journal knows no tasks.
    assert from_kept(replace(kept, tasks=None)) == replace(summed(done), tallies=None)
    # A journal that somebody wrote into must not end the program.
    assert from_kept(replace(kept, tasks={"a": (3, -1)})) == replace(summed(done), tallies=None)


def test_the_summary_and_the_numbers_of_a_run_agree() -> None:
    rollouts = a_run()
    summary, numbers = summed(rollouts), run_numbers(rollouts)
    assert summary.counts == numbers.counts
    assert (summary.passes, summary.at_limit) == (numbers.passes, numbers.at_limit)
    assert (summary.verdicts, summary.errors) == (numbers.verdicts, numbers.errors)
    assert summary.interval == numbers.interval


def test_where_time_goes_counts_only_what_was_watched_to_the_end() -> None:
    def seg(kind: SegmentKind, start: float, end: float) -> Segment:
        return Segment(kind, T0 + timedelta(seconds=start), T0 + timedelta(seconds=end))

    whole = [
        seg(SegmentKind.QUEUED, 0, 50),
        seg(SegmentKind.BUILDING, 50, 60),
        seg(SegmentKind.AGENT, 60, 90),
    ]
    ended = [*whole, seg(SegmentKind.ENDED, 90, 90)]
    gap = [*whole, seg(SegmentKind.UNSEEN, 90, 95), seg(SegmentKind.ENDED, 95, 95)]
    found = shares(map(time_spent_s, [ended, gap, whole, [seg(SegmentKind.QUEUED, 0, 5)]]))
    assert (found.of["building"], found.of["agent"]) == (0.25, 0.75)
    assert (found.counted, found.of_all) == (1, 4)


def test_two_thousand_rollouts_are_added_up() -> None:
    rollouts = [
        judged(
            i % 3 > 0,
            rollout_id=f"rol_{i}",
            task_id=f"task_{i % 100}",
            created_at=i,
            started_at=i + 5,
            completed_at=i + 60 + i % 50,
        )
        for i in range(2_000)
    ]
    numbers = run_numbers(rollouts)
    assert (numbers.passes, numbers.verdicts, len(numbers.tasks)) == (1_333, 2_000, 100)
    assert numbers.interval is not None
    assert numbers.interval.low < 2 / 3 < numbers.interval.high
