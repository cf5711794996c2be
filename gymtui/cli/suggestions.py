"""What the shell offers on TAB: profiles, sources, columns, runs seen before. Never the network.

A mistake here would be printed into a command line being typed, so whatever fails offers nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from pathlib import Path

_SAFE = re.compile(r"[\w.:@%+=/,][\w.:@%+=/,-]*")
"""Ids come off the wire and end on a command line unquoted: `$(…)` is never offered."""

_MOST = 200


def profiles(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return _with_prefix(incomplete, _profiles_of(_config(context)))


def sources(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from typing import get_args

    from gymtui.config.schema import Source

    return _with_prefix(incomplete, get_args(Source))


def themes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The themes that ship with the program, and the person's own."""
    from gymtui.config import theme_files

    return _with_prefix(
        incomplete, theme_files.theme_names(theme_files.theme_directories(os.environ))
    )


def runs(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str] | list[CompletionItem]:
    """Runs that a dashboard has watched on this gym, the last seen first; directories of a path."""
    if incomplete.startswith(".") or os.sep in incomplete:
        return [CompletionItem(incomplete, type="dir")]
    try:
        from gymtui.store.history.journal_reader import recent_runs

        return _with_prefix(incomplete, recent_runs(_journal(context)))
    except (OSError, ValueError):
        return []


def _with_prefix(incomplete: str, words: Iterable[str]) -> list[str]:
    fitting = (word for word in words if word.startswith(incomplete) and _SAFE.fullmatch(word))
    return list(dict.fromkeys(fitting))[:_MOST]


def _option(context: click.Context, name: str) -> str | None:
    here: click.Context | None = context
    while here is not None:
        value = here.params.get(name)
        if value:
            return str(value)
        here = here.parent
    return None


def _config(context: click.Context) -> Path:
    from pathlib import Path

    from gymtui.core import paths

    named = _option(context, "config")
    return Path(named).expanduser() if named else paths.config_file(os.environ)


def _table(path: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except (OSError, ValueError):
        return {}


def _profiles_of(path: Path) -> list[str]:
    found = _table(path).get("profiles")
    return [name for name in found if isinstance(name, str)] if isinstance(found, dict) else []


def _journal(context: click.Context) -> Path:
    """The journal of the gym that the command would talk to, in a file: a database is elsewhere.

    The settings are settled without looking for a key: that might run a command.
    """
    from gymtui.config.layers import layers_of, merge_layers
    from gymtui.config.schema import read_file
    from gymtui.core import paths
    from gymtui.store.history.journal_place import file_name

    env = dict(os.environ)
    flags = {"base_url": _option(context, "base_url")}
    file = read_file(_config(context), [], must_exist=False)
    vendor = read_file(paths.vendor_config_file(env), [], must_exist=False)
    name = _option(context, "profile") or env.get("GYMTUI_PROFILE") or file.document.get("profile")
    table = ("profiles", str(name or "default"))
    settled = merge_layers(layers_of(flags, env, file, table, vendor))
    return paths.state_dir(env) / file_name(settled.choices.base_url)
