"""What is remembered of questions: how long each waits, and what makes it be asked again."""

from __future__ import annotations

import random

import pytest

from gymtui.poll.plan import pace_s, pause_s, plan, sweep_due
from gymtui.poll.request_log import FORBIDDEN_S, RETRY_AFTER_LIMIT_S, RequestLog
from gymtui.poll.request_state import BACKOFF_LIMIT_S
from gymtui.poll.view import View
from gymtui.store.delta import OneRun, RolloutsOf, RunsPage
from gymtui.store.store import Store
from tests.helpers.model_gym import ended, rollout, rollouts_body, run, runs_body, saw
from tests.poll.test_plan import HEAD, RUNNING, Desk


class Even(random.Random):
    """No jitter: always the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def waits(log: RequestLog, failures: int, **how: object) -> list[float]:
    """For how long a question is left alone after each of so many failures."""
    found = []
    for number in range(failures):
        now = 1000.0 * number
        log.note_failure(HEAD, now - 1, now, 2.0, Even(), **how)
        found.append(log.recall(HEAD).not_before_s - now)
    return found


def test_a_question_that_fails_waits_twice_as_long_each_time_up_to_a_minute() -> None:
    assert waits(RequestLog(), 8) == [2, 4, 8, 16, 32, BACKOFF_LIMIT_S, 60, 60]


def test_everything_waits_while_nothing_gets_through_and_no_longer() -> None:
    log = RequestLog()
    assert not log.struggling
    log.note_failure(HEAD, 9.0, 10.0, 2.0, Even())
    assert log.struggling
    assert log.held_until_s() == 12.0
    # Of those that were under way together the first tells all there is to tell.
    log.note_failure(RUNNING, 9.5, 10.5, 2.0, Even())
    assert (log.down, log.held_until_s()) == (1, 12.0)
    log.note_failure(RUNNING, 12.0, 13.0, 2.0, Even())
    assert (log.down, log.held_until_s()) == (2, 17.0)
    log.note_forbidden(RolloutsOf("a"), 17.0, 18.0)
    assert not log.struggling, "a refusal got through"
    assert log.held_until_s() < 18.0
    # What was sent before that and fails later says nothing about the link.
    log.note_failure(HEAD, 17.5, 19.0, 2.0, Even())
    assert not log.struggling


@pytest.mark.parametrize(
    ("asked_s", "waited_s"),
    [(None, 2.0), (0.5, 2.0), (45.0, 45.0), (86_400.0, RETRY_AFTER_LIMIT_S)],
)
def test_a_gym_that_asks_for_silence_has_it_for_an_hour_at_most(
    asked_s: float | None, waited_s: float
) -> None:
    log = RequestLog()
    log.note_failure(HEAD, 9.0, 10.0, 2.0, Even(), limited=True, retry_after_s=asked_s)
    assert log.struggling
    assert log.held_until_s() == 10.0 + waited_s
    # A shorter silence does not cut a longer one short.
    log.note_failure(HEAD, 9.0, 11.0, 2.0, Even(), limited=True)
    assert log.held_until_s() == max(10.0 + waited_s, 13.0)


def test_answers_that_were_limited_together_count_as_one() -> None:
    log = RequestLog()
    for sent_s in (8.0, 8.5, 9.0):
        log.note_failure(HEAD, sent_s, 10.0, 2.0, Even(), limited=True)
    assert log.held_until_s() == 12.0
    log.note_failure(HEAD, 12.0, 13.0, 2.0, Even(), limited=True)
    assert log.held_until_s() == 17.0


def test_the_person_s_refresh_forgets_every_wait() -> None:
    log = RequestLog()
    waits(log, 3)
    log.note_failure(RUNNING, 5000.0, 5001.0, 2.0, Even(), limited=True, retry_after_s=900.0)
    log.quiet_ticks = 9
    log.release(5002.0)
    assert not log.struggling
    assert log.held_until_s() < 5002.0
    assert log.recall(HEAD).not_before_s < 5002.0
    assert pace_s(log, View()) == 2.0
    log.note_failure(HEAD, 5003.0, 5004.0, 2.0, Even())
    assert log.held_until_s() == 5006.0, "the first failure again"


def test_what_is_forbidden_is_asked_every_ten_minutes() -> None:
    desk = Desk().synced(run("a", total=1, running=1))
    desk.plan()
    desk.log.note_forbidden(RolloutsOf("a"), desk.now, desk.now)
    asked = []
    for _ in range(1300):
        desk.now += 1
        desk.log.note_planned([], desk.now)
        if RolloutsOf("a") in desk.plan():
            asked.append(desk.now)
            desk.log.note_forbidden(RolloutsOf("a"), desk.now, desk.now)
    assert len(asked) == 2
    assert asked[1] - asked[0] == FORBIDDEN_S
    desk.hear(RolloutsOf("a"), rollouts_body(rollout("r", "a", status="running")))
    assert not desk.log.recall(RolloutsOf("a")).forbidden
    assert not desk.log.forbidden_runs


def test_a_finished_run_with_loose_ends_is_listed_again_after_2_4_8_seconds_and_so_on() -> None:
    desk = Desk().synced(run("a", total=1))
    asked = []
    for _ in range(300):
        if RolloutsOf("a") in desk.plan():
            asked.append(desk.now)
            desk.hear(RolloutsOf("a"), rollouts_body(ended("r", "a", None)))
        desk.now += 0.5
    assert [round(at - asked[0], 1) for at in asked] == [0, 2, 6, 14, 30, 62]


def test_a_run_of_which_there_is_nothing_is_asked_for_again_after_a_minute() -> None:
    desk = Desk(open_run="far").synced(run("a", total=0))
    desk.plan()
    desk.hear(OneRun("far"), None)
    asked = []
    for _ in range(130):
        desk.now += 1
        if OneRun("far") in desk.plan():
            asked.append(desk.now)
            desk.hear(OneRun("far"), None)
    assert len(asked) == 2
    assert asked[1] - asked[0] == 60


def test_pages_that_nobody_asked_for_in_three_minutes_are_forgotten() -> None:
    desk = Desk().synced(run("a", total=0))
    desk.log.note_planned([RunsPage(180)], desk.now)
    desk.now += 179
    desk.hear(HEAD, runs_body(run("a", total=0)))
    assert RunsPage(180) in desk.log.states
    desk.now += 2
    desk.log.note_planned([HEAD], desk.now)
    desk.hear(HEAD, runs_body(run("a", total=0)))
    assert RunsPage(180) not in desk.log.states
    assert HEAD in desk.log.states


def test_after_the_first_round_pages_come_evenly_once_a_minute() -> None:
    log, store = RequestLog(), Store()
    assert sweep_due(log, store, 0.0), "at first at once"
    store.apply(saw(HEAD, runs_body(*(run(f"r{i}", total=0) for i in range(200)), total=600)))
    ids = tuple(store.runs)
    log.sweep.note_answer(0, ids, 200, ids, 100.0)
    log.sweep.note_answer(0, ids, 600, ids, 100.0)
    assert log.sweep.next == 180
    # 180 of 600 rows are three tenths of the way.
    assert not sweep_due(log, store, 117.9)
    assert sweep_due(log, store, 118.0)


@pytest.mark.parametrize(
    ("quiet_ticks", "interval_s", "pace"),
    [(0, 2.0, 2.0), (1, 2.0, 2.0), (2, 2.0, 2.2), (3, 2.0, 2.42), (40, 2.0, 30), (9, 45.0, 45.0)],
)
def test_pauses_grow_by_a_tenth_while_nothing_is_to_come(
    quiet_ticks: int, interval_s: float, pace: float
) -> None:
    log = RequestLog(quiet_ticks=quiet_ticks)
    assert pace_s(log, View(interval_s=interval_s)) == pytest.approx(pace)


def test_pauses_differ_by_a_tenth_at_most_and_end_when_silence_does() -> None:
    log, rng = RequestLog(), random.Random(1)
    pauses = [pause_s(log, View(), 0.0, rng) for _ in range(200)]
    assert 1.8 <= min(pauses) < 1.82
    assert 2.18 < max(pauses) <= 2.2
    log.hold_until_s = 30.0
    assert pause_s(log, View(), 18.0, rng) == 12.0
    assert plan(log, Store(), View(), 18.0) == []
    assert plan(log, Store(), View(), 30.0) == [HEAD]


def test_a_tick_that_comes_early_asks_again_only_from_seven_tenths_of_the_interval_on() -> None:
    desk = Desk().synced(run("a", total=0))
    assert desk.plan() == [HEAD]
    desk.now += 1.39
    assert desk.plan() == []
    desk.now += 0.01 + 1e-9
    assert desk.plan() == [HEAD]


def test_so_many_are_asked_in_a_tick_and_no_more() -> None:
    desk = Desk().synced(*(run(f"r{i}", total=0) for i in range(9)))
    desk.hear(HEAD, runs_body(run("r0", total=0)))
    assert [q.run_id for q in desk.plan() if isinstance(q, OneRun)] == ["r1", "r2", "r3", "r4"]


def test_those_in_view_come_first_and_a_quarter_is_left_for_the_others() -> None:
    names = [f"r{i:03}" for i in range(60)]
    desk = Desk(runs_in_view=tuple(names[30:]), room=20)
    desk.synced(*(run(name, total=1, running=1, scenario_id=None) for name in names))
    seen: list[str] = []
    for _ in range(6):
        asked = [query.run_id for query in desk.plan() if isinstance(query, RolloutsOf)]
        assert sum(run_id in names[30:] for run_id in asked) >= 13
        assert sum(run_id in names[:30] for run_id in asked) == 5
        seen += asked
        desk.now += 2
    assert set(seen) == set(names)


def test_that_one_answer_for_all_was_large_is_believed_for_ten_minutes() -> None:
    names = [f"r{i}" for i in range(10)]
    desk = Desk().synced(*(run(name, total=100, running=1) for name in names))
    desk.plan()
    running = [rollout(f"{name}.0", name, status="running") for name in names]
    for name, item in zip(names, running, strict=True):
        desk.hear(RolloutsOf(name), rollouts_body(item), wire=8000)
    desk.now += 2
    assert RUNNING in desk.plan()
    desk.hear(RUNNING, rollouts_body(*running), wire=500_000)
    for seconds, again in ((598, False), (2, True)):
        desk.now += seconds
        assert (RUNNING in desk.plan()) is again


def test_a_list_that_grew_by_what_no_page_shows_is_read_to_its_end() -> None:
    desk = Desk().synced(run("a"), run("b"))
    desk.hear(HEAD, runs_body(run("a"), run("b"), total=3))
    assert desk.log.tail_due
    desk.hear(HEAD, runs_body(run("a"), run("b"), total=2))
    assert not desk.log.tail_due
    desk.hear(HEAD, runs_body(run("a"), run("b"), total=4))
    desk.hear(RunsPage(2), runs_body(run("a"), total=4))
    assert desk.log.tail_due
    desk.hear(RunsPage(3), runs_body(run("b"), total=4))
    assert not desk.log.tail_due, "that was the end of the list"


def test_a_page_is_asked_for_the_runs_that_it_listed_last() -> None:
    desk = Desk().synced(run("a", running=1), run("b", running=1))
    assert desk.log.page_of == {"a": 0, "b": 0}
    desk.hear(HEAD, runs_body(run("b", running=1), total=3))
    assert desk.log.page_of == {"b": 0}
    desk.hear(RunsPage(2), runs_body(run("a", running=1), run("b", running=1), total=3))
    assert desk.log.page_of == {"a": 2, "b": 0}
