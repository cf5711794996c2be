"""A recording plays in the same screens: what they show then is what they showed."""

from __future__ import annotations

import random
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip

from gymtui.cli.record import attach_recorder
from gymtui.config.settings import Settings
from gymtui.core.instants import from_micros, micros
from gymtui.poll.connection import LinkState
from gymtui.poll.poller import Poller
from gymtui.session.replay import read_moment
from gymtui.session.session import Session
from gymtui.store.delta import Delta
from gymtui.store.history.recording_reader import Recording
from gymtui.store.phases import SegmentKind
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.app.replay_app import ReplayApp
from gymtui.tui.context.keymap import TABLE, Scope
from gymtui.tui.context.routes import OpenActive, OpenMatrix, OpenRun, Route
from gymtui.tui.runtime.crash_report import Reporter
from tests.cli.test_overnight import look, session_on, until
from tests.conftest import THOROUGH
from tests.helpers.recorded import Recorded, full_disk, model_gym
from tests.tui.staged import Clock, Life, StagedGym, pass_time, staged_dashboard

DEADLINE_S = 60.0
SIZE = (120, 24)
PASSED = {"status": "completed", "result": {"success": True, "message": "ok"}}
FAILED = {"status": "workspace_error", "result": None}


def staged() -> StagedGym:
    gym = StagedGym(clock=Clock())
    gym.live("night-1", "book", Life(2, (4, 3, 12, 4), PASSED), Life(5, (3, 2, 40), None))
    gym.live("night-1", "call", Life(9, (3,), FAILED), Life(None))
    gym.live("day-1", "book", Life(-50, (3, 3, 9, 3), PASSED))
    return gym


def random_gym(seed: int) -> StagedGym:
    """Up to four runs whose rollouts begin, go on and end at any time."""
    rng = random.Random(seed)
    gym = StagedGym(clock=Clock())
    for number in range(rng.randint(1, 4)):
        for task in ("book", "call", None)[: rng.randint(1, 3)]:
            for _ in range(rng.randint(1, 4)):
                began = rng.choice([None, rng.uniform(-60, 15)])
                phases = tuple(rng.uniform(0.5, 9) for _ in range(rng.randint(0, 4)))
                ending = rng.choice([PASSED, FAILED, None])
                gym.live(f"run-{number}", task, Life(began, phases, ending, rng.uniform(0.5, 4)))
    return gym


def random_place(gym: StagedGym, rng: random.Random) -> Route | None:
    """Where somebody may be; None for the list of runs."""
    runs = sorted(gym.lives)
    places = (None, OpenActive(), OpenRun(rng.choice(runs)), OpenMatrix((rng.choice(runs),)))
    return rng.choice(places)


@dataclass(frozen=True)
class Moment:
    """What was on screen, where, and at which of the gym's times, microseconds."""

    at_us: int
    place: Route | None
    screen: str
    cells: list[Strip]


def cells(app: App[None], first: int) -> list[Strip]:
    """What is drawn from a row on, without the footer."""
    return app.screen._compositor.render_strips()[first:-1]


async def go(app: GymtuiApp, pilot: Pilot[None], place: Route | None) -> None:
    """Open a screen, with the cursor on its first row."""
    app.go_to_runs()
    if place is not None:
        app.navigate(place)
    await pilot.press("g")


async def recorded(
    gym: StagedGym,
    directory: Path,
    reports: Path,
    seed: int = 0,
    places: bool = False,
    beside: bool = False,
) -> list[Moment]:
    """Watch, now on one screen and now on another, and record.

    Args:
        beside: Whether it is recorded as by `gymtui record` beside the dashboard, else by that.
    """
    seen = []
    rng = random.Random(seed)
    async with staged_dashboard(gym, reports, SIZE) as person, AsyncExitStack() as stack:
        session = recording = person.app.session
        if beside:
            recording = await stack.enter_async_context(session_on(gym, reports / "journal"))
        attach_recorder(recording, directory)
        assert recording.recorder is not None
        poller = session.poller
        assert isinstance(poller, Poller)
        for _ in range(10):
            await pass_time(person, 2.0)
            if beside:
                await look(gym, recording)
            place = random_place(gym, rng) if places else None
            if places:
                # Anew, as columns never become narrower.
                await go(person.app, person.pilot, place)
            await person.until(lambda: poller.is_idle and not session.has_news)
            recording.recorder.write(at_once=True)
            person.app.changed(Delta())  # by the gym's time as it is known after the last answer
            await person.pilot.pause()
            at_us = round(session.now().timestamp() * 1_000_000)
            screen = lines_of(person.screen())
            seen.append(Moment(at_us, place, screen, cells(person.app, 1)))
        recording.recorder.close()
    return seen


