"""The tables of the configuration file, read entry by entry: one that is wrong costs no other.

`[stuck]`, `[journal]` and `[model_keys]` may stand in a profile too (`[profiles.lab.stuck]`), whose
entries go before those of the file; `[keys]` and `[commands]` are the person's and stand at the top
only. Which names and keys `[keys]` may use is known to the dashboard, which tells what it cannot
bind.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from gymtui.config.schema import (
    PROVIDERS,
    Command,
    ConfigFile,
    JournalSource,
    ModelKeySource,
    Problem,
    StuckThresholds,
    Text,
    describe_error,
    did_you_mean,
    variable,
)
from gymtui.config.user_commands import UserCommand, user_command

_COMMAND: TypeAdapter[tuple[str, ...]] = TypeAdapter(Command)
_TEXT: TypeAdapter[str] = TypeAdapter(Text)

T = TypeVar("T")


@dataclass
class Tables:
    stuck: StuckThresholds = field(default_factory=StuckThresholds)
    journal: JournalSource = field(default_factory=JournalSource)
    # Keys in the framework's names, by the name of what they do.
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    model_keys: Mapping[str, ModelKeySource] = field(default_factory=dict)
    commands: Mapping[str, UserCommand] = field(default_factory=dict)
    # Where each entry came from: `stuck.floor_s`, `keys.cancel`.
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_tables(
    file: ConfigFile, profile: tuple[str, ...], env: Mapping[str, str] = MappingProxyType({})
) -> Tables:
    """Reads them all.

    Args:
        profile: The path of the profile in use within the file; empty for none.
        env: The environment, whose `GYMTUI_JOURNAL_URL` goes before the file's.
    """
    tables = Tables()
    both = (profile, ()) if profile else ((),)

    def model_key(provider: str, value: object) -> ModelKeySource:
        source = model_key_value(provider, value)
        if source.command is not None:
            require_owner_only(file)
        return source

    def command(name: str, value: object) -> UserCommand:
        require_owner_only(file)
        return user_command(name, value)

    stuck = _entries(tables, file, both, "stuck", partial(entry_value, StuckThresholds))
    tables.stuck = StuckThresholds.model_validate(stuck)
    tables.journal = _journal(tables, file, both, env)
    tables.model_keys = _entries(tables, file, both, "model_keys", model_key)
    tables.keys = _entries(tables, file, ((),), "keys", lambda _name, value: keys_value(value))
    tables.commands = _entries(tables, file, ((),), "commands", command)
    return tables


def _journal(
    tables: Tables, file: ConfigFile, places: Sequence[tuple[str, ...]], env: Mapping[str, str]
) -> JournalSource:
    def entry(name: str, value: object) -> object:
        if name == "password_command":
            require_owner_only(file)
        return entry_value(JournalSource, name, value)

    found = _entries(tables, file, places, "journal", entry)
    place = variable("journal_url")
    if url := env.get(place):
        try:
            found["url"], tables.origins["journal.url"] = (
                entry_value(JournalSource, "url", url),
                place,
            )
        except ValidationError as error:
            tables.problems.append(Problem(place, describe_error(error)))
    return JournalSource.model_validate(found)


def require_owner_only(file: ConfigFile) -> None:
    """Sees that nobody but its owner could have written a command into the file.

    Raises:
        ValueError: Others may write it.
    """
    if file.others_write:
        order = f"chmod go-w {shlex.quote(str(file.path))}"
        raise ValueError(f"ignored: writable by other users; run: {order}")


def _entries(
    tables: Tables,
    file: ConfigFile,
    places: Sequence[tuple[str, ...]],
    name: str,
    read: Callable[[str, Any], T],
) -> dict[str, T]:
    found: dict[str, T] = {}
    for path in places:
        for entry, value in _rows(tables, file, (*path, name)):
            place = file.place(*path, name, entry)
            try:
                fit = read(entry, value)
            except ValidationError as error:
                tables.problems.append(Problem(place, describe_error(error)))
            except ValueError as error:
                tables.problems.append(Problem(place, str(error)))
            else:
                if entry not in found:
                    found[entry] = fit
                    tables.origins[f"{name}.{entry}"] = place
    return found


def _rows(tables: Tables, file: ConfigFile, path: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    present = file.table(*path[:-1]).get(path[-1])
    if present is None:
        return
    if not isinstance(present, Mapping):
        place = file.place(*path)
        tables.problems.append(Problem(place, f"should be a table: [{'.'.join(path)}]"))
        return
    yield from present.items()


def entry_value(table: type[BaseModel], name: str, value: object) -> Any:
    """A value of `[stuck]` or `[journal]`.

    Raises:
        ValueError: There is no such name.
        ValidationError: It may not be that.
    """
    if name not in table.model_fields:
        raise ValueError(f"unknown setting{did_you_mean(name, tuple(table.model_fields))}")
    return getattr(table.model_validate({name: value}), name)


def keys_value(value: object) -> tuple[str, ...]:
    """A value of `[keys]`: keys as written.

    Raises:
        ValueError: It is none.
    """
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
        raise ValueError('should be a key, or a list of keys such as ["x", "delete"]')
    if not keys:
        raise ValueError("has no key; the command could not be reached")
    return tuple(keys)


def model_key_value(provider: str, value: object) -> ModelKeySource:
    """A value of `[model_keys]`.

    Raises:
        ValueError: There is no such provider, or it says something else than where a key is.
        ValidationError: So does what it says.
    """
    if provider not in PROVIDERS:
        hint = did_you_mean(provider, PROVIDERS) or f"; there are {', '.join(PROVIDERS)}"
        raise ValueError(f"is not a provider{hint}")
    if not isinstance(value, Mapping):
        # Not even its kind is said: it may well be a key.
        raise ValueError('should say where the key is: { env = "NAME" } or { command = ["…"] }')
    for name in value:
        if name not in ("env", "command"):
            raise ValueError(f"unknown entry {name}{did_you_mean(name, ('env', 'command'))}")
    if len(value) != 1:
        raise ValueError("needs either env or command")
    if "env" in value:
        return ModelKeySource(env=_TEXT.validate_python(value["env"]))
    command = _COMMAND.validate_python(value["command"])
    if not command:
        raise ValueError("has no command")
    return ModelKeySource(command=command)
