"""All running rollouts: who moved when, who is stuck, and what each change costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gymtui.api.models import Rollout
from gymtui.store.lists.query import parse
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.running_rollouts import RUNNING, Running, RunningRow
from gymtui.store.stats.eta import UsualTimes

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Seen:
    """What a test says was observed."""

    def __init__(self) -> None:
        self.moved: dict[str, datetime] = {}
        self.entered: dict[str, datetime] = {}
        self.times = UsualTimes(step_s=20.0, build_s=30.0, watched=10)

    def moved_at(self, rollout_id: str) -> datetime | None:
        return self.moved.get(rollout_id)

    def phase_seen_at(self, rollout_id: str) -> datetime | None:
        return self.entered.get(rollout_id)

    def usual(self, run_id: str) -> UsualTimes:
        return self.times


def row(
    name: str, run_id: str = "run", status: str = "running", phase: str | None = "agent_running"
) -> RolloutRow:
    rollout = Rollout(rollout_id=name, run_id=run_id, status=status, phase=phase)
    return RolloutRow(name, run_id, name.encode(), 0.0, 0.0, rollout, outcome=outcome_of(rollout))


def known(*rows: RolloutRow) -> dict[str, RolloutRow]:
    return {each.rollout_id: each for each in rows}


def test_only_running_ones_are_held() -> None:
    running, store = Running(), known(row("a"), row("b", status="pending"), row("c", "other"))
    moves = running.update(store, store, Seen())
    assert moves.changed.keys() == running.rows.keys() == {"a", "c"}
    assert set(running.runs) == {"run", "other"}


def test_the_stuck_are_counted_by_run() -> None:
    seen, running = Seen(), Running()
    seen.moved = {"a": at(0), "b": at(60), "c": at(0)}
    store = known(row("a"), row("b"), row("c", "other"))
    running.update(store, store, seen)
    # Five times the usual 20 s.
    assert [running.stuck_in("run", at(s)) for s in (100, 101, 161)] == [0, 1, 2]
    assert [running.stuck_in(run, at(161)) for run in ("other", "unknown")] == [1, 0]


def test_one_that_ended_moved_or_was_dropped_goes() -> None:
    running, store = Running(), known(row("a"), row("b"), row("c", "other"))
    running.update(store, store, Seen())
    store["a"] = row("a", status="completed")
    del store["b"]
    assert running.update(store, ["a"], Seen()).removed == {"a", "b"}
    store["c"] = row("c", "third")
    assert running.update(store, ["c"], Seen()).changed.keys() == {"c"}
    assert set(running.runs) == {"third"}


def test_nothing_changed_says_nothing() -> None:
    running, store, seen = Running(), known(row("a")), Seen()
    assert running.update(store, store, seen)
    assert not running.update(store, store, seen)


def test_an_agent_is_stuck_after_five_times_the_usual_step_and_never_below_a_minute() -> None:
    running, store, seen = Running(), known(row("a")), Seen()
    seen.moved["a"] = seen.entered["a"] = T0
    running.update(store, store, seen)
    assert running.stuck(at(100)) == 0
    assert running.stuck(at(100.1)) == 1
    seen.times = UsualTimes(step_s=1.0)
    running.update(store, store, seen)
    assert running.stuck(at(60)) == 0
    assert running.stuck(at(60.1)) == 1


def test_a_build_is_stuck_by_when_it_began_and_a_phase_without_a_threshold_never() -> None:
    seen = Seen()
    seen.moved = dict.fromkeys("abc", at(1000))
    seen.entered = dict.fromkeys("abc", T0)
    phases = ("building_environment", "verifying", "seeding")
    store = known(*(row(name, phase=phase) for name, phase in zip("abc", phases, strict=True)))
    running = Running()
    running.update(store, store, seen)
    assert [name for name in "abc" if running.rows[name].stuck(at(90.1))] == ["a"]
    assert running.stuck(at(90)) == 0
    assert [name for name in "abc" if running.rows[name].stuck(at(600.1))] == ["a", "b"]


def test_what_is_usual_is_looked_at_again_for_the_whole_run() -> None:
    running, seen = Running(), Seen()
    store = known(row("a"), row("b"), row("c", "other"))
    seen.moved = dict.fromkeys("abc", T0)
    running.update(store, store, seen)
    seen.times = UsualTimes(step_s=100.0)
    moves = running.update(store, ["a"], seen)
    assert moves.changed.keys() == {"a", "b"}
    assert running.rows["b"].limit_s == 500


def test_unwatched_nothing_is_known_and_nothing_is_stuck() -> None:
    for pace in (None, Seen()):
        running, store = Running(), known(row("a"))
        running.update(store, store, pace)
        assert running.rows["a"].moved_at is None
        assert running.stuck(at(1e6)) == 0


def test_stuck_and_idle_are_filtered_by_and_the_first_comes_true_with_time() -> None:
    stuck = RunningRow(row("a"), T0, at(60), 60.0)
    assert not parse("stuck:", RUNNING).matches(stuck, at(59).timestamp())
    assert parse("stuck:", RUNNING).matches(stuck, at(61).timestamp())
    assert parse("idle>1m", RUNNING).matches(stuck, at(61).timestamp())
    assert not parse("idle>1m", RUNNING).matches(stuck, at(30).timestamp())
    assert not parse("stuck:", RUNNING).matches(RunningRow(row("b")), at(61).timestamp())
