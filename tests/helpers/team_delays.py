"""How much later than a recorder a colleague's dashboard knows what it saw, by the loop's clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from gymtui.api.endpoints import Endpoints
from gymtui.api.response import Answer
from gymtui.cli.headless_session import headless_session, take_news
from gymtui.cli.record import SHARED_LOOK_S, attach_recorder
from gymtui.config.schema import JournalSource
from gymtui.config.settings import Settings
from gymtui.core.replacement import replace
from gymtui.poll.tracker import RolloutTracker
from gymtui.session.playback import Player
from gymtui.session.recording_follower import follow_recorder
from gymtui.session.session import Session
from gymtui.store.delta import Request
from gymtui.store.history.journal_place import place_at
from gymtui.store.history.recording_reader import Recording
from gymtui.store.store import Store
from tests.helpers.model_gym import ModelGym, ModelRun
from tests.poll.test_poller import FakeClient

INTERVAL_S = 2.0
WALL_S = 1e9
LOOKED_EVERY_S, PLAYED_EVERY_S = 0.1, 0.5
REST_S = 3 * INTERVAL_S
"""Within so long after the last change all is known, or never."""


@dataclass
class DatedGym(ModelGym):
    """Its rollouts say when they were created, began and ended."""

    moment: Callable[[], float] = lambda: WALL_S

    def changed(self, made: ModelRun) -> None:
        at = datetime.fromtimestamp(self.moment(), UTC).isoformat()
        for item in made.rollouts:
            item.setdefault("created_at", at)
            if item["status"] != "pending":
                item.setdefault("started_at", at)
            if item["status"] == "completed":
                item.setdefault("completed_at", at)
        super().changed(made)


@dataclass
class DatedClient(FakeClient):
    """Its answers say what time it is, in whole seconds."""

    async def _answer(self, query: Request) -> Answer:
        answer = await super()._answer(query)
        date = datetime.fromtimestamp(int(WALL_S + answer.received_s), UTC)
        return replace(answer, date=date)


@dataclass
class Delay:
    """Of what is shown in one place: how long after the recorder knew it the colleague does."""

    worst_s: float = 0.0
    count: int = 0
    waiting: dict[str, list[tuple[Hashable, float]]] = field(default_factory=dict)
    _last: dict[str, Hashable] = field(default_factory=dict)

    def compare(
        self, first: Mapping[str, Hashable], second: Mapping[str, Hashable], now_s: float
    ) -> None:
        """Look at what both know just now."""
        for name, value in first.items():
            if name not in self._last or self._last[name] != value:
                self._last[name] = value
                self.waiting.setdefault(name, []).append((value, now_s))
        for name in list(self.waiting):
            values = [value for value, _ in self.waiting[name]]
            if second.get(name) not in values:
                continue
            # What came before it is over there, too.
            known = self.waiting[name][: values.index(second[name]) + 1]
            self.count += len(known)
            self.worst_s = max(self.worst_s, now_s - known[0][1])
            del self.waiting[name][: len(known)]
            if not self.waiting[name]:
                del self.waiting[name]


def listed(store: Store) -> dict[str, Hashable]:
    """What lists show."""
    return {rollout_id: row.raw for rollout_id, row in store.rollouts.items()}


def lives(store: Store, tracker: RolloutTracker) -> dict[str, Hashable]:
    """What timelines show."""
    return {
        rollout_id: tuple(part.kind for part in tracker.segments(row))
        for rollout_id, row in store.rollouts.items()
    }


def digested(session: Session) -> dict[str, Hashable]:
    """What happened since the begin."""
    found = session.digest(datetime.fromtimestamp(WALL_S, UTC))
    return {"": (found.line, *sorted(run.name for run in found.finished))}


def replayed(directory: Path) -> dict[str, Hashable]:
    """What a recording shows at its end."""
    recording, store = Recording(directory), Store()
    if recording:
        player = Player(recording, store, RolloutTracker(store, None))
        player.jump(recording.to_us)
    return listed(store)


async def team_delays(
    url: str,
    home: Path,
    share: Callable[[Session, Session], AbstractAsyncContextManager[object]],
    *,
    watched_s: float,
) -> dict[str, Delay]:
    """Have a gym recorded, and watched by a colleague; how late what that shows is, by its name.

    Args:
        url: Of an empty database.
        home: An empty directory.
        share: Sends what the first session records and fetches it for the second, while entered.
        watched_s: How long something happens.
    """
    loop, rng = asyncio.get_running_loop(), random.Random(3)
    began_s = loop.time()

    def wall() -> float:
        return WALL_S + loop.time()

    gym = DatedGym(rng, finishing=0.1, moment=wall)
    for _ in range(3):
        gym.launch(3)
    settings = Settings(interval_s=INTERVAL_S, journal=JournalSource(url=url))
    delays = {name: Delay() for name in ("lists", "timelines", "digest", "replay")}
    async with AsyncExitStack() as until:

        async def session(name: str, prepare: Callable[[Session], object]) -> Session:
            path = home / name / "journal.sqlite3"
            return await until.enter_async_context(
                headless_session(
                    settings,
                    cast("Endpoints", DatedClient(gym)),
                    journal=place_at(settings, path),
                    wall=wall,
                    monotonic=loop.time,
                    prepare=prepare,
                )
            )

        def record(session: Session) -> None:
            assert session.recording is not None
            attach_recorder(session, session.recording.directory)

        recorder = await session("recorder", record)
        mate = await session("mate", lambda _session: None)
        assert mate.recording is not None and recorder.recording is not None
        copy = mate.recording.directory
        await until.enter_async_context(share(recorder, mate))

        async def happen() -> None:
            while loop.time() < began_s + watched_s:
                await asyncio.sleep(rng.uniform(0.2, 1.0))
                gym.step()
                if not gym.moving:
                    gym.launch(3)

        async def write() -> None:
            while True:
                await asyncio.sleep(SHARED_LOOK_S)
                await take_news(recorder, at_once=True)

        async def look() -> None:
            while True:
                await asyncio.sleep(LOOKED_EVERY_S)
                if mate.has_news:
                    await take_news(mate)
                now_s = loop.time()
                delays["lists"].compare(listed(recorder.store), listed(mate.store), now_s)
                first, second = (lives(one.store, one.tracker) for one in (recorder, mate))
                delays["timelines"].compare(first, second, now_s)
                delays["digest"].compare(digested(recorder), digested(mate), now_s)

        async def play() -> None:
            while True:
                await asyncio.sleep(PLAYED_EVERY_S)
                delays["replay"].compare(listed(recorder.store), replayed(copy), loop.time())

        async with asyncio.TaskGroup() as group:
            works = (write(), look(), play(), follow_recorder(mate))
            tasks = [group.create_task(work) for work in works]
            await happen()
            await asyncio.sleep(REST_S)
            for task in tasks:
                task.cancel()
    return delays
