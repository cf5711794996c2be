"""What a recorder writes comes in while it is written, and nothing of it is taken for newer."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gymtui.core.server_clock import ServerClock
from gymtui.poll import recorder
from gymtui.poll.intake import Intake
from gymtui.poll.recording_intake import (
    FETCHED_S,
    LATE_INTERVALS,
    LEAST_INTERVAL_S,
    RecordingIntake,
)
from gymtui.poll.request_log import RequestLog
from gymtui.poll.tracker import RolloutTracker
from gymtui.store.delta import NOTHING, Delta, Observation, RolloutsOf, RunsPage
from gymtui.store.history.recording_writer import RecorderLock
from gymtui.store.store import Store
from tests.helpers.model_gym import rollout, rollouts_body
from tests.helpers.recorded import HEAD, START, Recorded, full_disk, model_gym, picture

SAME = ("runs", "rollouts", "members", "held", "summaries", "lives", "moved", "gaps")
"""Of the picture, what is the same for who asks and for who reads what was asked."""


def same(store: Store, tracker: RolloutTracker) -> dict[str, Any]:
    """What is the same; of lives up to where they are sure, for answers may have crossed."""
    found = {name: of for name, of in picture(store, tracker).items() if name in SAME}
    lives = found["lives"].items()
    found["lives"] = {i: [(part.kind, part.start) for part in life] for i, life in lives}
    return found


async def at_once() -> None:
    """Nobody else wants a turn."""


@dataclass
class Colleague:
    """What is known of a recorder on another machine."""

    at_work: bool = True

    def is_recorded(self) -> bool:
        return self.at_work


class Beside:
    """Who looks at the gym beside a recorder, by the same clocks."""

    def __init__(self, watched: Recorded, elsewhere: Colleague | None = None) -> None:
        self.watched, self.store, self.log = watched, Store(), RequestLog()
        self.tracker = RolloutTracker(self.store, None)
        self.told: list[Delta] = []
        clock = ServerClock(lambda: START.timestamp() + watched.seconds, self.now)
        self.intake = Intake(
            self.store,
            self.log,
            clock,
            monotonic=self.now,
            on_answer=self.tracker.take_answer_in_pieces,
            yield_to_input=at_once,
            on_answered=lambda _query: NOTHING,
            tell=self.told.append,
            on_screen=lambda: None,
        )
        self.recorded = RecordingIntake(
            watched.directory,
            "rl-gym",
            None,
            store=self.store,
            tracker=self.tracker,
            intake=self.intake,
            clock=clock,
            monotonic=self.now,
            remember=self.store.remember,
            is_recorded_elsewhere=None if elsewhere is None else elsewhere.is_recorded,
        )

    def now(self) -> float:
        return self.watched.seconds

    @property
    def follows(self) -> bool:
        return self.log.recorder.brings(self.now())

    def ask(self, query: RunsPage | RolloutsOf, body: bytes | None = None) -> None:
        body = self.watched.gym.answer(query) if body is None else body
        at_s = START.timestamp() + self.now()
        self.store.apply(Observation(query, body, self.now(), at_s))

    def picture(self) -> dict[str, Any]:
        return same(self.store, self.tracker)


@dataclass
class Desk:
    watched: Recorded
    beside: Beside

    async def tick(self) -> None:
        """Two seconds pass: the recorder asks and writes, and the other one looks."""
        self.watched.tick()
        self.watched.recorder.write(at_once=True)
        self.watched.seconds += 1.0
        await self.beside.recorded.look()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(recorder, "KEY_ITEMS", 9)
    monkeypatch.setattr(recorder, "BASE_ITEMS", 40)
    watched = Recorded(model_gym(random.Random(4)), tmp_path, random.Random(5), keeps=False)
    return Desk(watched, Beside(watched))


async def test_all_that_it_learns_is_learnt_from_the_gap_at_the_begin_on(desk: Desk) -> None:
    lock = RecorderLock(desk.watched.directory)
    for _ in range(4):
        desk.watched.tick()
    await desk.beside.recorded.look()
    assert not desk.beside.follows  # the gym did not answer here yet
    desk.beside.ask(RunsPage())
    launched = None
    for count in range(14):
        if count == 5:
            launched = desk.watched.gym.launch(3)
        await desk.tick()
        assert desk.beside.follows
        assert desk.beside.picture() == same(desk.watched.store, desk.watched.tracker)
    assert launched in desk.beside.store.runs
    assert len(list(desk.watched.directory.glob("*.gymrec"))) > 1
    assert desk.beside.told
    # It is killed: nobody holds its lock any more.
    lock.close()
    await desk.beside.recorded.look()
    assert not desk.beside.follows
    desk.watched.recorder.close()
    # Another one begins.
    lock = RecorderLock(desk.watched.directory)
    desk.watched.recorder = desk.watched.new_recorder()
    await desk.tick()
    await desk.tick()
    assert desk.beside.follows
    lock.close()


async def test_one_that_falls_behind_is_not_relied_upon_until_it_writes_again(desk: Desk) -> None:
    lock = RecorderLock(desk.watched.directory)
    desk.beside.ask(RunsPage())
    await desk.tick()
    await desk.tick()
    assert desk.beside.follows
    desk.watched.seconds += 5.5  # of three of its intervals
    await desk.beside.recorded.look()
    assert not desk.beside.follows
    await desk.tick()
    assert desk.beside.follows
    lock.close()


async def test_it_is_relied_upon_again_once_the_disk_takes_something(desk: Desk) -> None:
    lock = RecorderLock(desk.watched.directory)
    desk.beside.ask(RunsPage())
    for _ in range(3):
        await desk.tick()
    assert desk.beside.follows
    with full_disk():
        for _ in range(4):
            await desk.tick()
        assert not desk.beside.follows
    desk.watched.seconds += 61
    desk.watched.gym.launch(3)
    for _ in range(3):
        await desk.tick()
    assert desk.beside.follows
    found, right = desk.beside.picture(), same(desk.watched.store, desk.watched.tracker)
    assert all(found[name] == right[name] for name in ("runs", "rollouts", "members", "held"))
    lock.close()


@pytest.mark.parametrize(
    "head",
    [
        msgspec.structs.replace(HEAD, whole=False),
        msgspec.structs.replace(HEAD, source="other"),
        msgspec.structs.replace(HEAD, scenario="hr"),
    ],
    ids=["a part of the runs", "another source", "another scenario"],
)
async def test_a_recorder_of_something_else_is_of_no_use(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, head: Any
) -> None:
    monkeypatch.setattr(desk.watched.recorder, "_head", head)
    lock = RecorderLock(desk.watched.directory)
    desk.beside.ask(RunsPage())
    before = dict(desk.beside.store.runs)
    await desk.tick()
    await desk.tick()
    assert not desk.beside.follows
    assert dict(desk.beside.store.runs) == before
    lock.close()


async def test_what_an_earlier_recorder_left_is_no_news(desk: Desk) -> None:
    for _ in range(3):
        desk.watched.tick()
    desk.watched.recorder.write(at_once=True)
    gone = next(iter(desk.watched.gym.runs))
    desk.watched.gym.delete(gone)
    desk.watched.seconds += 3600
    lock = RecorderLock(desk.watched.directory)  # a new one, that has written nothing yet
    desk.beside.ask(RunsPage())
    await desk.beside.recorded.look()
    assert not desk.beside.follows
    assert gone not in desk.beside.store.runs
    lock.close()


@pytest.mark.parametrize("others", [1, 3])
async def test_recorders_that_came_later_and_ended_hide_none_that_is_at_work(
    desk: Desk, others: int
) -> None:
    """As those that began while the team's database was away."""
    lock = RecorderLock(desk.watched.directory)
    desk.beside.ask(RunsPage())
    await desk.tick()
    for seed in range(others):
        gym, rng = desk.watched.gym, random.Random(seed)
        other = Recorded(gym, desk.watched.directory, rng, keeps=False)
        other.seconds = desk.watched.seconds
        other.tick()
        other.recorder.close()
        desk.watched.tick()
        desk.watched.recorder.write(at_once=True)
    # One who looks from now on.
    desk.beside = Beside(desk.watched)
    desk.beside.ask(RunsPage())
    await desk.tick()
    assert desk.beside.follows
    lock.close()


