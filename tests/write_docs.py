"""Writes the README's tables of commands, keys and settings from the code: `make docs`."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import click

from gymtui.cli.entry import main
from gymtui.config import reference
from gymtui.tui.context import keymap

README = Path(__file__).parent.parent / "README.md"


def commands() -> str:
    """Every command with what it takes and what it does."""
    rows = ["| command | what it does |", "|---|---|", f"| `gymtui` | {_about(main)} |"]
    context = click.Context(main, info_name="gymtui")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None, name
        within = click.Context(command, context, info_name=name)
        takes = [word for word in command.collect_usage_pieces(within) if word != "[OPTIONS]"]
        if isinstance(command, click.Group):
            takes = ["|".join(command.list_commands(within))]
        usage = " ".join(["gymtui", name, *takes]).replace("|", r"\|")
        rows.append(f"| `{usage}` | {_about(command)} |")
    return "\n".join(rows) + "\n"


def _about(command: click.Command) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


_TABLES = {
    "commands": commands,
    "keys": keymap.markdown,
    "settings": reference.settings_table,
}
"""What stands between `<!-- NAME: … -->` and `<!-- /NAME -->`, by that name."""


def written(readme: str) -> str:
    """The README with the tables as they are; one that it has no place for is left out."""
    for name, table in _TABLES.items():
        place = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        # A function, since a table may hold what `sub` would take for its own.
        readme = place.sub(partial(_between, table()), readme)
    return readme


def _between(text: str, found: re.Match[str]) -> str:
    return f"{found[1]}{text}{found[2]}"


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
