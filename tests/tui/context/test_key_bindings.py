"""The person's own keys: what may be bound, what is told, and that every place goes by them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest
from textual.keys import _character_to_key

from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.app.file_app import FileApp
from gymtui.tui.context.key_bindings import DEFAULT_BINDINGS, KeyBindings, parse_key, rebind
from gymtui.tui.context.keymap import STACKS, TABLE, Scope, display_key
from gymtui.tui.context.preferences import Preferences
from gymtui.tui.context.routes import PLACES
from gymtui.tui.kit.dialog import QuestionScreen
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.runtime.crash_report import Reporter
from tests.gym.running_gym import running_gym
from tests.tui.person import dashboard


def keys_for(keys: KeyBindings, name: str) -> tuple[str, ...]:
    return next(key.keys for key in keys.table if key.name == name)


def said(**wanted: list[str]) -> list[str]:
    names = {name.replace("_", "-"): keys for name, keys in wanted.items()}
    return [str(problem) for problem in rebind(names, {}).problems]


# -- the table ---------------------------------------------------------------------------------


def test_every_name_is_there_once() -> None:
    counted = Counter(key.name for key in TABLE)
    assert [name for name, count in counted.items() if count > 1] == []


def test_the_programs_own_keys_do_one_thing_each_wherever_they_work() -> None:
    for stack in STACKS:
        names = [
            (_character_to_key(key) if len(key) == 1 else key)
            for what in TABLE
            if what.scope in stack
            for key in what.keys
        ]
        assert [key for key, count in Counter(names).items() if count > 1] == []


def _subclasses(of: type[GymScreen]) -> list[type[GymScreen]]:
    return [cls for sub in of.__subclasses__() for cls in (sub, *_subclasses(sub))]


def test_what_works_together_on_a_screen_is_known_to_whoever_looks_for_conflicts() -> None:
    assert GymtuiApp and FileApp  # they import every screen
    for screen in _subclasses(GymScreen):
        together = frozenset(screen.scopes)
        assert any(together <= set(stack) for stack in STACKS), screen.__name__
    assert frozenset().union(*STACKS) == frozenset(Scope)


# -- names of keys -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *(("^d", "ctrl+d"), ("Ctrl+D", "ctrl+d"), ("esc", "escape"), ("PgDn", "pagedown")),
        *(("+", "plus"), ("plus", "plus"), ("[", "left_square_bracket"), (",", "comma")),
        *(("X", "X"), ("shift+x", "X"), ("F5", "f5"), ("shift+F5", "shift+f5"), (" ", "space")),
        *(("ctrl++", "ctrl+plus"), ("shift+ctrl+up", "ctrl+shift+up"), ("alt+x", "alt+x")),
        *(("?", "question_mark"), ("question_mark", "question_mark"), ("ö", "ö"), ("↵", "enter")),
    ],
)
def test_a_key_is_written_as_people_write_it(written: str, name: str) -> None:
    assert parse_key(written) == name


def test_what_is_shown_of_a_key_can_be_written() -> None:
    for what in TABLE:
        for key in what.keys:
            assert parse_key(display_key(key)) == parse_key(key)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("pgedown", "no such key 'pgedown'; did you mean pagedown?"),
        ("hyper+x", "modifiers are ctrl, alt and shift"),
        ("shift+1", "write the character instead"),
        ("ctrl+i", "in a terminal ctrl+i is tab"),
        ("^m", "in a terminal ctrl+m is ↵"),
        ("ctrl+[", "in a terminal ctrl+left_square_bracket is esc"),
        ("\x07", "no such key"),
        ("", "no such key"),
    ],
)
def test_a_key_that_is_none_is_told(written: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_key(written)
    assert why in str(caught.value)


# -- what may be bound -------------------------------------------------------------------------


def test_keys_are_replaced_by_name_and_the_rest_stays() -> None:
    keys = rebind({"cancel": ["ctrl+x", "X"], "fit": ["."]}, {})
    assert keys.problems == ()
    assert keys_for(keys, "cancel") == ("ctrl+x", "X")
    assert keys_for(keys, "fit") == ("full_stop",)
    assert (keys.key_for("cancel"), keys.label("cancel"), keys.key_for("fit")) == (
        "^x", "ctrl+x", ".",
    )  # fmt: skip
    changed = {new.name for new, old in zip(keys.table, TABLE, strict=True) if new != old}
    assert changed == {"cancel", "fit"}


def test_keys_may_be_swapped() -> None:
    keys = rebind({"mark": ["v"], "mark-range": ["space"]}, {})
    assert keys.problems == ()
    assert (keys_for(keys, "mark"), keys_for(keys, "mark-range")) == (("v",), ("space",))


def test_an_unknown_name_is_told_with_the_nearest_and_its_place() -> None:
    keys = rebind({"cancle": ["x"]}, {"keys.cancle": "config.toml:3: keys.cancle"})
    assert [str(problem) for problem in keys.problems] == [
        "config.toml:3: keys.cancle: unknown command; did you mean cancel?"
    ]
    assert keys.table == TABLE


@pytest.mark.parametrize(
    ("name", "key", "why"),
    [
        ("mark", "o", "o is already order (lists: choose sort order and columns); keeping space"),
        ("cancel", "?", "? is already help"),
        ("wrap", "j", "j is already text-down"),
        ("wall-clock", "v", "v is already mark-range"),
        ("menu-switch", "q", "q is already menu-leave"),
        ("menu-switch", "ctrl+q", "^q is already quit"),
        ("pause", "ctrl+k", "ctrl+k cannot be bound"),
        ("pause", "y", "y is reserved for confirming"),
        ("keep", "y", "y is reserved for confirming"),
        ("quit", "Q", "Q is typed in filters"),
        ("do-it", "enter", "↵ is too easy to press by accident"),
        ("do-it", "x", "x opens the confirmation"),
        ("do-it", "n", "n opens the confirmation"),
    ],
)
def test_what_cannot_be_is_told_and_the_programs_own_stays(name: str, key: str, why: str) -> None:
    keys = rebind({name: [key]}, {})
    [problem] = keys.problems
    assert why in problem.message
    assert keys.table == TABLE


def test_of_two_of_the_persons_own_the_later_gives_way() -> None:
    keys = rebind({"fit": ["."], "zoom-in": ["."], "zoom-out": [","]}, {})
    assert [problem.place for problem in keys.problems] == ["keys.zoom-in"]
    assert keys_for(keys, "fit") == ("full_stop",)
    assert keys_for(keys, "zoom-in") == ("plus", "equals_sign")
    assert keys_for(keys, "zoom-out") == ("comma",)


def test_what_is_left_out_gets_its_own_key_back_and_no_two_do_the_same() -> None:
    # `unmark` takes v, which `mark-range` gives up; `mark-range` cannot have what it wants.
    keys = rebind({"unmark": ["v"], "mark-range": ["o"]}, {})
    assert {problem.place for problem in keys.problems} == {"keys.unmark", "keys.mark-range"}
    assert keys.table == TABLE


def test_a_key_may_do_different_things_where_they_never_meet() -> None:
    assert said(wrap=["a"], cancel=["X"], compare_rollouts=["s"]) == []


def test_escape_is_always_the_way_out() -> None:
    keys = rebind({"back": ["ctrl+b"], "keep": ["k"], "menu-leave": ["l"]}, {})
    assert keys.problems == ()
    assert keys_for(keys, "back") == ("ctrl+b", "escape")
    assert keys.key_while_typing("keep") == "esc"
    assert keys_for(keys, "menu-leave") == ("l", "escape")


# -- in force ----------------------------------------------------------------------------------

MINE = {
    "cancel": ["X"],
    "help": ["f1"],
    "menu-down": ["n"],
    "menu-leave": ["l"],
    "keep": ["k"],
    "do-it": ["D"],
    "order": ["ctrl+o"],
    "palette": ["ctrl+e"],
    "down": ["i"],
    "quit": ["ctrl+x"],
}


async def test_every_screen_goes_by_the_persons_keys_and_shows_them(tmp_path: Path) -> None:
    keys = rebind(MINE, {})
    assert keys.problems == ()
    async with (
        running_gym(tmp_path, held=True) as gym,
        dashboard(gym, tmp_path, keys=keys) as person,
    ):
        person.launch("first")
        person.launch("second")
        display_key = await person.sees("first", "second", "X cancel", "f1 help")
        assert "x cancel" not in display_key

        # A list, once it stays in its order
        def started() -> bool:
            found = [person.app.session.store.summary(run_id) for run_id in ("first", "second")]
            return all(summary is not None and summary.started_at for summary in found)

        await person.until(started)
        await person.press("g")
        first = person.app.screen._grid.cursor_id
        await person.press("j")
        assert person.app.screen._grid.cursor_id == first
        await person.press("i")
        assert person.app.screen._grid.cursor_id != first
        # A menu
        await person.press("o")
        await person.press("ctrl+o")
        await person.sees("sort by", "l leave")
        await person.press("n", "q")
        await person.sees("sort by")
        await person.press("l")
        await person.sees_no("sort by")
        # Confirming
        await person.press("x")
        await person.press("X")
        await person.sees("Cancel this run?", "k keep", "D cancel")
        await person.press("y", "n")
        await person.sees("Cancel this run?")
        await person.press("k")
        await person.sees_no("Cancel this run?")
        # The palette
        await person.press("ctrl+p", "ctrl+e")
        await person.sees("cancel: cancel the marked runs, else this one  X")
        await person.press("escape")
        # Help and a text
        await person.press("question_mark", "f1")
        display_key = await person.sees("keys", "cancel the marked runs")
        assert any(line.split()[:2] == ["X", "cancel"] for line in display_key.splitlines())
        await person.press("escape")
        await person.sees("RUN")
        # Leaving
        await person.press("ctrl+c")
        await person.sees("ctrl+x quits")
        await person.press("ctrl+q")
        assert person.app.is_running
        await person.press("ctrl+x")
        assert not person.app.is_running


async def test_every_question_goes_by_them(tmp_path: Path) -> None:
    keys = rebind({"keep": ["k"], "do-it": ["D"], "quit": ["ctrl+x"]}, {})
    assert keys.problems == ()
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path, keys=keys) as person:
        answers: list[bool | None] = []
        for key in ("k", "D"):
            question = QuestionScreen("Sure?", (), do="launch", keep="go on")
            person.app.push_screen(question, answers.append)
            await person.sees("Sure?", "k go on     D launch")
            await person.press("y", "n", key)
            await person.sees_no("Sure?")
        assert answers == [False, True]
        person.app.push_screen(QuestionScreen("Sure?", (), do="launch", keep="go on"))
        await person.press("ctrl+q")
        assert person.app.is_running
        await person.press("ctrl+x")
        assert not person.app.is_running


async def test_what_cannot_be_bound_is_said_on_screen(tmp_path: Path) -> None:
    keys = rebind({"cancle": ["x"]}, {})
    async with (
        running_gym(tmp_path) as gym,
        dashboard(gym, tmp_path, keys=keys, problems=keys.problems) as person,
    ):
        await person.sees("keys.cancle", "did you mean", "cancel?")


async def test_of_many_problems_a_few_are_said_and_where_the_others_are(tmp_path: Path) -> None:
    keys = rebind({f"unknown{number}": ["x"] for number in range(12)}, {})
    async with (
        running_gym(tmp_path) as gym,
        dashboard(gym, tmp_path, keys=keys, problems=keys.problems) as person,
    ):
        title = "settings: 12 problems, see `gymtui doctor`"
        display_key = await person.sees("keys.unknown3", title)
        assert "keys.unknown4" not in display_key


async def test_a_transcript_from_disk_goes_by_them_too(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text('{"messages": [{"role": "user", "content": "hello"}]}')
    keys = rebind({"raw": ["ctrl+r"], "refresh": ["f5"], "leave": ["Q"]}, {})
    assert keys.problems == ()
    app = FileApp([file], Reporter(tmp_path), Preferences(keys=keys))
    async with app.run_test() as pilot:
        screen = app.screen
        async with asyncio.timeout(60):
            while screen.transcript is None:
                await pilot.pause(0.01)
        await pilot.press("r")
        assert not screen._raw
        await pilot.press("ctrl+r")
        assert screen._raw
        await pilot.press("q")
        assert app.is_running
        await pilot.press("Q")
        await pilot.pause()
    assert not app.is_running


def test_nothing_bound_is_the_programs_own() -> None:
    assert rebind({}, {}) is DEFAULT_BINDINGS
    assert DEFAULT_BINDINGS.keymap == {}


def test_every_place_that_a_key_goes_to_is_there() -> None:
    gone_to = {name for key in TABLE for name in re.findall(r"^go\('(.*)'\)$", key.action)}
    assert gone_to == PLACES.keys()
