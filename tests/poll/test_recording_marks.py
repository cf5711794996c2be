"""What a recording marks: what happened while it was made, and nothing that was only read then."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from gymtui.poll.recording_marks import MarkFinder
from gymtui.store.delta import Delta, Observation, Query, RolloutsOf, RunsPage
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_rows import Mark
from gymtui.store.outcome import Outcome
from gymtui.store.store import Store
from tests.helpers.model_gym import ModelGym, rollout
from tests.helpers.recorded import Recorded

BEGIN = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)


def row(ended_s: float | None) -> Any:
    ended = None if ended_s is None else BEGIN + timedelta(seconds=ended_s)
    rollout = SimpleNamespace(completed_at=ended)
    return SimpleNamespace(run_id="one", outcome=Outcome.ENVIRONMENT, rollout=rollout)


def finder_of(store: Any) -> MarkFinder:
    """The clock stands at `BEGIN`."""
    return MarkFinder(
        store,
        cast("Any", SimpleNamespace(now=lambda: BEGIN)),
        cast("Any", SimpleNamespace(update=lambda *_: None, runs=())),
        cast("Any", None),
        lambda _run_id: True,
    )


def test_a_run_that_began_and_ended_between_two_looks_is_marked() -> None:
    store, gym = Store(), ModelGym(random.Random(1))
    finder = finder_of(store)
    seconds = 0.0

    def look(query: Query) -> list[Mark]:
        nonlocal seconds
        seconds += 2
        delta = store.apply(Observation(query, gym.answer(query), seconds, seconds)).delta
        return finder.find(delta, round(seconds))

    old = gym.launch(1, finished=True)
    look(RunsPage())
    finder.begin()
    later = gym.launch(1, finished=True)  # of a page that is read only now
    short, empty = gym.launch(1, finished=True), gym.launch(0)
    for run_id, began_s in ((old, -9), (later, -9), (short, 1)):
        at = (BEGIN + timedelta(seconds=began_s)).isoformat()
        gym.runs[run_id].rollouts[0] |= {"created_at": at, "completed_at": at}
        gym.runs[run_id].freeze()
    assert look(RunsPage()) == []
    assert look(RolloutsOf(old)) == look(RolloutsOf(later)) == []
    marks = look(RolloutsOf(short))
    assert [(mark.what, mark.run_id) for mark in marks] == [("began", short), ("ended", short)]
    assert look(RolloutsOf(short)) == []
    gym.runs[empty].rollouts.append(rollout(f"{empty}.0", empty, status="running"))
    gym.runs[empty].freeze()
    assert [(mark.what, mark.run_id) for mark in look(RunsPage())] == [("began", empty)]
    gym.finish(empty)
    assert [(mark.what, mark.run_id) for mark in look(RunsPage())] == [("ended", empty)]
    assert look(RolloutsOf(empty)) == []


def test_an_error_is_marked_though_its_rollout_was_not_seen_before() -> None:
    store = SimpleNamespace(active_runs={"one"}, runs={"one": None}, rollouts={})
    store.knows_rollouts_of = lambda _run_id: False
    finder = finder_of(store)
    finder.begin()
    store.rollouts |= {"early": row(-60), "now": row(3), "undated": row(None)}
    added = Delta(rollouts_added=frozenset(store.rollouts))
    assert finder.find(added, 7) == [Mark(7, "error", "one", "now")]
    assert finder.find(Delta(rollouts_changed=frozenset({"early", "now"})), 8) == []


def test_the_first_run_of_an_empty_gym_is_marked(tmp_path: Path) -> None:
    rng = random.Random(1)
    watched = Recorded(ModelGym(rng), tmp_path, rng, keeps=False)
    watched.tick()
    run_id = watched.gym.launch(1)
    watched.tick()
    watched.recorder.close()
    marks = Recording(tmp_path).marks
    assert [(mark.what, mark.run_id) for mark in marks] == [("began", run_id)]
