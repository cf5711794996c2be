"""From polls to observations: what changed, when it was last otherwise, and the pace of steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gymtui.api.models import Rollout
from gymtui.core.server_clock import Window
from gymtui.store.history.last_steps import last_step
from gymtui.store.history.observer import Observer

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def window(seconds: float, width: float = 0.2) -> Window:
    return Window(at(seconds - width / 2), at(seconds + width / 2))


def rollout(
    phase: str | None = "agent_running",
    step: int | None = None,
    status: str = "running",
    name: str = "rol_1",
) -> Rollout:
    return Rollout(rollout_id=name, run_id="run_1", status=status, phase=phase, current_step=step)


def test_a_rollout_first_seen_was_never_seen_otherwise() -> None:
    observation = Observer().observe(rollout("seeding"), window(5))
    assert observation is not None
    assert (observation.rollout_id, observation.run_id) == ("rol_1", "run_1")
    assert (observation.status, observation.phase) == ("running", "seeding")
    assert (observation.seen_from, observation.seen_at) == (at(4.9), at(5.1))
    assert observation.last_otherwise_at is None


def test_a_change_lies_between_the_last_look_and_this_one() -> None:
    observer = Observer()
    observer.observe(rollout("seeding"), window(5))
    assert observer.observe(rollout("seeding"), window(7)) is None
    observation = observer.observe(rollout("agent_running"), window(9))
    assert observation is not None
    assert (observation.last_otherwise_at, observation.seen_at) == (at(6.9), at(9.1))


def test_changes_stay_in_their_order_when_the_clock_becomes_better_known() -> None:
    observer = Observer()
    observations = [
        observer.observe(rollout("agent_running", step=3), window(5, width=2.0)),
        observer.observe(rollout("verifying"), window(5.3, width=0.2)),
        observer.observe(rollout(None, status="completed"), window(5.5, width=0.2)),
    ]
    kept = [observation for observation in observations if observation is not None]
    assert [observation.seen_at for observation in kept] == [at(6), at(6), at(6)]
    assert last_step(sorted(kept, key=lambda observation: observation.seen_at)) == 3


def test_a_server_clock_that_was_set_back_is_believed() -> None:
    observer = Observer()
    observer.observe(rollout("agent_running", step=3), window(500))
    observation = observer.observe(rollout("verifying"), window(5))
    assert observation is not None
    assert observation.seen_at == at(5.1)


def test_a_listing_with_the_same_bytes_is_a_look_too() -> None:
    observer = Observer()
    observer.observe(rollout("seeding"), window(5))
    observer.note_unchanged(["rol_1", "never seen"], window(60))
    observation = observer.observe(rollout("agent_running"), window(62))
    assert observation is not None
    assert observation.last_otherwise_at == at(59.9)


def test_a_pause_shows_as_a_wide_edge() -> None:
    observer = Observer()
    observer.observe(rollout("seeding"), window(5))
    observation = observer.observe(rollout("verifying"), window(500))
    assert observation is not None
    assert (observation.last_otherwise_at, observation.seen_at) == (at(4.9), at(500.1))


def test_a_step_is_no_sighting_but_a_change_of_status_is() -> None:
    observer = Observer()
    observer.observe(rollout(step=1), window(0))
    assert observer.observe(rollout(step=2), window(2)) is None
    assert observer.observe(rollout(None, status="failed"), window(4)) is not None


def test_a_server_set_back_cannot_have_been_seen_otherwise_after_it_was_seen() -> None:
    observer = Observer()
    observer.observe(rollout("seeding"), window(500))
    observation = observer.observe(rollout("agent_running"), window(80))
    assert observation is not None
    assert observation.last_otherwise_at is not None
    assert observation.last_otherwise_at <= observation.seen_from


def test_on_quitting_the_last_look_is_told_once() -> None:
    observer = Observer()
    first = observer.observe(rollout("seeding"), window(5))
    observer.observe(rollout("verifying", name="rol_2"), window(5))
    observer.note_unchanged(["rol_1"], window(33))
    (again,) = observer.last_looks()
    assert first is not None
    assert (again.rollout_id, again.phase) == ("rol_1", "seeding")
    assert (again.seen_at, again.last_otherwise_at) == (at(33.1), first.last_otherwise_at)
    assert observer.last_looks() == ()


def test_time_in_a_phase_counts_from_when_it_was_first_seen_in_it() -> None:
    observer = Observer()
    observer.observe(rollout("building_environment"), window(5))
    observer.note_unchanged(["rol_1"], window(33))
    observer.last_looks()
    assert observer.phase_seen_at("rol_1") == at(5.1)
    assert observer.phase_seen_at("rol_2") is None


def test_steps_between_two_looks_share_the_time() -> None:
    observer = Observer()
    observer.observe(rollout(step=1), window(0))
    observer.observe(rollout(step=2), window(3))
    observer.observe(rollout(step=2), window(5))
    observer.observe(rollout(step=4), window(7))
    assert list(observer.step_gaps_s("run_1")) == [3.0, 2.0, 2.0]
    assert observer.moved_at("rol_1") == at(7.1)
    assert list(observer.step_gaps_s("run_2")) == []


def test_idleness_counts_from_the_last_step_not_the_last_look() -> None:
    observer = Observer()
    observer.observe(rollout(step=4), window(0))
    observer.observe(rollout(step=4), window(70))
    observer.note_unchanged(["rol_1"], window(90))
    assert observer.moved_at("rol_1") == at(0.1)


def test_hostile_steps_make_no_gaps() -> None:
    observer = Observer()
    for step, when in ((1, 0), (2**62, 2), (5, 4), (None, 6), (7, 8), (7, 10), (8, 9)):
        observer.observe(rollout(step=step), window(when))
    gaps = observer.step_gaps_s("run_1")
    assert len(gaps) <= 400
    assert all(gap > 0 for gap in gaps)


def test_what_is_forgotten_is_new_again() -> None:
    observer = Observer()
    observer.observe(rollout("seeding"), window(5))
    observer.observe(rollout("seeding", name="rol_2"), window(5))
    observer.observe(rollout("seeding", 1, name="rol_2"), window(6))
    observer.observe(rollout("seeding", 2, name="rol_2"), window(7))
    observer.forget(["rol_1", "never seen"])
    observation = observer.observe(rollout("agent_running"), window(9))
    assert observation is not None
    assert observation.last_otherwise_at is None
    observer.forget_run("run_1")
    assert observer.moved_at("rol_1") is None
    assert observer.moved_at("rol_2") is None
    assert list(observer.step_gaps_s("run_1")) == []


def test_steps_seen_at_one_instant_or_going_back_have_no_time_between_them() -> None:
    observer = Observer()
    for step, seconds in ((1, 5), (2, 5), (4, 9), (3, 11), (4, 12.5)):
        observer.observe(rollout(step=step), window(seconds))
    assert observer.own_gaps_s("rol_1") == (2.0, 2.0, 1.5)
    assert observer.step_gaps_s("run_1") == (2.0, 2.0, 1.5)
