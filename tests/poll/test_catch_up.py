"""Catching up with what had finished before anybody looked: polite, complete, late for nobody."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from gymtui.api import list_splitter
from gymtui.api.errors import GymError, RateLimited, Refused, ServerError
from gymtui.poll.budget import BURST_S
from gymtui.poll.catch_up import AT_ONCE, REQUESTS_PER_S
from gymtui.poll.poller import REQUESTS_PER_S as STEADY_PER_S
from gymtui.poll.view import View
from gymtui.store.delta import Request, RolloutsOf, RunsPage, ScenarioRollouts
from tests.conftest import THOROUGH
from tests.helpers.model_gym import ModelGym, rollouts_body
from tests.helpers.virtual_time import play
from tests.poll.test_poller import HEAD, Stage

BURST = BURST_S * STEADY_PER_S
SCENARIO = ScenarioRollouts("hr")


def scene(
    what: Callable[[Stage], Awaitable[None]],
    finished: int,
    active: int = 0,
    *,
    latency_s: float = 0.02,
    gym_at_once: int = 100,
    scenario_id: str | None = "hr",
    each: int = 2,
    fault: Callable[[Request], GymError | bytes | None] = lambda _query: None,
    **view: object,
) -> None:
    """Play a scene before a gym of so many runs, which answers so many questions at once."""

    async def main() -> None:
        gym = ModelGym(random.Random(3), finishing=0.0)
        for _ in range(finished):
            gym.launch(each, finished=True, scenario_id=scenario_id)
        for _ in range(active):
            gym.launch(each, scenario_id=scenario_id)
        stage = Stage(gym, **view)
        stage.client.fault = fault
        free_s = [0.0] * gym_at_once

        def latency(query: Request) -> float:
            # The gym's workers take questions in turn: who comes late waits.
            now_s = stage.now()
            free_s.sort()
            begins = max(now_s, free_s[0])
            free_s[0] = begins + latency_s
            return free_s[0] - now_s

        stage.client.latency = latency
        await what(stage)
        polite(stage)
        await stage.end()

    play(main)


def polite(stage: Stage, since: float = 0.0) -> None:
    """Neither budget was ever exceeded over any ten seconds."""
    times = [at for at, _ in stage.client.began if at >= since]
    most = BURST + 10 * STEADY_PER_S + AT_ONCE + 10 * REQUESTS_PER_S
    for at, start_s in enumerate(times):
        assert bisect_left(times, start_s + 10) - at <= most


def read(stage: Stage) -> bool:
    """Whether the results of all runs are known."""
    return all(stage.store.summary(run_id) is not None for run_id in stage.gym.runs)


async def time_to_truth(stage: Stage, patience_s: float) -> float:
    """Seconds until every run's results are known."""
    began = stage.now()
    while not (len(stage.store.runs) == len(stage.gym.runs) and read(stage)):
        await asyncio.sleep(0.1)
        assert stage.now() - began < patience_s, "never read"
    await asyncio.sleep(0.1)
    return stage.now() - began


@pytest.mark.parametrize(
    ("finished", "alone", "limit_s"),
    [(10, False, 1), (400, False, 3), (400, True, 25), (2_000, False, 10)]
    + [(2_000, True, 120)] * THOROUGH,
)
def test_every_row_is_final_within_seconds(finished: int, alone: bool, limit_s: float) -> None:
    def fault(query: Request) -> GymError | None:
        return Refused(400, "ask for one run") if alone and query == SCENARIO else None

    async def what(stage: Stage) -> None:
        assert await time_to_truth(stage, 600) <= limit_s
        link = stage.poller.link
        assert not link.reading
        assert (link.past, link.unread) == (0, 0)
        assert len(stage.asked(SCENARIO)) <= 1
        # Told once, it is not asked so again; and what is read is read once.
        # But for those that were asked in the same moment in which their counters came.
        asked = Counter(query for _, query in stage.client.began if isinstance(query, RolloutsOf))
        assert sum(times - 1 for times in asked.values()) <= AT_ONCE

    scene(what, finished, fault=fault, each=1 if finished > 400 else 2)


