"""Going to another profile's gym: nothing of the one before is left, and it is remembered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from textual.command import Command, CommandList, CommandPalette

from gymtui.api.client import GymClient
from gymtui.api.endpoints import Endpoints
from gymtui.api.request import Call
from gymtui.api.response import Answer
from gymtui.cli.profiles import ConfiguredGyms
from gymtui.config.settings import LAST_PICKED, LoadedSettings, ProfileInfo, Settings
from gymtui.core import urls
from gymtui.core.secret import ApiKey
from gymtui.session.saved_layout import SavedLayout
from gymtui.store.delta import Delta
from gymtui.tui.app.app import GymtuiApp
from tests.gym.running_gym import RunningGym, running_gym
from tests.helpers.desk import KEY, Desk
from tests.tui.person import Person, dashboard

OTHER_KEY = "ck_oth_9876543210fedcba"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class Two:
    """Two gyms as profiles `here` and `there`, and what was asked of the second's client."""

    def __init__(self, here: RunningGym, there: RunningGym, desk: Desk, state: Path) -> None:
        desk.write(
            f"""
            profile = "here"
            [profiles.here]
            base_url = "{here.url}"
            [profiles.there]
            base_url = "{there.url}"
            api_key = "{OTHER_KEY}"
            interval = 0.2
            [profiles.nowhere]
            base_url = "ftp://x"
            """
        )
        env = {"GYMTUI_CONFIG": str(desk.config), "GYMTUI_STATE_DIR": str(state)}
        env |= {"SIMLAB_CONFIG": str(desk.vendor), "GYMTUI_API_KEY": KEY}
        self.loaded = desk.load(profile="here")
        self._gyms = ConfiguredGyms(
            self.loaded.profiles, {"profile": "here"}, env, urls.origin_of(here.url)
        )
        self.made: list[tuple[str, str | None]] = []

    @property
    def profiles(self) -> tuple[ProfileInfo, ...]:
        return self._gyms.profiles

    @property
    def config_file(self) -> Path | None:
        return self._gyms.config_file

    def load(self, name: str) -> LoadedSettings:
        return self._gyms.load(name)

    def client(self, settings: Settings) -> Endpoints:
        self.made.append((settings.base_url, settings.key and settings.key.reveal()))
        return GymClient(settings.base_url, settings.key)

    def find_key(self, settings: Settings) -> tuple[ApiKey, str] | None:
        return self._gyms.find_key(settings)

    def journal(self, settings: Settings) -> Path:
        return self._gyms.journal(settings)


async def palette(person: Person, words: str) -> None:
    await person.press("colon")
    await person.press(*words)

    def found() -> bool:
        asking = CommandPalette._GATHER_COMMANDS_GROUP
        if any(w.group == asking and not w.is_finished for w in person.app.workers):
            return False
        hit = person.app.screen.query_one(CommandList).highlighted_option
        return isinstance(hit, Command) and words in str(hit.hit.text).lower()

    await person.until(found)
    await person.press("enter")


def remembered(state: Path) -> object:
    """The profile last used, as far as it was written; it is, soon."""
    path = state / "arrangement.json"
    return json.loads(path.read_text())["profile"] if path.exists() else "nothing yet"


def belongings(app: GymtuiApp) -> tuple[object, ...]:
    """All that belongs to the gym one is at."""
    here = app.session
    loader = here.transcripts.loader
    return (here.client, here.store, here.poller, here.tracker, loader, here.journal)


async def test_another_profile_is_found_in_the_palette_and_starts_afresh(
    tmp_path: Path, desk: Desk
) -> None:
    state = tmp_path / "state"
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    async with (
        running_gym(tmp_path / "a", held=True) as here,
        running_gym(tmp_path / "b", key=OTHER_KEY) as there,
    ):
        gyms = Two(here, there, desk, state)
        saved_layout = SavedLayout.read(state)
        async with dashboard(
            here,
            tmp_path,
            key=KEY,
            gyms=gyms,
            saved_layout=saved_layout,
            journal=gyms.journal(gyms.loaded.settings),
            profile_name="here",
        ) as person:
            app = person.app
            person.launch("only-here")
            await person.sees("only-here", "here ")
            await person.press("enter")
            await person.sees("runs › only-here")
            await person.until(lambda: app.session.store.rollouts)
            before = belongings(app)
            await palette(person, "profile there")
            shown = await person.sees("there ", urls.origin_of(there.url).host, "no runs")
            assert "only-here" not in shown
            assert gyms.made == [(there.url, OTHER_KEY)]
            assert not app.session.store.runs and not app.session.store.rollouts
            after = belongings(app)
            assert not any(one is other for one, other in zip(before, after, strict=True))
            assert app.session.settings.interval_s == 0.2
            # What is kept of launches lies beside the journal of the gym one is at.
            assert app.sessions.journal_place == gyms.journal(app.session.settings)
            # What belongs to the one before is closed, its journal written.
            await person.until(lambda: not app.sessions.to_close)
            assert before[0]._http.is_closed
            assert gyms.journal(gyms.loaded.settings).exists()
            assert not before[5]._open
            # Remembered apart from the configuration, and given up when it is the usual one again.
            await person.until(lambda: remembered(state) == "there")
            await palette(person, "profile here")
            await person.sees("only-here")
            assert gyms.made[1:] == [(here.url, KEY)]
            await person.until(lambda: remembered(state) is None)


async def test_a_profile_that_cannot_be_used_is_told_and_one_stays(
    tmp_path: Path, desk: Desk
) -> None:
    async with running_gym(tmp_path) as here:
        gyms = Two(here, here, desk, tmp_path)
        async with dashboard(here, tmp_path, gyms=gyms, profile_name="here") as person:
            person.launch("stays")
            await person.sees("stays")
            await palette(person, "profile nowhere")
            await person.sees("does not start with https://", "stays")
            assert gyms.made == []


