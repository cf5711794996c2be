"""An edge that was drawn is drawn so for good, in later sessions too, and the truth lies within it.

The clock is the test's: how well a session knows the server's time changes from look to look.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gymtui.core.server_clock import ServerClock
from gymtui.store.delta import RolloutsOf
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_place import Place, SharedPlace
from gymtui.store.history.timeline import Segment
from gymtui.store.phases import KIND_OF_PHASE, PHASES, SegmentKind
from tests.conftest import examples
from tests.core.test_server_clock import World
from tests.helpers.postgres_server import Server
from tests.poll.test_tracker import Session, recalled, rollout

NAMES = tuple(name for kind in PHASES for name in KIND_OF_PHASE if KIND_OF_PHASE[name] is kind)
ROUNDING = timedelta(milliseconds=1)


def when(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


class Truth:
    """A rollout in phases of these lengths, from now on.

    Attributes:
        begins: When each phase begins, UNIX seconds on the server's clock.
    """

    def __init__(self, world: World, lengths_s: list[float]) -> None:
        self.begins = list(accumulate(lengths_s, initial=world.server_s()))

    def phase(self, at_s: float) -> str:
        return NAMES[max(n for n, begin_s in enumerate(self.begins) if begin_s <= at_s)]


class Dashboard(Session):
    """A session with a clock of its own, which knows the less the fewer answers it has had."""

    def __init__(self, world: World, truth: Truth, journal: Journal | None) -> None:
        super().__init__(journal)
        self.world, self.truth = world, truth
        self.clock = ServerClock(world.wall, world.mono)

    def look(self, there_s: float, back_s: float) -> tuple[Segment, ...]:
        """Ask, be answered, and draw."""
        world, sent_s = self.world, self.world.mono_s
        world.mono_s += there_s
        date, phase = world.date(), self.truth.phase(world.server_s())
        world.mono_s += back_s
        self.clock.sample(sent_s, world.mono_s, date)
        began = when(self.truth.begins[0]).isoformat()
        item = rollout(phase, created_at=began, started_at=began, run_id="run_1")
        body = {"total": 1, "rollouts": [item]}
        window = self.clock.window(sent_s, world.mono_s)
        self._answer(RolloutsOf("run_1"), body, world.mono_s, window)
        return self.watch.segments(self.store.rollouts["rol_1"])


Edge = tuple[datetime, timedelta]


def edges(drawn: tuple[Segment, ...]) -> dict[SegmentKind, Edge]:
    """When the phases began, but for those of which that was not seen."""
    return {
        segment.kind: (segment.start, segment.start_slack)
        for before, segment in pairwise(drawn)
        if SegmentKind.UNSEEN not in (before.kind, segment.kind)
    }


def watch(place: Place, seed: int) -> None:
    """Several sessions in turn on one rollout, ended in order or killed; all edges are checked.

    Args:
        place: Of an empty journal.
    """
    rng = Random(seed)
    world = World(date_every_s=rng.choice([0, 1.05]), phase_s=rng.uniform(0, 1))
    journal = Journal(place, now=lambda: when(world.server_s()))
    truth = Truth(world, [rng.uniform(0.2, 6) for _ in NAMES[1:]])
    watched: dict[SegmentKind, Edge] = {}
    for _ in range(3):
        session = Dashboard(world, truth, journal)
        drawn: dict[SegmentKind, Edge] = {}
        for look in range(rng.randint(1, 12)):
            segments = session.look(rng.uniform(0, 0.3), rng.uniform(0, 0.3))
            if look == 0:
                asyncio.run(recalled(session))
                segments = session.watch.segments(session.store.rollouts["rol_1"])
            found = edges(segments)
            assert drawn.items() <= found.items(), segments
            assert watched.items() <= found.items(), segments
            if look:
                # What changed while nobody looked is found by the first look of a session, and
                # that of another may leave it less room.
                watched |= {kind: edge for kind, edge in found.items() if kind not in drawn}
            drawn = found
            for kind, (at, slack) in found.items():
                if kind in PHASES:
                    true = when(truth.begins[PHASES.index(kind)])
                    assert abs(at - true) <= slack + ROUNDING, (kind, segments, true)
            world.mono_s += rng.uniform(0.05, 2.5)
        if rng.random() < 0.7:
            session.watch.close()
        world.mono_s += rng.uniform(0, 3)
    journal.close()
    assert journal.notice is None


@settings(max_examples=examples(40))
@given(seed=st.integers(0, 2**32))
@example(seed=0)
def test_an_edge_once_drawn_stays_and_holds_the_truth(seed: int) -> None:
    with TemporaryDirectory() as directory:
        watch(Path(directory) / "journal.sqlite3", seed)


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32))
def test_an_edge_once_drawn_stays_in_a_database_too(postgres: Server, seed: int) -> None:
    watch(SharedPlace(postgres.url, f"http://gym-{uuid.uuid4().hex}", Path("none")), seed)


@pytest.mark.parametrize("looks", [1, 2, 6])
def test_an_edge_seen_by_a_coarse_clock_is_the_same_once_the_time_is_known_well(
    looks: int, tmp_path: Path
) -> None:
    world = World()
    truth = Truth(world, [0.5, 60, 60])
    session = Dashboard(world, truth, None)
    session.look(0.01, 0.01)
    world.mono_s += 0.5
    first = session.look(0.01, 0.01)
    assert [segment.kind for segment in first][-2:] == [SegmentKind.BUILDING, SegmentKind.SEEDING]
    for _ in range(looks):
        world.mono_s += 0.13
        later = session.look(0.01, 0.01)
    assert edges(later) == edges(first)
    assert session.clock.error_s is not None and session.clock.error_s < 1.05