def lines_of(screen: str) -> str:
    """What is on screen but the status line's right end and the footer."""
    status, *others = screen.split("\n")
    status = re.sub(r" +([●○] |replay ).*", "", status)
    return "\n".join([status.rstrip(), *others[:-1]])


class Viewer:
    """Somebody who watches the recording."""

    def __init__(self, app: ReplayApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def screen(self) -> str:
        return "\n".join(
            strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < end, self.screen()
            await self.pilot.pause(0.02)

    async def shown(self) -> str:
        """The screen once all news is on it, without the time line."""
        await self.until(lambda: not self.app.session.has_news)
        await self.pilot.pause()
        first, _bar, *others = lines_of(self.screen()).split("\n")
        return "\n".join([first, *others])


@asynccontextmanager
async def replayed(
    directory: Path, reports: Path, at_work: bool = False, **options: Any
) -> AsyncIterator[Viewer]:
    """The recording on a screen that has room for its time line."""
    settings = Settings(base_url=StagedGym.url, interval_s=2.0, read_only=True)
    recording = Recording(directory)
    assert at_work or recording.problems == []
    app = ReplayApp(recording, settings, Reporter(reports, secrets=[]), **options)
    async with app.run_test(size=(SIZE[0], SIZE[1] + 1)) as pilot:
        viewer = Viewer(app, pilot)
        await viewer.until(lambda: bool(app.session.store.runs))
        yield viewer


@pytest.mark.parametrize("seed", range(9 if THOROUGH else 3))
async def test_a_screen_shows_what_it_showed_cell_for_cell(tmp_path: Path, seed: int) -> None:
    directory = tmp_path / "recording"
    seen = await recorded(random_gym(seed), directory, tmp_path, seed, places=True)
    async with replayed(directory, tmp_path) as viewer:
        for was in random.Random(seed).sample(seen[1:], 5):
            viewer.app.playback.jump(was.at_us)
            await go(viewer.app, viewer.pilot, was.place)
            shown = await viewer.shown()
            if isinstance(was.place, OpenMatrix):
                # How wide a column became before it had all its rows stays: the words are the same.
                assert shown.split() == was.screen.split(), was.place
                continue
            differ = [
                (row, *both)
                for row, both in enumerate(zip(was.cells, cells(viewer.app, 2), strict=True))
                if list(both[0]) != list(both[1])
            ]
            assert shown == was.screen, was.place
            assert not differ, was.place


def without_edges(screen: str) -> list[str]:
    """The words of a screen, its bars without how long each part of them is."""
    shorter = re.sub(r"[▏▎▍▌▋▊▉]", "", screen)
    return re.sub(r"([^\w\s])\1+", r"\1", shorter).split()


def without_idle(screen: str) -> list[list[str]]:
    """The words of each line, in whichever order of how long nothing moved."""
    return sorted(re.sub(r"\b[\dm]*\d+s\b|▌", "", line).split() for line in screen.splitlines())


@pytest.mark.parametrize("seed", range(9 if THOROUGH else 3))
async def test_what_record_wrote_beside_a_dashboard_shows_what_that_showed(
    tmp_path: Path, seed: int
) -> None:
    """But for edges and steps: which of two saw one sooner is a matter of what each asked."""
    directory = tmp_path / "recording"
    seen = await recorded(random_gym(seed), directory, tmp_path, seed, places=True, beside=True)
    async with replayed(directory, tmp_path) as viewer:
        for was in random.Random(seed).sample(seen[1:], 5):
            viewer.app.playback.jump(was.at_us)
            await go(viewer.app, viewer.pilot, was.place)
            shown = await viewer.shown()
            if isinstance(was.place, OpenRun):
                assert without_edges(shown) == without_edges(was.screen), was.place
            elif isinstance(was.place, OpenActive):
                assert without_idle(shown) == without_idle(was.screen), was.place
            else:
                assert shown.split() == was.screen.split(), was.place


def knows_building(session: Session) -> bool:
    """Whether it was observed, or came in from the journal."""
    rows = session.store.rollouts.values()
    parts = [part for row in rows for part in session.tracker.segments(row)]
    return SegmentKind.BUILDING in {part.kind for part in parts}


async def test_a_gap_of_the_recording_is_one_on_screen(tmp_path: Path) -> None:
    """Of a run, and of a rollout: neither what went before nor what followed is spread over it."""
    gym, directory = StagedGym(clock=Clock()), tmp_path / "recording"
    gym.live("night-1", "book", Life(2, (10, 10, 300, 4), PASSED))
    for _ in range(2):
        async with session_on(gym, tmp_path / "journal") as session:
            attach_recorder(session, directory)
            for _ in range(4):
                gym.clock.seconds += 2
                await look(gym, session)
                await until(lambda session=session: knows_building(session))
            assert session.recorder is not None
            session.recorder.close()
        gym.clock.seconds += 60
    recording = Recording(directory)
    (gap,) = recording.gaps()
    async with replayed(directory, tmp_path, run_id="night-1") as viewer:
        playback = viewer.app.playback
        playback.jump((gap.from_us + gap.to_us) // 2)
        await viewer.shown()
        assert "not recorded" in viewer.screen()
        session = viewer.app.session
        assert session.link.state(session.monotonic()) is LinkState.STALE
        playback.jump(recording.to_us)
        shown = await viewer.shown()
        assert "not recorded" not in viewer.screen()
        assert re.search(r"build [\d.]+s · not observed 1m\d\ds · agent [\d.]+s", shown), shown
        assert re.search("▚+.?╱+.?━", shown), shown  # the bar of its timeline


async def test_keys_move_through_it_and_nothing_can_be_changed(tmp_path: Path) -> None:
    directory = tmp_path / "recording"
    await recorded(staged(), directory, tmp_path)
    async with replayed(directory, tmp_path) as viewer:
        playback, pilot = viewer.app.playback, viewer.pilot
        begin = playback.position_us
        assert "replay 00:00:00 of 00:00:1" in viewer.screen()
        await pilot.press("full_stop")
        first = playback.position_us
        assert first > begin
        await pilot.press("full_stop")
        assert playback.position_us > first
        await pilot.press("comma")
        assert playback.position_us == first
        await pilot.press("greater_than_sign")
        assert playback.position_us == playback.recording.to_us
        await pilot.press("less_than_sign")
        assert playback.position_us == begin
        await pilot.press("right_parenthesis")
        assert playback.position_us == playback.marks[0].at_us
        await pilot.press("right_curly_bracket", "semicolon")
        assert (playback.speed, playback.playing) == (120, True)
        await pilot.press("semicolon", "x", "n", "ctrl+d")
        assert not playback.playing
        assert type(viewer.app.screen).__name__ == "RunsScreen"
        await pilot.press("question_mark")
        assert "play or pause the recording" in viewer.screen()


async def test_what_was_not_recorded_by_then_is_not_said_to_be_none(tmp_path: Path) -> None:
    directory, gym = tmp_path / "recording", staged()
    gym.forbidden.add("day-1")
    await recorded(gym, directory, tmp_path)
    async with replayed(directory, tmp_path) as viewer:
        viewer.app.navigate(OpenRun("day-1"))
        assert "this run's rollouts were not recorded by then" in await viewer.shown()


async def test_it_plays_at_its_speed_to_the_end(tmp_path: Path) -> None:
    directory = tmp_path / "recording"
    await recorded(staged(), directory, tmp_path)
    async with replayed(directory, tmp_path, run_id="night-1") as viewer:
        playback = viewer.app.playback
        await viewer.pilot.press("semicolon")
        await viewer.until(lambda: not playback.playing)
        assert playback.position_us == playback.recording.to_us
        await viewer.until(lambda: "night-1.003" in viewer.screen())


async def test_what_is_recorded_meanwhile_is_followed(tmp_path: Path) -> None:
    rng = random.Random(2)
    watched = Recorded(model_gym(rng), tmp_path, rng, keeps=False)

    watched.record()
    async with replayed(tmp_path, tmp_path, at_work=True) as viewer:
        await viewer.pilot.press("L")
        new = watched.gym.launch(3)
        watched.record()
        await viewer.until(lambda: new in viewer.app.session.store.runs)
        with full_disk():
            watched.record()
        watched.seconds += 61  # the disk takes something again
        newer = watched.gym.launch(3)
        watched.record()
        await viewer.until(lambda: newer in viewer.app.session.store.runs)


def test_its_keys_do_nothing_else_on_any_screen() -> None:
    lists = {Scope.CONFIRM, Scope.MENU, Scope.FORM, Scope.PICK, Scope.REPLAY}
    taken = {name for key in TABLE if key.scope not in lists for name in key.keys}
    assert not {name for key in TABLE if key.scope is Scope.REPLAY for name in key.keys} & taken


def test_a_time_is_found_in_the_recording(tmp_path: Path) -> None:
    rng = random.Random(0)
    watched = Recorded(model_gym(rng), tmp_path, rng, keeps=False)
    for _ in range(3):
        watched.tick()
    watched.recorder.close()
    recording = Recording(tmp_path)
    begin = from_micros(recording.from_us).astimezone()
    assert read_moment("+2m", recording) - recording.from_us == 120_000_000
    later = begin + timedelta(minutes=5)
    assert abs(read_moment(f"{later:%H:%M}", recording) - micros(later)) < 61_000_000
    assert read_moment(later.isoformat(), recording) == micros(later)
    # In the very minute in which it began.
    assert read_moment(f"{begin:%H:%M}", recording) <= recording.from_us
    for wrong in ("soon", "25:00", "1:2:3:4"):
        with pytest.raises(ValueError, match="no time"):
            read_moment(wrong, recording)
