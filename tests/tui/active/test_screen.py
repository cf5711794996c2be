"""Every running rollout of every run, those that stand still first; above them what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gymtui.poll.tracker import RolloutTracker
from gymtui.session.session import Session
from gymtui.store.delta import Delta
from gymtui.store.stats.eta import UsualTimes
from gymtui.tui.active import screen as active
from gymtui.tui.active.screen import ActiveScreen
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.app.confirm import ConfirmScreen
from gymtui.tui.context.preferences import Appearance
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, at, scripted_dashboard

SIZES = [(80, 24), (120, 36), (200, 50)]


class Standing:
    """A tracker by which a test lays down how long each rollout has not moved, however late it is.

    Args:
        tracker: What tells all else.
        now: What time it is when somebody asks.
        still_s: By rollout.
    """

    def __init__(
        self, tracker: RolloutTracker, now: Callable[[], datetime], **still_s: float
    ) -> None:
        self._tracker = tracker
        self._now = now
        self._still_s = {name.replace("_", "."): s for name, s in still_s.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracker, name)

    def moved_at(self, rollout_id: str) -> datetime | None:
        still_s = self._still_s.get(rollout_id)
        return None if still_s is None else self._now() - timedelta(seconds=still_s)

    def phase_seen_at(self, rollout_id: str) -> datetime | None:
        return self.moved_at(rollout_id)

    def usual(self, run_id: str) -> UsualTimes:
        return UsualTimes(step_s=10.0, build_s=30.0, verify_s=5.0, watched=10)


def lay_down(
    monkeypatch: pytest.MonkeyPatch, now: Callable[[], datetime] | None = None, **still_s: float
) -> None:
    """Let every session's tracker say that rollouts stand still so long."""

    def tracker(session: Session) -> Standing:
        return Standing(session.__dict__["tracker"], now or session.now, **still_s)

    def keep(session: Session, tracker: RolloutTracker) -> None:
        session.__dict__["tracker"] = tracker

    monkeypatch.setattr(Session, "tracker", property(tracker, keep), raising=False)


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five running rollouts two are stuck: one for lack of steps, one in its verification."""
    lay_down(monkeypatch, a_001=5, a_002=20, b_001=910, b_002=70, c_001=45)


@pytest.fixture
def gym() -> ScriptedGym:
    """Three runs, all of them running."""
    gym = ScriptedGym()
    gym.add("a", "book_room", "running")
    gym.add("a", "call_back", "running", phase="building_environment", current_step=None)
    gym.add("b", "book_room", "running", current_step=17)
    gym.add("b", "draft_plan", "running", phase="verifying", current_step=None)
    gym.add("c", "enrol", "running", "waiting")
    return gym


async def opened(person: Person, *words: str) -> None:
    """Open the active screen."""
    await person.until(lambda: len(person.app.session.store.runs) > 0)
    await person.press("a")
    await person.until(lambda: isinstance(person.app.screen, ActiveScreen))
    await person.sees(*words)


def line(person: Person, word: str) -> str:
    """The line of the screen with this word in it."""
    return next(text for text in person.screen().split("\n") if word in text)


@pytest.mark.parametrize("size", SIZES)
async def test_all_running_rollouts_are_listed_longest_idle_first(
    gym: ScriptedGym, standing: None, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        await opened(person, "5 running in 3 runs", "2 stuck")
        shown = person.screen()
        rows = [t for t in shown.split("\n") if "▸" in t]
        tasks = ["book_room", "draft_plan", "enrol", "call_back", "book_room"]
        assert len(rows) == 5, "what waits is not running"
        assert all(task in row for task, row in zip(tasks, rows, strict=True))
        assert "17/30" in rows[0]
        assert "15m" in rows[0]
        assert "verifying" in rows[1]


async def test_those_beyond_their_thresholds_are_marked(
    gym: ScriptedGym, standing: None, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "2 stuck")
        stuck = [t for t in person.screen().split("\n") if "▸" in t and " stuck" in t]
        # 45 s without a step is below a minute; 20 s of building below three times 30 s.
        assert len(stuck) == 2
        assert "17/30" in stuck[0]
        assert "draft_plan" in stuck[1]
        await person.sees("no step for 15m", "stuck after 1m00s")
        await person.press("slash", *"stuck:", "enter")
        await person.sees("(2 shown)")
        await person.sees_no("enrol", "call_back")


async def test_the_runs_screen_counts_the_stuck(
    gym: ScriptedGym, standing: None, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("3 runs", "5 running", "2 stuck")


@pytest.mark.parametrize("plain", [False, True])
async def test_a_run_with_stuck_rollouts_is_marked_in_the_run_list_and_found_by_that(
    gym: ScriptedGym, standing: None, tmp_path: Path, plain: bool
) -> None:
    async with scripted_dashboard(gym, tmp_path, appearance=Appearance(ascii=plain)) as person:
        await person.sees("2 stuck", "!2")
        marked = [row for row in person.screen().split("\n") if "!" in row]
        assert len(marked) == 1 and marked[0].strip(" ▌|").startswith("b "), "of three runs one"
        await person.press("slash", *"stuck:", "enter")
        await person.sees("(1 shown)", "!2")


async def test_a_run_of_which_only_the_stuck_are_left_has_no_eta_in_list_and_header(
    gym: ScriptedGym, standing: None, tmp_path: Path
) -> None:
    gym.add("b", "book_room", "pass", "pass", "fail")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("!2")
        await person.until(lambda: "stuck" in line(person, "!2"))
        await person.press("slash", *"run:b", "enter")
        await person.sees("(1 shown)")
        await person.press("enter")
        await person.sees("runs › b", "3/5 done", "stuck · p50 2m00s")
        assert "ETA" not in person.screen()


async def test_a_run_is_marked_by_the_passing_of_time_alone(
    gym: ScriptedGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime.now(UTC)
    passed = timedelta()
    monkeypatch.setattr(GymtuiApp, "now", lambda app: began + passed)
    lay_down(monkeypatch, lambda: began, b_001=5, b_002=1)
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("5 running", "3 runs")
        person.app.session.poller.pause(True)
        assert "!" not in person.screen()
        passed = timedelta(minutes=3)
        top: Any = person.app.screen
        top.changed(Delta())
        await person.sees("2 stuck", "!2")


async def test_one_that_moves_goes_to_the_end_and_one_that_ends_goes(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "5 running", "17/30")
        # Within the first seconds the server's clock is not known well enough to tell them apart.
        moved = [
            person.app.session.tracker.observer.moved_at(i)
            for i in person.app.session.store.rollouts
        ]
        await person.until(lambda: all(at is None or person.app.now() > at for at in moved))
        gym.rollout("b.001")["current_step"] = 18
        await person.sees("18/30")
        await person.until(
            lambda: "18/30" in [t for t in person.screen().split("\n") if "▸" in t][-1]
        )
        gym.rollout("b.001").update(
            status="completed", phase=None, current_step=None, completed_at=at()
        )
        await person.sees("4 running in 3 runs")
        await person.sees_no("18/30")


async def test_what_is_not_watched_is_not_known(
    gym: ScriptedGym, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lay_down(monkeypatch)
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "5 running", "not observed yet")
        assert "–" in line(person, "enrol")
        assert "stuck" not in person.screen()


@pytest.mark.parametrize("at_once", [active.AT_ONCE, 1])
async def test_what_goes_wrong_now_is_one_line_a_cause_across_runs(
    gym: ScriptedGym, tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active, "AT_ONCE", at_once)
    recent = {"completed_at": at(60)}
    gym.add("a", "book_room", "agent", "agent", **recent)
    gym.add("b", "book_room", "agent", **recent)
    gym.add("c", "enrol", "env", **recent)
    gym.add("c", "enrol", "env", completed_at=at(3600), termination_reason="an hour ago")
    gym.add("c", "enrol", "fail", "cancelled", **recent)
    async with scripted_dashboard(gym, tmp_path, size=(80, 24)) as person:
        await opened(person, "GOING WRONG, the last 10 min", "429 Too Many Requests", "image pull")
        # Rollouts, runs, tasks.
        assert line(person, "429").split()[-3:] == ["3", "2", "1"]
        assert line(person, "image pull").split()[-3:] == ["1", "1", "1"]
        shown = person.screen()
        assert shown.index("429") < shown.index("image pull"), "the largest first"
        assert "an hour ago" not in shown
        assert "Missing" not in shown, "a fail is the agent's, nothing broke"
        assert "cancelled" not in shown, "a person's cancel is nothing that went wrong"


async def test_the_cursor_moves_without_causes_being_looked_for(
    gym: ScriptedGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gym.add("a", "book_room", "agent", completed_at=at(60))
    async with scripted_dashboard(gym, tmp_path, size=(80, 24)) as person:
        await opened(person, "429 Too Many Requests")
        screen = person.app.screen
        assert isinstance(screen, ActiveScreen)
        monkeypatch.setattr(screen, "_failures", None)
        screen.summarise()
        assert "429 Too Many Requests" in person.screen()


async def test_without_errors_that_is_said_with_its_window(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "no errors in the last 10 min")
        gym.add("a", "book_room", "agent", completed_at=at())
        await person.sees("429 Too Many Requests", "GOING WRONG")
        await person.sees_no("no errors")


async def test_a_cause_is_opened_and_has_its_rollouts_of_all_runs(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    gym.add("a", "book_room", "agent", "env", completed_at=at(60))
    gym.add("b", "book_room", "agent", completed_at=at(60))
    gym.add("b", "book_room", "agent", completed_at=at(3600))
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "429 Too Many Requests", "image pull")
        await person.press("tab", "space")
        await person.sees("causes cannot be marked")
        await person.press("enter")
        await person.sees("rollouts of 2 runs", "filter: failure:", "ended<10m (2 shown)", "b.003")
        await person.press("q", "j", "enter")
        await person.sees("runs › a", 'filter: failure:"image pull failed"', "(1 shown)")
        await person.press("q")
        assert isinstance(person.app.screen, ActiveScreen)


async def test_more_causes_than_there_is_room_for_are_scrolled(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    words = ("apple", "birch", "cedar", "daisy", "elder", "fern", "gorse", "hazel")
    for word in words:
        gym.add("a", "t", "agent", completed_at=at(30), termination_reason=f"{word} is broken")
    async with scripted_dashboard(gym, tmp_path, size=(80, 24)) as person:
        await opened(person, "apple", "daisy", "call_back")
        shown = person.screen()
        assert sum(word in shown for word in words) == 4
        await person.press("tab", "G")
        await person.sees("hazel", "call_back")


async def test_enter_opens_the_rollout_and_the_brackets_go_through_the_list(
    gym: ScriptedGym, standing: None, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "2 stuck")
        await person.press("g", "enter")
        await person.until(lambda: isinstance(person.app.screen, TranscriptScreen))
        screen: Any = person.app.screen
        assert (screen.run_id, screen.rollout_id) == ("b", "b.001")
        await person.press("right_square_bracket")
        assert screen.rollout_id == "b.002"


async def test_cancelling_is_of_the_run_of_the_cursor_or_of_the_marked_rollouts(
    gym: ScriptedGym, standing: None, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "2 stuck")
        await person.press("g", "x")
        await person.sees("Cancel this run?")
        assert isinstance(person.app.screen, ConfirmScreen)
        await person.press("escape", "g", "space", "space", "space", "x")
        await person.sees("Cancel these 2 runs?")
        await person.press("y")
        await person.until(lambda: sorted(gym.cancelled) == ["b", "c"])


async def test_it_asks_for_everything_that_runs_while_it_is_open(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "5 running")
        del gym.asked[:]
        await person.until(
            lambda: (
                any(asked.get("status") == "running" for asked in gym.asked)
                or {asked.get("run_id") for asked in gym.asked} >= {"a", "b", "c"}
            )
        )


async def test_with_nothing_running_it_says_so(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("a", "book_room", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "0 running in 0 runs", "no running rollouts")


async def test_words_from_the_wire_draw_as_text(gym: ScriptedGym, tmp_path: Path) -> None:
    evil = "[/x]\x1b]52;c;eA==\x07\x9b2J down"
    gym.add("a", evil, "running", phase=evil)
    gym.add("a", "t", "agent", completed_at=at(30), termination_reason=evil)
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "6 running", "down")
        assert all(ch.isprintable() or ch == "\n" for ch in person.screen())
