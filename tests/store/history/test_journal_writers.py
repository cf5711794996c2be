"""Several writers of one journal agree, whoever writes first: in a file, and in a database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymtui.api.models import Rollout
from gymtui.core.replacement import replace
from gymtui.store.history.journal_database import JournalDatabase
from gymtui.store.history.journal_file import JournalFile
from gymtui.store.history.journal_place import Place, SharedPlace, engine_of
from gymtui.store.history.journal_store import Batch
from gymtui.store.history.observer import StateObservation, StepTimes, UnchangedPoll
from gymtui.store.history.timeline import segments
from gymtui.store.phases import KIND_OF_PHASE, PHASES
from tests.conftest import examples
from tests.helpers.journals import NOW
from tests.helpers.postgres_server import Server

STEP = attrgetter("step")

ROUNDING = timedelta(milliseconds=1)

NAMES = [next(name for name in KIND_OF_PHASE if KIND_OF_PHASE[name] is kind) for kind in PHASES]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def found(low: float | None, high: float, phase: str) -> StateObservation:
    """A change between two looks, the later one within half a second of what is said."""
    since = None if low is None else at(low)
    return StateObservation("rol_1", "run_1", "running", phase, at(high - 0.5), at(high), since)


def seen_by(rng: Random, begins: Sequence[float]) -> list[StateObservation]:
    """What a dashboard sees of phases that begin then: it looks at times of its own."""
    looks, moment = [], rng.uniform(0, 2)
    while moment < begins[-1]:
        looks.append(moment)
        moment += rng.uniform(0.3, 3)
    seen: list[StateObservation] = []
    before: float | None = None
    phase = ""
    for look in looks:
        now = NAMES[sum(begin <= look for begin in begins) - 1] if look >= begins[0] else ""
        if now and now != phase:
            seen.append(found(before, look, now))
        elif now and rng.random() < 0.3:
            seen.append(replace(seen[-1], seen_from=at(look - 0.5), seen_at=at(look)))
        phase, before = now, look - 0.5
    return seen


def written_by_turns(
    place: Place, rng: Random, batches: Sequence[Sequence[Batch]]
) -> JournalFile | JournalDatabase:
    """Have each writer write its batches in their order, and the writers in any; one of them."""
    left = [list(own) for own in batches]
    stores = [engine_of(place).open() for _ in left]
    while any(left):
        which = rng.choice([number for number, own in enumerate(left) if own])
        count = rng.randint(1, 3)
        stores[which].write(left[which][:count], NOW)
        del left[which][:count]
    for store in stores[1:]:
        store.close()
    return stores[0]


def draw_what_several_saw(place: Place, seed: int) -> None:
    """What is kept is drawn as well as if all had been kept, and no change is kept twice."""
    rng = Random(seed)
    begins = [1.0]
    for _ in NAMES:
        begins.append(begins[-1] + rng.uniform(0.5, 8))
    lives = [seen_by(rng, begins) for _ in range(rng.randint(1, 4))]
    batches = [[Batch(observations=(seen,)) for seen in life] for life in lives]
    with closing(written_by_turns(place, rng, batches)) as store:
        kept = store.observations("run_1")
    rollout = Rollout(
        rollout_id="rol_1",
        run_id="run_1",
        status="running",
        phase=NAMES[-1],
        created_at=at(0),
        started_at=at(begins[0]),
    )
    now, everything = at(begins[-1] + 1), [seen for life in lives for seen in life]
    drawn, at_best = segments(rollout, kept, now), segments(rollout, everything, now)
    assert [segment.kind for segment in drawn] == [segment.kind for segment in at_best]
    for segment, best in zip(drawn, at_best, strict=True):
        assert segment.start_slack <= best.start_slack + ROUNDING
        if segment.kind in PHASES:
            true = at(begins[PHASES.index(segment.kind)])
            assert abs(segment.start - true) <= segment.start_slack + ROUNDING
    if isinstance(place, SharedPlace):
        assert len({(seen.phase, seen.last_otherwise_at) for seen in kept}) <= len(NAMES)


def agree_on_looks_and_steps(place: Place, seed: int) -> None:
    """The last look counts, and the last step since it was first seen."""
    rng = Random(seed)
    writers: list[list[StepTimes]] = []
    for _ in range(rng.randint(1, 4)):
        looks = sorted(rng.uniform(0, 60) for _ in range(rng.randint(1, 8)))
        seen = [StepTimes("run_1", "rol_1", int(x // 6), at(x - 0.5), at(x), ()) for x in looks]
        writers.append([one for _, some in groupby(seen, STEP) for one in list(some)[:1]])
    batches = [
        [
            Batch(steps=(one,), looks=(UnchangedPoll("run_1", one.seen_from, one.seen_at),))
            for one in own
        ]
        for own in writers
    ]
    everything = [one for own in writers for one in own]
    last = max(map(STEP, everything))
    with closing(written_by_turns(place, rng, batches)) as store:
        [kept] = store.steps("run_1")
        store.write([Batch(observations=(found(None, 0, NAMES[-1]),))], NOW)
        *_, still = store.observations("run_1")
    assert kept.step == last
    assert kept.seen_at == min(one.seen_at for one in everything if one.step == last)
    assert still.seen_at == max(one.seen_at for one in everything)


@pytest.mark.parametrize("agree", [draw_what_several_saw, agree_on_looks_and_steps])
@settings(max_examples=examples(40))
@given(seed=st.integers(0, 2**32))
def test_writers_of_a_file_agree(agree: Callable[[Place, int], None], seed: int) -> None:
    with TemporaryDirectory() as directory:
        agree(Path(directory) / "journal.sqlite3", seed)


@pytest.mark.parametrize("agree", [draw_what_several_saw, agree_on_looks_and_steps])
@settings(max_examples=6)
@given(seed=st.integers(0, 2**32))
def test_writers_of_a_database_agree(
    postgres: Server, agree: Callable[[Place, int], None], seed: int
) -> None:
    agree(SharedPlace(postgres.url, f"http://gym-{uuid.uuid4().hex}", Path("none")), seed)
