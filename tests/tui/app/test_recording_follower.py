"""A dashboard beside a recorder asks for what is on screen, and shows what the recorder sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gymtui.api.client import GymClient
from gymtui.cli.headless_session import headless_session
from gymtui.cli.record import attach_recorder
from gymtui.config.settings import Settings
from gymtui.poll import recording_intake
from gymtui.poll.poller import Poller
from gymtui.session.recording_follower import follow_recorder
from gymtui.session.session import Session
from gymtui.store.history.recording_format import directory_name
from gymtui.store.history.recording_writer import RecorderLock
from tests.tui.staged import Clock, Life, StagedGym, pass_time, staged_dashboard

PASSED = {"status": "completed", "result": {"success": True, "message": "ok"}}
SIZE = (120, 6)  # of nine runs two are on screen
MOST_TICKS = 12
SETTINGS = Settings(base_url=StagedGym.url, interval_s=2.0, max_requests_per_s=100.0)


def staged() -> StagedGym:
    gym = StagedGym(clock=Clock())
    for number in range(9):
        # Those below have more rollouts, so that one answer for all would be larger.
        others = [Life(2, (2, 2, 800), PASSED)] * (6 if number > 1 else 1)
        gym.live(f"run-{number}", "book", Life(1, (2, 2, 900), PASSED), *others)
    return gym


@asynccontextmanager
async def recorder_of(gym: StagedGym, directory: Path) -> AsyncIterator[Session]:
    """A recorder without a screen, by the gym's clock; what it asks is not counted."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = list(gym.asked)
        response = gym.answer(request)
        gym.asked[:] = asked
        return response

    client = GymClient(
        gym.url, transport=httpx.MockTransport(answer), clock=lambda: gym.clock.seconds
    )
    async with headless_session(
        SETTINGS,
        client,
        journal=None,
        wall=lambda: gym.clock.now().timestamp(),
        monotonic=lambda: gym.clock.seconds,
        prepare=lambda session: attach_recorder(session, directory),
    ) as session:
        yield session


async def test_what_is_not_on_screen_comes_from_the_recorder_while_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_intake, "LOOK_S", 0.01)
    gym, journal = staged(), tmp_path / "state" / "journal.sqlite3"
    recording = journal.with_name(directory_name(gym.url))
    lock = RecorderLock(recording)
    async with recorder_of(gym, recording) as recorder:
        assert isinstance(recorder.poller, Poller)
        gym.clock.seconds = 6.0
        async with staged_dashboard(gym, tmp_path, SIZE) as person:
            session = person.app.session
            session._journal_path = journal
            following = asyncio.create_task(follow_recorder(session))

            link = session.poller.intake._log.recorder

            async def tick() -> set[str]:
                """Both ask; of which runs the dashboard asked the rollouts (`*`: of all)."""
                gym.asked.clear()
                await pass_time(person, 2)
                asked = {query.get("run_id", "*") for query in gym.asked}
                recorder.poller.refresh()
                await person.until(
                    lambda: recorder.link.since_s == gym.clock.seconds and recorder.poller.is_idle
                )
                return asked

            def caught_up() -> bool:
                """Whether what the recorder is told at this moment was looked at."""
                assert recorder.recorder is not None
                recorder.recorder.write(at_once=True)
                return link.fresh_until_s > gym.clock.seconds + 5

            def step_of_last() -> object:
                row = session.store.rollouts.get("run-8.001")
                return row.rollout.current_step if row is not None and row.rollout else None

            def brought() -> bool:
                """Whether the dashboard knows what the recorder was told."""
                return step_of_last() == int(gym.clock.seconds - 4)

            # What was asked here before the recorder was known counts as newer for as long as the
            # clocks may be apart, two seconds: the gym's Date is a whole one.
            for _ in range(MOST_TICKS):
                await person.until(caught_up)
                asked = await tick()
                await person.until(caught_up)
                in_view = set(session.poller.view.runs_in_view)
                if asked and asked <= in_view and "run-8" not in in_view and brought():
                    break
            else:
                raise AssertionError(f"what is not on screen was asked to the end: {asked}")
            await person.sees("rest from recorder")
            # It is killed.
            lock.close()
            await person.until(lambda: not link.brings(gym.clock.seconds))
            asked = await tick() | await tick()
            assert "*" in asked or "run-8" in asked
            await person.sees_no("rest from recorder")
            following.cancel()
