"""Arranging the run list: order, columns, groups, sources, and finding it so again."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest
from textual.events import Key

from gymtui.api.client import GymClient
from gymtui.config.settings import Settings
from gymtui.session.saved_layout import SavedLayout
from gymtui.store.lists import ordering
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.kit import list_screen
from gymtui.tui.runs.screen import RunsScreen
from gymtui.tui.runtime.crash_report import Reporter
from tests.gym.running_gym import running_gym
from tests.tui.person import Person, dashboard
from tests.tui.scripted import ScriptedGym, scripted_dashboard


def line_with(person: Person, word: str) -> str:
    """The first line on screen that holds a word."""
    return next(line for line in person.screen().split("\n") if word in line)


def position(person: Person, *names: str) -> list[int]:
    """On which line each of these names stands."""
    lines = person.screen().split("\n")
    return [next(y for y, line in enumerate(lines) if name in line) for name in names]


async def test_runs_are_ordered_by_a_chosen_column_and_turned_round(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        for name, count in (("small", 1), ("large", 6), ("middle", 3)):
            person.launch(name, rollout_count=count)
        await person.sees("1/1", "6/6", "3/3")
        await person.press("o")
        await person.sees("sort by", "show or hide")
        while "▌" not in line_with(person, "total"):
            await person.press("down")
        await person.press("enter")
        await person.until(lambda: sorted(p := position(person, "small", "middle", "large")) == p)
        await person.press("O")
        await person.until(lambda: sorted(p := position(person, "large", "middle", "small")) == p)


async def test_a_column_is_hidden_and_what_was_arranged_is_found_again(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym:
        async with dashboard(gym, tmp_path, size=(160, 36)) as person:
            person.app.saved_layout.path = tmp_path / "state" / "arrangement.json"
            person.launch("nightly")
            await person.sees("nightly", "SCENARIO")
            await person.press("o")
            while "▌" not in line_with(person, "scenario"):
                await person.press("down")
            await person.press("space")
            await person.sees("□ scenario")
            await person.press("escape")
            await person.sees_no("SCENARIO")
            await person.press("f")
            await person.sees("active only", "no active runs; f shows all")
        kept = SavedLayout.read(tmp_path / "state")
        async with dashboard(gym, tmp_path, size=(160, 36), saved_layout=kept) as person:
            await person.sees("active only", "no active runs; f shows all")
            await person.press("f")
            await person.sees("nightly")
            assert "SCENARIO" not in person.screen()


async def test_a_click_on_a_heading_orders_by_it(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        for name in ("beta", "alpha"):
            person.launch(name)
        await person.sees("alpha", "beta")
        await person.pilot.click("#grid", offset=(3, 0))
        await person.sees("RUN▲")
        assert position(person, "alpha") < position(person, "beta")
        await person.pilot.click("#grid", offset=(3, 0))
        await person.sees("RUN▼")
        assert position(person, "beta") < position(person, "alpha")


async def test_groups_show_their_numbers_open_into_their_runs_and_are_not_destroyed(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        for name in ("ckpt-a-s100", "ckpt-a-s200", "other"):
            person.launch(name, rollout_count=2)
        await person.sees("ckpt-a-s100", "ckpt-a-s200", "other")
        await person.until(lambda: person.screen().count("2/2") == 3)
        await person.press("b", "b", "b")
        await person.sees("by name", "NAME", "ckpt-a ×2 ", "4/4", "other ")
        await person.press("ctrl+d")
        await person.sees("nothing to delete: no run chosen")
        await person.press("g" if position(person, "ckpt-a") < position(person, "other") else "G")
        await person.press("enter")
        await person.sees("ckpt-a-s100", "ckpt-a-s200", "(2 shown)")
        await person.press("escape")
        await person.sees("other")


async def test_another_source_is_listed_from_nothing(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.launch("nightly")
        await person.sees("nightly", "source rl-gym")
        await person.press("s", "down", "enter")
        await person.sees("source task-editor", "no runs")
        await person.press("s")
        await person.sees("source of the runs")
        await person.press("up", "enter")
        await person.sees("source rl-gym", "nightly")


def test_a_broken_file_of_arrangements_is_as_good_as_none(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"lists": 3}', '{"lists": {"runs": {"order": 3, "hidden": 1}}}'):
        (tmp_path / "arrangement.json").write_text(text)
        assert SavedLayout.read(tmp_path).of("runs").order is None
    unwritable = SavedLayout(tmp_path / "arrangement.json" / "below" / "a.json")
    unwritable.change("runs", order="age")
    assert unwritable.of("runs").order == "age"


async def test_an_arrangement_with_columns_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    gym = ScriptedGym()
    for name, count in (("small", 1), ("large", 6), ("middle", 3)):
        gym.add(name, "book_room", *["pass"] * count)
    kept = {"order": "finished", "reverse": True, "hidden": ["finished", "outcome", "scenario"]}
    (tmp_path / "arrangement.json").write_text(json.dumps({"lists": {"runs": kept}}))
    layout = SavedLayout.read(tmp_path)
    async with scripted_dashboard(gym, tmp_path, size=(160, 36), saved_layout=layout) as person:
        await person.sees("small", "large", "middle", "PROGRESS", "DONE▼")
        await person.sees_no("SCENARIO")
        await person.until(lambda: sorted(p := position(person, "large", "middle", "small")) == p)


async def test_a_long_list_is_narrowed_in_pieces_and_what_was_typed_last_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_screen, "FILTERED_AT_ONCE", 0)
    monkeypatch.setattr(ordering, "_AT_ONCE", 1)
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        for name in ("alpha", "beta", "gamma"):
            person.launch(name)
        await person.sees("alpha", "beta", "gamma")
        await person.press("slash", *"gammabeta", *["backspace"] * 4, "enter")
        await person.sees_no("alpha", "beta")
        await person.sees("filter: gamma", "(1 shown)")
        await person.press("slash", "right", "x", "enter")
        await person.sees("no matches", "filter: gammax")
        # Undone before it is through: what is undone is what was typed.
        await person.press("slash", *"y", "escape")
        await person.sees("alpha", "beta", "gamma")
        await person.sees_no("filter:")


async def test_a_menu_longer_than_the_screen_says_so_and_scrolls_with_the_cursor(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path, size=(80, 14)) as person:
        await person.press("o")
        shown = await person.sees("sort by", "↑ ", " more", "▌■ age", "esc leave")
        assert "↓" not in shown
        await person.press("down")  # the ends meet
        shown = await person.sees("sort by", "↓ ", " more", "▌  run", "esc leave")
        assert "↑" not in shown
        await person.pilot.resize_terminal(80, 60)
        await person.sees_no(" more")


async def test_before_the_first_answer_no_list_says_that_there_is_nothing(tmp_path: Path) -> None:
    gym = ScriptedGym()
    heard = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        await heard.wait()
        return gym.answer(request)

    client = GymClient(gym.url, transport=httpx.MockTransport(answer))
    app = GymtuiApp(Settings(base_url=gym.url), client, Reporter(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot, gym)  # type: ignore[arg-type]
        await person.sees("connecting", "reading …")
        await person.press("a")
        await person.sees("active", "reading …")
        heard.set()
        await person.sees("live", "no running rollouts")
        await person.press("q")
        await person.sees("0 runs ·", "no runs")
        await person.sees_no("seen yet")


async def test_a_filter_opened_again_is_replaced_by_typing_and_kept_by_enter_or_an_arrow(
    tmp_path: Path,
) -> None:
    gym = ScriptedGym()
    for run_id in ("alpha", "beta"):
        gym.add(run_id, "book_room", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("alpha", "beta")
        await person.press("slash", *"alpha", "enter")
        await person.sees("filter: alpha (1 shown)")
        await person.press("slash", "enter")
        await person.sees("filter: alpha (1 shown)")
        await person.press("slash", "right", "x")
        await person.sees("filter: alphax (0 shown)")
        await person.press("enter")
        for character in "/beta":  # in one burst
            key = "slash" if character == "/" else character
            person.app.post_message(Key(key, character))
        await person.sees("filter: beta (1 shown)")


async def test_the_menu_orders_by_any_column_and_hides_any_but_the_name(tmp_path: Path) -> None:
    gym = ScriptedGym()
    for name, count in (("small", 1), ("large", 6), ("middle", 3)):
        gym.add(name, "book_room", *["pass"] * count)
    async with scripted_dashboard(gym, tmp_path, size=(200, 50)) as person:
        await person.sees("small", "large", "middle", "PROGRESS")

        async def menu_at(word: str) -> str:
            await person.press("o")
            await person.sees("sort by")
            for _ in range(40):
                if re.search(rf"▌[■□ ] {word}\b", person.screen()):
                    break
                await person.press("down")
            return person.screen()

        screen = person.app.screen
        assert isinstance(screen, RunsScreen)
        shown = await menu_at("run")
        for column in screen._grid.columns[1:]:
            assert f"■ {column.key} " in shown, column.key
        assert "■ run " not in shown and "□" not in shown
        await person.press("space")
        await person.sees("nothing to show or hide here")
        await person.press("escape")
        await menu_at("progress")
        await person.press("space")
        await person.sees("□ progress ")
        await person.press("escape")
        await person.sees_no("PROGRESS")
        await menu_at("progress")
        await person.press("space")
        await person.sees("■ progress ")
        await person.press("escape")
        await person.sees("PROGRESS")

        # Chosen once more it is the other way round; another begins the right way round again.
        orders = []
        for word in ("total", "total", "run", "total"):
            await menu_at(word)
            await person.press("enter")
            orders.append(list(screen._rows))
        up, down = ["small", "middle", "large"], ["large", "middle", "small"]
        assert orders == [up, down, ["large", "middle", "small"], up]
        await person.press("o")
        assert re.search("▌  total .*●", await person.sees("sort by")), "the menu begins there"
