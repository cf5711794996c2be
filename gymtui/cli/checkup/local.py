"""Versions, files and settings: what can be said without any network."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

from gymtui import __version__
from gymtui.cli import gym_database
from gymtui.cli.checkup.checks import Check, CheckState
from gymtui.config import theme_files
from gymtui.config.schema import Problem, SettingFields
from gymtui.config.settings import LoadedSettings, Settings
from gymtui.core import paths, urls
from gymtui.core.replacement import replace
from gymtui.store.formats import of_many
from gymtui.store.history import journal_reader
from gymtui.store.history.journal_place import SharedPlace, place_of

LIBRARIES = ("textual", "httpx", "pydantic", "msgspec", "click")
LEAST_FREE_BYTES = 256 * 1024 * 1024

_check = partial(Check, "paths")


def check_versions() -> Iterator[Check]:
    """This program, what it stands on, and the machine."""
    yield Check("versions", "gymtui", __version__)
    yield Check("versions", "python", f"{platform.python_version()} on {platform.platform()}")
    yield Check("versions", "sqlite", sqlite3.sqlite_version)
    for name in LIBRARIES:
        try:
            yield Check("versions", name, version_of(name))
        except PackageNotFoundError:
            yield Check("versions", name, "not found", CheckState.BAD, "reinstall gymtui")


def check_files(env: Mapping[str, str], config: Path, settings: Settings) -> Iterator[Check]:
    """Where files are, and whether they can be read and written; the journal of the gym, too."""
    there = f"{config}" if config.exists() else f"{config} (none, optional)"
    yield _check("configuration", there)
    vendor = paths.vendor_config_file(env)
    yield _check("simlab's", f"{vendor}" if vendor.exists() else f"{vendor} (none)")
    for name, directory, loss in (
        ("state", paths.state_dir(env), "timelines and numbers of earlier sessions are not saved"),
        ("log", paths.log_dir(env), "no log and no crash reports"),
    ):
        yield _writable(name, directory, loss, "GYMTUI_STATE_DIR")
    loss = "transcripts are downloaded anew by every search and every start"
    yield _writable("cache", paths.cache_dir(env), loss, "GYMTUI_CACHE_DIR")
    yield _archive(paths.archive_file(env), settings.archive_limit_mib)
    place = place_of(settings, env)
    yield _shared(place) if isinstance(place, SharedPlace) else _journal(place)
    if gym_database.is_shared(own := env.get(gym_database.VARIABLE, "")):
        yield _gym_database(own, env.get(gym_database.COMMAND_VARIABLE))


def _archive(path: Path, limit_mib: int) -> Check:
    """What transcripts take on disk, the log of their database included."""
    if not limit_mib:
        return _check("transcripts", "kept in memory only (archive_limit_mib = 0)")
    files = (path, path.with_name(f"{path.name}-wal"))
    size = sum(file.stat().st_size for file in files if file.exists())
    if not path.exists():
        return _check("transcripts", f"{path} (created when needed)")
    if not os.access(path, os.R_OK | os.W_OK):
        advice = "transcripts are kept in memory only; make it readable and writable"
        return _check("transcripts", f"{path} is not writable", CheckState.WARNING, advice)
    message = f"{path}, {size / 2**20:.1f} of at most {limit_mib} MiB"
    return _check("transcripts", message)


def _writable(name: str, place: Path, loss: str, variable: str) -> Check:
    """Whether a directory is, or can be made, and be written to; nothing is made to find out."""
    here = next((p for p in (place, *place.parents) if p.exists()), Path("/"))
    if not (here.is_dir() and os.access(here, os.W_OK | os.X_OK)):
        advice = f"{loss}; make {here} writable, or set {variable}"
        return _check(name, f"{place} is not writable", CheckState.WARNING, advice)
    free = shutil.disk_usage(here).free
    if free < LEAST_FREE_BYTES:
        message = f"{place}, with {free // 2**20} MiB free"
        return _check(name, message, CheckState.WARNING, f"free some disk space, otherwise: {loss}")
    return _check(name, str(place) if place.exists() else f"{place} (created when needed)")


def _journal(path: Path) -> Check:
    if not path.exists():
        return _check("journal", f"{path} (created by the dashboard)")
    found = journal_reader.read_condition(path)
    if found.version:
        message = f"{path}, {path.stat().st_size / 1e6:.1f} MB, version {found.version}"
        return _check("journal", f"{message}, {of_many(found.runs, 'run')} kept")
    advice = "the next dashboard renames it and starts a new one, unless it is locked"
    return _check("journal", f"{path} is not readable", CheckState.WARNING, advice)


def _shared(place: SharedPlace) -> Check:
    found, name = journal_reader.read_condition(place), urls.database_name(place.url)
    if found.fault:
        advice = "the dashboard goes on without; what it observes is written once it is back"
        return _check("journal", found.fault, CheckState.WARNING, advice)
    if not found.version:
        return _check("journal", f"{name} (tables are created by the dashboard)")
    message = f"{name}, version {found.version}, {of_many(found.runs, 'run')} kept"
    return _check("journal", message + (", only read" if found.read_only else ""))


def _gym_database(url: str, command: str | None) -> Check:
    """The database of a local gym that is named in the environment."""
    from gymtui.gym.engine.databases import version_at
    from gymtui.gym.engine.records import DatabaseRefusedError, StorageError

    advice = f"mend {gym_database.VARIABLE}"
    try:
        place = gym_database.shared_place(url, command)
    except ValueError as error:
        message = f"{gym_database.VARIABLE} {error}"
        return _check("local gym", message, CheckState.WARNING, advice)
    try:
        version = version_at(place)
    except (DatabaseRefusedError, StorageError) as error:
        message = f"{place.name} cannot be used: {error}"
        return _check("local gym", message, CheckState.WARNING, "a gym cannot be served on it")
    message = f"version {version}" if version else "(tables are created by `gymtui gym`)"
    return _check("local gym", f"{place.name}, {message}")


def check_settings(loaded: LoadedSettings) -> Iterator[Check]:
    """Which value of each setting applies and where it came from; the key as its hint."""
    found = loaded.settings
    yield Check("settings", "profile", _of(found.profile_name, found.origins.get("profile_name")))
    for name, field in SettingFields.model_fields.items():
        value = getattr(found, name)
        origin = found.origins.get(name)
        # A command may have been given a secret; that there is one says enough.
        shown = f"{len(value)} words" if isinstance(value, tuple) and value else value
        yield Check(
            "settings", field.alias or name, _of("none" if shown in (None, ()) else shown, origin)
        )
    for table, entries in (("keys", found.keys), ("model_keys", found.model_keys)):
        if entries:
            yield Check("settings", f"[{table}]", ", ".join(sorted(entries)))
    yield _key(loaded)
    for problem in loaded.problems:
        state = CheckState.BAD if problem.fatal else CheckState.WARNING
        yield Check("settings", "problem", str(problem), state, "fix it there")


def with_screen_problems(loaded: LoadedSettings, env: Mapping[str, str]) -> LoadedSettings:
    """The same, with what the dashboard would find wrong when it starts."""
    return replace(loaded, problems=(*loaded.problems, *screen_problems(loaded.settings, env)))


def screen_problems(settings: Settings, env: Mapping[str, str]) -> Sequence[Problem]:
    """What is wrong with the theme and the keys, each with its place."""
    found: list[Problem] = []
    if settings.theme is not None:
        told_by = settings.origins.get("theme", "theme")
        found += theme_files.read_theme(
            settings.theme, theme_files.theme_directories(env), told_by
        ).problems
    if settings.keys or settings.commands:
        # The framework is heavy, and few bind keys of their own.
        from gymtui.tui.context.key_bindings import rebind

        found += rebind(settings.keys, settings.origins, settings.commands).problems
    return found


def _of(value: object, origin: str | None) -> str:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return shown if origin in (None, "", "default") else f"{shown}  from {origin}"


def _key(loaded: LoadedSettings) -> Check:
    found = loaded.settings
    if found.key is not None:
        return Check("settings", "key", f"{found.key.hint}  from {found.key_origin}")
    places = "; ".join(f"{p.place}: {p.found}" for p in loaded.key_places)
    advice = "set GYMTUI_API_KEY, or api_key_env or api_key_command in the configuration"
    message = f"none; searched {places}"
    if urls.is_loopback(urls.origin_of(loaded.settings.base_url).host):
        return Check("settings", "key", message)
    return Check("settings", "key", message, CheckState.WARNING, advice)
