"""The command lines of `config`; what they do is in modules of their own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from gymtui.cli.options import (
    EXIT_USAGE,
    fail,
    given,
    gym_options,
    json_option,
    loaded,
    scope_options,
    tell,
)

if TYPE_CHECKING:
    from pathlib import Path

_NO_ARGUMENT = (
    "a key never comes in as an argument, where everyone on this machine could see it: "
    "`gymtui config set api_key -` asks for it, or reads it from a pipe"
)


@click.group()
def config() -> None:
    """See, begin and change the configuration file."""


@config.command()
@click.option(
    "--config", "file", type=click.Path(), metavar="F", help="Another configuration file."
)
def path(file: str | None) -> None:
    """Print where the configuration file is, or would be."""
    click.echo(str(_path(file)))


@config.command()
@click.option(
    "--config", "file", type=click.Path(), metavar="F", help="Another configuration file."
)
def init(file: str | None) -> None:
    """Write a first file: every setting with its meaning, none in force. Never over another."""
    from gymtui.cli.config_edit import ConfigError, write_first

    where = _path(file)
    try:
        write_first(where)
    except ConfigError as problem:
        fail(str(problem), EXIT_USAGE)
    except OSError as error:
        fail(f"{where}: {error.strerror or error}", EXIT_USAGE)
    tell(f"wrote {where}, readable only by you")


@config.command("set")
@click.argument("name")
@click.argument("words", nargs=-1, metavar="VALUE…")
@click.option("--profile", metavar="P", help="Profile to set it in, created if missing.")
@click.option(
    "--config", "file", type=click.Path(), metavar="F", help="Another configuration file."
)
def set_(
    name: str,
    words: tuple[str, ...],
    profile: str | None,
    file: str | None,
) -> None:
    """Set one thing; comments and layout stay as they are.

    Several words make a list: `set keys.cancel x delete`, `set api_key_command pass show gym`.
    A command with dashes comes after `--`. A key is asked for: `set api_key -`.
    """
    import os

    from gymtui.cli.config_edit import ConfigError, find_setting, value_of, write_setting
    from gymtui.config.schema import read_file

    where = _path(file)
    try:
        setting = find_setting(name, profile or given({}).get("profile"))
        if setting.is_key:
            if words not in ((), ("-",)):
                raise ConfigError(_NO_ARGUMENT)
            words = (_ask_key(),)
        elif not words:
            raise ConfigError(f"{name}: no value given")
        value = value_of(setting, words, read_file(where, [], must_exist=False), os.environ)
        write_setting(where, setting, value)
    except ConfigError as problem:
        fail(str(problem), EXIT_USAGE)
    except OSError as error:
        fail(f"{where}: {error.strerror or error}", EXIT_USAGE)
    tell(f"set {'.'.join(setting.where)} in {where}")
    options = {"config": str(where)} | ({"profile": profile} if profile else {})
    for left in loaded(options, want_key=False).problems:
        tell(str(left))


@config.command()
@gym_options
@scope_options
@json_option
def show(form: str | None, **flags: Any) -> None:
    """Every setting, what it is and where that comes from; of the key, its ends."""
    import os

    from gymtui.cli.checkup.screen_settings import with_screen_problems
    from gymtui.cli.config_show import as_document, as_table

    found = with_screen_problems(loaded(given(flags)), os.environ)
    for problem in found.problems:
        tell(str(problem))
    click.echo(as_document(found) if form == "json" else as_table(found))


config.add_command(show, "list")


def _path(file: str | None) -> Path:
    import os
    from pathlib import Path

    from gymtui.core import paths

    named = file or given({}).get("config")
    return Path(named).expanduser() if named else paths.config_file(os.environ)


def _ask_key() -> str:
    """A key, typed without being shown, or the first line of what is piped in."""
    if sys.stdin.isatty():
        return str(click.prompt("API key (not shown)", hide_input=True, err=True))
    return sys.stdin.readline().strip()
