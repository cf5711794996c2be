"""`[commands.NAME]`: what it may say, and what is told of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.config.user_commands import UserCommand
from tests.helpers.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_command_is_read_with_all_that_it_may_say(desk: Desk) -> None:
    desk.write(
        """
        [commands.notes]
        key = ["f5", "ctrl+e"]
        scope = "rollouts"
        command = "my-notes 'a b'"
        description = "add a note"
        confirm = true
        terminal = true

        [commands.tail]
        key = "f6"
        scope = "runs"
        command = "tail -f $HOME/log | less"
        shell = true
        destroys = true
        """
    )
    loaded = desk.load()
    assert loaded.problems == ()
    assert loaded.settings.commands == {
        "notes": UserCommand(
            name="notes",
            key=["f5", "ctrl+e"],
            scope="rollouts",
            command=["my-notes", "a b"],
            description="add a note",
            confirm=True,
            terminal=True,
        ),
        "tail": UserCommand(
            name="tail",
            key="f6",
            scope="runs",
            command="tail -f $HOME/log | less",
            shell=True,
            destroys=True,
        ),
    }
    assert loaded.settings.commands["tail"].command == ("tail -f $HOME/log | less",)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ('key = "f5"\nscope = "runs"', "needs command"),
        ('scope = "runs"\ncommand = "x"', "needs key"),
        ('key = "f5"\ncommand = "x"', "needs scope"),
        ('key = "f5"\nscope = "run"\ncommand = "x"', "scope: should be"),
        ('key = []\nscope = "runs"\ncommand = "x"', "key: should be a key, or a list of keys"),
        ('key = "f5"\nscope = "runs"\ncommand = []', "has no command"),
        ('key = "f5"\nscope = "runs"\ncommand = [1]', "should be a command line, or a list"),
        ('key = "f5"\nscope = "runs"\ncommand = ["a"]\nshell = true', "should be one line"),
        ('key = "f5"\nscope = "runs"\ncommand = "a"\nshell = "yes"', "shell: should be"),
        ('key = "f5"\nscope = "runs"\ncomand = "x"', "unknown entry comand; did you mean command?"),
    ],
)
def test_what_it_may_not_say_is_told_with_its_place(desk: Desk, entry: str, why: str) -> None:
    desk.write(f"[commands.x]\n{entry}")
    loaded = desk.load()
    assert loaded.settings.commands == {}
    (problem,) = loaded.problems
    assert problem.place == f"{desk.config}:1: commands.x"
    assert why in problem.message


def test_commands_are_the_persons_and_from_a_file_that_is_theirs_alone(desk: Desk) -> None:
    desk.write(
        '[commands."a b"]\nkey = "f5"\nscope = "runs"\ncommand = "x"\n'
        '[profiles.lab.commands.x]\nkey = "f5"'
    )
    assert [problem.message for problem in desk.load().problems] == [
        "belongs at the top of the file: [commands]",
        "a command's name is letters, digits, - and _",
    ]
    desk.write('[commands.x]\nkey = "f5"\nscope = "runs"\ncommand = "x"', mode=0o622)
    loaded = desk.load()
    assert loaded.settings.commands == {}
    assert "chmod go-w" in loaded.problems[0].message
