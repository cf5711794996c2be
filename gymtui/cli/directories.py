"""Directories in the place of a gym: which words name some, and how they are read.

What is in them is for `sources`; a name without a slash is a run's, or a filter's, as before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gymtui.cli.options import fail, given_options, load_settings, report_problems, tell
from gymtui.core.text import clean

if TYPE_CHECKING:
    from gymtui.config.settings import LoadedSettings, Settings
    from gymtui.sources.directory_gym import DirectoryGym
    from gymtui.sources.source import Source

_FILTER_MARKS = frozenset(":<>=!*? ")  # what makes a word a filter, whatever it ends in
FILES = "files"  # what `open --as` calls reading transcripts one by one


def split_paths(names: Sequence[str]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The directories and files among some words, and the rest.

    Only what is there and is written as a path is one: `jobs/`, `./jobs`, `/data/jobs`, `.`.
    """
    marks = (os.sep, os.altsep or os.sep)
    written = [i for i in names if i in (".", "..") or any(mark in i for mark in marks)]
    # Of a filter that is longer than a path may be, `Path` would raise.
    found = [name for name in written if os.path.exists(name)]  # noqa: PTH110  (see above)
    rest = tuple(name for name in names if name not in found)
    for name in rest:
        if os.path.isdir(name):  # noqa: PTH112  (as above)
            tell(f"{clean(name)} is also a directory: {clean(name)}/ reads it")
    return tuple(Path(name) for name in dict.fromkeys(found)), rest


def _is_path(name: str) -> bool:
    """Whether a word that names nothing that is there can only have been meant as a path."""
    if name.startswith(("./", "../")):
        return True
    return name.endswith("/") and bool(name.strip("/")) and not _FILTER_MARKS & set(name)


def _why_not(name: str) -> str:
    try:
        os.stat(name)  # noqa: PTH116  (of a name that is longer than a path may be `Path` raises)
    except OSError as error:
        return error.strerror or str(error)
    return "neither a file nor a directory"


def settings_and_names(
    flags: Mapping[str, Any], names: Sequence[str]
) -> tuple[Settings, tuple[str, ...]]:
    """The settings for a command, and the arguments that name no directory.

    The settings are those of a directory where one is named, else of the gym.
    """
    found, rest = loaded_and_names(flags, names)
    return found.settings, rest


def loaded_and_names(
    flags: Mapping[str, Any], names: Sequence[str]
) -> tuple[LoadedSettings, tuple[str, ...]]:
    """As `settings_and_names`, with what else was found out about the settings."""
    flags = given_options(flags)
    found, rest = split_paths(names)
    for name in filter(_is_path, rest):
        fail(f"{clean(name)}: {_why_not(name)}")
    if not found:
        if (read_as := flags.get("as")) is not None:
            fail(f"--as {read_as}: no directory is named")
        return report_problems(load_settings(flags)), rest
    result = report_problems(directory_settings(flags, found))
    directory_gym(result.settings)  # says at once that there is nothing
    return result, rest


def directory_settings(flags: Mapping[str, Any], found: Sequence[Path]) -> LoadedSettings:
    """The settings for reading directories: what is wrong with where a gym is, is no matter."""
    from gymtui.core.replacement import replace

    others = {name: flags[name] for name in flags if name not in ("base_url", "source")}
    base = load_settings(others, want_key=False)
    there = tuple(place.absolute() for place in found)
    update = {
        "base_url": " ".join(place.as_uri() for place in there),
        "directories": there,
        "read_as": flags.get("as"),
        "read_only": True,
        "profile_name": "default",
        "source": "all",
        "origins": {**base.settings.origins, "read_only": "a directory"},
    }
    problems = tuple(problem for problem in base.problems if not problem.fatal)
    return replace(base, settings=base.settings.model_copy(update=update), problems=problems)


def sources_for(read_as: str | None) -> tuple[Source, ...]:
    """Who may read: all, or the one that is named; ends where there is none of that name."""
    from gymtui.sources import registry

    known = registry.sources(lambda words: tell(clean(words)))
    if read_as is None:
        return known
    source = registry.find_source(read_as, known)
    if source is None:
        names = ", ".join(one.name for one in known)
        fail(f"--as {clean(read_as)}: there are {names}")
    return (source,)


def directory_gym(settings: Settings, *, look_s: float = inf) -> DirectoryGym:
    """The directories that settings name, as a gym; ends where there is nothing in them."""
    from gymtui.sources.directory_gym import DirectoryGym
    from gymtui.sources.files import Files
    from gymtui.sources.source import find_places

    sources = sources_for(settings.read_as)
    files = Files()
    for place in settings.directories:
        if next(find_places(place, sources, files), None) is None:
            if faults := files.damaged(0):
                fail(clean(f"{place.parent}/{faults[0]}"))
            what = " or ".join(source.title for source in sources)
            fail(f"nothing found in {clean(place)}: {what}")
    return DirectoryGym(settings.directories, sources, look_s=look_s)
