"""Any gym, from a first start to rest: whatever its size, speed and limits, and whatever happens.

Sizes, times of answers, how many are worked on at once, 429s, faults, runs that come and go and
restarts of either side are drawn together; what must hold is the same for all of them.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from gymtui.api.errors import GymError, RateLimited, Refused, Unreachable
from gymtui.config.schema import StuckThresholds
from gymtui.poll.budget import BURST_S
from gymtui.poll.catch_up import AT_ONCE, REQUESTS_PER_S
from gymtui.poll.poller import REQUESTS_PER_S as STEADY_PER_S
from gymtui.poll.view import View
from gymtui.store.delta import Request, RolloutsOf, RunsPage, ScenarioRollouts
from gymtui.store.lists.columns import LISTED, RUNS, RunView
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.stats.forecast import RunForecast
from gymtui.tui.runs.run_views import RunViews
from tests.conftest import THOROUGH
from tests.helpers.model_gym import ModelGym
from tests.helpers.virtual_time import play
from tests.poll.test_poller import Stage

BEGAN = datetime(2026, 3, 20, tzinfo=UTC)
BURST = BURST_S * STEADY_PER_S
STEADY_MOST = BURST + 10 * STEADY_PER_S
MOST = STEADY_MOST + AT_ONCE + 10 * REQUESTS_PER_S
"""Requests in any ten seconds, by both budgets."""
IN_VIEW = 20
TICK_S = 2.2
"""The interval with its jitter."""
COUNTERS_S = 20.0
"""How old the counters of any active run may get."""


@dataclass(frozen=True)
class Setting:
    """What a gym is like, and what happens to it."""

    finished: int
    active: int
    latency_s: float  # how long it takes for an answer
    at_once: int  # questions that it works on at the same time
    alone: bool = False  # whether it refuses questions about a whole scenario
    newest_first: bool = True
    limit: int | None = None  # questions in ten seconds, beyond which it answers 429
    retry_after_s: float | None = None  # what that says
    shifting: bool = False  # whether runs come and go while the list is read
    down: bool = False  # whether it cannot be reached for a while

    @property
    def waits_s(self) -> float:
        """How long a question may wait for those before it."""
        return self.latency_s * (1 + (AT_ONCE + 6) / self.at_once)


def drawn(seed: int, most: int) -> Setting:
    """Any setting, of at most so many finished runs."""
    chance = random.Random(seed)
    limited = chance.random() < 0.4
    return Setting(
        finished=chance.choice([n for n in (10, 60, 400, 2_000, 10_000) if n <= most]),
        active=chance.choice((0, 1, 20, 60, 400 if most > 400 else 120)),
        latency_s=chance.choice((0.0, 0.02, 0.2, 1.5)),
        at_once=chance.choice((1, 2, 4, 8)),
        alone=chance.random() < 0.3 and most <= 2_000,
        newest_first=chance.random() < 0.7,
        limit=chance.choice((20, 60)) if limited else None,
        retry_after_s=chance.choice((None, 3.0, 30.0)),
        shifting=chance.random() < 0.5,
        down=chance.random() < 0.3,
    )


@dataclass
class RunList:
    """The run list as its screen keeps it, and how often a row moved that nothing happened to."""

    stage: Stage
    rows: OrderedView[RunView] = field(default_factory=lambda: OrderedView(RUNS, "age"))
    shown: list[str] = field(default_factory=list)
    moved: int = 0
    told: int = 0

    def __post_init__(self) -> None:
        stage, forecast = self.stage, RunForecast()
        session: Any = SimpleNamespace(
            settings=SimpleNamespace(stuck=StuckThresholds()),
            store=stage.store,
            poller=stage.poller,
            monotonic=stage.now,
            forecast=forecast,
            alerts=SimpleNamespace(watches=lambda _run_id: False),
            notes=SimpleNamespace(all=lambda _of: {}),
        )
        self._session = session
        self._views = RunViews(session)
        self._direction: bool | None = None

    def look(self) -> None:
        """Take in what was told since, as `RunsScreen.changed` does."""
        self._session.link = link = self.stage.poller.link
        news, self.told = self.stage.told[self.told :], len(self.stage.told)
        if not self._views.order_is_known(self.rows.order):
            self.told -= len(news)  # it is told again
            return
        now = BEGAN + timedelta(seconds=self.stage.now())
        records = self.rows.records
        for update in news:
            touched = self._views.changed(update.delta, records, self.shown[:IN_VIEW], now)
            gone = records.keys() - self.stage.store.runs.keys()
            self.rows.apply(touched, gone, now.timestamp())
        self.rows.stand_in(LISTED if link.reading else None)
        after = list(self.rows)
        both = set(self.shown) & set(after)
        before, now_shown = ([i for i in ids if i in both] for ids in (self.shown, after))
        direction = self.stage.store.order.newest_first
        # Of a gym that lets nobody know for long which end is new, the list turns round once.
        if direction is self._direction:
            self.moved += before != now_shown
        self.shown, self._direction = after, direction


class Play:
    """A gym of a setting, a poller before it, and the run list."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting, self.chance = setting, random.Random(seed)
        self.gym = ModelGym(random.Random(seed), newest_first=setting.newest_first, finishing=0.01)
        for number in range(setting.finished + setting.active):
            self.launch(finished=number < setting.finished)
        self._free_s = [0.0] * setting.at_once
        self._asked_s: list[float] = []
        self.down_until_s = self.down_from_s = 0.0
        self.limited = False
        self.start()

    def start(self) -> None:
        """Start the program, which knows nothing."""
        self.stage = Stage(self.gym)
        self.stage.client.fault, self.stage.client.latency = self.fault, self.latency
        self.list = RunList(self.stage)

    def launch(self, *, finished: bool = False) -> None:
        gym = self.gym
        made = gym.runs[gym.launch(2, finished=finished, scenario_id="hr")]
        when = BEGAN - timedelta(days=30) + timedelta(minutes=gym.launched)
        for item in made.rollouts:
            item["created_at"] = when.isoformat()
        made.freeze()

    def fault(self, query: Request) -> GymError | None:
        now_s = self.stage.now()
        if self.down_from_s <= now_s < self.down_until_s:
            return Unreachable("connection refused")
        insort(self._asked_s, now_s)
        recent = len(self._asked_s) - bisect_left(self._asked_s, now_s - 10)
        if self.setting.limit is not None and recent > self.setting.limit:
            self.limited = True
            return RateLimited(self.setting.retry_after_s, "slow down")
        refused = self.setting.alone and isinstance(query, ScenarioRollouts)
        return Refused(400, "ask for one run") if refused else None

    def latency(self, _query: Request) -> float:
        now_s = self.stage.now()
        self._free_s.sort()
        self._free_s[0] = max(now_s, self._free_s[0]) + self.setting.latency_s
        return self._free_s[0] - now_s

    async def seconds(self, seconds: float, *, moves: bool = True) -> None:
        """Let time pass; what runs moves on each second, and runs come and go if they do."""
        for _ in range(round(seconds)):
            self.gym.now = self.stage.now()
            if moves:
                self.gym.step()
                if self.setting.shifting and self.chance.random() < 0.1:
                    self.launch()
                if self.setting.shifting and self.chance.random() < 0.05:
                    self.gym.delete(self.chance.choice(list(self.gym.runs)))
            await self.stage.play(1.0)
            self.list.look()
            view = View(source="rl-gym", runs_in_view=tuple(self.list.shown[:IN_VIEW]))
            self.stage.poller.set_view(view)
            self.forget_gone()

    def forget_gone(self) -> None:
        """Drop what the gym says is gone, as the session does a while after it said so."""
        rows = self.stage.store.runs
        gone = frozenset(i for i in self.gym.deleted if i in rows and rows[i].is_deleted)
        if gone:
            self.stage.poller.forget(gone)

    @property
    def is_whole(self) -> bool:
        """Whether all that the gym has is known as it is."""
        store, runs = self.stage.store, self.gym.runs
        return store.runs.keys() == runs.keys() and all(
            store.runs[i].raw == made.item and store.summary(i) is not None
            for i, made in runs.items()
        )

    async def until(self, holds: Callable[[], bool], patience_s: float, **how: bool) -> None:
        began_s = self.stage.now()
        while not holds():
            assert self.stage.now() - began_s < patience_s, "never"
            await self.seconds(2, **how)

    def polite(self, most: float, since_s: float = 0.0) -> None:
        """Within any ten seconds no more was asked than so much."""
        times = [at_s for at_s, _ in self.stage.client.began if at_s >= since_s]
        for at, start_s in enumerate(times):
            assert bisect_left(times, start_s + 10) - at <= most

    def is_fresh(self) -> bool:
        """Whether no counters that are shown as moving are older than was promised."""
        now_s, until = self.stage.now(), self.gym.until
        active = self.gym.ever_changed & self.stage.store.active_runs
        raws = ((run_id, self.stage.store.runs[run_id].raw) for run_id in active)
        oldest_s = max((now_s - until.get(one, now_s) for one in raws), default=0.0)
        return oldest_s <= COUNTERS_S + 3 * self.setting.waits_s


