"""What a session tells: what comes in together is told together, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast
from unittest import mock

import pytest

from gymtui.config.settings import Settings
from gymtui.core.server_clock import ServerClock
from gymtui.poll.connection import Link, Update
from gymtui.session.input_priority import InputPriority
from gymtui.session.session import Session
from gymtui.store.delta import Delta
from tests.helpers.virtual_time import play

PATIENCE_S = 0.4


class SlowFeed:
    """A poller of which an answer is under way until it is let land."""

    link = Link()

    def __init__(self) -> None:
        self.landed = asyncio.Event()

    async def settled(self) -> None:
        await self.landed.wait()

    def refresh(self) -> None: ...

    def begin_catch_up(self) -> None: ...


def watching(feed: SlowFeed) -> Session:
    now = asyncio.get_running_loop().time
    return Session(
        Settings(base_url="http://127.0.0.1:9"),
        cast("Any", None),
        ServerClock(lambda: 1e9, now),
        None,
        mock.Mock(),
        input_priority=InputPriority(now),
        monotonic=now,
        rng=random.Random(1),
        feed=cast("Any", feed),
    )


def told(run_id: str) -> Update:
    return Update(Delta(runs_changed=frozenset({run_id})), Link())


def test_what_is_under_way_together_is_told_together() -> None:
    async def scene() -> None:
        feed = SlowFeed()
        session = watching(feed)
        began_s = session.monotonic()
        asyncio.get_running_loop().call_later(0.1, session.take_update, told("a"))
        asyncio.get_running_loop().call_later(0.2, session.take_update, told("b"))
        asyncio.get_running_loop().call_later(0.3, feed.landed.set)
        assert (await session.news(PATIENCE_S)).runs_changed == {"a", "b"}
        assert session.monotonic() - began_s < PATIENCE_S

    play(scene)


def test_what_takes_long_holds_nothing_up_and_without_patience_news_is_told_as_it_comes() -> None:
    async def scene() -> None:
        session = watching(SlowFeed())
        began_s = session.monotonic()
        for patience_s in (PATIENCE_S, 0.0):
            session.take_update(told("a"))
            assert (await session.news(patience_s)).runs_changed == {"a"}
        assert session.monotonic() - began_s == pytest.approx(PATIENCE_S)

    play(scene)