class Held(Endpoints):
    """A gym whose answers come when they are let go."""

    def __init__(self, inner: Endpoints) -> None:
        self.inner = inner
        self.go = asyncio.Event()
        self.go.set()

    async def _ask(self, call: Call) -> Answer:
        answer = await self.inner._ask(call)
        while not self.go.is_set():
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                # The worst there could be: an answer that comes in spite of all.
                continue
        return answer

    def use_key(self, key: ApiKey) -> None:
        raise AssertionError

    async def aclose(self) -> None:
        await self.inner.aclose()


async def test_what_was_under_way_when_one_left_is_not_shown_there(
    tmp_path: Path, desk: Desk
) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    async with running_gym(tmp_path / "a") as here, running_gym(tmp_path / "b") as there:
        gyms = Two(here, there, desk, tmp_path)
        async with dashboard(here, tmp_path, gyms=gyms, profile_name="here") as person:
            app = person.app
            await person.sees("no runs")
            held = Held(app.session.client)
            app.enter(app.session.settings, held, None)
            await person.sees("live")
            held.go.clear()
            person.launch("late")
            await person.until(lambda: not app.session.poller.is_idle)
            app.enter(
                Settings(base_url=there.url, interval_s=0.1, profile_name="there"),
                GymClient(there.url),
                None,
            )
            await person.sees("there ", "no runs", "live")
            told: list[Delta] = []
            screen = person.app.top
            assert screen is not None
            screen.changed = told.append
            held.go.set()
            # Two more answers of the gym one is at: the other's, let go before, had its time.
            polled_s = app.session.link.since_s or 0.0
            await person.until(lambda: (app.session.link.since_s or 0.0) > polled_s + 0.25)
            assert not any(delta.runs_added for delta in told)
            assert not app.session.store.runs


async def test_what_the_journal_of_the_one_before_tells_late_is_not_taken_in(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path) as here, dashboard(here, tmp_path) as person:
        app = person.app
        await person.sees("no runs")
        before = app.session.tracker
        app.enter(app.session.settings, GymClient(here.url), None)
        taken: list[object] = []
        app.session.poller.remember = lambda late: taken.append(late) or Delta()
        before._remembered({})
        assert taken == []
        app.session.tracker._remembered({})
        assert taken == [{}]
        await person.sees("no runs", "live")


async def test_nobody_leaves_while_something_that_was_sent_is_unanswered(
    tmp_path: Path, desk: Desk
) -> None:
    async with running_gym(tmp_path, held=True) as here:
        gyms = Two(here, here, desk, tmp_path)
        async with dashboard(here, tmp_path, gyms=gyms, profile_name="here") as person:
            person.launch("one")
            await person.sees("one")
            held = Held(person.app.session.client)
            person.app.enter(person.app.session.settings, held, None)
            await person.sees("one")
            held.go.clear()
            await person.press("x")
            await person.sees("Cancel this run?")
            await person.press("y")
            person.app.switch_profile(gyms.profiles[1])
            await person.sees("still in progress")
            assert gyms.made == []
            held.go.set()
            await person.sees("cancelled")


# -- which profile, which key ------------------------------------------------------------------


def test_the_key_of_the_environment_is_for_the_gym_one_began_with(
    tmp_path: Path, desk: Desk
) -> None:
    desk.write(
        "[profiles.a]\nbase_url='https://a.example'\n[profiles.b]\nbase_url='https://b.example'"
    )
    env: dict[str, Any] = {
        "GYMTUI_CONFIG": str(desk.config), "GYMTUI_API_KEY": KEY,
        "GYMTUI_BASE_URL": "https://a.example", "SIMLAB_CONFIG": str(desk.vendor),
    }  # fmt: skip
    first = urls.origin_of("https://a.example")
    gyms = ConfiguredGyms((), {"base_url": "https://a.example", "interval": 5.0}, env, first)
    there = gyms.load("b")
    assert there.settings.base_url == "https://b.example"
    assert there.settings.interval_s == 5.0
    assert there.settings.key is None
    assert there.key_places[0].found == (
        "not sent: it belongs to https://a.example, not for https://b.example"
    )
    back = gyms.load("a").settings
    assert back.key is not None and back.key.reveal() == KEY


def test_the_profile_picked_last_applies_when_nobody_says_which(desk: Desk) -> None:
    desk.write(
        "profile = 'a'\n"
        "[profiles.a]\nbase_url='https://a.example'\n[profiles.b]\nbase_url='https://b.example'"
    )
    remembered = desk.load_remembering("b")
    assert remembered.settings.profile_name == "b"
    assert remembered.settings.origins["profile_name"] == LAST_PICKED
    assert remembered.default_profile == "a"
    assert desk.load_remembering("b", profile="a").settings.profile_name == "a"
    assert desk.load_remembering("b", base_url="https://c.example").settings.profile_name == "a"
    desk.env["GYMTUI_PROFILE"] = "a"
    assert desk.load_remembering("b").settings.profile_name == "a"


def test_a_profile_that_is_no_longer_there_is_passed_over_with_a_word(desk: Desk) -> None:
    desk.write("profile = 'a'\n[profiles.a]\nbase_url='https://a.example'")
    loaded = desk.load_remembering("b")
    assert loaded.settings.profile_name == "a"
    assert [str(problem) for problem in loaded.problems] == [
        "last used: profile 'b' no longer exists"
    ]
    assert loaded.fatal == ()
