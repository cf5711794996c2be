"""One session watching: polls become observations, which are kept; the journal's come back."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymtui.core.pieces import result_of
from gymtui.core.server_clock import Window
from gymtui.poll import time_spent
from gymtui.poll.tracker import RolloutTracker, TrackerState
from gymtui.store.delta import Observation, Query, RolloutsOf, RunningRollouts, RunsPage
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_place import Place
from gymtui.store.history.observer import ObserverState
from gymtui.store.outcome import Outcome
from gymtui.store.phases import SegmentKind, is_finished
from gymtui.store.stats.formulas import shares
from gymtui.store.stats.run_stats import time_spent_s
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.store import Store
from tests.conftest import examples
from tests.helpers.journals import NOW
from tests.helpers.journals import place as place

T0 = NOW
"""The journal's own time: it prunes what is older."""
PASSED = {"success": True, "message": "ok"}


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Session:
    """A store and a watch on it, fed by hand; times are seconds after T0."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.store = Store()
        self.remembered: dict[str, RunSummary] = {}
        self.came = asyncio.Event()
        self.watch = RolloutTracker(
            self.store,
            journal,
            remembered=self.remembered.update,
            recalled=lambda _run_id: self.came.set(),
        )
        self.run("run_1", running=1)

    def run(self, run_id: str, **counters: int) -> None:
        run = {"run_id": run_id, "total": 1, **counters}
        self._answer(RunsPage(), {"total": 1, "runs": [run]}, 0)

    def lists(self, seconds: float, *rollouts: dict[str, Any], run_id: str = "run_1") -> None:
        """The gym lists all rollouts of a run."""
        body = {"total": len(rollouts), "rollouts": [{"run_id": run_id} | r for r in rollouts]}
        self._answer(RolloutsOf(run_id), body, seconds)

    def lists_running(self, seconds: float, *rollouts: dict[str, Any]) -> None:
        """The gym lists all running rollouts."""
        self._answer(RunningRollouts(), {"rollouts": rollouts, "total": len(rollouts)}, seconds)

    def _answer(
        self, query: Query, body: object, seconds: float, window: Window | None = None
    ) -> None:
        raw = json.dumps(body).encode()
        applied = self.store.apply(Observation(query, raw, seconds, at(seconds).timestamp()))
        result_of(
            self.watch.take_answer_in_pieces(
                query, applied, window or Window(at(seconds), at(seconds))
            )
        )

    def kinds(self, rollout_id: str = "rol_1") -> list[tuple[str, float]]:
        """Its segments, each with how long it lasted in seconds."""
        life = self.watch.segments(self.store.rollouts[rollout_id])
        return [(s.kind.value, s.duration.total_seconds()) for s in life]


def rollout(phase: str | None, step: int | None = None, **fields: Any) -> dict[str, Any]:
    started = {"created_at": T0.isoformat(), "started_at": T0.isoformat()}
    said = {"rollout_id": "rol_1", "status": "running", "phase": phase, "current_step": step}
    return {**said, **started, **fields}


def ended(seconds: float) -> dict[str, Any]:
    done = {"status": "completed", "completed_at": at(seconds).isoformat(), "result": PASSED}
    return rollout(None, **done)


def watched_to_the_end(session: Session) -> None:
    session.lists(0, rollout("building_environment"))
    session.lists(4, rollout("agent_running", 1))
    session.lists(6, rollout("agent_running", 7))
    session.lists(8, rollout("verifying"))
    session.lists(10, ended(9))


@pytest.fixture
def journal(place: Place) -> Iterator[Journal]:
    """A journal in a file, and one in a database."""
    opened = Journal(place, now=lambda: T0)
    yield opened
    opened.close()


def test_what_is_seen_from_poll_to_poll_becomes_a_life() -> None:
    session = Session()
    watched_to_the_end(session)
    kinds = [kind for kind, _ in session.kinds()]
    assert kinds == ["building", "seeding", "agent", "verifying", "ended"]
    spent = session.watch.time_spent("run_1")
    assert (spent.shares.counted, spent.shares.of_all, spent.complete) == (1, 1, True)
    assert sum(spent.shares.of.values()) == pytest.approx(1)


def test_a_look_that_shows_nothing_new_moves_the_front_and_sharpens_the_next_edge() -> None:
    session = Session()
    session.lists(0, rollout("building_environment"))
    session.lists(10, rollout("building_environment"))
    assert session.kinds() == [("building", 10)]
    session.lists_running(11, rollout("building_environment", run_id="run_1"))
    assert session.kinds() == [("building", 11)]
    session.lists(12, rollout("seeding"))
    edge = session.watch.segments(session.store.rollouts["rol_1"])[1]
    assert (edge.kind, edge.start_slack) == (SegmentKind.SEEDING, timedelta(seconds=0.5))


def test_a_rollout_first_seen_when_over_was_not_watched() -> None:
    session = Session()
    session.lists(30, ended(9))
    assert session.kinds() == [("unseen", 9), ("ended", 0)]
    assert session.watch.observations("rol_1") == ()
    assert session.watch.time_spent("run_1").shares.counted == 0


def test_the_last_step_seen_outlives_the_rollout() -> None:
    session = Session()
    watched_to_the_end(session)
    assert session.watch.last_steps == {"rol_1": 7}


def test_steps_of_a_rollout_that_was_left_alone_at_work_are_not_known() -> None:
    session = Session()
    session.lists(0, rollout("agent_running", 1))
    session.lists(2, rollout("agent_running", 2))
    session.lists(40, rollout("verifying"))
    session.lists(42, ended(41))
    assert session.watch.last_steps == {}


async def test_steps_taken_after_the_dashboard_was_killed_are_not_known(journal: Journal) -> None:
    first = Session(journal)
    first.lists(0, rollout("agent_running", 1))
    first.lists(4, rollout("agent_running", 5))
    second = Session(journal)  # the first one was never closed
    second.lists(9, ended(8))
    second.watch.recall("run_1")
    await recalled(second)
    assert second.watch.last_steps == {}
    assert [kind for kind, _ in second.kinds()][-2:] == ["agent", "ended"]


def test_what_the_store_gives_up_is_forgotten_here_too() -> None:
    session = Session()
    watched_to_the_end(session)
    session.watch.drop(session.store.drop(["run_1"]).rollouts_removed)
    assert session.watch.observations("rol_1") == ()
    assert session.watch.last_steps == {}


def test_a_large_run_is_added_up_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_spent, "DRAWN_AT_ONCE", 2)
    session = Session()
    names = [f"rol_{n}" for n in range(5)]
    session.lists(0, *(rollout("building_environment", rollout_id=name) for name in names))
    session.lists(4, *(ended(3) | {"rollout_id": name} for name in names))
    complete = []
    while not complete or not complete[-1]:
        complete.append(session.watch.time_spent("run_1").complete)
    assert complete == [False, False, True]
    assert session.watch.time_spent("run_1").shares.of_all == 5


@settings(max_examples=examples(40), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_where_time_went_is_added_up_by_what_changed_as_if_all_were_looked_at(seed: int) -> None:
    rng = random.Random(seed)
    session = Session()
    session.run("run_2", running=1)
    phases = ["building_environment", "seeding", "agent_running", "verifying", "ended"]
    at_phase = dict.fromkeys((f"rol_{n}" for n in range(6)), 0)
    homes = dict.fromkeys(at_phase, "run_1")
    for second in range(0, 60, 2):
        for name in rng.sample(sorted(at_phase), 2):
            at_phase[name] = rng.choice([min(at_phase[name] + 1, 4), at_phase[name], 0, 4])
            homes[name] = rng.choice(["run_1", "run_1", "run_2"])
        for run_id in ("run_1", "run_2"):
            listed = []
            for name, phase in at_phase.items():
                if homes[name] == run_id and rng.random() < 0.95:
                    now = ended(second - 1) if phase == 4 else rollout(phases[phase])
                    listed.append(now | {"rollout_id": name, "run_id": run_id})
            session.lists(second, *listed, run_id=run_id)
        if rng.random() < 0.1:
            session.watch.drop(session.store.drop(["run_2"]).rollouts_removed)
            session.run("run_2", running=1)
        for run_id in rng.sample(["run_1", "run_2"], rng.randint(0, 2)):
            rows = session.store.rollouts_of(run_id)
            over = [row for row in rows if row.rollout and is_finished(row.rollout)]
            plain = shares(
                time_spent_s(session.watch.segments(row))
                if session.watch.observations(row.rollout_id)
                else None
                for row in over
            )
            found = session.watch.time_spent(run_id)
            assert found.complete
            counts = (found.shares.counted, found.shares.of_all)
            assert counts == (plain.counted, plain.of_all)
            assert found.shares.of == pytest.approx(plain.of)


def test_what_is_dropped_while_an_answer_is_heard_is_not_watched_again() -> None:
    session = Session()
    body = {"total": 1, "rollouts": [rollout("seeding", run_id="run_1")]}
    seen = Observation(RolloutsOf("run_1"), json.dumps(body).encode(), 1.0, at(1).timestamp())
    applied = session.store.apply(seen)
    work = session.watch.take_answer_in_pieces(seen.query, applied, Window(at(1), at(1)))
    session.watch.drop(session.store.drop(["run_1"]).rollouts_removed)
    for _ in work:
        pass
    assert session.watch.observations("rol_1") == ()


async def recalled(session: Session) -> None:
    """Let what is wanted of the journal come in."""
    task = asyncio.create_task(session.watch.run())
    came = asyncio.create_task(session.came.wait())
    done, _ = await asyncio.wait((task, came), timeout=60, return_when=asyncio.FIRST_COMPLETED)
    for ended_task in done:
        ended_task.result()
    assert came in done, "nothing came of the journal"
    task.cancel()


async def test_the_next_session_knows_what_this_one_saw(journal: Journal) -> None:
    first = Session(journal)
    watched_to_the_end(first)
    first.watch.close()
    second = Session(journal)
    second.lists(100, ended(9))
    second.watch.recall("run_1")
    await recalled(second)
    assert second.kinds() == first.kinds()
    assert second.watch.last_steps == {"rol_1": 7}


async def test_an_active_run_is_recalled_by_itself_and_the_time_between_was_not_watched(
    journal: Journal,
) -> None:
    first = Session(journal)
    first.lists(0, rollout("building_environment"))
    first.lists(10, rollout("building_environment"))
    first.watch.close()
    second = Session(journal)
    second.lists(60, rollout("agent_running", 3))
    await recalled(second)
    assert second.kinds() == [("building", 10), ("unseen", 50)]
    second.lists(61, rollout("agent_running", 4))
    assert second.kinds() == [("building", 10), ("unseen", 50), ("agent", 1)]


async def test_idle_times_and_the_pace_of_steps_outlive_a_kill(journal: Journal) -> None:
    def item(name: str, phase: str, step: int | None) -> dict[str, Any]:
        return rollout(phase, step) | {"rollout_id": name}

    def look(seconds: float, one: int, other: int) -> tuple[dict[str, Any], ...]:
        built = item("built", "building_environment", None)
        return item("one", "agent_running", one), item("other", "agent_running", other), built

    first = Session(journal)
    first.lists(0, *look(0, 1, 1))
    await recalled(first)
    first.lists(10, *look(10, 2, 1))
    first.lists(30, *look(30, 4, 2))
    first.lists(90, *look(90, 4, 2))
    journal.flush()
    for _ in range(2):  # a session that dies early forgets nothing of the one before
        again = Session(journal)
        again.lists(500, *look(500, 4, 3))
        await recalled(again)
        pace = again.watch.observer
        assert pace.moved_at("one") == at(30)
        assert pace.own_gaps_s("one") == (10.0, 10.0, 10.0)
        assert pace.moved_at("other") == at(500)
        assert pace.own_gaps_s("other") == (30.0,)
        assert (pace.phase_seen_at("built"), pace.moved_at("built")) == (at(0), at(0))
        assert sorted(pace.step_gaps_s("run_1")) == [10.0, 10.0, 10.0, 30.0]
        assert again.watch.time_spent("run_1").usual.step_s == 30.0
        journal.flush()
    again.lists(520, *look(520, 5, 3))
    assert again.watch.observer.own_gaps_s("one") == (10.0, 10.0, 10.0, 490.0)
    assert {kept.rollout_id: kept.step for kept in journal.steps("run_1")} == {"one": 5, "other": 3}


async def test_running_rollouts_alone_have_their_runs_recalled(journal: Journal) -> None:
    first = Session(journal)
    first.lists(0, rollout("building_environment"))
    journal.flush()
    second = Session(journal)
    second.lists_running(400, rollout("building_environment") | {"run_id": "run_1"})
    await recalled(second)
    assert second.watch.observer.phase_seen_at("rol_1") == at(0)


async def test_a_finished_run_leaves_its_numbers(journal: Journal) -> None:
    first = Session(journal)
    watched_to_the_end(first)
    second = Session(journal)
    second.watch.recall("run_1")
    await recalled(second)
    assert second.remembered["run_1"].counts == {Outcome.PASSED: 1}
    assert second.remembered["run_1"] == first.store.summary("run_1")


async def test_a_run_that_still_runs_leaves_none(journal: Journal) -> None:
    first = Session(journal)
    first.lists(0, rollout("building_environment"))
    second = Session(journal)
    second.watch.recall("run_1")
    await recalled(second)
    assert second.remembered == {}
    assert journal.summaries() == ()


def test_a_deleted_run_is_forgotten_on_disk(journal: Journal) -> None:
    session = Session(journal)
    watched_to_the_end(session)
    assert journal.load("run_1")
    session.watch.forget(["run_1"])
    assert journal.load("run_1") == ()
    assert journal.summaries() == ()


def test_a_run_was_listed_when_it_was_or_when_all_that_run_were_unless_it_is_forgotten() -> None:
    tracker, nothing = RolloutTracker(Store(), None), ObserverState({}, {}, 0, {})
    for running, expected in ((at(5), at(5)), (at(-5), at(0)), (None, at(0))):
        tracker.restore(TrackerState(nothing, {}, {}, {"a": at(0)}, running))
        assert (tracker.listed_at("a"), tracker.listed_at("b")) == (expected, None)
    tracker.forget(["a"])
    assert tracker.listed_at("a") is None
