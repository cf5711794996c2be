"""Writing the configuration file: a first one with comments, and one setting after the other.

Nothing else in the program writes it. What a person laid out and said in comments stays as it was.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from gymtui.config import theme_files
from gymtui.config.api_key import usable_key
from gymtui.config.reference import FIELDS, setting_rows
from gymtui.config.schema import (
    PROFILE_TABLES,
    TABLES,
    ConfigFile,
    JournalSource,
    SettingFields,
    StuckThresholds,
    command_value,
    describe_error,
    did_you_mean,
)
from gymtui.config.tables import (
    entry_value,
    keys_value,
    model_key_value,
    read_tables,
)
from gymtui.core.atomic_write import locked, replace_text

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEAD = """\
# gymtui reads this file and never writes it, except by `gymtui config set`.
# Remove the first "#" of a line to set it; `gymtui config show` prints values with their origin.
# Flags and environment override a profile; a profile overrides the rest of this file.
"""
_PROFILES = """
# -- profiles ------------------------------------------------------------------------------------
# A profile is a gym: any setting above, and its own key, which is sent to that gym only.

# [profiles.prod]
# base_url = "https://rl-gym-api.collinear.ai"
# api_key_command = ["pass", "show", "gym"]

# [profiles.lab]
# base_url = "http://lab.internal:8765"
# insecure = true             # plain http to another machine
# api_key_env = "LAB_GYM_KEY"
# read_only = true
"""


class ConfigError(Exception):
    """Why nothing was written, in a sentence for the person."""


@dataclass(frozen=True, slots=True)
class SettingPlace:
    path: tuple[str, ...]  # the tables it is in, and its name
    profile: str | None  # the profile, or None for the file's own
    part: str = ""  # of a model key's source, which one is given: `env` or `command`

    @property
    def where(self) -> tuple[str, ...]:
        """The same from the top of the file."""
        return ("profiles", self.profile, *self.path) if self.profile else self.path

    @property
    def is_key(self) -> bool:
        """Whether what is written is a key, which never comes in as an argument."""
        return self.path == ("api_key",)


def find_setting(name: str, profile: str | None) -> SettingPlace:
    """A setting by its name: `interval`, `stuck.floor_s`, `keys.cancel`, `profiles.lab.base_url`.

    Raises:
        ConfigError: There is no such setting, or not there.
    """
    parts = tuple(name.split("."))
    if parts[0] == "profiles" and len(parts) > 2:
        parts, profile = parts[2:], parts[1]
    top, rest = parts[0], parts[1:]
    alone = [row.name for row in setting_rows() if "." not in row.name]
    if top in TABLES and rest:
        if top not in PROFILE_TABLES and profile:
            raise ConfigError(f"{top} belongs at the top of the file, not in a profile")
        if top == "commands":
            raise ConfigError("commands are written in the file: [commands.NAME]")
        if top != "model_keys":
            return SettingPlace((top, ".".join(rest)), profile)
        if len(rest) > 1 and rest[-1] in ("env", "command"):
            return SettingPlace((top, ".".join(rest[:-1])), profile, rest[-1])
        raise ConfigError("set model_keys.PROVIDER.env NAME, or ….command WORD…")
    if rest or top not in alone:
        known = [*alone, *(row.name for row in setting_rows() if "." in row.name)]
        raise ConfigError(f"no setting named {name}{did_you_mean(name, known)}")
    if top == "insecure" and not profile:
        raise ConfigError("insecure belongs in a profile, beside its base_url: --profile P")
    if top == "profile" and profile:
        raise ConfigError("profile belongs at the top of the file, not in a profile")
    return SettingPlace(parts, profile)


def value_of(
    setting: SettingPlace, words: Sequence[str], file: ConfigFile, env: Mapping[str, str]
) -> Any:
    """What is to be written, from the words of a command line; several make a list.

    Raises:
        ConfigError: It may not be that.
    """
    name = setting.path[-1]
    try:
        return _value_of(setting, words, file, env)
    except ValidationError as error:
        raise ConfigError(f"{name}: {describe_error(error)}") from None
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def _value_of(
    setting: SettingPlace, words: Sequence[str], file: ConfigFile, env: Mapping[str, str]
) -> Any:
    path, name = setting.path, setting.path[-1]
    listed = ("api_key_command", "password_command", "on_finish")
    if path[0] == "keys" or setting.part == "command" or name in listed:
        words = _list_words(words)
    if path[0] == "stuck":
        return entry_value(StuckThresholds, name, _one(words))
    if path[0] == "journal":
        words_or_one = list(words) if name == "password_command" and len(words) > 1 else _one(words)
        return entry_value(JournalSource, name, words_or_one)
    if path[0] == "keys":
        from gymtui.tui.context.key_bindings import rebind

        keys = keys_value(list(words))
        wanted = {**read_tables(file, ()).keys, name: keys}
        for problem in rebind(wanted, {}).problems:
            if problem.place == f"keys.{name}":
                raise ValueError(problem.message)
        return keys
    if path[0] == "model_keys":
        given = list(_words(words)) if setting.part == "command" else _variable(_one(words))
        model_key_value(name, {setting.part: given})
        return {setting.part: given}
    if name == "api_key_env":
        return _variable(_one(words))
    if name == "api_key_command" or name == "on_finish":
        return _words(words)
    if name == "api_key":
        return _key(_one(words), file)
    if name == "theme":
        for problem in theme_files.read_theme(
            _one(words), theme_files.theme_directories(env)
        ).problems:
            raise ValueError(problem.message)
        return _one(words)
    if name == "profile":
        known = file.table("profiles")
        if _one(words) not in known:
            raise ValueError(f"no profile named {_one(words)!r}{did_you_mean(_one(words), known)}")
        return _one(words)
    return getattr(SettingFields.model_validate({name: _one(words)}), FIELDS[name])


def _one(words: Sequence[str]) -> str:
    if len(words) != 1:
        raise ValueError("takes one value; quote it if it contains spaces")
    return words[0]


def _words(words: Sequence[str]) -> tuple[str, ...]:
    return command_value(words[0] if len(words) == 1 else list(words))


def _list_words(words: Sequence[str]) -> list[str]:
    """The words of a list: several as they are, one that is an array as the file would have it."""
    if len(words) == 1 and words[0].lstrip().startswith("["):
        try:
            found = tomllib.loads(f"it = {words[0]}")["it"]
        except tomllib.TOMLDecodeError:
            return list(words)
        if isinstance(found, list) and all(isinstance(word, str) for word in found):
            return found
    return list(words)


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        # What was given is not repeated: it may be the key itself.
        raise ValueError("should be the name of an environment variable")
    return name


def _key(text: str, file: ConfigFile) -> str:
    key = usable_key(text)
    if key is None:
        raise ValueError("is not a valid key: empty, or not printable ASCII")
    if file.exists and file.others_read:
        raise ValueError(
            f"the file is readable by other users; run: chmod 600 {shlex.quote(str(file.path))}"
        )
    return key.reveal()


def write_setting(path: Path, setting: SettingPlace, value: Any) -> None:
    """Write one setting, and leave the rest of the file as it is, comments included.

    The file is made, for its owner alone, if it is missing.

    Raises:
        ConfigError: The file is not TOML, or a value stands where a table is wanted.
        OSError: It cannot be read or written.
    """
    path = path.resolve()  # a link, into a repository of such files as may be, stays one
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(path.parent):  # another `config set` waits: it would write over what this one sets
        try:
            text, mode = path.read_text(encoding="utf-8"), path.stat().st_mode & 0o7777
        except FileNotFoundError:
            text, mode = "", 0o600
        except UnicodeDecodeError:
            raise ConfigError(f"{path} is not UTF-8") from None
        try:
            document = tomlkit.parse(text)
            before: dict[str, Any] = tomllib.loads(text)
        except (TOMLKitError, tomllib.TOMLDecodeError):
            raise ConfigError(f"{path} is not valid TOML; fix it first") from None
        plain = list(value) if isinstance(value, tuple) else value
        _put(document, setting.where, plain, path)
        _put(before, setting.where, plain, path)
        written = tomlkit.dumps(document)
        if tomllib.loads(written) != before:
            name = ".".join(setting.where)
            raise ConfigError(f"{name} cannot be edited automatically: edit {path}")
        replace_text(path, written, mode=mode, lasting=True)


def _put(table: Any, where: Sequence[str], value: Any, path: Path) -> None:
    *tables, name = where
    for depth, inner in enumerate(tables):
        if inner not in table:
            made: Any = {}
            if isinstance(table, tomlkit.TOMLDocument | Table):
                made = tomlkit.table(is_super_table=depth < len(tables) - 1)
            table[inner] = made
        table = table[inner]
        if not isinstance(table, Mapping):
            raise ConfigError(f"{'.'.join(tables[: depth + 1])} in {path} is not a table")
    if isinstance(value, Mapping) and isinstance(table, tomlkit.TOMLDocument | Table):
        inline = tomlkit.inline_table()
        inline.update(value)
        value = inline
    table[name] = value


def write_first(path: Path) -> None:
    """Write a file that says everything and sets nothing.

    Raises:
        ConfigError: There is something.
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{path} already exists") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(first_file())


def first_file() -> str:
    lines = [_HEAD]
    here = ""
    for row in setting_rows():
        table, _, name = row.name.rpartition(".")
        if row.where == ("profile",):
            continue
        if table != here:
            lines.append(f"\n# [{table}]")
            here = table
        if row.name == "api_key":
            lines.append("# api_key: `gymtui config set api_key -` asks for it.")
            continue
        # Every key of the program's own is named by help, `?`; one stands for all here.
        name = {"NAME": "cancel", "PROVIDER": "openai"}.get(name, name)
        setting = f"# {name} = {row.example}"
        lines.append(f"{setting:<48}  # {row.meaning}")
    return "\n".join(lines) + "\n" + _PROFILES
