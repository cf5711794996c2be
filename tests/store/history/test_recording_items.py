"""A recording as a list of changes: what went is one, with when it was last there."""

from __future__ import annotations

import random
from pathlib import Path

from gymtui.store.delta import OneRun, RolloutsOf, RunningRollouts, RunsPage
from gymtui.store.history.recording_items import ChangeList, ItemChange
from gymtui.store.history.recording_reader import Recording
from tests.helpers.model_gym import ModelGym
from tests.helpers.recorded import Recorded


def watched_gym(directory: Path, page_cap: int = 200) -> Recorded:
    rng = random.Random(3)
    return Recorded(ModelGym(rng, page_cap=page_cap), directory, rng, keeps=False)


def gone(directory: Path) -> list[ItemChange]:
    changes = ChangeList(Recording(directory)).every()
    return [change for change in changes if change.after is None]


def test_a_run_goes_with_its_rollouts(tmp_path: Path) -> None:
    watched = watched_gym(tmp_path)
    run_id, other = watched.gym.launch(2), watched.gym.launch(2)
    for query in (RunsPage(), RolloutsOf(run_id), RolloutsOf(other)):
        watched.hear(query)
    watched.gym.delete(run_id)
    watched.seconds = 10.0
    watched.hear(OneRun(run_id))
    watched.recorder.close()
    changes = gone(tmp_path)
    assert {c.item_id for c in changes} == {run_id, f"{run_id}.0", f"{run_id}.1"}
    for change in changes:
        assert change.before is not None and not change.first
        assert change.otherwise_at is not None
        assert change.otherwise_at < watched.at(1) < watched.at(10) <= change.seen_from


def test_a_rollout_that_a_whole_list_lacks_is_gone(tmp_path: Path) -> None:
    watched = watched_gym(tmp_path)
    run_id = watched.gym.launch(3)
    for item in watched.gym.runs[run_id].rollouts:
        item["status"] = "running"
    watched.gym.changed(watched.gym.runs[run_id])
    for query in (RunsPage(), RunningRollouts()):  # known before all of the run were listed
        watched.hear(query)
    del watched.gym.runs[run_id].rollouts[1]
    watched.gym.runs[run_id].freeze()
    watched.seconds = 10.0
    watched.hear(RolloutsOf(run_id))
    watched.recorder.close()
    assert [change.item_id for change in gone(tmp_path)] == [f"{run_id}.1"]


def test_of_more_runs_than_a_page_has_those_are_gone_that_no_page_has(tmp_path: Path) -> None:
    watched = watched_gym(tmp_path, page_cap=2)
    runs = [watched.gym.launch(1) for _ in range(5)]
    pages = [RunsPage(), RunsPage(2), RunsPage(4)]

    def look() -> None:
        for query in pages:
            watched.hear(query)
            watched.recorder.write(at_once=True)

    look()
    for run_id in runs:
        watched.hear(RolloutsOf(run_id))
    watched.restart(whole=True, rest_s=60, wall_step_s=0)
    watched.gym.delete(runs[1])
    watched.gym.delete(runs[4])
    look()
    watched.recorder.close()
    assert {c.item_id for c in gone(tmp_path)} == {
        *(runs[1], f"{runs[1]}.0", runs[4], f"{runs[4]}.0")
    }