async def test_what_was_asked_here_since_is_not_overwritten(desk: Desk) -> None:
    lock = RecorderLock(desk.watched.directory)
    desk.beside.ask(RunsPage())
    await desk.tick()
    await desk.tick()
    run_id = min(desk.watched.store.active_runs)
    desk.watched.tick()
    desk.watched.seconds += 0.5
    newer = rollouts_body(rollout(f"{run_id}.0", run_id, status="running", current_step=99))
    desk.beside.ask(RolloutsOf(run_id), newer)
    desk.watched.recorder.write(at_once=True)
    await desk.beside.recorded.look()
    row = desk.beside.store.rollouts[f"{run_id}.0"]
    assert row.rollout is not None and row.rollout.current_step == 99
    lock.close()


async def test_a_colleagues_recorder_is_relied_upon_while_it_is_seen_at_work(
    desk: Desk,
) -> None:
    colleague = Colleague()
    desk.beside = Beside(desk.watched, colleague)
    desk.beside.ask(RunsPage())
    for _ in range(3):
        await desk.tick()
    assert desk.beside.follows
    assert desk.beside.picture() == same(desk.watched.store, desk.watched.tracker)
    # It takes a while until what it saw is here.
    desk.watched.seconds += LATE_INTERVALS * LEAST_INTERVAL_S - 0.5
    await desk.beside.recorded.look()
    assert desk.beside.follows
    desk.watched.seconds += FETCHED_S
    await desk.beside.recorded.look()
    assert not desk.beside.follows
    await desk.tick()
    assert desk.beside.follows
    colleague.at_work = False
    await desk.beside.recorded.look()
    assert not desk.beside.follows
