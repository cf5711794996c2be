"""What is asked while a recorder of the same gym is at work: what is on screen alone."""

from __future__ import annotations

import math

import pytest

from gymtui.poll.plan import OWN_S
from gymtui.poll.request_state import LEFT_S
from gymtui.store.delta import (
    Observation,
    OneRun,
    Query,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
)
from tests.helpers.model_gym import ended, rollout, rollouts_body, run, runs_body
from tests.poll.test_plan import HEAD, RUNNING, Desk

NAMES = tuple(f"r{number:02}" for number in range(6))


def bring(desk: Desk, query: Query, body: bytes) -> None:
    """A recorder's answer, a second old."""
    seen = Observation(query, body, desk.now - 1, desk.now - 1)
    desk.log.note_recorded(seen, desk.store.apply(seen), desk.store)


def listed(name: str) -> bytes:
    return rollouts_body(rollout(f"{name}.0", name, status="running"))


def recorded(*, past: int = 0, **view: object) -> Desk:
    """Six active runs and past ones, all of them brought by a recorder."""
    desk = Desk(**view)
    old = [f"old{number}" for number in range(past)]
    runs = [run(name, running=1) for name in NAMES] + [run(name) for name in old]
    desk.synced(*runs)
    for name in NAMES:
        bring(desk, RolloutsOf(name), listed(name))
    for name in old:
        bring(desk, RolloutsOf(name), rollouts_body(ended("a", name), ended("b", name)))
    desk.log.recorder.seen(desk.now, desk.now + 6)
    return desk


def test_of_a_list_the_page_and_what_is_in_view_is_asked() -> None:
    desk = recorded(past=3, runs_in_view=NAMES[:1])
    for _ in range(2):
        assert set(desk.plan()) == {HEAD, RolloutsOf(NAMES[0])}
        desk.now += 2


def test_of_an_open_run_its_rollouts_and_nothing_of_others() -> None:
    desk = recorded(past=3, open_run=NAMES[2])
    assert set(desk.plan()) == {HEAD, RolloutsOf(NAMES[2])}


def test_all_running_rollouts_are_asked_where_they_are_on_screen() -> None:
    desk = recorded(all_running=True)
    asked = desk.plan()
    assert RUNNING in asked or {RolloutsOf(name) for name in NAMES} <= set(asked)


def test_counters_of_other_pages_are_asked_for_what_is_in_view_alone() -> None:
    desk = Desk(runs_in_view=("b1",))
    first = [run(f"a{number:03}") for number in range(200)]
    rest = [run("b1", running=1), run("b2", running=1)]
    desk.hear(HEAD, runs_body(*first, total=202))
    desk.hear(RunsPage(180), runs_body(*first[180:], *rest, total=202))
    desk.log.recorder.seen(desk.now, desk.now + 60)
    desk.now += 2
    asked = desk.plan()
    assert OneRun("b1") in asked and OneRun("b2") not in asked


@pytest.mark.parametrize("until_s", [-math.inf, 0.0], ids=["it ended", "it is late"])
def test_without_a_recorder_all_is_asked_at_the_next_tick(until_s: float) -> None:
    desk = recorded(runs_in_view=NAMES[:1])
    desk.plan()
    desk.now += 2
    desk.log.recorder.seen(desk.now, until_s)
    asked = desk.plan()
    assert RUNNING in asked or {RolloutsOf(name) for name in NAMES} <= set(asked)


def test_what_it_does_not_bring_in_time_is_asked() -> None:
    desk = recorded()
    desk.log.recorder.seen(desk.now, math.inf)
    desk.now += LEFT_S - 2
    for name in NAMES[1:]:
        bring(desk, RolloutsOf(name), listed(name))
    assert RolloutsOf(NAMES[0]) not in desk.plan()
    desk.now += 2
    asked = desk.plan()
    assert RolloutsOf(NAMES[0]) in asked and not {RolloutsOf(i) for i in NAMES[1:]} & set(asked)
    # One answer about all that run is enough for those whose counters stand still.
    bring(desk, RUNNING, rollouts_body(*(rollout(f"{i}.0", i, status="running") for i in NAMES)))
    desk.now += 2
    assert not [query for query in desk.plan() if isinstance(query, RolloutsOf)]


def test_the_results_of_a_run_that_has_just_ended_are_left_to_it_for_a_while() -> None:
    desk = recorded()
    desk.log.recorder.seen(desk.now, math.inf)
    desk.now += 2
    desk.hear(HEAD, runs_body(*(run(name, running=int(name != NAMES[0])) for name in NAMES)))
    assert RolloutsOf(NAMES[0]) not in desk.plan()
    desk.now += LEFT_S
    assert RolloutsOf(NAMES[0]) in desk.plan()


def test_past_results_are_waited_for_while_it_brings_some() -> None:
    desk = Desk()
    old = [f"old{number}" for number in range(4)]
    desk.log.recorder.seen(desk.now, math.inf)
    desk.synced(*map(run, old))
    results = rollouts_body(ended("a", old[0]), ended("b", old[0]))
    assert not [query for query in desk.plan() if isinstance(query, RolloutsOf)]
    bring(desk, RolloutsOf(old[0]), results)
    desk.log.recorder.brought_s = desk.now
    desk.now += LEFT_S - 2
    assert desk.plan() == [HEAD]
    desk.now += 2
    assert set(desk.plan()) == {HEAD, *map(RolloutsOf, old[1:])}


def test_that_the_recorder_gets_through_says_nothing_of_this_connection() -> None:
    desk = recorded()
    desk.fail(HEAD)
    assert desk.log.struggling
    bring(desk, RolloutsOf(NAMES[0]), listed(NAMES[0]))
    assert desk.log.struggling
    assert desk.log.recall(RunningRollouts()).answered_s is None


def of_a_team(**view: object) -> Desk:
    """A colleague's recorder brings all of it, and has just asked for the list."""
    desk = recorded(**view)
    desk.plan()
    desk.now += 4
    bring(desk, HEAD, runs_body(*(run(name, running=1) for name in NAMES)))
    desk.log.recorder.seen(desk.now, math.inf, spares_s=5.0)
    return desk


def test_what_a_recorder_has_just_asked_for_a_team_nobody_else_asks() -> None:
    desk = of_a_team(runs_in_view=NAMES[:1])
    bring(desk, RolloutsOf(NAMES[0]), listed(NAMES[0]))
    assert desk.plan() == []
    desk.now += 4  # the answer was a second old
    assert HEAD in desk.plan()


def test_what_is_open_and_what_a_person_wants_now_is_asked_all_the_same() -> None:
    desk = of_a_team(open_run=NAMES[0])
    bring(desk, RolloutsOf(NAMES[0]), listed(NAMES[0]))
    assert desk.plan() == [RolloutsOf(NAMES[0])]
    desk = of_a_team(all_running=True)
    bring(desk, RUNNING, rollouts_body(*(rollout(f"{i}.0", i, status="running") for i in NAMES)))
    assert RUNNING in desk.plan()
    desk = of_a_team()
    desk.log.release(desk.now)
    assert HEAD in desk.plan()


def test_whether_the_gym_answers_here_is_found_out_now_and_then() -> None:
    desk = of_a_team()
    for _ in range(round(OWN_S)):
        desk.now += 1
        bring(desk, HEAD, runs_body(*(run(name, running=1) for name in NAMES)))
        if HEAD in desk.plan():
            break
    else:
        raise AssertionError("it was never asked")
