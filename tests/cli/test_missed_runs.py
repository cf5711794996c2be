"""Which runs a recorder has listed once more, because its recording does not have their end."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gymtui.cli.missed_runs import MissedRuns
from gymtui.store.delta import Delta, Observation, RolloutsOf, RunsPage
from gymtui.store.store import Store
from tests.helpers.model_gym import ModelGym
from tests.helpers.recorded import Recorded


def listed_anew(gym: ModelGym, directory: Path) -> set[str]:
    """By whoever records next, on what the gym says now."""
    store, asked = Store(), set[str]()
    poller = SimpleNamespace(list_anew=asked.add, awaits=lambda _run_id: True)
    missed = MissedRuns(directory)
    delta = store.apply(Observation(RunsPage(), gym.answer(RunsPage()), 0.0, 0.0)).delta
    session: Any = SimpleNamespace(store=store, poller=poller)
    missed.list_anew(session, delta)
    assert missed.are_listed is not bool(asked)
    poller.awaits = lambda _run_id: False
    missed.list_anew(session, Delta())
    assert missed.are_listed
    return asked


def test_what_moved_since_or_was_never_listed_to_its_end_is_listed(tmp_path: Path) -> None:
    rng = random.Random(1)
    gym = ModelGym(rng)
    quiet, moved, cut, active = (gym.launch(2) for _ in range(4))
    assert listed_anew(gym, tmp_path) == set()  # nothing is recorded so far
    watched = Recorded(gym, tmp_path, rng)
    gym.finish(quiet)
    watched.hear(RunsPage())
    for run_id in (quiet, moved, cut, active):
        watched.hear(RolloutsOf(run_id))
    watched.recorder.write(at_once=True)
    gym.finish(cut)
    watched.seconds += 2
    watched.hear(RunsPage())  # it is killed before it lists that run's rollouts
    watched.recorder.write(at_once=True)
    gym.finish(moved)
    new = gym.launch(1, finished=True)
    assert listed_anew(gym, tmp_path) == {moved, cut, active, new}
