"""A person's own commands: `[commands.NAME]` of the configuration file.

[commands.notes]
key = "f5"
scope = "rollouts"
command = ["my-notes", "--add"]       # or, with shell = true, a line for sh
description = "add a note"
confirm = true                        # ask first
destroys = true                       # changes the gym: asks first, not with --read-only
terminal = true                       # gets the terminal, as an editor needs it
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, StrictBool, ValidationError, model_validator

from gymtui.config.schema import Text, command_value, describe_fault, did_you_mean

CommandScope = Literal["runs", "rollouts", "active", "matrix", "transcript"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.IGNORECASE)


def _keys(value: object) -> tuple[str, ...]:
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not keys or not all(isinstance(k, str) and k for k in keys):
        raise ValueError("should be a key, or a list of keys")
    return tuple(keys)


class UserCommand(BaseModel, frozen=True, extra="forbid", defer_build=True):
    name: str  # the name of its table
    key: Annotated[tuple[str, ...], BeforeValidator(_keys)]  # keys as written
    scope: CommandScope
    command: tuple[str, ...]  # the words of the command; of one for a shell, its line alone
    description: Text | None = None
    shell: StrictBool = False  # whether `sh` reads the line
    confirm: StrictBool = False  # whether it is asked first
    destroys: StrictBool = False  # whether it changes the gym
    terminal: StrictBool = False  # whether it has the terminal to itself until it ends

    @model_validator(mode="before")
    @classmethod
    def _words(cls, values: Any) -> Any:
        command, shell = values.get("command"), values.get("shell") is True
        if shell and not (isinstance(command, str) and command.strip()):
            raise ValueError("command should be one line: shell = true has sh read it")
        words = (command,) if shell else command_value(command)
        if not words:
            raise ValueError("has no command")
        return {**values, "command": words}


def user_command(name: str, value: object) -> UserCommand:
    """One `[commands.NAME]`.

    Raises:
        ValueError: It may not be that.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a command's name is letters, digits, - and _")
    if not isinstance(value, Mapping):
        raise ValueError(f"should be a table: [commands.{name}]")
    known = [field for field in UserCommand.model_fields if field != "name"]
    for entry in value:
        if entry not in known:
            raise ValueError(f"unknown entry {entry}{did_you_mean(str(entry), known)}")
    for entry in ("key", "scope", "command"):
        if entry not in value:
            raise ValueError(f"needs {entry}")
    try:
        return UserCommand.model_validate({**value, "name": name})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = "".join(f"{name}: " for name in fault["loc"][:1])
        raise ValueError(f"{where}{describe_fault(fault)}") from None