@pytest.mark.parametrize("latency_s", [0.0, 1.5])
@pytest.mark.parametrize("gym_at_once", [1, 3])
@pytest.mark.parametrize(("finished", "active"), [(40, 0), (60, 12)])
def test_however_slow_the_gym_is_all_is_read_and_what_is_open_keeps_its_pace(
    latency_s: float, gym_at_once: int, finished: int, active: int
) -> None:
    async def what(stage: Stage) -> None:
        await time_to_truth(stage, 900)
        assert stage.poller.link.synced
        gaps = [b - a for a, b in pairwise(stage.asked(HEAD))]
        # Of a gym that answers one question after the other nobody gets more than its share.
        waits_s = latency_s * (AT_ONCE + 6) / gym_at_once
        assert max(gaps, default=0.0) <= 2.4 + 2 * waits_s + latency_s

    scene(what, finished, active, latency_s=latency_s, gym_at_once=gym_at_once, scenario_id=None)


@pytest.mark.parametrize("retry_after_s", [None, 30.0])
def test_when_it_is_too_much_less_is_asked_and_all_is_read_in_the_end(
    retry_after_s: float | None,
) -> None:
    asked: list[Request] = []

    def fault(query: Request) -> GymError | None:
        asked.append(query)
        return RateLimited(retry_after_s, "slow down") if 30 <= len(asked) < 36 else None

    async def what(stage: Stage) -> None:
        await time_to_truth(stage, 900)
        if retry_after_s is not None:
            times = [at for at, _ in stage.client.began]
            assert max(b - a for a, b in pairwise(times)) >= retry_after_s

    scene(what, 100, fault=fault, scenario_id=None)


def test_what_cannot_be_read_does_not_keep_the_rest_and_is_told() -> None:
    broken = {RolloutsOf("run_00003"), RolloutsOf("run_00007")}

    async def what(stage: Stage) -> None:
        await stage.play(60)
        link = stage.poller.link
        assert not link.reading
        assert link.unread == 2
        known = {run_id for run_id in stage.gym.runs if stage.store.summary(run_id) is not None}
        assert len(known) == 38
        broken.clear()
        stage.poller.refresh()
        await stage.play(5)
        assert (stage.poller.link.unread, read(stage)) == (0, True)

    def fault(query: Request) -> GymError | None:
        return ServerError(500, None, "broken") if query in broken else None

    scene(what, 40, fault=fault, scenario_id=None)


@pytest.mark.parametrize("odd", [rollouts_body(), b'{"rollouts":[{"rollout_id":"x"}]}', b"<html>"])
def test_a_gym_that_means_something_else_by_a_scenario_is_asked_run_by_run(odd: bytes) -> None:
    async def what(stage: Stage) -> None:
        await time_to_truth(stage, 60)
        assert len(stage.asked(SCENARIO)) == 1
        assert stage.poller.link.error is None

    scene(what, 60, fault=lambda query: odd if query == SCENARIO else None)


def test_results_show_while_the_answer_about_their_scenario_still_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_splitter, "PART_BYTES", 1_000)

    async def what(stage: Stage) -> None:
        stage.client.piece_bytes, stage.client.piece_s = 4_000, 1.0
        while not (known := sum(stage.store.summary(i) is not None for i in stage.gym.runs)):
            await stage.play(0.5)
        assert 0 < known < 300
        assert stage.poller.link.reading
        await time_to_truth(stage, 120)
        assert len(stage.asked(SCENARIO)) == 1
        assert len([q for _, q in stage.client.began if isinstance(q, RolloutsOf)]) <= AT_ONCE

    scene(what, 300)


