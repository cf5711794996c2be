"""A person's own commands on screen: their keys, what they are told, and how they ended."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gymtui.config.user_commands import UserCommand
from gymtui.tui.context.key_bindings import KeyBindings, rebind
from gymtui.tui.context.keymap import Scope
from tests.gym.running_gym import running_gym
from tests.tui.person import dashboard


def commands(**changes: Any) -> dict[str, UserCommand]:
    own = {"name": "mine", "key": "f5", "scope": "runs", "command": ["true"], **changes}
    return {own["name"]: UserCommand.model_validate(own)}


def writing(path: Path) -> list[str]:
    """A command that writes down what it was told."""
    script = (
        "import json, os, pathlib;"
        "told = {k[14:]: v for k, v in os.environ.items() if k.startswith('GYMTUI_COMMAND')};"
        f"pathlib.Path({str(path)!r}).write_text(json.dumps(told)); print('a\\nwritten')"
    )
    return [sys.executable, "-c", script]


def test_they_stand_in_the_table_of_keys_beside_the_programs_own() -> None:
    own = commands(key=["f5", "Z"], description="say a\x1b[2J")
    keys = rebind({}, {}, own)
    assert keys.problems == ()
    added = keys.of([Scope.RUNS], read_only=False)[-1]
    assert (added.name, added.keys, added.short) == ("commands.mine", ("f5", "Z"), "mine")
    assert "\x1b" not in added.text
    assert keys.command_at("f5", (Scope.RUNS,)) == "mine"
    assert keys.command_at("f5", (Scope.MATRIX,)) is None
    assert keys.keymap == {}
    assert [key.name for key in rebind({}, {}, commands(destroys=True)).of(
        [Scope.RUNS], read_only=True
    ) if key.name.startswith("commands.")] == []  # fmt: skip


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("x", "x is already cancel"),
        ("q", "q is already leave"),
        ("y", "reserved"),
        ("f77", "no such"),
    ],
)
def test_a_key_that_is_taken_on_its_screen_is_told(key: str, why: str) -> None:
    keys = rebind({}, {"commands.mine": "config.toml:1: commands.mine"}, commands(key=key))
    (problem,) = keys.problems
    assert problem.place == "config.toml:1: commands.mine"
    assert why in problem.message
    assert keys.commands == {}


def test_a_key_that_was_given_up_may_be_taken_and_one_of_another_screen() -> None:
    assert rebind({"cancel": ["X"]}, {}, commands(key="x")).problems == ()
    assert rebind({}, {}, commands(key="z")).problems == ()


async def test_one_is_told_what_it_was_run_on_and_its_last_line_is_shown(tmp_path: Path) -> None:
    told = tmp_path / "told"
    keys = rebind({}, {}, commands(command=writing(told)))
    async with (
        running_gym(tmp_path, held=True) as gym,
        dashboard(gym, tmp_path, keys=keys, profile_name="lab") as person,
    ):
        person.launch("one")
        await person.sees("one", "1 active")
        await person.press("f5")
        await person.sees("mine: written")
        known = json.loads(told.read_text())
        known.pop("_MODEL", None)  # known once a rollout is
        assert known == {
            "": "mine",
            "_BASE_URL": gym.url,
            "_PROFILE": "lab",
            "_RUN_ID": "one",
            "_RUN_IDS": "one",
            "_SCENARIO_ID": "hr",
        }


async def test_one_that_destroys_is_asked_about_and_says_how_it_failed(tmp_path: Path) -> None:
    left = tmp_path / "left"
    line = f"echo $GYMTUI_COMMAND_RUN_ID > {left}; echo no such bucket >&2; exit 3"
    keys: KeyBindings = rebind({}, {}, commands(command=line, shell=True, destroys=True))
    async with (
        running_gym(tmp_path, held=True) as gym,
        dashboard(gym, tmp_path, keys=keys) as person,
    ):
        person.launch("one")
        await person.sees("one", "1 active")
        await person.press("f5")
        await person.sees("Run mine?", "one", "cancel")
        await person.press("f5")
        await person.press("enter")
        await person.sees_no("Run mine?")
        assert not left.exists()
        await person.press("f5")
        await person.sees("Run mine?")
        await person.press("y")
        await person.sees("mine failed with exit status 3: no such bucket")
        assert left.read_text() == "one\n"
