"""Hours of polling a model gym: what is shown stays fresh, nothing is lost or asked in vain."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from gymtui.poll.catch_up import CatchUp
from gymtui.poll.plan import is_quiet, pause_s, plan
from gymtui.poll.request_log import SWEEP_S, RequestLog
from gymtui.poll.view import View
from gymtui.store.delta import (
    PAGE_LIMIT,
    Observation,
    OneRun,
    Query,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
)
from gymtui.store.store import Store
from tests.conftest import THOROUGH
from tests.helpers.model_gym import ModelGym

TICK_S = 2.0
MOVING_S = 3 * TICK_S
"""How old what is shown as moving may get: a tick, its jitter, an answer that crossed a change."""
ROUND_S = SWEEP_S + 3 * TICK_S
"""How old any other run may get, and how late a new one may turn up."""
GONE_S = 2 * ROUND_S + 30 * TICK_S
"""How late it may be said that a run is gone: it is missed by a whole round, and then asked for."""
LONGEST_WAIT_S = 70.0
PAST_A_TICK = 4


@dataclass
class Simulation:
    """A poller without a network: every question of a tick is answered within it.

    Some answers are from before the gym's step and some from after it, they come in any order,
    and some questions fail.
    """

    gym: ModelGym
    rng: random.Random
    view: View = field(default_factory=View)
    store: Store = field(default_factory=Store)
    log: RequestLog = field(default_factory=RequestLog)
    past: CatchUp = field(default_factory=lambda: CatchUp(begun=True))
    now: float = 1000.0
    failing: float = 0.0
    failed_s: float = 0.0
    sent: list[tuple[float, Query]] = field(default_factory=list)
    wire_bytes: int = 0

    def tick(self, *, step: bool = True) -> None:
        self.gym.now = self.now
        queries = plan(self.log, self.store, self.view, self.now)
        assert len(queries) == len(set(queries))
        early = {query for query in queries if self.rng.random() < 0.5}
        answers = {query: self.ask(query) for query in queries if query in early}
        if step:
            self.gym.step()
        answers |= {query: self.ask(query) for query in queries if query not in early}
        self.log.note_planned(queries, self.now)
        self.hear(answers)
        # As the poller does: the sweep goes on at once while it is behind.
        for _ in range(100):
            more = plan(self.log, self.store, self.view, self.now + 0.5)
            if not any(isinstance(query, RunsPage) for query in more):
                break
            self.log.note_planned(more, self.now + 0.5)
            self.hear({query: self.ask(query) for query in more})
        self.catch_up()
        self.forget_gone()
        self.watch()
        quiet_now = is_quiet(self.log, self.store)
        self.log.quiet_ticks = self.log.quiet_ticks + 1 if quiet_now else 0
        self.now += pause_s(self.log, self.view, self.now, self.rng)

    def catch_up(self) -> None:
        """Read a few results of what had finished before anybody looked."""
        for _ in range(PAST_A_TICK):
            query = self.past.next_request(self.log, self.store, self.view, (), self.now)
            if query is None:
                return
            self.log.note_planned([query], self.now)
            if isinstance(query, RolloutsOf):
                self.hear({query: self.ask(query, after_s=0.5)})

    def ask(self, query: Query, after_s: float = 0.0) -> Observation | None:
        self.sent.append((self.now, query))
        if self.rng.random() < self.failing:
            return None
        body = self.gym.answer(query)
        size = self.gym.wire_bytes(query, body)
        self.wire_bytes += size
        return Observation(query, body, self.now + 0.1 + after_s, self.now + 0.4 + after_s, size)

    def hear(self, answers: dict[Query, Observation | None]) -> None:
        for query, seen in self.rng.sample(list(answers.items()), len(answers)):
            if seen is None:
                self.failed_s = self.now
                self.log.note_failure(query, self.now + 0.1, self.now + 0.4, TICK_S, self.rng)
            else:
                applied = self.store.apply(seen)
                self.log.note_answer(seen, applied, self.store, seen.at)

    def forget_gone(self) -> None:
        """The app drops what is gone a few seconds after it said so."""
        gone = [run_id for run_id in self.gym.deleted if run_id in self.store.runs]
        gone = [run_id for run_id in gone if self.store.runs[run_id].is_deleted]
        self.log.forget(gone)
        self.store.drop(gone)

    # -- what must hold ----------------------------------------------------------------------

    def watch(self) -> None:
        """What is shown was true not long ago."""
        if self.now - self.failed_s < LONGEST_WAIT_S + GONE_S:
            return
        gym, now = self.gym, self.now
        for run_id in gym.runs.keys() - self.store.runs.keys():
            assert now - gym.since[run_id] <= ROUND_S, ("unseen", run_id)
        for run_id in self.store.runs.keys() - gym.runs.keys():
            assert now - gym.deleted[run_id] <= GONE_S, ("not gone", run_id)
        for run_id in gym.ever_changed & gym.runs.keys() & self.store.runs.keys():
            row = self.store.runs[run_id]
            assert not row.is_deleted, run_id
            promise = MOVING_S if row.active else ROUND_S
            assert now - gym.until.get((run_id, row.raw), now) <= promise, ("stale", run_id)
            for rollout in self.store.rollouts_of(run_id):
                until = gym.until.get((rollout.rollout_id, rollout.raw), now)
                assert now - until <= MOVING_S, ("stale", rollout.rollout_id)

    def behind(self, run_id: str) -> bool:
        """Whether what is shown of a run is not what the gym has."""
        made, row = self.gym.runs[run_id], self.store.runs[run_id]
        shown = {each.rollout_id: each.raw for each in self.store.rollouts_of(run_id)}
        return row.raw != made.item or shown != made.items

    def settle(self, seconds: float) -> None:
        """Let the gym rest, and the poller come up to it."""
        end = self.now + seconds
        while self.now < end:
            self.tick(step=False)

    def agrees(self) -> None:
        """Nothing is lost, doubled or left over."""
        assert set(self.store.runs) == set(self.gym.runs)
        assert not [run_id for run_id in self.gym.runs if self.behind(run_id)]

    def count(self, since: float = 0.0) -> Counter[Query]:
        return Counter(query for at, query in self.sent if at >= since)


def simulation(seed: int, runs: int, **gym: object) -> Simulation:
    rng = random.Random(seed)
    model = ModelGym(rng, **gym)
    for _ in range(runs):
        model.launch(2, finished=True)
    return Simulation(model, rng)


def history_moves(world: Simulation, ticks: int) -> None:
    """Runs are launched and deleted, singly and in heaps, while others run."""
    rng, gym = world.rng, world.gym
    for _ in range(ticks):
        chance = rng.random()
        if chance < 0.1:
            gym.launch(rng.randint(1, 4))
        elif chance < 0.13 and len(gym.runs) > 50:
            gym.delete(rng.choice(list(gym.runs)))
        elif chance < 0.135:
            for _ in range(40):
                gym.launch(1, finished=True)
        elif chance < 0.14 and len(gym.runs) > 100:
            for run_id in rng.sample(list(gym.runs), 30):
                gym.delete(run_id)
        world.tick()


@pytest.mark.parametrize(
    ("newest_first", "page_cap", "gives_total"),
    # Every two of these meet in each of their ways.
    [(True, 200, True), (True, 60, False), (False, 200, False), (False, 60, True)],
)
def test_nothing_is_lost_or_stale_while_rows_come_and_go(
    newest_first: bool, page_cap: int, gives_total: bool
) -> None:
    world = simulation(
        11, 450, newest_first=newest_first, page_cap=page_cap, gives_total=gives_total
    )
    history_moves(world, 400 if THOROUGH else 100)
    world.settle(400 + 2 * len(world.log.wanted))
    world.agrees()


@pytest.mark.fair_part(3)
@pytest.mark.parametrize(("newest_first", "seed"), [(True, 0), (False, 1), (True, 2), (False, 3)])
def test_the_same_with_a_gym_that_fails_now_and_then(newest_first: bool, seed: int) -> None:
    world = simulation(seed, 300, newest_first=newest_first)
    for failing in (0.1, 0.0, 0.5, 1.0, 0.0):
        world.failing = failing
        history_moves(world, 60)
    world.settle(600 + 2 * len(world.log.wanted))
    world.agrees()


def test_a_gym_that_ignores_the_offset_still_shows_its_first_page_fresh() -> None:
    world = simulation(3, 500, newest_first=True, heeds_offset=False)
    world.failed_s = math.inf  # of all the rest nothing is promised
    history_moves(world, 100)
    page = world.gym.answer(RunsPage())
    assert page is not None
    pages = [query for _, query in world.sent if isinstance(query, RunsPage)]
    assert len(pages) < 3.2 * 100
    shown = list(world.gym.runs)[-100:]
    world.tick(step=False)
    assert all(world.store.runs[run_id].raw == world.gym.runs[run_id].item for run_id in shown)


def test_every_request_has_a_reason() -> None:
    world = simulation(5, 700)
    active = [world.gym.launch(3) for _ in range(5)]
    for _ in range(400):
        world.tick()
    world.settle(1500)  # the old results too are there now
    last: dict[Query, float] = {}
    for at, query in world.sent:
        assert at - last.get(query, 0.0) >= 0.6 * TICK_S, query
        last[query] = at
    counted = world.count()
    for run_id in world.gym.runs:
        if run_id not in active:
            assert counted[RolloutsOf(run_id)] == 1
        assert counted[OneRun(run_id)] == 0
    # At rest only the head is asked, and every other page once round.
    begin, world.sent[:] = world.now, []
    for _ in range(40):
        world.tick(step=False)
    assert {type(query) for _, query in world.sent} == {RunsPage}
    rounds = (world.now - begin) / SWEEP_S + 1
    for query, times in world.count().items():
        assert query.offset == 0 or times <= rounds


def test_finished_results_are_fetched_once_and_again_only_when_the_counters_move() -> None:
    world = simulation(6, 3)
    run_id = world.gym.launch(3)
    for _ in range(30):
        world.tick()
    world.gym.finish(run_id)
    begin = world.now
    world.settle(600)
    world.agrees()
    # The tick that showed the end may have crossed it, so that there is one more.
    assert 1 <= world.count(begin)[RolloutsOf(run_id)] <= 2
    world.failed_s = math.inf  # what changes behind unmoved counters is not promised
    world.gym.runs[run_id].rollouts[0]["result"] = {"success": False, "message": "judged again"}
    world.gym.changed(world.gym.runs[run_id])
    before = world.count()[RolloutsOf(run_id)]
    world.settle(300)
    assert world.count()[RolloutsOf(run_id)] == before


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_new_run_is_on_screen_soon_in_either_order(newest_first: bool) -> None:
    world = simulation(8, 900, newest_first=newest_first)
    world.gym.launch(2)
    world.settle(120)
    for _ in range(10):
        run_id = world.gym.launch(4)
        began = world.now
        while run_id not in world.store.runs:
            world.tick()
        assert world.now - began <= 3 * TICK_S
        for _ in range(5):
            world.tick()


def test_twenty_active_of_two_thousand_take_a_tenth_of_the_bytes_of_asking_for_everything() -> None:
    world = simulation(9, 2000, weight=25)
    for _ in range(20):
        world.gym.launch(2)
    gym = world.gym
    gym.finishing = 0.0
    for _ in range(12):
        world.tick()
    everything = lists = 0
    world.wire_bytes = 0
    for _ in range(30):
        for made in gym.runs.values():
            everything += gym.wire_bytes(RolloutsOf(made.run_id), made.body)
        for offset in range(0, len(gym.runs), PAGE_LIMIT):
            lists += gym.wire_bytes(RunsPage(offset), gym.answer(RunsPage(offset)))
        world.tick()
    assert len(gym.moving) == 20
    everything += lists
    assert world.wire_bytes * 10 <= everything
    # Of the list itself no more than the head, and a round a minute, is read.
    begin = world.now - 60
    asked = sum(
        gym.wire_bytes(query, gym.answer(query))
        for at, query in world.sent
        if isinstance(query, RunsPage) and at >= begin
    )
    assert asked * 4 <= lists


def test_many_active_runs_are_followed_by_one_question() -> None:
    world = simulation(10, 50)
    ids = [world.gym.launch(40) for _ in range(30)]
    for run_id in ids:  # nearly done: few of many still run
        for item in world.gym.runs[run_id].rollouts[:36]:
            item |= {"status": "completed", "result": {"success": True}}
        for item in world.gym.runs[run_id].rollouts[36:]:
            item |= {"status": "running", "current_step": 0}
        world.gym.changed(world.gym.runs[run_id])
    world.gym.finishing = 0.0
    for _ in range(4):
        world.tick()
    begin = world.now
    for _ in range(20):
        world.tick()
    world.tick(step=False)
    counted = world.count(begin)
    assert counted[RunningRollouts()] >= 19
    assert sum(counted[RolloutsOf(run_id)] for run_id in ids) <= 5
    for run_id in ids:
        steps = [row.rollout.current_step for row in world.store.rollouts_of(run_id)]
        assert steps[36:] == [item["current_step"] for item in world.gym.runs[run_id].rollouts[36:]]