def test_what_an_answer_that_broke_off_told_is_kept_and_the_rest_asked_run_by_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_splitter, "PART_BYTES", 1_000)
    whole: list[bytes] = []

    def fault(query: Request) -> bytes | None:
        return whole[0][: len(whole[0]) // 2] if query == SCENARIO else None

    async def what(stage: Stage) -> None:
        whole.append(stage.gym.answer(SCENARIO) or b"")
        await time_to_truth(stage, 60)
        assert len(stage.asked(SCENARIO)) == 1
        singly = [q for _, q in stage.client.began if isinstance(q, RolloutsOf)]
        assert 40 <= len(singly) <= 70
        assert stage.poller.link.error is None

    scene(what, 100, fault=fault)


def test_what_is_in_view_is_read_first() -> None:
    async def what(stage: Stage) -> None:
        view = tuple(f"run_{n:05d}" for n in range(100, 130))
        stage.poller.set_view(View(source="rl-gym", runs_in_view=view))
        await stage.play(3)
        unread = [run_id for run_id in view if stage.store.summary(run_id) is None]
        assert not unread
        assert not read(stage)

    scene(what, 300, scenario_id=None)


def test_nothing_is_read_before_what_earlier_sessions_kept_is_known() -> None:
    async def what(stage: Stage) -> None:
        await stage.play(20)
        assert {type(query) for _, query in stage.client.began} == {RunsPage}
        assert stage.poller.link.reading
        stage.poller.begin_catch_up()
        await time_to_truth(stage, 30)

    scene(what, 40, begun=False)


def test_while_paused_nothing_is_read() -> None:
    async def what(stage: Stage) -> None:
        await stage.play(0.5)
        stage.poller.pause(True)
        await stage.play(1)
        count = len(stage.client.began)
        await stage.play(30)
        assert len(stage.client.began) == count
        stage.poller.pause(False)
        await time_to_truth(stage, 60)

    scene(what, 100, scenario_id=None)


@pytest.mark.parametrize("active", [1, *([20, 360] if THOROUGH else [120])])
def test_in_the_long_run_it_is_five_requests_a_second_however_many_are_active(active: int) -> None:
    async def what(stage: Stage) -> None:
        stage.gym.finishing = 0.05
        open_run = f"run_{active + 4:05d}"
        stage.poller.set_view(View(source="rl-gym", open_run=open_run))
        await stage.play(20, steps=True)
        for made in stage.gym.runs.values():
            for item in made.rollouts[1:]:  # they go on for ever
                item.update(status="running", phase="agent_running", current_step=1, result=None)
            stage.gym.changed(made)
            stage.gym.moving[made.run_id] = made
        stage.gym.finishing = 0.0
        began = stage.now()
        await stage.play(60, steps=True)
        times = [at for at, _ in stage.client.began if at >= began]
        assert len(times) <= 5 * 60 + BURST
        gaps = [b - a for a, b in pairwise(stage.asked(RolloutsOf(open_run), since=began))]
        assert max(gaps) <= 2.4
        for page in (0, 180):
            asked = stage.asked(RunsPage(page, source="rl-gym"), since=began)
            assert not asked or max(b - a for a, b in pairwise(asked)) <= 20

    scene(what, 5, active, each=4)


def test_how_often_the_rest_is_asked_is_told_and_who_is_behind() -> None:
    async def what(stage: Stage) -> None:
        stage.poller.set_view(View(source="rl-gym", open_run="run_00000"))
        moved = stage.gym.runs
        for second in range(60):
            for made in moved.values():  # the counters of all of them move all the time
                made.rollouts[second]["status"] = "running"
                stage.gym.changed(made)
            await stage.play(1)
        link = stage.poller.link
        assert link.rest_s is not None and 8 <= link.rest_s <= 120
        behind = [run_id for run_id in moved if (stage.poller.behind_s(run_id) or 0) > 6]
        assert behind, "some are older than three ticks, and known to be"
        assert stage.poller.behind_s("run_00000") in (None, pytest.approx(1.0, abs=3))

    scene(what, 0, 120, scenario_id=None, each=80)


def test_what_is_still_to_be_listed_is_known_until_it_cannot_be_read() -> None:
    async def what(stage: Stage) -> None:
        assert stage.poller.awaits("run_00000"), "nothing is known of any run yet"
        await stage.play(60)
        assert not any(map(stage.poller.awaits, ("run_00000", "run_00007", "nobody", None)))
        assert stage.store.summary("run_00007") is None

    def fault(query: Request) -> GymError | None:
        return ServerError(500, None, "broken") if query == RolloutsOf("run_00007") else None

    scene(what, 10, 2, fault=fault, scenario_id=None)
