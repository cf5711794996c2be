"""What the README names exists: commands, options, variables, settings, keys, filter terms."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator

import click
import pytest

from gymtui.cli.entry import main
from gymtui.config import reference
from gymtui.config.user_commands import UserCommand
from gymtui.store.lists import columns, query
from gymtui.tui.context import keymap
from tests.helpers.places import ROOT

README = (ROOT / "README.md").read_text()
PROSE = re.sub(r"<!-- (\w+): .*?<!-- /\1 -->|```.*?```", "", README, flags=re.DOTALL)
CODE = sorted(set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", PROSE)))
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line
]
SOURCE = "\n".join(path.read_text() for path in sorted((ROOT / "gymtui").rglob("*.py")))


def _leaves(command: click.Command, context: click.Context) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _leaves(below, context)


COMMANDS = list(_leaves(main, click.Context(main, info_name="gymtui")))
OPTIONS = {opt for command in COMMANDS for param in command.params for opt in param.opts}
OPTIONS |= {opt for command in COMMANDS for param in command.params for opt in param.secondary_opts}
OPTIONS |= {"--help", "--version", "--from"}
OPTIONS |= {"--template", "--skip-env-setup", "--no-seed"}  # of the vendor's client


def test_every_option_it_names_is_one() -> None:
    named = {word for code in [*CODE, *LINES] for word in re.findall(r"(?<![\w-])--[a-z-]+", code)}
    assert len(named) > 10
    assert named - OPTIONS == set()


def test_every_command_it_names_is_one() -> None:
    named = {
        found[1]
        for text in [*CODE, *LINES]
        if (found := re.match(r"(?:uvx --from \. )?gymtui ([a-z]+)", text))
    }
    assert len(named) > 8
    assert named - {command.name for command in COMMANDS} == set()


def test_every_variable_it_names_is_read_or_set() -> None:
    named = {name for code in CODE for name in re.findall(r"\b(?:GYMTUI|SIMLAB)_[A-Z_]+", code)}
    table = reference.settings_table()
    assert len(named) > 3
    assert [name for name in sorted(named) if name not in table and name not in SOURCE] == []


def test_every_setting_it_names_is_one() -> None:
    named = set()
    for code in CODE:
        if re.fullmatch(r"[a-z_]+ = [^=]+", code):
            named |= set(tomllib.loads(code.replace('"NAME"', '"night"')))
    table = reference.settings_table() + "".join(f"`{name}`" for name in UserCommand.model_fields)
    assert len(named) >= 3
    assert [name for name in sorted(named) if f"`{name}`" not in table] == []


def test_every_key_it_names_is_one() -> None:
    named = {code for code in CODE if len(code) == 1 and code.isascii() and code.isprintable()}
    bound = set(re.findall(r"`([^`]+)`", keymap.markdown()))
    # Of the filter language and of bars.
    assert named - {"!", "*"} - bound == set()
    assert len(named) > 8


def test_every_target_of_make_it_names_is_one() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {found for text in [*CODE, *LINES] for found in re.findall(r"\bmake ([a-z]+)", text)}
    named |= {"screenshots"}
    assert [name for name in sorted(named) if f"\n{name}:" not in makefile] == []


def _filters() -> Iterator[tuple[str, str]]:
    for line in LINES:
        words = shlex.split(line, comments=True)
        if words[:2] == ["gymtui", "runs"] and len(words) > 2 and not words[2].startswith("-"):
            yield "runs", words[2]
        if words[:2] == ["gymtui", "rollouts"] and "-f" in words:
            yield "rollouts", words[words.index("-f") + 1]


@pytest.mark.parametrize(("of", "text"), list(_filters()))
def test_every_filter_it_shows_is_one_of_its_list(of: str, text: str) -> None:
    query.parse(text, columns.RUNS if of == "runs" else columns.ROLLOUTS)


def test_filters_of_both_lists_are_shown() -> None:
    assert {of for of, _ in _filters()} == {"runs", "rollouts"}


def test_its_three_readers_come_in_their_order() -> None:
    headings = re.findall(r"^## (.+)$", README, re.MULTILINE)
    assert headings == ["Two commands", "A tour", "With an account", "Reference"]
    before = README.index("make demo"), README.index("GYMTUI_API_KEY"), README.index("### Numbers")
    assert list(before) == sorted(before)


def test_the_tables_that_are_generated_come_last() -> None:
    generated = README[README.index("<!-- commands") :]
    left = re.sub(r"<!-- (\w+): .*?<!-- /\1 -->", "", generated, flags=re.DOTALL)
    assert re.findall(r"<!-- (\w+): ", generated) == ["commands", "settings", "keys"]
    assert len(left.split()) < 60
