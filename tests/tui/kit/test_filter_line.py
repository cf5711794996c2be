"""The line that a filter is typed into: its keys, its mistakes, and whose filter it is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from textual.events import AppBlur, AppFocus, Key, Paste
from textual.widgets import Input

from gymtui.cli.documents import rollout_document
from gymtui.session.saved_layout import SavedLayout
from gymtui.tui.context.keymap import Scope
from gymtui.tui.kit.footer import TIPS
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.runs.screen import RunsScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, at, scripted_dashboard


@pytest.fixture
def gym() -> ScriptedGym:
    """A run that is over, and one that is not."""
    gym = ScriptedGym()
    gym.add("alpha", "book_room", "pass", "fail")
    gym.add("xylo", "call_back", "running")
    return gym


def typed(person: Person) -> str:
    """What stands in the line."""
    return person.app.screen.query_one("#prompt Input", Input).value


def is_open(person: Person) -> bool:
    """Whether the line is there, and has the keys."""
    screen = cast("GymScreen", person.app.screen)
    return screen.is_filtering and isinstance(screen.focused, Input)


def line(person: Person, word: str) -> str:
    """The line of the screen with this word in it."""
    return next(text for text in person.screen().split("\n") if word in text)


async def test_enter_on_a_mistake_keeps_the_line_and_the_last_good_filter(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        await person.press("slash", *"alpha", "enter")
        await person.sees_no("xylo")
        await person.press("slash", *"foo", "colon", *"bar", "enter")
        await person.sees("no column foo")
        assert is_open(person)
        assert typed(person) == "foo:bar"
        screen = cast("RunsScreen", person.app.screen)
        assert screen.filter_text() == "foo"  # the last that could be read
        assert not list(screen._rows)
        await person.press(*["backspace"] * 7, *"xylo", "enter")
        await person.sees("filter: xylo")
        assert not screen.is_filtering
        assert list(screen._rows) == ["xylo"]


@pytest.mark.parametrize("key", ["tab", "shift+tab"])
async def test_tab_completes_and_never_moves_the_focus(
    gym: ScriptedGym, tmp_path: Path, key: str
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        await person.press("slash", *"statu", key)
        assert typed(person) == "status:"
        await person.press(*"fin", key)
        assert typed(person) == "status:finished "
        for _ in range(3):
            await person.press(key)
            assert is_open(person)
        await person.sees_no("xylo")
        await person.press("enter", "enter")
        await person.sees("runs › alpha", "book_room")
        await person.press("slash", *"nothing_like_it", key)
        assert is_open(person)
        assert typed(person) == "nothing_like_it"


async def test_tab_goes_through_all_that_can_be_meant_and_shift_tab_back(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        await person.press("slash", *"st")
        seen = []
        for key in ("tab", "tab", "tab", "tab", "shift+tab", "shift+tab"):
            await person.press(key)
            seen.append(typed(person))
        columns = ["status:", "stuck:", "stalled:"]
        assert seen == [*columns, "status:", "stalled:", "stuck:"]
        await person.press(*["backspace"] * 6, *"status", "colon", *"ca", "tab")
        assert typed(person) == "status:cancell"  # so far it is clear
        seen = []
        for key in ("tab", "tab", "shift+tab"):
            await person.press(key)
            seen.append(typed(person))
        assert seen == ["status:cancelled ", "status:cancelling ", "status:cancelled "]
        await person.press(*"no_such", "tab")
        await person.sees("no completions")
        assert typed(person) == "status:cancelled no_such"
        assert is_open(person)


async def test_tab_completes_what_came_in_the_same_burst(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        for key in ("slash", *"statu", "tab", *"fin", "tab"):
            person.app.post_message(Key(key, "/" if key == "slash" else key[:1]))
        await person.until(lambda: typed(person) == "status:finished ")


@pytest.mark.parametrize("thief", ["click", "blur", "blur and focus"])
async def test_what_is_typed_into_an_open_line_is_never_a_command(
    gym: ScriptedGym, tmp_path: Path, thief: str
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        await person.press("slash", *"a")
        screen = person.app.screen
        for letter in "x/qf:":
            if thief == "click":
                await person.pilot.click("#grid", offset=(3, 1))
            else:
                person.app.post_message(AppBlur())
                await person.until(lambda: person.app.screen.focused is None)
                if "focus" in thief:
                    person.app.post_message(AppFocus())
                    await person.pilot.pause()
            await person.press({"/": "slash", ":": "colon"}.get(letter, letter))
            assert person.app.screen is screen
            assert is_open(person)
        assert typed(person) == "ax/qf:"
        assert "active only" not in person.screen()
        assert not gym.cancelled


async def test_what_is_pasted_after_a_click_on_the_list_is_in_the_line(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        await person.press("slash", *"al")
        await person.pilot.click("#grid", offset=(3, 1))
        person.app.post_message(Paste("pha"))
        await person.until(lambda: typed(person) == "alpha")


async def test_active_only_is_said_once_beside_a_filter(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        await person.press("f")
        await person.sees_no("alpha")
        assert "filter:" not in person.screen()
        await person.press("slash", *"xy", "enter")
        await person.sees("filter: xy")
        said = line(person, "filter: xy")
        assert said.count("active") == 2, said  # "1 active", and "active only"
        assert "active:" not in said
        assert "(1 shown)" in said


async def test_escape_drops_marks_where_only_active_ones_are_shown(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        await person.press("f", "space")
        await person.sees("active only  1 marked  (1 shown)")
        await person.press("escape")
        await person.sees_no("marked")
        assert "active only" in person.screen()


@pytest.mark.parametrize(
    ("url", "source"),
    [("http://127.0.0.1:10", "rl-gym"), ("http://127.0.0.1:9", "task-editor")],
)
async def test_a_kept_filter_goes_to_no_other_gym_or_source(
    gym: ScriptedGym, tmp_path: Path, url: str, source: str
) -> None:
    state = tmp_path / "state"
    async with scripted_dashboard(gym, tmp_path, saved_layout=SavedLayout.read(state)) as person:
        await person.sees("alpha", "xylo")
        await person.press("slash", *"alpha", "enter")
        await person.sees_no("xylo")
    before = json.loads((state / "arrangement.json").read_text())["filters"]
    assert before == {"http://127.0.0.1:9 rl-gym": "alpha"}
    async with scripted_dashboard(gym, tmp_path, saved_layout=SavedLayout.read(state)) as person:
        await person.sees("alpha", "filter: alpha")
    other = ScriptedGym(runs=gym.runs, url=url)
    async with scripted_dashboard(
        other, tmp_path, saved_layout=SavedLayout.read(state), source=source
    ) as person:
        await person.sees("alpha", "xylo")
        assert "filter:" not in person.screen()
        await person.press("slash", *"xylo", "enter")
        await person.sees_no("alpha")
    async with scripted_dashboard(gym, tmp_path, saved_layout=SavedLayout.read(state)) as person:
        await person.sees("alpha", "filter: alpha")
        assert "xylo" not in person.screen(), "that of the first gym is still there"


async def test_nothing_active_is_no_filter_that_escape_clears(tmp_path: Path) -> None:
    gym = ScriptedGym()
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("no runs")
        await person.press("f")
        await person.sees("active only", "no runs")
        gym.add("alpha", "t1", "pass")
        await person.sees("no active runs; f shows all")
        await person.press("slash", *"alp", "enter")
        await person.sees("no matches; esc clears the filter")
        await person.press("escape")
        await person.sees("no active runs; f shows all")
        await person.press("f")
        await person.sees("alpha")


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_a_cancelled_run_says_so_where_others_say_done(tmp_path: Path, width: int) -> None:
    gym = ScriptedGym()
    gym.add("stopped", "book_room", "pass", "cancelled")
    gym.add("whole", "book_room", "pass", "fail")
    async with scripted_dashboard(gym, tmp_path, size=(width, 24)) as person:
        await person.sees("stopped", "whole")
        # The footer has the word too.
        await person.until(lambda: "cancel" in line(person, "stopped"))
        await person.until(lambda: "done" in line(person, "whole"))
        stopped, whole = line(person, "stopped"), line(person, "whole")
        assert "done" not in stopped
        assert "cancel" in stopped
        assert "done" in whole
        assert "cancel" not in whole
        await person.press("slash", *"status", "colon", *"canc", "enter")
        await person.sees_no("whole")
        assert "stopped" in person.screen()


def _filters() -> list[tuple[Scope, str]]:
    # What is searched for is no filter.
    tips = {scope: text for scope, text in TIPS.items() if scope is not Scope.SEARCH}
    found = [(scope, re.findall(r"\b\w+:\S+", text)) for scope, text in tips.items()]
    return [(scope, each) for scope, filters in found for each in filters]


def test_a_tip_names_a_filter() -> None:
    assert (Scope.ROLLOUTS, "state:failed") in _filters()


@pytest.mark.fair_part(3)
@pytest.mark.parametrize(("scope", "text"), _filters())
async def test_a_filter_that_a_tip_names_finds_something(
    gym: ScriptedGym, tmp_path: Path, scope: Scope, text: str
) -> None:
    way = {Scope.RUNS: (), Scope.ROLLOUTS: ("enter",), Scope.ACTIVE: ("a",), Scope.MATRIX: ("m",)}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "xylo")
        await person.press("slash", *"alpha", "enter", *way[scope])
        screen = await person.until(
            lambda: (s := cast("GymScreen", person.app.screen)).scopes[0] is scope and s
        )
        listed = cast("ListScreen[object]", screen)
        await person.until(lambda: len(listed._rows))
        assert screen.apply_filter(text) is None
        assert 0 < len(listed._rows) < len(listed._rows.records)


async def test_an_end_before_the_start_is_no_time_at_all(tmp_path: Path) -> None:
    gym = ScriptedGym()
    (name,) = gym.add("odd", "book_room", "pass", started_at=at(60), completed_at=at(600))
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("odd", "1/1")
        await person.press("enter")
        await person.sees("runs › odd", "book_room")
        row = person.app.session.store.rollouts[name]
        assert rollout_document(row, datetime.now(UTC))["elapsed_s"] is None
        await person.press("t")
        listed = cast("ListScreen[object]", person.app.screen)
        elapsed = next(column for column in listed.columns() if column.key == "elapsed")
        assert "".join(ink.text for ink in elapsed.cell(row, 8)) == "–"
        await person.sees("took –", "All criteria met")
        assert not re.search(r"\b(agent|ran|running) \d", person.screen())
