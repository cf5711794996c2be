"""What a recorder saw in the night is on the timelines and in the digest of the morning."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.api.client import GymClient
from gymtui.cli.headless_session import headless_session, take_news
from gymtui.cli.record import attach_recorder
from gymtui.config.settings import Settings
from gymtui.poll.poller import Poller
from gymtui.session.session import Session
from gymtui.store.history.journal import Journal
from gymtui.store.history.recording_format import directory_name
from gymtui.store.outcome import Outcome
from gymtui.store.phases import SegmentKind
from tests.tui.person import DEADLINE_S
from tests.tui.staged import PHASES, START, Clock, Life, StagedGym

PASSED = {"status": "completed", "result": {"success": True, "message": "ok"}}
FAILED = {"status": "completed", "result": {"success": False, "message": "no"}}
BROKEN = {"status": "workspace_error", "result": None}
TICK_S = 2.0
LEFT_S, NIGHT_S, MORNING_S = 20.0, 200.0, 9 * 3600.0
DATE = timedelta(seconds=1)
"""How exactly the gym says what time it is."""
SETTINGS = Settings(base_url=StagedGym.url, interval_s=TICK_S, max_requests_per_s=100.0)


def staged(rng: random.Random) -> StagedGym:
    """Three runs: some rollouts end in the evening, others in the night."""
    gym = StagedGym(clock=Clock())
    for number in range(3):
        for task in ("book", "call"):
            for _ in range(3):
                phases = tuple(rng.uniform(5, 30) for _ in PHASES)
                ending = rng.choice([PASSED, FAILED, BROKEN])
                gym.live(f"run-{number}", task, Life(rng.uniform(1, 60), phases, ending, 3.0))
    return gym


@asynccontextmanager
async def session_on(gym: StagedGym, journal: Path, **options: Any) -> AsyncIterator[Session]:
    client = GymClient(
        gym.url, transport=httpx.MockTransport(gym.answer), clock=lambda: gym.clock.seconds
    )
    async with headless_session(
        SETTINGS,
        client,
        journal=journal,
        wall=lambda: gym.clock.now().timestamp(),
        monotonic=lambda: gym.clock.seconds,
        **options,
    ) as session:
        yield session


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that stays."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


async def look(gym: StagedGym, session: Session) -> None:
    """Have it ask the gym what there is, and take all of it in."""
    poller = session.poller
    assert isinstance(poller, Poller)
    poller.refresh()
    await until(lambda: session.link.since_s == gym.clock.seconds and poller.is_idle)
    await take_news(session)


def truth(gym: StagedGym) -> dict[str, list[tuple[SegmentKind, float, float]]]:
    """What each rollout was in, and from when to when, seconds after `START`."""
    kinds = (SegmentKind.BUILDING, SegmentKind.SEEDING, SegmentKind.AGENT, SegmentKind.VERIFYING)
    lives = {}
    for members in gym.lives.values():
        for rollout_id, _, life in members:
            at_s, found = life.began or 0.0, []
            for kind, lasts_s in zip(kinds, life.phases, strict=True):
                found.append((kind, at_s, at_s + lasts_s))
                at_s += lasts_s
            lives[rollout_id] = found
    return lives


async def test_a_night_that_was_recorded_has_no_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gym, journal = staged(random.Random(7)), tmp_path / "journal.sqlite3"
    directory = tmp_path / directory_name(gym.url)

    def record(session: Session) -> None:
        attach_recorder(session, directory)

    async with session_on(gym, journal, prepare=record) as recorder:
        async with AsyncExitStack() as evening:
            dashboard = await evening.enter_async_context(session_on(gym, journal))
            while gym.clock.seconds < LEFT_S:
                await look(gym, recorder)
                await look(gym, dashboard)
                gym.clock.seconds += TICK_S
            # It is killed: nothing is written at its end.
            monkeypatch.setattr(Journal, "close", lambda _journal: None)
        monkeypatch.undo()
        while gym.clock.seconds < NIGHT_S:
            await look(gym, recorder)
            gym.clock.seconds += TICK_S
        assert recorder.recorder is not None
        recorder.recorder.close()
    gym.clock.seconds = MORNING_S
    async with session_on(gym, journal) as session:
        for run_id in gym.lives:
            session.tracker.recall(run_id)
        await look(gym, session)
        for run_id in gym.lives:  # as one does by opening it
            session.poller.list_anew(run_id)
        await look(gym, session)
        await until(lambda: not session.tracker.is_recalling)
        drawn = {i: session.tracker.segments(row) for i, row in session.store.rollouts.items()}
        digest = session.digest(START + timedelta(seconds=LEFT_S))
    lives = truth(gym)
    assert drawn.keys() == lives.keys()
    for rollout_id, segments in drawn.items():
        watched = segments[1:-1]
        assert [segment.kind for segment in watched] == [kind for kind, _, _ in lives[rollout_id]]
        for segment, (_, start_s, end_s) in zip(watched, lives[rollout_id], strict=True):
            for at, slack, true_s in (
                (segment.start, segment.start_slack, start_s),
                (segment.end, segment.end_slack, end_s),
            ):
                assert slack <= timedelta(seconds=TICK_S) + DATE
                assert abs(at - START - timedelta(seconds=true_s)) <= slack + DATE
    ended = {i: life[-1][2] for i, life in lives.items()}
    assert {run.name for run in digest.finished} == {
        run_id
        for run_id, members in gym.lives.items()
        if max(ended[rollout_id] for rollout_id, _, _ in members) > LEFT_S
    }
    broken = [
        rollout_id
        for members in gym.lives.values()
        for rollout_id, _, life in members
        if life.ending is BROKEN and ended[rollout_id] > LEFT_S
    ]
    assert digest.errors == {Outcome.ENVIRONMENT: len(broken)}