SETTINGS = [
    # Each of the extremes in turn, what else there is drawn.
    Setting(10, 0, 1.5, 1),
    Setting(10, 1, 0.0, 8, shifting=True, newest_first=False),
    Setting(400, 20, 0.2, 2, alone=True, limit=60, retry_after_s=None),
    Setting(400, 20, 0.02, 4, limit=20, retry_after_s=30.0, down=True),
    Setting(60, 120, 0.2, 1, shifting=True),
    Setting(10, 60, 0.2, 1, alone=True),
    *(drawn(seed, 400) for seed in range(2)),
]
if THOROUGH:
    SETTINGS += [
        Setting(10_000, 400, 0.02, 8),
        Setting(10_000, 0, 1.5, 2, shifting=True, down=True),
        Setting(2_000, 400, 1.5, 8, alone=True),
        Setting(2_000, 400, 0.2, 3, limit=60, retry_after_s=3.0, shifting=True),
        *(drawn(seed, 2_000) for seed in range(2, 30)),
    ]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: f"{s.finished} and {s.active} active")
def test_whatever_the_gym_is_like_all_is_read_politely_and_no_row_moves(setting: Setting) -> None:
    async def main() -> None:
        world = Play(setting, seed=setting.finished + setting.active)
        stage = world.stage
        if setting.down:
            world.down_from_s, world.down_until_s = stage.now() + 5, stage.now() + 40
        patience_s = 600 + 4 * setting.latency_s * (setting.finished + setting.active)
        if setting.limit is not None:
            patience_s += 20 * (setting.finished + setting.active) * 10 / setting.limit
        await world.until(lambda: stage.poller.link.synced, patience_s)
        await world.until(lambda: not stage.poller.link.reading, patience_s)
        if setting.down:
            await world.seconds(max(0.0, world.down_until_s + 70 - stage.now()))
        began_s = stage.now() + 10
        heads = len(stage.client.began)
        for _ in range(20):
            await world.seconds(3)
            if not (setting.limit or setting.shifting):
                assert world.is_fresh()
        world.polite(MOST)
        world.polite(STEADY_MOST, since_s=began_s)
        head = RunsPage(source="rl-gym")
        asked = [at_s for at_s, query in stage.client.began[heads:] if query == head]
        if not setting.limit and world.gym.moving:
            # With hundreds of active runs it may wait for the budget, till the next tick at most.
            assert max(b - a for a, b in pairwise(asked)) <= 2 * TICK_S + 2 * setting.waits_s
        await world.until(lambda: world.is_whole, patience_s + 300, moves=False)
        if setting.limit is not None and setting.alone and setting.finished >= 400:
            assert world.limited
        assert world.list.moved == 0
        known = {i: s for i in world.gym.runs if (s := stage.store.summary(i)) is not None}
        await stage.end()

        # Started again, what was kept is not asked for: only what may have changed is.
        world.start()
        again = world.stage
        final = {i: s for i, s in known.items() if s.settled and i not in world.gym.moving}
        again.poller.remember(final)
        await world.until(lambda: world.is_whole, patience_s, moves=False)
        singly = {q.run_id for _, q in again.client.began if isinstance(q, RolloutsOf)}
        assert not singly & final.keys()
        assert world.list.moved == 0
        world.polite(MOST)
        await again.end()

    play(main)
