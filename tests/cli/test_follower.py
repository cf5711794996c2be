"""Following runs: how often what is asked, on a clock that jumps."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from gymtui.api.errors import (
    Forbidden,
    GymError,
    NotFound,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from gymtui.api.response import Answer
from gymtui.cli.follower import NUMBERS_EVERY_S, Follower, SilentError
from gymtui.cli.progress_line import ProgressLine, summary_line
from gymtui.core.text import width
from gymtui.poll.request_log import RESULT_TRIES
from gymtui.store.delta import OneRun, RolloutsOf
from tests.helpers.model_gym import ModelGym
from tests.helpers.virtual_time import play

_ON_ITS_WAY_S = 0.01
"""So that no question is sent in the moment in which the one before it was answered."""


class Scripted:
    """A gym in memory whose runs move when they are looked at, and which may refuse."""

    def __init__(self, model: ModelGym, each_look: Callable[[int], GymError | None]) -> None:
        self.model = model
        self.each_look = each_look
        self.asked: list[tuple[float, OneRun | RolloutsOf]] = []
        self.fault: Callable[[OneRun | RolloutsOf, float], GymError | None] = lambda *_: None
        self.delay: Callable[[float], float] = lambda _now_s: _ON_ITS_WAY_S
        self.over: set[str] = set()

    def is_over(self, run_id: str) -> bool:
        return run_id in self.over

    async def get_run(self, run_id: str) -> Answer:
        return await self._answer(OneRun(run_id))

    async def list_rollouts(self, *, run_id: str | None = None, **_: Any) -> Answer:
        return await self._answer(RolloutsOf(run_id or ""))

    async def list_runs(self, **_: Any) -> Answer:
        raise AssertionError("the whole list is never asked for")

    def times(self, kind: type) -> list[float]:
        return [at for at, query in self.asked if isinstance(query, kind)]

    async def _answer(self, query: OneRun | RolloutsOf) -> Answer:
        sent_s = asyncio.get_running_loop().time()
        await asyncio.sleep(self.delay(sent_s))
        now_s = asyncio.get_running_loop().time()
        self.asked.append((now_s, query))
        error = self.each_look(len(self.times(OneRun))) or self.fault(query, now_s)
        if error is not None:
            raise error
        body = self.model.answer(query)
        if body is None:
            raise NotFound
        return Answer(body, None, sent_s, now_s, len(body))


def follow(gym: Scripted, *run_ids: str, **options: Any) -> Follower:
    made: list[Follower] = []

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        settings = {"interval_s": 2.0, "patience_s": 300.0, "monotonic": clock} | options
        follower = Follower(gym, run_ids, **settings)  # type: ignore[arg-type]
        made.append(follower)

        async def news() -> None:
            return None

        await follower.follow(news)

    play(main)
    return made[0]


@pytest.fixture
def model() -> ModelGym:
    return ModelGym(random.Random(1))


def test_no_result_is_waited_for_of_a_run_that_is_known_to_be_over(model: ModelGym) -> None:
    run_id = model.launch(2)
    for item in model.runs[run_id].rollouts:
        item |= {"status": "completed", "result": None}
    model.changed(model.runs[run_id])
    late, over = Scripted(model, lambda _: None), Scripted(model, lambda _: None)
    over.over.add(run_id)
    assert all(follow(gym, run_id).settled(run_id) for gym in (late, over))
    assert len(late.times(RolloutsOf)) == RESULT_TRIES
    assert len(over.times(RolloutsOf)) == 1


def test_rollouts_are_listed_when_counters_move_and_not_every_time(model: ModelGym) -> None:
    run_id = model.launch(3)

    def look(number: int) -> None:
        if number == 100:
            model.finish(run_id)

    gym = Scripted(model, look)
    follower = follow(gym, run_id)
    assert follower.settled(run_id)
    looks, lists = gym.times(OneRun), gym.times(RolloutsOf)
    assert len(looks) == 100
    assert 180 <= looks[-1] - looks[0] <= 220, "one look an interval"
    assert len(lists) == 2, "once at first, once at the end"
    assert follower.views[0].summary is not None
    assert follower.views[0].summary.verdicts == 3


def test_what_was_over_before_is_known_without_a_pause(model: ModelGym) -> None:
    runs = [model.launch(2), model.launch(1)]
    model.finish(runs[0])
    gym = Scripted(model, lambda number: model.finish(runs[1]) if number == 4 else None)
    follower = follow(gym, *runs)
    assert [query for _, query in gym.asked[:3]] == [
        OneRun(runs[0]),
        OneRun(runs[1]),
        RolloutsOf(runs[0]),
    ]
    assert gym.asked[2][0] - gym.asked[0][0] < 1, "as soon as it is known to be over"
    assert [query for _, query in gym.asked].count(RolloutsOf(runs[0])) == 1
    assert all(map(follower.settled, runs))


def test_a_busy_run_is_listed_now_and_then_unless_something_hangs_on_it(model: ModelGym) -> None:
    def gym_of(model: ModelGym) -> Scripted:
        run_id = model.launch(200)

        def look(number: int) -> None:
            for item in model.runs[run_id].rollouts[:number]:
                item |= {"status": "completed", "result": {"success": True}}
            model.changed(model.runs[run_id])

        return Scripted(model, look)

    now_and_then = gym_of(model)
    follow(now_and_then, "run_00000")
    lists = now_and_then.times(RolloutsOf)
    gaps = [after - before for before, after in pairwise(lists)]
    assert min(gaps[:-1]) >= NUMBERS_EVERY_S
    closely = gym_of(model)
    follow(closely, "run_00001", closely=True)
    assert len(closely.times(RolloutsOf)) > 3 * len(lists)


def test_a_silent_gym_is_asked_ever_less_often_and_given_up_after_its_time(
    model: ModelGym,
) -> None:
    run_id = model.launch(1)
    gym = Scripted(model, lambda _: Unreachable("refused"))
    with pytest.raises(SilentError) as caught:
        follow(gym, run_id, patience_s=600.0)
    looks = gym.times(OneRun)
    assert 600 < looks[-1] - looks[0] < 700
    assert len(looks) < 20
    assert caught.value.error.brief == "refused"


def test_silence_before_it_answered_again_is_forgiven(model: ModelGym) -> None:
    run_id = model.launch(1)

    def look(number: int) -> GymError | None:
        if number == 40:
            model.finish(run_id)
        return Unreachable("dropped") if number % 6 else None

    assert follow(Scripted(model, look), run_id, patience_s=200.0).trouble is None


def test_retry_after_is_obeyed(model: ModelGym) -> None:
    run_id = model.launch(1)

    def look(number: int) -> GymError | None:
        model.finish(run_id)
        return RateLimited(120.0) if number == 1 else None

    gym = Scripted(model, look)
    follow(gym, run_id)
    first, second = gym.times(OneRun)[:2]
    assert second - first >= 120


def test_a_refused_key_and_a_missing_run_end_it_at_once(model: ModelGym) -> None:
    with pytest.raises(Unauthorized):
        follow(Scripted(model, lambda _: Unauthorized()), "x")
    gym = Scripted(model, lambda _: None)
    with pytest.raises(NotFound):
        follow(gym, "x")
    assert len(gym.asked) == 1


def test_a_run_deleted_meanwhile_is_over(model: ModelGym) -> None:
    run_id = model.launch(1)

    def look(number: int) -> None:
        if number == 3:
            model.delete(run_id)

    follower = follow(Scripted(model, look), run_id)
    assert follower.settled(run_id)
    assert follower.views[0].row.is_deleted


def test_results_that_come_late_are_waited_for(model: ModelGym) -> None:
    run_id = model.launch(1)
    rollout = model.runs[run_id].rollouts[0]
    rollout |= {"status": "completed"}
    model.changed(model.runs[run_id])
    lists = 0

    def look(_: int) -> None:
        nonlocal lists
        lists += 1
        if lists == 4:
            rollout["result"] = {"success": False}
            model.changed(model.runs[run_id])

    follower = follow(Scripted(model, look), run_id)
    summary = follower.views[0].summary
    assert summary is not None
    assert summary.verdicts == 1


def test_the_progress_line_leaves_parts_out_rather_than_cut_a_number(model: ModelGym) -> None:
    run_id = model.launch(3)

    def look(number: int) -> None:
        for item in model.runs[run_id].rollouts[:2]:
            item |= {"status": "completed", "result": {"success": True}}
        model.changed(model.runs[run_id])
        if number == 3:
            model.finish(run_id)

    seen: dict[int, str] = {}

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        follower = Follower(Scripted(model, look), (run_id,), 2.0, 300.0, monotonic=clock)

        async def news() -> None:
            if follower.views[0].finished == 2:
                seen.update((cells, summary_line(follower, cells)) for cells in range(12, 120))

        await follower.follow(news)

    play(main)
    assert seen[119] == "run_00000: 2/3 done · pass@1 100% 34–100 of 2 · 1 waiting"
    assert seen[50] == "run_00000: 2/3 done · pass@1 100% 34–100 of 2"
    assert seen[30] == "run_00000: 2/3 done"
    assert seen[15] == "ru…00: 2/3 done"
    assert all(width(line) <= cells for cells, line in seen.items())


# -- refused and forbidden -----------------------------------------------------------------


def test_a_key_refused_meanwhile_is_looked_up_anew_and_tried_once_a_minute(
    model: ModelGym,
) -> None:
    runs = [model.launch(1) for _ in range(3)]
    gym = Scripted(model, lambda _: None)
    mended = False

    def fault(query: OneRun | RolloutsOf, now_s: float) -> GymError | None:
        if len(gym.asked) > 20 and not mended:
            return Unauthorized("bad key")
        if mended:
            for run_id in runs:
                model.finish(run_id)
        return None

    gym.fault = fault
    renewed: list[float] = []

    async def renew() -> None:
        nonlocal mended
        renewed.append(asyncio.get_running_loop().time())
        mended = len(renewed) == 4

    follower = follow(gym, *runs, renew=renew)
    assert all(map(follower.settled, runs))
    assert [round(after - before) for before, after in pairwise(renewed)] == [60, 60, 60]
    tries = [at for at, _ in gym.asked if renewed[0] <= at < renewed[3]]
    assert len(tries) == 3, "one question a try"
    assert follower.trouble is None


def test_a_key_that_stays_refused_ends_it_after_its_time(model: ModelGym) -> None:
    run_id = model.launch(1)
    gym = Scripted(model, lambda number: Unauthorized("bad key") if number > 5 else None)
    renewed: list[float] = []

    async def renew() -> None:
        renewed.append(asyncio.get_running_loop().time())

    with pytest.raises(Unauthorized):
        follow(gym, run_id, renew=renew, patience_s=150.0)
    assert 140 < gym.asked[-1][0] - gym.times(OneRun)[4] < 160
    assert len(renewed) == 3, "after one minute, two, and at the end"


def test_a_run_that_is_forbidden_from_the_first_does_not_keep_the_others(model: ModelGym) -> None:
    theirs, ours = model.launch(1), model.launch(1)
    gym = Scripted(model, lambda number: model.finish(ours) if number == 9 else None)
    gym.fault = lambda query, _: Forbidden("not yours") if query == OneRun(theirs) else None
    follower = follow(gym, theirs, ours)
    assert follower.settled(ours) and follower.forbidden(ours) is None
    error = follower.forbidden(theirs)
    assert error is not None and error.line == "forbidden (403): not yours"
    assert [view.name for view in follower.views] == [ours]
    assert [query for _, query in gym.asked].count(OneRun(theirs)) == 1


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_forbidden_results_are_waited_for_only_where_they_were_seen_before(
    model: ModelGym, seen: bool, again: bool
) -> None:
    run_id = model.launch(2)
    gym = Scripted(model, lambda number: model.finish(run_id) if number == 20 else None)
    shut_s: list[float] = []

    def fault(query: OneRun | RolloutsOf, now_s: float) -> GymError | None:
        if query != RolloutsOf(run_id) or (seen and model.runs[run_id].active):
            return None
        shut_s.append(now_s)
        return None if again and now_s > shut_s[0] + 100 else Forbidden("not yours")

    gym.fault = fault
    follower = follow(gym, run_id)
    assert follower.settled(run_id)
    assert not follower.views[0].row.active
    summary = follower.views[0].summary
    if seen and again:
        assert follower.forbidden(run_id) is None
        assert summary is not None and summary.verdicts == 2
        assert shut_s[-1] - shut_s[0] == pytest.approx(120, abs=10)
    else:
        assert follower.forbidden(run_id) is not None
        assert not seen or shut_s[-1] - shut_s[0] == pytest.approx(270, abs=40)


def test_one_403_while_waiting_is_no_end(model: ModelGym) -> None:
    run_id = model.launch(1)

    def look(number: int) -> GymError | None:
        if number == 12:
            model.finish(run_id)
        return Forbidden("proxy restarts") if number == 10 else None

    gym = Scripted(model, look)
    renewed: list[float] = []

    async def renew() -> None:
        renewed.append(asyncio.get_running_loop().time())

    follower = follow(gym, run_id, renew=renew)
    assert follower.settled(run_id) and follower.forbidden(run_id) is None
    looks = gym.times(OneRun)
    assert 55 < looks[10] - looks[9] < 65
    assert len(renewed) == 1


def test_the_end_is_told_once_with_all_its_results() -> None:
    model = ModelGym(random.Random(1))
    run_id = model.launch(4)
    told = io.StringIO()

    looks = iter(range(1, 100))

    def look(_number: int) -> None:
        look = next(looks)
        done = model.runs[run_id].rollouts[: 2 * look]
        for item in done:
            # The list of a run that has just ended lacks its last result.
            verdict = {"success": True} if item is not done[-1] or look > 3 else None
            item |= {"status": "completed", "result": verdict}
        model.changed(model.runs[run_id])

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        gym = Scripted(model, look)
        follower = Follower(gym, (run_id,), 20.0, 300.0, monotonic=clock)  # type: ignore[arg-type]
        line = ProgressLine(told)

        async def news() -> None:
            line.show(follower)

        await follower.follow(news)

    play(main)
    assert told.getvalue().count(f"{run_id}: 4/4 done") == 1


def test_of_a_gym_that_slows_down_less_is_asked(model: ModelGym) -> None:
    runs = [model.launch(2) for _ in range(8)]

    def look(number: int) -> None:
        if number == 400:
            for run_id in runs:
                model.finish(run_id)

    gym = Scripted(model, look)
    gym.delay = lambda now_s: 1.0 if now_s > 1060 else 0.01
    follow(gym, *runs, max_requests_per_s=4.0)
    before = [at for at in gym.times(OneRun) if at < 1060]
    after = [at for at in gym.times(OneRun) if 1063 <= at < 1093]
    quick = len(before) / (before[-1] - before[0])
    slow = len(after) / 30
    assert slow < 0.4 * quick
