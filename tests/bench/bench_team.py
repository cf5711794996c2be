"""A team: what fifty dashboards and one recorder cost the gym, on a clock that jumps; and how late
a colleague's dashboard shows what a recorder saw, by way of PostgreSQL and on the wall clock.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from gymtui.api.endpoints import Endpoints
from gymtui.cli.headless_session import headless_session, take_news
from gymtui.cli.record import SHARED_LOOK_S, attach_recorder, share_recording
from gymtui.config.settings import Settings
from gymtui.poll.connection import LinkState
from gymtui.poll.poller import Poller
from gymtui.poll.recording_intake import LOOK_S, RecordingIntake
from gymtui.session.session import Session
from gymtui.store.history.recording_copy import FETCH_EVERY_S, SEND_EVERY_S
from gymtui.store.history.recording_format import SUFFIX
from tests.bench.rows import Row, at_most
from tests.helpers.model_gym import ModelGym
from tests.helpers.postgres_server import own_server, why_not
from tests.helpers.team_delays import INTERVAL_S, WALL_S, DatedClient, team_delays
from tests.helpers.virtual_time import play

DASHBOARDS, ACTIVE, EACH = 50, 20, 2
SETTLING_S, WATCHED_S = 20, 120
TIMES = 3.0
DELAYED_S = 60
SETTINGS = Settings(interval_s=2.0)


def rows() -> Iterator[Row]:
    """Count; a dashboard's list is on screen, and no run of it is open."""
    alone = play(lambda: _requests(1, recorded=False))
    with patch.object(asyncio, "to_thread", _at_once):
        team = play(lambda: _requests(DASHBOARDS, recorded=True))
    note = f"requests of {WATCHED_S} s, {ACTIVE} active runs of {EACH}"
    what = f"{DASHBOARDS} dashboards and one recorder, against one dashboard"
    yield at_most(what, team, alone, TIMES, "count", note)
    yield from delay_rows()


def delay_rows() -> Iterator[Row]:
    """How late a colleague's dashboard shows what a recorder saw, by where it is shown."""
    if (reason := why_not()) is not None:
        yield Row("what a recorder saw, at a colleague's", "not measured", note=reason)
        return
    with own_server() as server, tempfile.TemporaryDirectory() as home:
        url = server.new_database()
        delays = asyncio.run(team_delays(url, Path(home), _sent, watched_s=DELAYED_S))
    for name, delay in delays.items():
        what = f"what a recorder saw is in a colleague's {name}"
        note = f"the latest of {delay.count}, against two polls"
        late_s = float("inf") if delay.waiting else delay.worst_s
        yield at_most(what, late_s, 2 * INTERVAL_S, 1.0, "s", note)


@asynccontextmanager
async def _sent(recorder: Session, _mate: Session) -> AsyncIterator[None]:
    """As `record` does; a dashboard fetches by itself."""
    place = recorder.recording
    assert place is not None
    with share_recording(place, recorder.settings, print):
        yield


async def _at_once(work: Callable[..., Any], *values: object) -> Any:
    """Reading takes no time on this clock."""
    return work(*values)


async def _requests(dashboards: int, *, recorded: bool) -> int:
    """How many requests a gym gets."""
    gym = ModelGym(random.Random(3), finishing=0.0)
    for _ in range(ACTIVE):
        gym.launch(EACH)
    clients: list[DatedClient] = []
    followers: list[Session] = []
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as home:
        here, there = Path(home) / "recorder", Path(home) / "copy"
        there.mkdir()
        async with AsyncExitStack() as until:

            async def session(prepare: Callable[[Session], object]) -> Session:
                clients.append(DatedClient(gym))
                return await until.enter_async_context(
                    headless_session(
                        SETTINGS,
                        cast("Endpoints", clients[-1]),
                        journal=None,
                        wall=lambda: WALL_S + loop.time(),
                        monotonic=loop.time,
                        prepare=prepare,
                    )
                )

            works = [_steps(gym)]
            if recorded:
                recorder = await session(lambda session: attach_recorder(session, here))
                works += [_write(recorder), _copy(here, there)]
            for _ in range(dashboards):
                await asyncio.sleep(0.1)
                follower = await session(lambda _session: None)
                followers.append(follower)
                works += [_follow(follower, there)] if recorded else []
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in works]
                await asyncio.sleep(SETTLING_S)
                before = sum(len(client.began) for client in clients)
                await asyncio.sleep(WATCHED_S)
                count = sum(len(client.began) for client in clients) - before
                links = [follower.link for follower in followers]
                assert all(link.state(loop.time()) is LinkState.LIVE for link in links)
                assert all(link.recorded is recorded for link in links)
                for task in tasks:
                    task.cancel()
            return count


async def _steps(gym: ModelGym) -> None:
    while True:
        gym.step()
        await asyncio.sleep(2.0)


async def _write(session: Session) -> None:
    while True:
        await asyncio.sleep(SHARED_LOOK_S)
        await take_news(session, at_once=True)


async def _copy(here: Path, there: Path) -> None:
    """What is written is sent and fetched."""
    while True:
        await asyncio.sleep(SEND_EVERY_S + FETCH_EVERY_S)
        _copy_now(here, there)


def _copy_now(here: Path, there: Path) -> None:
    for path in here.glob(f"*{SUFFIX}"):
        shutil.copy(path, there)


async def _follow(session: Session, there: Path) -> None:
    poller = session.poller
    assert isinstance(poller, Poller)
    intake = RecordingIntake(
        there,
        *(SETTINGS.source, None),
        store=session.store,
        tracker=session.tracker,
        intake=poller.intake,
        clock=session.clock,
        monotonic=session.monotonic,
        remember=poller.remember,
        is_recorded_elsewhere=lambda: True,
    )
    while True:
        await intake.look()
        await take_news(session)
        await asyncio.sleep(LOOK_S)
