"""The options that choose the form of what is printed: one of them, on every command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gymtui.cli.entry import main
from tests.cli.in_process import Shell
from tests.tui.scripted import ScriptedGym


def several_forms(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command that prints in forms, with two of their options."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from several_forms(command, *path, name)
            continue
        named = {option.name: option.opts[0] for option in command.params}
        forms = [option for key, option in named.items() if key == f"as_{option.strip('-')}"]
        if len(forms) > 1:
            yield (*path, name, *forms[-2:])


COMMANDS = list(several_forms(main))


def test_there_are_such_commands() -> None:
    assert {"runs", "rollouts", "failures", "search", "compare"} <= {path[0] for path in COMMANDS}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_two_forms_are_refused(arguments: tuple[str, ...]) -> None:
    one, other = arguments[-2:]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert f"{one} and {other} exclude each other" in done.stderr


def test_the_form_that_is_printed_anyway_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gym = ScriptedGym()
    [rollout_id] = gym.add("one", "t", "pass")
    gym.artifacts[rollout_id] = {"messages": [{"role": "user", "content": "words"}]}
    shell = Shell(tmp_path, gym.answer, monkeypatch)
    for call in (["show", rollout_id, "--text"], ["report", "one", "--markdown"]):
        done = shell(*call)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert lines and len(lines) == len(shell(*call[:-1]).stdout.splitlines())
    for to, *option in (("a", "--json"), ("b",)):
        done = shell("export", "one", "--to", str(tmp_path / to), *option)
        assert done.returncode == 0, done.stderr
        assert list((tmp_path / to).rglob("*.json"))
