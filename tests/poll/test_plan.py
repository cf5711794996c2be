"""What is asked next, decision by decision; how it goes over hours is test_plan_simulation."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from gymtui.poll.catch_up import CatchUp
from gymtui.poll.plan import IDLE_INTERVAL_S, UNBOUNDED, is_quiet, pace_s, pause_s, plan, seen_s
from gymtui.poll.request_log import RESULT_TRIES, RequestLog
from gymtui.poll.request_state import BACKOFF_LIMIT_S, backoff_s
from gymtui.poll.view import View
from gymtui.store.delta import (
    Observation,
    OneRun,
    Query,
    Request,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
    ScenarioRollouts,
)
from gymtui.store.store import Applied, Store
from tests.helpers.model_gym import ended, rollout, rollouts_body, run, runs_body

RNG = random.Random(7)
HEAD = RunsPage()
RUNNING = RunningRollouts()


class Desk:
    """A log with its store and a clock set by hand."""

    def __init__(self, *, room: int = UNBOUNDED, **view: object) -> None:
        self.log, self.store, self.now = RequestLog(), Store(), 100.0
        self.catch_up = CatchUp(begun=True)
        self.room = room
        self.view = View(**view)

    def plan(self) -> list[Request]:
        """What is asked in this tick, and then to catch up."""
        found = plan(self.log, self.store, self.view, self.now, self.room)
        while (past := self.next_past(found)) is not None:
            found.append(past)
        self.log.note_planned(found, self.now)
        return found

    def next_past(self, busy: list[Request]) -> Request | None:
        return self.catch_up.next_request(self.log, self.store, self.view, busy, self.now)

    def hear(
        self, query: Query, body: bytes | None, *, sent: float | None = None, wire: int = 1000
    ) -> Applied:
        """An answer to what was asked now, or earlier."""
        seen = Observation(query, body, self.now if sent is None else sent, self.now, wire)
        applied = self.store.apply(seen)
        self.log.note_answer(seen, applied, self.store, self.now)
        return applied

    def fail(self, query: Query, sent: float | None = None, **how: object) -> None:
        at = self.now if sent is None else sent
        self.log.note_failure(query, at, self.now, self.view.interval_s, RNG, **how)

    def synced(self, *runs: object) -> Desk:
        self.log.note_planned([HEAD], self.now)
        self.hear(HEAD, runs_body(*runs))
        self.now += 2
        return self


def test_at_first_the_head_alone_is_asked_and_then_page_after_page_without_repeats() -> None:
    desk = Desk()
    assert desk.plan() == [HEAD]
    ids = [f"r{i:04}" for i in range(500)]
    for offset in (0, 180, 360):
        desk.hear(RunsPage(offset), runs_body(*map(run, ids[offset : offset + 200]), total=500))
        following = [query for query in desk.plan() if isinstance(query, RunsPage)]
        assert following == ([RunsPage(offset + 180)] if offset < 360 else [])
    assert desk.log.synced
    assert len(desk.store.runs) == 500


def test_while_it_is_not_known_which_end_of_the_list_is_new_its_ends_are_read_first() -> None:
    desk = Desk().synced(*(run(f"r{i}") for i in range(5)))
    asked = [query.run_id for query in desk.plan() if isinstance(query, RolloutsOf)]
    assert sorted(asked[:2]) == ["r0", "r4"]
    for name, hour in (("r0", 5), ("r4", 1)):
        times = {"created_at": f"2026-03-20T{hour:02}:00:00Z"}
        desk.hear(RolloutsOf(name), rollouts_body(ended(f"{name}a", name) | times))
    assert desk.store.order.newest_first
    assert desk.catch_up.next_request(desk.log, desk.store, desk.view, (), desk.now) is not None


@pytest.mark.parametrize("total", [None, 110])
def test_a_server_with_smaller_pages_is_read_to_its_end(total: int | None) -> None:
    desk = Desk()
    asked: list[int] = []
    while not desk.log.synced:
        (page,) = [query for query in desk.plan() if isinstance(query, RunsPage)]
        items = [run(f"r{i:04}") for i in range(110)][page.offset : page.offset + 50]
        body = json.dumps({"runs": items} | ({} if total is None else {"total": total}))
        desk.hear(page, body.encode())
        asked.append(page.offset)
    assert len(desk.store.runs) == 110
    assert len(asked) <= 5


@pytest.mark.parametrize("total", [None, 1000])
def test_a_server_that_ignores_the_offset_is_not_read_for_ever(total: int | None) -> None:
    desk = Desk()
    body = json.dumps({"runs": [run(f"r{i}") for i in range(200)], "total": total}).encode()
    for _ in range(3):
        for query in desk.plan():
            if isinstance(query, RunsPage):
                desk.hear(query, body)
    assert desk.log.synced


def test_an_empty_gym_is_read_at_one_go() -> None:
    desk = Desk()
    desk.plan()
    desk.hear(HEAD, b'{"runs": []}')
    assert desk.log.synced
    assert desk.plan() == []


def test_rows_that_move_up_since_some_were_deleted_are_not_stepped_over() -> None:
    desk = Desk()
    ids = [f"r{i:04}" for i in range(600)]
    desk.plan()
    desk.hear(HEAD, runs_body(*map(run, ids[:200]), total=600))
    del ids[:100]
    desk.hear(RunsPage(180), runs_body(*map(run, ids[180:380]), total=500))
    while not desk.log.synced:
        (page,) = [query for query in desk.plan() if isinstance(query, RunsPage)]
        upto = page.offset + 200
        desk.hear(page, runs_body(*map(run, ids[page.offset : upto]), total=500))
    assert set(ids) <= set(desk.store.runs)


def test_an_active_run_is_asked_every_tick_though_its_counters_stand_still() -> None:
    desk = Desk().synced(run("a", running=2), run("done", total=0))
    for _ in range(3):
        assert desk.plan() == [HEAD, RolloutsOf("a")]
        desk.hear(RolloutsOf("a"), rollouts_body(rollout("r", "a", status="running")))
        desk.now += 2


def test_the_open_run_comes_first_and_those_in_view_before_the_others() -> None:
    runs = [run(i, running=1) for i in "abcd"]
    desk = Desk(open_run="d", runs_in_view=("c", "b")).synced(*runs)
    assert desk.plan() == [RolloutsOf("d"), HEAD, *map(RolloutsOf, "cba")]


def test_a_run_that_is_opened_by_its_id_alone_is_asked_for_until_it_is_known_not_to_exist() -> None:
    desk = Desk(open_run="far").synced(run("a", total=0))
    assert desk.plan() == [OneRun("far"), RolloutsOf("far"), HEAD]
    desk.hear(OneRun("far"), None)
    desk.now += 2
    assert desk.plan() == [HEAD]
    assert seen_s(desk.log, desk.store, desk.view) is not None


def test_results_are_asked_for_once_more_after_the_counters_moved() -> None:
    """Also when the list of rollouts crossed the page that showed the run as finished."""
    desk = Desk().synced(run("a", running=1))
    desk.plan()
    sent = desk.now
    desk.now += 0.5
    desk.hear(HEAD, runs_body(run("a")), sent=sent)
    desk.hear(RolloutsOf("a"), rollouts_body(rollout("r", "a", status="running")), sent=sent)
    desk.now += 1.5
    assert RolloutsOf("a") in desk.plan()
    desk.hear(RolloutsOf("a"), rollouts_body(ended("r", "a")))
    for _ in range(50):
        desk.now += 2
        assert RolloutsOf("a") not in desk.plan()


def test_a_finished_run_that_shows_loose_ends_is_listed_again_ever_less_and_then_left() -> None:
    desk = Desk().synced(run("a", total=1))
    asked: list[float] = []
    for _ in range(200):
        if RolloutsOf("a") in desk.plan():
            asked.append(desk.now)
            desk.hear(RolloutsOf("a"), rollouts_body(ended("r", "a", None)))
        desk.now += 2
    assert len(asked) == RESULT_TRIES
    gaps = [after - before for before, after in pairwise(asked)]
    assert gaps == sorted(gaps)
    desk.hear(HEAD, runs_body(run("a", total=1, failed=1)))
    desk.now += 2
    assert RolloutsOf("a") in desk.plan()


def test_results_of_old_runs_come_those_in_view_first_and_once_each() -> None:
    desk = Desk(runs_in_view=("c", "d")).synced(*(run(i) for i in "abcde"), run("none", total=0))
    desk.store.order.learn("a", datetime(2026, 1, 2, tzinfo=UTC))
    desk.store.order.learn("b", datetime(2026, 1, 1, tzinfo=UTC))
    asked = [query for query in desk.plan() if isinstance(query, RolloutsOf)]
    assert asked == [RolloutsOf(i) for i in "cdabe"]
    for query in asked:
        desk.hear(query, rollouts_body(ended("r", query.run_id), ended("s", query.run_id)))
    desk.now += 2
    assert [query for query in desk.plan() if isinstance(query, RolloutsOf)] == []


def test_which_end_of_the_list_is_new_is_asked_of_the_two_ends_first() -> None:
    desk = Desk().synced(*(run(i) for i in "abcd"))
    assert desk.plan()[1:3] == [RolloutsOf("a"), RolloutsOf("d")]


def test_rollouts_given_up_are_fetched_again_when_their_run_is_opened() -> None:
    desk = Desk()
    desk.store = Store(rollouts_kept=0)
    desk.synced(run("a", total=1)).plan()
    desk.hear(RolloutsOf("a"), rollouts_body(ended("r", "a")))
    desk.store.trim([])
    desk.now += 2
    assert desk.plan() == [HEAD]
    desk.view = View(open_run="a")
    assert desk.plan() == [RolloutsOf("a")]


def many_active(runs: int = 10) -> Desk:
    """Active runs of a hundred rollouts each, one of them running."""
    rows = [run(f"r{i}", total=100, running=1) for i in range(runs)]
    desk = Desk().synced(*rows)
    desk.plan()
    desk.now += 0.1
    for i in range(runs):
        item = rollout(f"r{i}.0", f"r{i}", status="running")
        desk.hear(RolloutsOf(f"r{i}"), rollouts_body(item), wire=8000)
    desk.now += 2
    return desk


def test_when_many_runs_are_active_all_running_rollouts_are_asked_at_once() -> None:
    desk = many_active()
    assert desk.plan() == [HEAD, RUNNING]
    still = [rollout(f"r{i}.0", f"r{i}", status="running") for i in range(10)]
    desk.hear(RUNNING, rollouts_body(*still), wire=900)
    # One whose counters moved is asked singly beside it, and so is one whose rollout was overtaken.
    rows = [run(f"r{i}", total=100, running=1 + (i == 3)) for i in range(10)]
    desk.hear(HEAD, runs_body(*rows))
    desk.now += 2
    assert desk.plan() == [HEAD, RUNNING, RolloutsOf("r3")]
    desk.now += 0.1
    desk.hear(RolloutsOf("r3"), rollouts_body(still[3]), wire=8000)
    desk.hear(RUNNING, rollouts_body(*still[1:]), wire=900)
    desk.now += 2
    assert desk.plan() == [HEAD, RUNNING, RolloutsOf("r0")]


@pytest.mark.parametrize(("on_screen", "asked_s"), [(True, [0, 2, 4, 6, 8]), (False, [0])])
def test_thousands_that_run_are_asked_about_each_tick_only_where_all_are_on_screen(
    on_screen: bool, asked_s: list[int]
) -> None:
    desk = Desk(room=10, all_running=on_screen)
    desk.synced(*(run(f"r{i}", total=20, running=20, scenario_id=None) for i in range(100)))
    began, asked = desk.now, []
    for _ in range(5):
        if RUNNING in desk.plan():
            asked.append(desk.now - began)
            desk.hear(RUNNING, rollouts_body(), wire=900)
        desk.now += 2
    assert asked == asked_s
    desk.now += 0.5
    assert RUNNING in desk.plan()


def test_all_that_run_are_not_asked_for_beside_all_rollouts_of_their_scenario() -> None:
    desk = Desk(room=10)
    moving = [run(f"r{i}", total=20, running=20) for i in range(100)]
    desk.synced(*moving)
    whole, asked = ScenarioRollouts("hr"), Counter[Request]()
    for tick in range(30):
        if tick == 20:  # and from now on they rest
            assert asked[whole] >= 3 and not asked[RUNNING]
        found = desk.plan()
        asked.update(found)
        if whole in found:
            desk.log.scenario_answered(whole, desk.now, desk.now, useful=True)
            for item in moving:
                desk.hear(RolloutsOf(item["run_id"]), rollouts_body(), sent=desk.now + 0.1)
        moving = [item | {"completed": min(tick, 20)} for item in moving]
        desk.hear(HEAD, runs_body(*moving))
        desk.now += 2
    assert asked[RUNNING] >= 1


def test_one_answer_for_all_is_given_up_when_it_proves_larger() -> None:
    desk = many_active()
    desk.plan()
    desk.hear(RUNNING, rollouts_body(), wire=500_000)
    desk.now += 2
    assert desk.plan() == [HEAD, *(RolloutsOf(f"r{i}") for i in range(10))]


def test_a_crowd_of_active_runs_is_asked_in_turns_and_none_is_left_out() -> None:
    runs = [run(f"r{i}", total=1, running=1, scenario_id=None) for i in range(150)]
    desk = Desk(room=10).synced(*runs)
    asked: set[Request] = set()
    for _ in range(20):
        now = desk.plan()
        assert len(now) == 10
        asked |= {query for query in now if isinstance(query, RolloutsOf)}
        desk.now += 2
    assert len(asked) == 150


@pytest.mark.parametrize("room", [1, 2, 3])
def test_the_smallest_budget_serves_what_is_on_screen_first_and_all_in_the_end(room: int) -> None:
    names = [f"r{i}" for i in range(12)]
    desk = Desk(room=room, open_run="r0").synced(
        *(run(i, total=1, running=1, scenario_id=None) for i in names)
    )
    asked: Counter[Request] = Counter()
    for _ in range(240 // room):
        now = desk.plan()
        assert len(now) == room
        asked.update(now)
        desk.now += 2
    rest = [asked[RolloutsOf(i)] for i in names[1:]]
    assert min(rest) > 0
    assert max(rest) - min(rest) <= 2
    for shown in (HEAD, RolloutsOf("r0")):
        assert asked[shown] > 2.5 * max(rest)


def test_more_on_screen_than_there_is_room_for_is_asked_in_turn_behind_what_is_opened() -> None:
    desk = Desk(room=6, open_run="r0")
    desk.log.note_planned([HEAD], desk.now)
    pages = {offset: [f"r{offset + i}" for i in range(200)] for offset in range(0, 1800, 180)}
    for offset, names in pages.items():
        rows = (run(i, total=1, running=1, scenario_id=None) for i in names)
        desk.hear(RunsPage(offset), runs_body(*rows, total=1820))
    desk.now += 2
    asked: Counter[Request] = Counter()
    for _ in range(12):
        asked.update(desk.plan())
        desk.now += 2
    assert asked[RolloutsOf("r0")] == 12
    assert all(asked[RunsPage(offset)] >= 3 for offset in pages)


def test_a_run_missing_from_a_whole_round_is_asked_for_and_never_just_forgotten() -> None:
    desk = Desk().synced(run("a", total=0), run("b", total=0))
    desk.hear(HEAD, runs_body(run("b", total=0)))
    assert OneRun("a") in desk.plan()
    desk.hear(OneRun("a"), json.dumps(run("a", total=0)).encode())
    asked = 0
    for _ in range(60):
        desk.now += 2
        desk.hear(HEAD, runs_body(run("b", total=0)))
        asked += OneRun("a") in desk.plan()
        if desk.log.suspects:
            desk.hear(OneRun("a"), json.dumps(run("a", total=0)).encode())
    assert 1 <= asked <= 3


def test_an_active_run_that_its_page_lost_is_asked_singly() -> None:
    desk = Desk().synced(run("a", running=1), run("b", running=1))
    desk.hear(HEAD, runs_body(run("b", running=1), total=300))
    assert OneRun("a") in desk.plan()


def test_a_far_page_is_asked_only_when_it_is_smaller_than_its_active_runs_singly() -> None:
    def asked(active: list[str]) -> list[Query]:
        desk = Desk()
        desk.log.note_planned([HEAD, RunsPage(180)], desk.now)
        desk.hear(HEAD, runs_body(*(run(f"o{i}", total=0) for i in range(200)), total=380))
        page = [run(i, running=1) for i in active]
        page += [run(f"p{i}", total=0) for i in range(200 - len(active))]
        desk.hear(RunsPage(180), runs_body(*page, total=380), wire=6000)
        assert desk.log.synced
        desk.now += 2
        return [q for q in desk.plan() if isinstance(q, OneRun | RunsPage) and q != HEAD]

    assert asked(["a", "b"]) == [OneRun("a"), OneRun("b")]
    # Ids that a proxy might mangle are not risked: a 404 would show them as gone.
    assert asked(["a", "b/c"]) == [RunsPage(180)]
    assert asked([f"a{i}" for i in range(19)]) == [RunsPage(180)]


def test_a_list_that_grows_elsewhere_is_looked_at_where_it_ends() -> None:
    desk = Desk()
    ids = [f"r{i:04}" for i in range(401)]
    for offset in (0, 180, 360):
        page = ids[:400][offset : offset + 200]
        desk.hear(RunsPage(offset), runs_body(*(run(i, total=0) for i in page), total=400))
    desk.now += 2
    assert desk.plan() == [HEAD]
    desk.hear(HEAD, runs_body(*(run(i, total=0) for i in ids[:200]), total=401))
    (tail,) = desk.plan()
    assert tail.offset + 200 > 401
    desk.hear(tail, runs_body(*(run(i, total=0) for i in ids[tail.offset :]), total=401))
    desk.now += 2
    assert len(desk.plan()) == 2  # from now on the end is as good as the head


# -- waiting -------------------------------------------------------------------------------


def test_nothing_is_asked_twice_within_a_tick_unless_the_person_insists() -> None:
    desk = Desk().synced(run("a", running=1))
    desk.plan()
    desk.now += 0.3
    assert desk.plan() == []
    desk.log.release(desk.now)
    desk.now += 0.1
    assert desk.plan() == [HEAD, RolloutsOf("a")]
    assert desk.plan() == []


def test_one_question_that_fails_waits_ever_longer_and_the_others_do_not() -> None:
    desk = Desk().synced(run("a", running=1))
    tries: list[float] = []
    for _ in range(120):
        asked = desk.plan()
        assert HEAD in asked
        desk.hear(HEAD, runs_body(run("a", running=1)))
        if RolloutsOf("a") in asked:
            tries.append(desk.now)
            desk.now += 0.1
            desk.hear(HEAD, runs_body(run("a", running=1)))
            desk.fail(RolloutsOf("a"), sent=desk.now - 0.1)
        desk.now += 2
    gaps = [after - before for before, after in pairwise(tries)]
    assert 5 <= len(tries) <= 10
    assert max(gaps) > 50


def test_a_link_that_is_down_is_tried_by_one_question_ever_less_often_and_not_always_the_same() -> (
    None
):
    desk = Desk().synced(run("a", running=1))
    assert len(desk.plan()) == 2
    sent = desk.now
    desk.now += 0.1
    desk.fail(HEAD, sent=sent)
    desk.fail(RolloutsOf("a"), sent=sent)
    assert desk.log.down == 1
    tried: list[Query] = []
    while len(tried) < 10:
        held = desk.log.held_until_s()
        assert 0 < held - desk.now <= BACKOFF_LIMIT_S * 1.1
        desk.now = held - 0.01
        assert desk.plan() == []
        desk.now = held
        (probe,) = desk.plan()
        tried.append(probe)
        desk.now += 0.1
        desk.fail(probe, sent=desk.now - 0.05)
    assert set(tried) == {HEAD, RolloutsOf("a")}
    desk.now = desk.log.held_until_s()
    (probe,) = desk.plan()
    desk.hear(HEAD, runs_body(run("a", running=1)))
    # Nobody serves the rest of a sentence for what was the link's fault.
    desk.now += 2
    assert desk.plan() == [HEAD, RolloutsOf("a")]


def test_retry_after_is_obeyed_whatever_still_gets_through_and_then_asked_gently() -> None:
    desk = Desk().synced(run("a", running=1))
    desk.plan()
    desk.fail(RolloutsOf("a"), limited=True, retry_after_s=45.0)
    desk.hear(HEAD, runs_body(run("a", running=1)))
    desk.now += 44.9
    assert desk.plan() == []
    assert pause_s(desk.log, desk.view, desk.now, RNG) == pytest.approx(0.1)
    desk.now += 0.1
    assert len(desk.plan()) == 1
    desk.hear(HEAD, runs_body(run("a", running=1)))
    desk.now += 2
    assert desk.plan() == [HEAD, RolloutsOf("a")]


def test_limits_without_a_time_are_answered_with_longer_and_longer_silence() -> None:
    desk = Desk().synced(run("a", running=1))
    waits: list[float] = []
    for _ in range(5):
        (probe, *_) = desk.plan()
        desk.now += 0.1
        desk.fail(probe, sent=desk.now - 0.05, limited=True)
        waits.append(desk.log.held_until_s() - desk.now)
        desk.now = desk.log.held_until_s()
    assert waits == sorted(waits)
    assert waits[-1] > 20


def test_back_off_doubles_to_a_limit_with_jitter() -> None:
    waits = [[backoff_s(n, 2.0, RNG) for _ in range(200)] for n in (1, 2, 3, 9, 99)]
    for middle, found in zip((2, 4, 8, 60, 60), waits, strict=True):
        assert middle * 0.9 <= min(found) < middle < max(found) <= middle * 1.1


def test_the_pace_slows_only_when_there_is_nothing_at_all_to_wait_for() -> None:
    desk = Desk().synced(run("a", running=1))
    assert not is_quiet(desk.log, desk.store)
    desk.hear(HEAD, runs_body(run("a")))
    assert not is_quiet(desk.log, desk.store)  # its results
    desk.now += 1
    desk.hear(RolloutsOf("a"), rollouts_body(ended("r", "a")))
    assert is_quiet(desk.log, desk.store)
    paces: list[float] = []
    for ticks in range(200):
        desk.log.quiet_ticks = ticks
        paces.append(pace_s(desk.log, desk.view))
    assert paces[:2] == [2, 2]
    assert paces == sorted(paces)
    assert paces[-1] == IDLE_INTERVAL_S
    for ticks, pace in enumerate(paces):
        assert pace <= 2.2 + sum(paces[1:ticks]) / 10, "a tenth of the time it has been quiet"
    desk.view = View(interval_s=45)
    assert pace_s(desk.log, desk.view) == 45
    pauses = {pause_s(desk.log, View(), desk.now, RNG) for _ in range(200)}
    assert 27 <= min(pauses) < 28 < 32 < max(pauses) <= 33


def test_what_is_on_screen_decides_how_fresh_the_picture_is() -> None:
    desk = Desk().synced(run("a", running=1), run("b", running=1), run("c"))
    head_s = desk.now - 2

    def fresh(**view: object) -> float | None:
        return seen_s(desk.log, desk.store, View(**view))

    assert fresh() == head_s
    assert fresh(open_run="a") is None
    assert fresh(all_running=True) is None
    desk.hear(RolloutsOf("a"), rollouts_body(rollout("r", "a")))
    assert fresh(open_run="a") == desk.now
    assert fresh(all_running=True) is None
    desk.now += 1
    desk.hear(RolloutsOf("b"), rollouts_body(rollout("s", "b")))
    assert fresh(all_running=True) == desk.now - 1
    desk.hear(RUNNING, rollouts_body())
    assert fresh(all_running=True) == desk.now
    # A finished run moves no more: it is as fresh as the link.
    desk.hear(RolloutsOf("c"), rollouts_body(ended("t", "c")))
    assert fresh(open_run="c") == head_s


def test_deciding_changes_nothing() -> None:
    desk = many_active()
    desk.fail(RolloutsOf("r4"), limited=False)
    desk.now += 10
    before = repr(desk.log)
    first = plan(desk.log, desk.store, desk.view, desk.now)
    assert plan(desk.log, desk.store, desk.view, desk.now) == first
    assert repr(desk.log) == before


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    desk = many_active()
    desk.hear(OneRun("r1"), json.dumps(run("r1", total=100, running=1)).encode())
    desk.log.suspects["r1"] = None
    desk.log.forget(["r1"])
    assert "'r1'" not in repr(desk.log).replace("_known", "")[: repr(desk.log).find("sweep=")]
