"""Timelines: exact where the server dates, honest where only watching tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymtui.api.models import Rollout, StatusEvent
from gymtui.core.server_clock import Window
from gymtui.store.history.observer import Observer, StateObservation
from gymtui.store.history.timeline import PHASES, Segment, SegmentKind, segments
from tests.conftest import examples

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAMES = ("building_environment", "seeding", "agent_running", "verifying")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def rollout(
    status: str | None = "running",
    events: Sequence[tuple[str | None, float | None]] = (),
    created: float | None = 0,
    started: float | None = None,
    completed: float | None = None,
) -> Rollout:
    def when(seconds: float | None) -> datetime | None:
        return None if seconds is None else at(seconds)

    return Rollout(
        rollout_id="rol_1",
        run_id="run_1",
        status=status,
        created_at=when(created),
        started_at=when(started),
        completed_at=when(completed),
        status_events=tuple(StatusEvent(status=n, timestamp=when(t)) for n, t in events),
    )


def seen(
    phase: str | None, when: float, otherwise: float | None = None, status: str | None = "running"
) -> StateObservation:
    last = None if otherwise is None else at(otherwise)
    return StateObservation("rol_1", "run_1", status, phase, at(when), at(when), last)


def shape(drawn: Sequence[Segment]) -> list[tuple[str, float, float]]:
    return [
        (x.kind.value, *(round((t - T0).total_seconds(), 3) for t in (x.start, x.end)))
        for x in drawn
    ]


WATCHED = [
    seen(NAMES[0], 11, 9),
    seen(NAMES[1], 15, 13),
    seen(NAMES[2], 17, 15),
    seen(NAMES[3], 57, 55),
    seen("completed", 61, 59, "completed"),
]
RAN = [("pending", 0.0), ("running", 10.0), ("completed", 60.0)]


def test_a_watched_rollout_shows_every_phase_with_half_a_poll_of_slack() -> None:
    drawn = segments(rollout("completed", RAN), WATCHED, at(100))
    assert shape(drawn) == [
        ("queued", 0, 10),
        ("building", 10, 14),
        ("seeding", 14, 16),
        ("agent", 16, 56),
        ("verifying", 56, 60),
        ("ended", 60, 60),
    ]
    slacks = [(x.start_slack, x.end_slack) for x in drawn]
    zero, one = s(0), s(1)
    assert slacks == [
        (zero, zero),
        (zero, one),
        (one, one),
        (one, one),
        (one, zero),
        (zero, zero),
    ]


def test_status_edges_come_from_events_not_from_when_they_were_noticed() -> None:
    drawn = segments(rollout("running", RAN[:2]), [seen(NAMES[0], 12, 9)], at(12.5))
    assert shape(drawn) == [("queued", 0, 10), ("building", 10, 12.5)]


def test_a_rollouts_own_times_serve_where_there_are_no_events() -> None:
    drawn = segments(rollout("completed", started=10, completed=60), WATCHED, at(100))
    assert shape(drawn)[0] == ("queued", 0, 10)
    assert shape(drawn)[-1] == ("ended", 60, 60)


def test_watching_from_the_middle_leaves_one_unseen_stretch_before() -> None:
    drawn = segments(rollout("running", RAN[:2]), [seen(NAMES[2], 40)], at(45))
    assert shape(drawn) == [("queued", 0, 10), ("unseen", 10, 40), ("agent", 40, 45)]


def test_a_stalled_terminal_leaves_one_unseen_stretch_between() -> None:
    watched = [seen(NAMES[0], 11, 9), seen(NAMES[1], 14, 12), seen(NAMES[3], 300, 20)]
    drawn = segments(rollout("running", RAN[:2]), watched, at(301))
    assert shape(drawn)[2:] == [("seeding", 13, 20), ("unseen", 20, 300), ("verifying", 300, 301)]


def test_a_stall_within_one_phase_loses_nothing() -> None:
    watched = [seen(NAMES[0], 11, 9), seen(NAMES[1], 12, 11), seen(NAMES[2], 14, 12)]
    watched.append(seen(NAMES[2], 400, 12))
    drawn = segments(rollout("running", RAN[:2]), watched, at(401))
    assert shape(drawn)[-1] == ("agent", 13, 401)


def test_an_end_after_a_stall_leaves_the_rest_unseen() -> None:
    watched = [seen(NAMES[2], 12), seen("completed", 200, 30, "completed")]
    drawn = segments(rollout("completed", RAN), watched, at(200))
    assert shape(drawn)[-3:] == [("agent", 11.333, 30), ("unseen", 30, 60), ("ended", 60, 60)]


def test_phases_that_passed_between_two_polls_share_the_gap_and_its_slack() -> None:
    watched = [seen(NAMES[0], 11, 9), seen(NAMES[2], 16, 13)]
    drawn = segments(rollout("running", RAN[:2]), watched, at(20))
    assert shape(drawn)[1:] == [("building", 10, 14), ("seeding", 14, 15), ("agent", 15, 20)]
    assert [x.start_slack for x in drawn[2:]] == [s(2), s(2)]


def test_a_completed_rollout_verified_even_if_that_passed_between_two_polls() -> None:
    watched = [*WATCHED[:3], seen(None, 61, 57, "completed")]
    drawn = segments(rollout("completed", RAN), watched, at(70))
    assert shape(drawn)[-2:] == [("verifying", 58.5, 60), ("ended", 60, 60)]
    assert drawn[-2].start_slack == s(1.5)


def test_a_failed_rollout_may_have_got_further_in_the_last_gap() -> None:
    ran = [*RAN[:2], ("failed", 60.0)]
    watched = [*WATCHED[:3], seen(None, 61, 57, "failed")]
    drawn = segments(rollout("failed", ran), watched, at(70))
    assert shape(drawn)[-2:] == [("agent", 16, 60), ("ended", 60, 60)]
    assert drawn[-2].end_slack == s(3)
    assert drawn[-1].start_slack == s(0)


def test_a_rollout_that_ended_in_the_queue_never_ran() -> None:
    drawn = segments(rollout("failed", [("pending", 0), ("failed", 5)]), [], at(9))
    assert shape(drawn) == [("queued", 0, 5), ("ended", 5, 5)]


def test_a_rollout_that_waits_is_queued_up_to_now() -> None:
    assert shape(segments(rollout("pending"), [], at(9))) == [("queued", 0, 9)]


def test_a_finished_rollout_that_nobody_watched_ran_unseen() -> None:
    drawn = segments(rollout("completed", RAN), [], at(99))
    assert shape(drawn) == [("queued", 0, 10), ("unseen", 10, 60), ("ended", 60, 60)]


def test_without_dates_the_status_edges_come_from_watching_with_slack() -> None:
    watched = [seen(None, 1, None, "pending"), *WATCHED]
    drawn = segments(rollout("completed"), watched, at(99))
    assert drawn[0].end == at(10)
    assert drawn[0].end_slack == s(1)
    assert drawn[-1].start == at(60)
    assert drawn[-1].start_slack == s(1)


def test_nothing_known_draws_nothing() -> None:
    assert segments(rollout(None, created=None), [], at(1)) == ()
    assert segments(rollout("completed", created=None), [], at(1)) == ()


def test_an_unknown_phase_keeps_its_name() -> None:
    watched = [seen(NAMES[0], 11, 9), seen("warming_up", 15, 13), seen(NAMES[2], 19, 17)]
    drawn = segments(rollout("running", RAN[:2]), watched, at(20))
    assert [(x.kind, x.phase) for x in drawn[2:]] == [
        (SegmentKind.UNSEEN, "warming_up"),
        (SegmentKind.AGENT, None),
    ]


def test_events_out_of_order_doubled_and_in_the_future_change_nothing() -> None:
    tidy = segments(rollout("completed", RAN), WATCHED, at(100))
    messy = [RAN[2], RAN[1], RAN[0], RAN[1], ("running", None), (None, 3.0), RAN[2]]
    assert segments(rollout("completed", messy), WATCHED, at(100)) == tidy
    future = segments(rollout("running", [*RAN[:2], ("completed", 900.0)]), WATCHED[:3], at(20))
    assert shape(future)[-1] == ("agent", 16, 20)


def test_a_repeated_end_is_dated_to_the_first() -> None:
    drawn = segments(rollout("completed", [*RAN, ("completed", 75.0)]), WATCHED, at(100))
    assert drawn[-1].start == at(60)


def test_a_second_try_ends_when_it_ended_not_when_the_first_did() -> None:
    ran = [*RAN[:2], ("failed", 20.0), ("running", 25.0), ("failed", 50.0)]
    drawn = segments(rollout("failed", ran), [], at(99))
    assert shape(drawn) == [("queued", 0, 10), ("unseen", 10, 50), ("ended", 50, 50)]


def test_where_watching_stopped_is_as_uncertain_as_the_last_look() -> None:
    agent = StateObservation("rol_1", "run_1", "running", NAMES[2], at(15), at(17), at(13))
    watched = [seen(NAMES[0], 11, 9), agent, seen(NAMES[3], 300, 15.5)]
    drawn = segments(rollout("running", RAN[:2]), watched, at(301))
    blind = drawn[-2]
    assert blind.kind is SegmentKind.UNSEEN
    assert (blind.start, blind.start_slack) == (at(17), s(1.5))


def test_two_dashboards_know_an_edge_better_than_one() -> None:
    one = [seen(NAMES[0], 10.5, 9), seen(NAMES[1], 14, 10.5)]
    other = [seen(NAMES[0], 12), seen(NAMES[1], 15, 13)]
    drawn = segments(rollout("running", RAN[:2]), [*other, *one], at(20))
    assert drawn[1].end == at(13.5)
    assert drawn[1].end_slack == s(0.5)


def test_a_restart_uses_what_the_journal_kept() -> None:
    kept = WATCHED[:3]
    after = seen(NAMES[3], 30.0)
    drawn = segments(rollout("running", RAN[:2]), [*kept, after], at(31), blind_after_s=10)
    assert shape(drawn)[3:] == [("agent", 16, 17), ("unseen", 17, 30), ("verifying", 30, 31)]


def test_a_phase_that_was_seen_is_drawn_however_little_room_is_known_for_it() -> None:
    vague = StateObservation("rol_1", "run_1", "running", NAMES[1], at(14.75), at(20), at(10))
    sharp = StateObservation("rol_1", "run_1", "running", NAMES[2], at(14.75), at(15.5), at(14.5))
    drawn = segments(rollout("running", RAN[:2]), [seen(NAMES[0], 10), sharp, vague], at(30))
    assert shape(drawn)[1:] == [("building", 10, 15), ("seeding", 15, 15.25), ("agent", 15.25, 30)]
    assert [segment.end_slack for segment in drawn[1:3]] == [s(5), s(0.75)]


# -- whatever the server sends -------------------------------------------------------------------

instants = st.none() | st.floats(-1e4, 1e4).map(at)
statuses = st.sampled_from(
    [None, "pending", "running", "completed", "failed", "workspace_error", "paused"]
)
phases = st.sampled_from([None, *NAMES, "completed", "warming_up"])
events = st.lists(st.builds(StatusEvent, status=statuses, timestamp=instants), max_size=6)
rollouts = st.builds(
    Rollout,
    rollout_id=st.just("rol_1"),
    status=statuses,
    phase=phases,
    created_at=instants,
    started_at=instants,
    completed_at=instants,
    status_events=st.none() | events.map(tuple),
)
observations = st.builds(
    StateObservation,
    rollout_id=st.just("rol_1"),
    run_id=st.just("run_1"),
    status=statuses,
    phase=phases,
    seen_from=st.floats(-1e4, 1e4).map(at),
    seen_at=st.floats(-1e4, 1e4).map(at),
    last_otherwise_at=instants,
)


@settings(max_examples=examples(600), deadline=None)
@given(rollouts, st.lists(observations, max_size=8), st.floats(-1e4, 1e4))
def test_segments_are_always_ordered_joined_and_clamped(
    received: Rollout, observed: list[StateObservation], now: float
) -> None:
    drawn = segments(received, observed, at(now))
    assert all(x.start <= x.end <= at(now) for x in drawn)
    assert all(x.start < x.end for x in drawn if x.kind is not SegmentKind.ENDED)
    assert all(before.end == after.start for before, after in pairwise(drawn))
    assert all(x.start_slack >= s(0) and x.end_slack >= s(0) for x in drawn)
    assert all(x.kind is not SegmentKind.ENDED for x in drawn[:-1])
    alike = ((a.kind, a.phase) == (b.kind, b.phase) for a, b in pairwise(drawn))
    assert not any(alike)
    assert segments(received, observed[::-1], at(now)) is not None


# -- against a simulated gym that knows the truth ------------------------------------------------


@dataclass
class Truth:
    """One rollout as it really went; the last phase may be cut short."""

    created: float
    edges: list[float]
    """When each phase began, then the end."""
    status: str

    @property
    def end(self) -> float:
        return self.edges[-1]

    def at(self, t: float) -> Rollout:
        started, end = self.edges[0], self.end
        if t < started:
            return rollout("pending", [("pending", self.created)], self.created)
        changes = [("pending", self.created), ("running", started)]
        if t >= end:
            done = [*changes, (self.status, end)]
            return rollout(self.status, done, self.created, started, end)
        index = max(i for i, edge in enumerate(self.edges[:-1]) if edge <= t)
        running = rollout("running", changes, self.created, started)
        return running.model_copy(update={"phase": NAMES[index]})


def a_truth(rng: Random) -> Truth:
    status = rng.choice(["completed", "completed", "failed", "workspace_error"])
    count = {"completed": 4, "failed": rng.choice([3, 4]), "workspace_error": 1}[status]
    edges = [rng.uniform(0, 20)]
    for scale in (4.0, 1.0, 40.0, 3.0)[:count]:
        edges.append(edges[-1] + rng.expovariate(1 / scale))
    return Truth(0.0, edges, status)


def watch(truth: Truth, rng: Random, until: float) -> tuple[list[StateObservation], float]:
    """Poll every two seconds or so with a slightly wrong clock, paused now and then.

    Returns what was seen and the true time of the last look.
    """
    observer, kept, last = Observer(), [], truth.created
    error = rng.uniform(-0.5, 0.5)
    t = rng.uniform(0, 5) if rng.random() < 0.7 else rng.uniform(0, 60)
    while t < until:
        trip = rng.uniform(0.01, 0.6)
        last = t + trip * rng.random()
        received = truth.at(last)
        window = Window(at(t + error - 0.5), at(t + trip + error + 0.5))
        observation = observer.observe(received, window)
        kept += [] if observation is None else [observation]
        t += trip + rng.uniform(1.5, 2.5) + (rng.uniform(5, 60) if rng.random() < 0.03 else 0)
        if rng.random() < 0.02:
            kept += observer.last_looks()
            observer = Observer()
    return kept, last


@pytest.mark.parametrize("dashboards", [1, 2])
@settings(max_examples=examples(300), deadline=None)
@given(seed=st.integers(0, 2**40))
def test_every_true_phase_edge_lies_within_its_slack_or_in_an_unseen_stretch(
    dashboards: int, seed: int
) -> None:
    rng = Random(seed)
    truth = a_truth(rng)
    until = truth.end + 5 if rng.random() < 0.6 else rng.uniform(truth.edges[0], truth.end + 1)
    watched = [watch(truth, rng, until) for _ in range(dashboards)]
    observed = [observation for kept, _ in watched for observation in kept]
    now = max(last for _, last in watched)
    drawn = segments(truth.at(now), observed, at(now))
    tolerance = s(1e-3)
    unseen = [
        (x.start - x.start_slack - tolerance, x.end + x.end_slack + tolerance)
        for x in drawn
        if x.kind is SegmentKind.UNSEEN
    ]

    def is_told(edge: datetime, slack: timedelta, truly: datetime) -> bool:
        hidden = any(low <= truly <= high for low, high in unseen)
        return hidden or abs(truly - edge) <= slack + tolerance

    ran = [i for i in range(len(truth.edges) - 1) if truth.edges[i] < now]
    for index in ran:
        parts = [x for x in drawn if x.kind is PHASES[index]]
        begin, end = at(truth.edges[index]), at(min(truth.edges[index + 1], now))
        if parts:
            assert is_told(parts[0].start, parts[0].start_slack, begin)
            if end < at(now):
                assert is_told(parts[-1].end, parts[-1].end_slack, end)
        else:
            # Not drawn: somebody's slack, or a stretch not watched, covers all of it.
            slack = [(x.end - x.end_slack, x.end + x.end_slack) for x in drawn]
            assert any(a - tolerance <= begin and end <= b + tolerance for a, b in unseen + slack)
    assert {x.kind for x in drawn if x.kind in PHASES} <= {PHASES[i] for i in ran}
