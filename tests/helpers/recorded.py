"""A session without a screen or a network that is recorded: what it knew, and when."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from gymtui.core.replacement import replace
from gymtui.core.server_clock import ServerClock, Window
from gymtui.poll.recorder import Recorder
from gymtui.poll.tracker import RolloutTracker
from gymtui.store.delta import Observation, OneRun, Query, RolloutsOf, RunningRollouts, RunsPage
from gymtui.store.history.recording_rows import Head
from gymtui.store.history.recording_writer import RecordingWriter
from gymtui.store.running_rollouts import Running
from gymtui.store.store import Store
from tests.helpers.model_gym import ModelGym

START = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)
HEAD = Head("https://gym.test", "rl-gym", None, 2.0, whole=True)
TICK_S = 2.0


def picture(store: Store, tracker: RolloutTracker) -> dict[str, Any]:
    """All that screens are drawn from."""
    rows = store.rollouts
    return {
        "runs": {i: (row.raw, row.active, row.is_deleted) for i, row in store.runs.items()},
        "total": store.total_runs,
        "order": sorted(store.runs, key=store.order.place),
        "rollouts": {i: (r.raw, r.run_id, r.outcome, round(r.at, 5)) for i, r in rows.items()},
        "members": {i: [r.rollout_id for r in store.rollouts_of(i)] for i in store.runs},
        "held": {i for i in store.runs if store.knows_rollouts_of(i)},
        "summaries": {i: store.summary(i) for i in store.runs},
        "lives": {i: tracker.segments(row) for i, row in rows.items()},
        "steps": dict(tracker.last_steps),
        "moved": {i: (tracker.moved_at(i), tracker.phase_seen_at(i)) for i in rows},
        "gaps": {i: tracker.observer.own_gaps_s(i) for i in rows},
        "usual": {i: tracker.usual(i) for i in store.runs if store.knows_rollouts_of(i)},
        "listed": {i: tracker.listed_at(i) for i in store.runs},
    }


class KnownClock(ServerClock):
    """The gym's time is known exactly, however the wall clock is set."""

    def _lead_s(self) -> float:
        return START.timestamp()


@dataclass
class Recorded:
    """A model gym that is watched and recorded, tick by tick.

    Attributes:
        seen: After each tick, the server's time in microseconds and what was known.
    """

    gym: ModelGym
    directory: Path
    rng: random.Random
    keeps: bool = True
    store: Store = field(default_factory=Store)
    seconds: float = 0.0
    wall_step_s: float = 0.0
    seen: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracker = RolloutTracker(self.store, None)
        self.clock = KnownClock(self.wall, lambda: self.seconds)
        now = partial(datetime.fromtimestamp, tz=UTC)
        self.writer = RecordingWriter(self.directory, now=lambda: now(self.wall()))
        self.recorder = self.new_recorder()

    def wall(self) -> float:
        """What the clock of the recorder's machine says, UNIX seconds."""
        return START.timestamp() + self.seconds + self.wall_step_s

    def new_recorder(self) -> Recorder:
        running, pace = Running(), self.tracker
        return Recorder(
            self.writer, HEAD, self.store, self.tracker, self.clock, running=running, pace=pace
        )

    def restart(self, *, whole: bool, rest_s: float, wall_step_s: float) -> None:
        """End it, or kill it, and begin anew later, knowing nothing; the wall clock is set."""
        if whole:
            self.recorder.close()
        self.seconds += rest_s
        self.wall_step_s += wall_step_s
        self.store = Store()
        self.__post_init__()

    def at(self, seconds: float) -> datetime:
        return START + timedelta(seconds=seconds)

    def hear(self, query: Query) -> None:
        """Ask the gym, and take the answer in as a session does."""
        body = self.gym.answer(query)
        sent_s = self.seconds + self.rng.random() * 0.1
        late_s = sent_s + self.rng.random() * 0.2
        at_s = self.at((sent_s + late_s) / 2).timestamp()
        applied = self.store.apply(Observation(query, body, sent_s, at_s))
        window = Window(self.at(sent_s), self.at(late_s))
        work = self.tracker.take_answer_in_pieces(query, applied, window)
        for _ in self.recorder.record_answer(query, applied, window, work):
            pass

    def record(self) -> None:
        """Some ticks, each written at once."""
        for _ in range(5):
            self.tick()
            self.recorder.write(at_once=True)

    def tick(self, *, step: bool = True, recall: str | None = None) -> None:
        if step:
            self.gym.step()
        self.seconds += TICK_S
        self.hear(RunsPage())
        if recall is not None:
            self.recall(recall)
        active = list(self.store.active_runs)
        for run_id in active:
            if self.rng.random() < 0.7:
                self.hear(RolloutsOf(run_id))
        if self.rng.random() < 0.5:
            self.hear(RunningRollouts())
        for run_id in self.store.runs:
            row = self.store.runs[run_id]
            if not row.active and not row.is_deleted and self.rng.random() < 0.2:
                self.hear(RolloutsOf(run_id))
        for run_id in [i for i in self.store.runs if i not in self.gym.runs]:
            self.hear(OneRun(run_id))
            if self.rng.random() < 0.5:
                delta = self.store.drop([run_id])
                self.tracker.forget([run_id])
                self.tracker.drop(delta.rollouts_removed)
                self.recorder.record_deleted([run_id])
        self.recorder.write(at_once=self.rng.random() < 0.5)
        if self.keeps:
            at_us = round((START.timestamp() + self.seconds + 1) * 1_000_000)
            self.seen.append((at_us, picture(self.store, self.tracker)))

    def recall(self, run_id: str) -> None:
        """What an earlier session saw of a run's steps comes in."""
        earlier = [
            replace(
                times,
                seen_from=times.seen_from - timedelta(minutes=5),
                seen_at=times.seen_at - timedelta(minutes=5),
                gaps_s=(7.5, 0.4),
            )
            for times in self.tracker.observer.step_times(self.store.rollouts)
            if times.run_id == run_id
        ]
        self.tracker.recall_earlier(run_id, {}, earlier)
        self.recorder.record_recalled(run_id)


@contextmanager
def full_disk() -> Iterator[None]:
    """The disk takes half of what is written next, and nothing more."""
    write = os.write

    def refuse(handle: int, data: memoryview) -> int:
        if len(data) > 20:
            return write(handle, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    os.write = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os.write = write


def model_gym(rng: random.Random, runs: int = 3) -> ModelGym:
    gym = ModelGym(rng)
    for _ in range(runs):
        gym.launch(rng.randint(1, 4))
    return gym
