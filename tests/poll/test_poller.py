"""The polling loop on a clock of its own: hours of it, with a gym that dies, limits and garbles."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from gymtui.api.errors import (
    Forbidden,
    GymError,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    Unreachable,
)
from gymtui.api.request import Progress, Ready, Sink
from gymtui.api.response import Answer
from gymtui.core.replacement import replace
from gymtui.core.server_clock import ServerClock
from gymtui.poll.catch_up import AT_ONCE
from gymtui.poll.connection import LinkState, Update
from gymtui.poll.flights import LISTS_AT_ONCE, ROLLOUTS_AT_ONCE
from gymtui.poll.intake import BATCH
from gymtui.poll.poller import REFUSED_S, Poller
from gymtui.poll.request_log import FORBIDDEN_S
from gymtui.poll.view import View
from gymtui.store.delta import (
    OneRun,
    Query,
    Request,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
    ScenarioRollouts,
)
from gymtui.store.store import Applied, Store
from tests.helpers.model_gym import GZIP, ModelGym, ended, rollout, rollouts_body, saw
from tests.helpers.virtual_time import play

HEAD = RunsPage(source="rl-gym")


@dataclass
class FakeClient:
    """Asks a model gym; what goes wrong is decided by `fault`, how long it takes by `latency`."""

    gym: ModelGym
    fault: Callable[[Request], GymError | bytes | None] = lambda query: None
    latency: Callable[[Request], float] = lambda query: 0.05
    began: list[tuple[float, Request]] = field(default_factory=list)
    under_way: list[Request] = field(default_factory=list)
    piece_bytes: int = 1 << 20
    piece_s: float = 0.0

    async def list_runs(
        self,
        *,
        scenario_id: str | None = None,
        source: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Answer:
        return await self._answer(RunsPage(offset, limit, source, scenario_id))

    async def get_run(self, run_id: str) -> Answer:
        return await self._answer(OneRun(run_id))

    async def list_rollouts(
        self,
        *,
        scenario_id: str | None = None,
        status: str | None = None,
        run_id: str | None = None,
    ) -> Answer:
        if status is not None:
            return await self._answer(RunningRollouts(scenario_id))
        assert run_id is not None
        return await self._answer(RolloutsOf(run_id))

    async def stream_rollouts(
        self, scenario_id: str, sink: Sink, ready: Ready, on_progress: Progress
    ) -> Answer:
        answer = await self._answer(ScenarioRollouts(scenario_id))
        pieces = range(0, len(answer.body), self.piece_bytes)
        for at in pieces:
            on_progress((at + self.piece_bytes) // GZIP, None)
            sink(answer.body[at : at + self.piece_bytes])
            await ready()
            await asyncio.sleep(self.piece_s)
        return replace(answer, body=b"")

    async def _answer(self, query: Request) -> Answer:
        assert query not in self.under_way, f"two of {query}"
        self.under_way.append(query)
        rollouts = sum(not isinstance(q, RunsPage | OneRun) for q in self.under_way)
        assert rollouts <= ROLLOUTS_AT_ONCE + AT_ONCE
        assert len(self.under_way) - rollouts <= LISTS_AT_ONCE
        sent_s = asyncio.get_running_loop().time()
        self.began.append((sent_s, query))
        try:
            await asyncio.sleep(self.latency(query))
            what = self.fault(query)
            if isinstance(what, GymError):
                raise what
            body = self.gym.answer(query) if what is None else what
            if body is None:
                raise NotFound
            now_s = asyncio.get_running_loop().time()
            return Answer(body, None, sent_s, now_s, len(body) // GZIP)
        finally:
            self.under_way.remove(query)


class Stage:
    """A poller at work, what it told, and a clock to move on."""

    def __init__(
        self, gym: ModelGym, *, kept: int = 5000, begun: bool = True, **view: object
    ) -> None:
        self.client = FakeClient(gym)
        self.gym, self.store = gym, Store(kept)
        self.told: list[Update] = []
        self.heard: list[tuple[Query, Applied]] = []
        self.now = asyncio.get_running_loop().time
        self.poller = Poller(
            self.client,
            self.store,
            ServerClock(lambda: self.now() + 1e9, self.now),
            self.told.append,
            view=View(**({"source": "rl-gym"} | view)),
            monotonic=self.now,
            rng=random.Random(5),
            on_answer=self.hear,
            renew=self.renew,
        )
        self.renewed: list[float] = []
        self.renewal_s = 0.0
        if begun:
            self.poller.begin_catch_up()
        self.task = asyncio.create_task(self.poller.run())

    async def renew(self) -> None:
        """Look the key up anew, which takes its time."""
        self.renewed.append(self.now())
        await asyncio.sleep(self.renewal_s)

    def hear(self, query: Query, applied: Applied, _window: object) -> Iterator[None]:
        """Hear an answer in two pieces."""
        yield
        self.heard.append((query, applied))

    async def play(self, seconds: float, *, steps: bool = False) -> None:
        end = self.now() + seconds
        while self.now() < end:
            await asyncio.sleep(min(0.5, end - self.now()))
            if steps:
                self.gym.step()

    async def end(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task

    def asked(self, query: Request | None = None, since: float = 0.0) -> list[float]:
        return [at for at, q in self.client.began if at >= since and query in (None, q)]

    @property
    def state(self) -> LinkState:
        return self.poller.link.state(self.now())


def staged(
    scene: Callable[[Stage], Awaitable[None]], *, runs: int = 5, active: int = 1, **view: object
) -> None:
    """Play a scene before a gym of finished and active runs."""

    async def main() -> None:
        gym = ModelGym(random.Random(3), finishing=0.0)
        for _ in range(runs):
            gym.launch(2, finished=True)
        for _ in range(active):
            gym.launch(2)
        stage = Stage(gym, **view)
        await scene(stage)
        await stage.end()
        assert not stage.client.under_way

    play(main)


ACTIVE = "run_00005"


def test_it_goes_live_and_follows_what_moves() -> None:
    async def scene(stage: Stage) -> None:
        assert stage.state is LinkState.CONNECTING
        await stage.play(60, steps=True)
        assert stage.state is LinkState.LIVE
        assert stage.poller.link.synced
        assert set(stage.store.runs) == set(stage.gym.runs)
        gaps = [b - a for a, b in itertools.pairwise(stage.asked(RolloutsOf(ACTIVE)))]
        assert 1.7 < min(gaps) < max(gaps) < 2.4
        assert len({round(gap, 3) for gap in gaps}) > 10  # jitter
        stage.gym.step()
        await stage.play(3)
        shown = stage.store.rollouts_of(ACTIVE)
        assert [row.raw for row in shown] == list(stage.gym.runs[ACTIVE].items.values())

    staged(scene)


def test_of_several_questions_that_fail_the_one_on_screen_is_told() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(3)
        faults = {HEAD: ServerError("the list"), RolloutsOf(ACTIVE): ServerError("the run")}
        stage.client.fault = faults.get
        await stage.play(10)
        assert stage.poller.link.error is faults[RolloutsOf(ACTIVE)]

    staged(scene, open_run=ACTIVE)


def test_the_first_sync_does_not_pause_between_its_pages_nor_repeat_anything() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(1.5)
        assert stage.poller.link.synced
        assert len(stage.store.runs) == 3001
        everything = [query for _, query in stage.client.began]
        assert len(everything) == len(set(everything))
        # It is shown as it comes.
        assert len([update for update in stage.told if update.delta.runs_added]) >= 15

    staged(scene, runs=3000)


def test_a_gym_that_dies_and_comes_back_is_live_again_with_no_key_pressed() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(20, steps=True)
        picture = dict(stage.store.runs)
        died = stage.now()
        stage.client.fault = lambda query: Unreachable("refused")
        await stage.play(20)
        assert stage.state is LinkState.STALE
        link = stage.poller.link
        assert isinstance(link.error, Unreachable)
        assert link.next_try_s > stage.now()
        assert link.since_s <= died
        await stage.play(600)
        assert not stage.task.done()
        assert dict(stage.store.runs) == picture
        tries = stage.asked(since=died + 60)
        assert len(tries) <= 15  # backed off
        assert max(b - a for a, b in itertools.pairwise(tries)) <= 67
        stage.client.fault = lambda query: None
        stage.gym.step()
        back = stage.now()
        await stage.play(67)
        assert stage.state is LinkState.LIVE
        assert stage.poller.link.error is None
        # With the first that gets through, all the rest is asked for.
        assert stage.asked(RolloutsOf(ACTIVE), since=back)[0] - stage.asked(since=back)[0] < 0.1
        assert len(stage.asked(RolloutsOf(ACTIVE), since=stage.now() - 5)) >= 2
        assert stage.store.runs[ACTIVE].raw == stage.gym.runs[ACTIVE].item

    staged(scene)


def test_retry_after_is_obeyed_and_ctrl_r_overrides_it() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(11)
        for error in (RateLimited(90.0), ServerError(503, 90.0)):
            stage.client.fault = lambda query, error=error: error
            await stage.play(2.5)
            limited = stage.now()
            stage.client.fault = lambda query: None
            await stage.play(80)
            assert stage.asked(since=limited) == []
            assert stage.state is LinkState.STALE
            assert stage.poller.link.next_try_s - stage.now() < 12
            await stage.play(20)
            assert stage.state is LinkState.LIVE
        stage.client.fault = lambda query: RateLimited(90.0)
        await stage.play(2.5)
        stage.client.fault = lambda query: None
        stage.poller.refresh()
        await stage.play(1)
        assert stage.state is LinkState.LIVE

    staged(scene)


def test_a_question_that_always_fails_starves_no_other() -> None:
    async def scene(stage: Stage) -> None:
        broken = RolloutsOf(ACTIVE)
        stage.client.fault = lambda query: ServerError(500) if query == broken else None
        await stage.play(300)
        assert stage.state is LinkState.LIVE
        assert isinstance(stage.poller.link.error, ServerError)
        assert len(stage.asked(HEAD)) > 140
        assert len(stage.asked(broken)) < 15
        # On a screen that is about it, it is what counts.
        stage.poller.set_view(View(source="rl-gym", open_run=ACTIVE))
        await stage.play(1)
        assert stage.state is LinkState.CONNECTING
        stage.client.fault = lambda query: None
        await stage.play(67)
        assert stage.state is LinkState.LIVE
        assert stage.poller.link.error is None

    staged(scene)


def only_singly(query: Query) -> bytes | None:
    """One answer about all running rollouts is no saving here: there are others, and large ones."""
    stray = rollout("other", "elsewhere", status="running", note="x" * 10**6)
    return rollouts_body(stray) if isinstance(query, RunningRollouts) else None


def test_slow_answers_hold_up_only_themselves_and_all_have_their_turn() -> None:
    async def scene(stage: Stage) -> None:
        stage.client.fault = only_singly
        await stage.play(10)
        began = stage.now()
        stage.client.latency = lambda query: 25.0 if isinstance(query, RolloutsOf) else 0.05
        await stage.play(170)
        assert len(stage.asked(HEAD, since=began)) > 75
        assert stage.state is LinkState.LIVE
        counts = [len(stage.asked(RolloutsOf(i), since=began)) for i in stage.gym.moving]
        assert min(counts) >= 2

    staged(scene, runs=0, active=12)


def test_what_was_queued_is_not_sent_once_the_gym_asks_for_silence() -> None:
    async def scene(stage: Stage) -> None:
        stage.client.fault = lambda query: None if query == HEAD else RateLimited(60.0)
        await stage.play(50)
        assert len(stage.asked()) <= 2 + LISTS_AT_ONCE + ROLLOUTS_AT_ONCE

    staged(scene, runs=0, active=20)


def test_after_silence_one_question_goes_first_and_with_its_answer_the_rest() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(9)
        stage.client.fault = lambda query: RateLimited(60.0)
        await stage.play(3)
        stage.client.fault = lambda query: None
        silent = stage.now()
        await stage.play(70)
        first, *rest = (query for at, query in stage.client.began if at >= silent)
        assert first == RolloutsOf(ACTIVE)
        assert rest[0] == HEAD
        assert stage.asked(HEAD, since=silent)[0] - stage.asked(since=silent)[0] < 0.1

    staged(scene, open_run=ACTIVE)


def test_what_is_opened_passes_all_that_is_queued() -> None:
    async def scene(stage: Stage) -> None:
        stage.client.fault = only_singly
        await stage.play(10)
        stage.client.latency = lambda query: 1.0
        await stage.play(3)
        began = stage.now()
        queued = "run_00000"
        stage.poller.set_view(View(source="rl-gym", open_run=queued))
        await stage.play(1.2)
        at = stage.asked(RolloutsOf(queued), since=began - 1.0)[0]
        others = stage.asked(since=began)
        assert at <= min(others, default=at) + 0.001

    staged(scene, runs=0, active=30)


def test_when_all_answers_take_longer_than_a_tick_nothing_piles_up() -> None:
    async def scene(stage: Stage) -> None:
        stage.client.latency = lambda query: 7.0
        await stage.play(300)
        assert len(stage.asked(HEAD)) >= 35
        assert all(stage.asked(RolloutsOf(run_id)) for run_id in stage.gym.moving)
        assert len(stage.asked()) - len(stage.asked(HEAD)) >= 40
        assert max(stage.asked(RunningRollouts())) > stage.now() - 10

    staged(scene, runs=0, active=20)


@pytest.mark.parametrize("error", [Unauthorized("no"), Forbidden("not yours")])
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_refused_key_is_tried_once_a_minute_with_one_question_and_recovers(
    error: GymError, by_hand: bool
) -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(9)
        picture = dict(stage.store.runs)
        stage.client.fault = lambda query: error if query == HEAD else None
        stage.client.latency = lambda query: 0.05 if query == HEAD else 1.0
        await stage.play(2.5)
        assert stage.state is LinkState.REFUSED
        assert stage.poller.link.stopped is error
        assert stage.client.under_way == []  # what was under way is let go of
        stopped = stage.now()
        await stage.play(3600)
        tries = [(at, query) for at, query in stage.client.began if at >= stopped]
        assert {query for _, query in tries} == {HEAD}
        assert 58 <= len(tries) <= 60
        assert stage.renewed == [at for at, _ in tries]  # the key of each is looked up just before
        assert dict(stage.store.runs) == picture
        assert stage.state is LinkState.REFUSED
        stage.client.fault = lambda query: None
        if by_hand:
            stage.poller.refresh()
        await stage.play(5 if by_hand else 65)
        assert stage.state is LinkState.LIVE
        assert stage.poller.link.stopped is None
        assert stage.asked(RolloutsOf(ACTIVE), since=stopped)

    staged(scene)


@pytest.mark.parametrize("error", [Unauthorized("no"), Unreachable("dropped")])
def test_a_refresh_during_a_slow_try_is_a_try_of_its_own(error: GymError) -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(9)
        assert stage.renewed == []
        stage.client.fault = lambda query: Unauthorized("no")
        await stage.play(5)
        stage.renewal_s = 20.0
        stage.poller.refresh()
        await stage.play(10)
        assert len(stage.renewed) == 1
        stage.client.fault = lambda query: error
        stage.poller.refresh()
        stage.poller.refresh()
        await stage.play(5)
        assert len(stage.renewed) == 1  # one at a time
        await stage.play(35)
        assert len(stage.renewed) == 2
        assert stage.renewed[1] - stage.renewed[0] < 21

    staged(scene)


def test_a_key_that_takes_longer_than_a_minute_to_look_up_is_looked_up_one_at_a_time() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(9)
        stage.client.fault = lambda query: Unauthorized("no")
        await stage.play(5)
        stage.renewal_s = 90.0
        turns = stage.poller._turn
        turned: list[float] = []
        stage.poller._turn = lambda: (turned.append(stage.now()), turns())[1]
        await stage.play(600)
        assert 3 <= len(stage.renewed) <= 7
        assert len(turned) < 60
        stage.client.fault = lambda query: None
        await stage.play(300)
        assert stage.state is LinkState.LIVE

    staged(scene)


def test_a_try_that_gets_no_answer_leaves_the_key_refused_and_is_made_again() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(9)
        stage.client.fault = lambda query: Unauthorized("no")
        await stage.play(5)
        began = stage.now()
        stage.client.fault = lambda query: Unreachable("dropped")
        await stage.play(600)
        assert stage.state is LinkState.REFUSED
        assert 9 <= len(stage.asked(HEAD, since=began)) <= 11
        stage.client.fault = lambda query: None
        await stage.play(65)
        assert stage.state is LinkState.LIVE

    staged(scene)


def test_nothing_is_tried_with_a_refused_key_while_paused() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(9)
        stage.client.fault = lambda query: Unauthorized("no")
        await stage.play(5)
        stage.poller.pause(True)
        paused = stage.now()
        await stage.play(600)
        assert [at for at, _ in stage.client.began if at >= paused] == []

    staged(scene)


def test_what_is_forbidden_of_one_run_is_asked_seldom_and_the_rest_goes_on() -> None:
    async def scene(stage: Stage) -> None:
        shut = RolloutsOf(ACTIVE)
        stage.client.fault = lambda query: Forbidden("not yours") if query == shut else None
        await stage.play(1800)
        assert stage.state is LinkState.LIVE
        assert (stage.poller.link.stopped, stage.poller.link.error) == (None, None)
        assert 2 <= len(stage.asked(shut)) <= 4
        assert len(stage.asked(HEAD)) > 500

    staged(scene)


@pytest.mark.parametrize("run_id", ["run_00000", ACTIVE])
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_run_is_marked_as_forbidden_until_its_rollouts_are_answered(
    run_id: str, by_hand: bool
) -> None:
    async def scene(stage: Stage) -> None:
        shut = RolloutsOf(run_id)
        stage.client.fault = lambda query: Forbidden("not yours") if query == shut else None
        await stage.play(20)
        wait_s = stage.poller.forbidden_s(run_id)
        assert wait_s is not None
        assert FORBIDDEN_S - 20 < wait_s < FORBIDDEN_S
        assert stage.poller.forbidden_s("run_00001") is None
        assert any(run_id in update.delta.runs_changed for update in stage.told)
        stage.client.fault = lambda query: Unreachable("dropped") if query == shut else None
        await stage.play(FORBIDDEN_S)
        assert stage.poller.forbidden_s(run_id) is not None, "no answer does not allow it"
        stage.client.fault = lambda query: None
        stage.told.clear()
        if by_hand:
            stage.poller.refresh()
        await stage.play(5 if by_hand else 70)
        assert stage.poller.forbidden_s(run_id) is None
        assert any(run_id in update.delta.runs_changed for update in stage.told)
        assert stage.store.knows_rollouts_of(run_id)

    staged(scene)


def test_a_finished_run_that_is_forbidden_keeps_nobody_waiting_and_is_asked_now_and_then() -> None:
    async def scene(stage: Stage) -> None:
        shut = RolloutsOf("run_00002")
        stage.client.fault = lambda query: Forbidden("not yours") if query == shut else None
        await stage.play(3600)
        looks = stage.asked(HEAD, since=1800)
        assert len(looks) < 120, "nothing is about to come: it is asked as of an idle gym"
        assert 5 <= len(stage.asked(shut)) <= 7

    staged(scene, active=0)


def test_a_forbidden_run_on_screen_does_not_make_the_picture_of_the_others_old() -> None:
    async def scene(stage: Stage) -> None:
        shut = RolloutsOf(ACTIVE)
        stage.client.fault = lambda query: Forbidden("not yours") if query == shut else None
        for view in ({"open_run": ACTIVE}, {"all_running": True}):
            stage.poller.set_view(View(source="rl-gym", **view))
            await stage.play(60)
            assert stage.state is LinkState.LIVE

    staged(scene)


def test_while_a_key_is_refused_it_is_told_when_it_is_tried_again() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(9)
        stage.client.fault = lambda query: Unauthorized("no")
        await stage.play(130)
        tried = stage.asked(HEAD)[-1]
        assert stage.poller.link.next_try_s == pytest.approx(tried + REFUSED_S, abs=0.1)

    staged(scene)


def test_what_was_let_go_of_before_it_was_even_sent_is_asked_after_all() -> None:
    async def scene(stage: Stage) -> None:
        stage.client.fault = only_singly
        await stage.play(10)
        refused = RolloutsOf(list(stage.gym.moving)[-4])

        def refuse(query: Query) -> GymError | bytes | None:
            return Unauthorized("no") if query == refused else only_singly(query)

        stage.client.fault = refuse
        await stage.play(8)
        assert stage.state is LinkState.REFUSED
        stage.client.fault = only_singly
        began = stage.now()
        stage.poller.refresh()
        await stage.play(9)
        assert all(stage.asked(RolloutsOf(i), since=began) for i in stage.gym.moving)

    staged(scene, runs=0, active=20)


def test_garbled_answers_keep_the_old_picture_and_say_so() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(10)
        runs, rollouts = dict(stage.store.runs), dict(stage.store.rollouts)
        for body in (b"<html>", b'{"runs": [', b"{}", b""):
            stage.client.fault = lambda query, body=body: body
            await stage.play(40)
            assert stage.state is LinkState.STALE
            assert "garbled answer from GET /" in stage.poller.link.error.brief
            assert (dict(stage.store.runs), dict(stage.store.rollouts)) == (runs, rollouts)
        stage.client.fault = lambda query: None
        await stage.play(67)
        assert stage.state is LinkState.LIVE

    staged(scene)


def test_pause_stops_asking_and_refresh_asks_once_all_the_same() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(11)
        stage.poller.pause(True)
        assert stage.poller.link.paused
        await stage.play(1)
        paused = stage.now()
        await stage.play(600)
        assert stage.asked(since=paused) == []
        assert stage.state is LinkState.PAUSED
        stage.poller.refresh()
        await stage.play(60)
        assert sorted(q.label for at, q in stage.client.began if at >= paused) == [
            "GET /rollouts",
            "GET /runs",
        ]
        stage.poller.pause(False)
        await stage.play(1)
        assert stage.state is LinkState.LIVE
        assert len(stage.asked(HEAD, since=paused)) == 2

    staged(scene)


def test_refresh_asks_at_once_and_never_twice_what_is_under_way() -> None:
    async def scene(stage: Stage) -> None:
        stage.client.latency = lambda query: 1.0
        await stage.play(30.2)
        for _ in range(20):
            stage.poller.refresh()
            await stage.play(0.05)
        assert len(stage.asked(HEAD, since=stage.now() - 1.0)) <= 2

    staged(scene)


def test_a_run_that_is_opened_is_asked_for_at_once_and_before_the_rest() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(30)
        old = next(iter(stage.gym.runs))
        began = stage.now()
        stage.poller.set_view(View(source="rl-gym", open_run=old))
        await stage.play(0.01)
        assert stage.asked(RolloutsOf(old), since=began) == [began]
        # What was just asked is not asked again for it.
        before = [at for at, q in stage.client.began if q == HEAD and began - 1.3 < at < began]
        assert not (before and stage.asked(HEAD, since=began))
        await stage.play(5)
        assert stage.state is LinkState.LIVE

    staged(scene, runs=60, kept=0)


def test_final_numbers_of_an_earlier_session_are_not_asked_for_again() -> None:
    async def scene(stage: Stage) -> None:
        before = Store()
        for query in map(RolloutsOf, stage.gym.runs):
            before.apply(saw(query, stage.gym.answer(query)))
        kept = {run_id: before.summary(run_id) for run_id in stage.gym.runs}
        await stage.play(0.04)
        stage.poller.remember(dict(list(kept.items())[:20]))
        await stage.play(1)
        stage.poller.remember(kept)
        stage.poller.begin_catch_up()
        await stage.play(120)
        asked = [query for _, query in stage.client.began if isinstance(query, RolloutsOf)]
        assert {query.run_id for query in asked} - {"run_00029"} == {"run_00030"}

    staged(scene, runs=30, begun=False)


def test_every_answer_is_heard_whether_it_changed_anything_or_not() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(30)
        of_active = [applied for query, applied in stage.heard if query == RolloutsOf(ACTIVE)]
        assert len(of_active) == len(stage.asked(RolloutsOf(ACTIVE))) > 12
        assert all(len(applied.ids) == 2 for applied in of_active)
        assert sum(bool(applied.delta) for applied in of_active) == 1

    staged(scene)


def test_another_source_needs_another_poller() -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(ValueError, match="another source"):
            stage.poller.set_view(View(source="all"))
        stage.task.cancel()

    staged(scene)


def test_the_pace_slows_when_all_is_done_and_quickens_when_something_starts() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(600)
        gaps = [b - a for a, b in itertools.pairwise(stage.asked(HEAD))]
        assert 25 < gaps[-1] < 34
        assert stage.state is LinkState.LIVE
        assert stage.poller.link.interval_s == 30
        run_id = stage.gym.launch(3)
        await stage.play(33)
        began = next(at for at in stage.asked(HEAD) if at > stage.now() - 33)
        assert stage.asked(RolloutsOf(run_id))[0] - began < 2.5
        began = stage.now()
        await stage.play(21, steps=True)
        assert len(stage.asked(RolloutsOf(run_id), since=began)) >= 9
        assert stage.poller.link.interval_s == 2

    staged(scene, active=0)


def test_old_results_are_read_one_a_tick_before_it_falls_asleep() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(130)
        assert all(stage.store.summary(run_id) for run_id in stage.gym.runs)

    staged(scene, runs=50, active=0)


def test_a_deleted_run_is_said_to_be_gone_and_can_be_forgotten() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(10)
        stage.gym.delete(ACTIVE)
        await stage.play(6)
        assert stage.store.runs[ACTIVE].is_deleted
        delta = stage.poller.forget(frozenset({ACTIVE}))
        assert delta.runs_removed == {ACTIVE}
        # A screen that still shows it does not have it asked for without end.
        stage.poller.set_view(View(source="rl-gym", open_run=ACTIVE))
        began = stage.now()
        await stage.play(120)
        assert len(stage.asked(OneRun(ACTIVE), since=began)) <= 5
        assert len(stage.asked(RolloutsOf(ACTIVE), since=began)) <= 1
        assert stage.state is LinkState.LIVE

    staged(scene)


def test_rollouts_that_are_given_up_are_told_of() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(130)
        told: set[str] = set()
        for update in stage.told:
            told |= update.delta.rollouts_added
            told -= update.delta.rollouts_removed
        assert told == set(stage.store.rollouts)
        assert len(told) <= 10
        assert all(stage.store.summary(run_id) for run_id in stage.gym.runs)

    staged(scene, runs=40, kept=10)


def test_while_nothing_happens_nothing_is_told() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(30)
        stage.told.clear()
        await stage.play(120)
        assert stage.told == []
        assert stage.state is LinkState.LIVE

    staged(scene)


def test_a_picture_that_grows_old_unanswered_is_told_to_be_stale() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(30)
        stage.told.clear()
        stage.client.latency = lambda query: math.inf if query == HEAD else 0.05
        await stage.play(20)
        assert stage.state is LinkState.STALE
        assert stage.told[-1].link.state(stage.now()) is LinkState.STALE
        stage.client.latency = lambda query: 0.05

    staged(scene)


def test_every_change_is_told_and_large_answers_leave_room_in_between() -> None:
    async def scene(stage: Stage) -> None:
        body = rollouts_body(*(ended(f"r{i}", ACTIVE) for i in range(2000)))
        arrived = asyncio.Event()

        def large(query: Query) -> bytes | None:
            if query != RolloutsOf(ACTIVE):
                return None
            arrived.set()
            return body

        stage.client.fault = large
        await arrived.wait()
        turns = 0
        while not stage.store.knows_rollouts_of(ACTIVE):
            await asyncio.sleep(0)
            turns += 1
        assert turns >= 15
        await stage.play(1)
        known = set().union(*(update.delta.rollouts_added for update in stage.told))
        assert known == set(stage.store.rollouts)
        assert ACTIVE in set().union(*(update.delta.runs for update in stage.told))

    staged(scene)


def test_the_runs_of_a_scenario_are_told_of_some_at_a_time_and_all_of_them() -> None:
    async def main() -> None:
        gym = ModelGym(random.Random(3))
        for _ in range(100):
            gym.launch(2, finished=True, scenario_id="hr")
        stage = Stage(gym)
        await stage.play(5)
        assert stage.asked(ScenarioRollouts("hr"))
        tellings = [update for update in stage.told if update.delta.rollouts_added]
        assert set().union(*(u.delta.rollouts_added for u in tellings)) == set(stage.store.rollouts)
        assert len(tellings) <= 100 / BATCH + 5
        await stage.poller.settled()
        assert stage.poller.is_idle
        await stage.end()

    play(main)


@pytest.mark.parametrize("after", [0.0, 0.01, 0.04, 0.9, 2.01, 2.03])
def test_cancelled_at_any_moment_it_leaves_no_task_behind(after: float) -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(after)

    staged(scene, active=10)


def test_an_answer_that_comes_after_the_end_all_the_same_starts_nothing_more() -> None:
    async def main() -> None:
        gym = ModelGym(random.Random(3))
        for _ in range(30):
            gym.launch(2, finished=True)
        stage = Stage(gym)
        let_go = asyncio.Event()
        ask = stage.client._answer

        async def stubborn(query: Request) -> Answer:
            answer = await ask(query)
            while not (let_go.is_set() or isinstance(query, RunsPage)):
                with contextlib.suppress(asyncio.CancelledError):
                    await let_go.wait()
            return answer

        stage.client._answer = stubborn
        await asyncio.sleep(1)
        assert not stage.poller.is_idle
        stage.task.cancel()
        await asyncio.sleep(1)
        began = len(stage.client.began)
        let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await stage.task
        assert len(stage.client.began) == began

    play(main)


def test_it_goes_on_when_it_is_run_again() -> None:
    async def scene(stage: Stage) -> None:
        await stage.play(5)
        await stage.end()
        stage.task = asyncio.create_task(stage.poller.run())
        since = stage.now()
        await stage.play(5, steps=True)
        assert stage.state is LinkState.LIVE
        assert stage.asked(RolloutsOf(ACTIVE), since)

    staged(scene)


def test_a_defect_ends_it_as_what_it_is_and_leaves_nothing_running() -> None:
    async def main() -> None:
        stage = Stage(ModelGym(random.Random(1)))

        def break_down(query: Query) -> None:
            raise ZeroDivisionError

        stage.client.fault = break_down
        with pytest.raises(ZeroDivisionError):
            await stage.task

    play(main)
