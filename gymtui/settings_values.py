"""What a setting may be: types and limits, files with their lines, and problems that say where.

Which source wins is `settings_layers`; where keys are looked for is `key_search`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from gymtui import urls

DEFAULT_BASE_URL = "https://rl-gym-api.collinear.ai"
INTERVAL_LIMITS_S = (0.1, 3600.0)
KEY_FIELDS = ("api_key_env", "api_key_command", "api_key")

Text = Annotated[str, Field(pattern=r"\S")]
Source = Literal["rl-gym", "task-editor", "datadog-synthetics", "all"]
Seconds = Annotated[
    float,
    # To pydantic, true is 1.0.
    BeforeValidator(lambda value: None if isinstance(value, bool) else value),
    Field(ge=INTERVAL_LIMITS_S[0], le=INTERVAL_LIMITS_S[1], allow_inf_nan=False),
]

_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the settings.

    Attributes:
        place: Where: a flag, a variable, a file with line and key.
        message: What, and what to do; never any part of a key.
        fatal: Whether going on would mean going somewhere the person did not mean.
    """

    place: str
    message: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Choices(BaseModel, frozen=True, extra="forbid", populate_by_name=True):
    """What a source may set.

    Attributes:
        base_url: Where the gym is, without a slash at its end.
        source: Which runs to list.
        scenario: Only of this scenario, or None for all.
        interval_s: Seconds between polls while something is active; elsewhere `interval`.
        read_only: Whether launching, cancelling and deleting are off.
        insecure: Whether plain http to another machine is allowed; set in a profile only.
        theme: The theme's name, or None for the program's own choice.
        ascii: Whether to draw with ASCII only.
        debug: Whether to log in detail.
    """

    base_url: Annotated[Text, AfterValidator(urls.base_url)] = DEFAULT_BASE_URL
    source: Source = "rl-gym"
    scenario: Text | None = None
    interval_s: Seconds = Field(2.0, alias="interval")
    read_only: bool = False
    insecure: bool = False
    theme: Text | None = None
    ascii: bool = False
    debug: bool = False


NAMES = tuple(
    field.alias or name for name, field in Choices.model_fields.items() if name != "insecure"
)
"""The settings that may stand anywhere: flag, environment, profile, top of the file."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"GYMTUI_{name.upper()}"


def fault(error: ValidationError) -> str:
    """What is wrong with the value of a field of `Choices`, in a person's words."""
    [found] = error.errors(include_url=False)
    match found["type"]:
        case "value_error":
            return str(found["ctx"]["error"])
        case "literal_error":
            sources = get_args(Source)
            return f"should be one of {', '.join(sources)}{nearest(str(found['input']), sources)}"
        case "bool_type" | "bool_parsing":
            return "should be true or false"
        case "string_pattern_mismatch":
            return "is empty"
        case kind if kind.startswith("string"):
            return f"should be text, not {_kind(found['input'])}"
    low, high = INTERVAL_LIMITS_S
    return f"should be a number of seconds from {low:g} to {high:g}"


def nearest(name: str, names: Collection[str]) -> str:
    """`; did you mean …?` for the name that comes nearest, or ""."""
    plain = {_plain(known): known for known in names}
    match = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    return f"; did you mean {plain[match[0]]}?" if match else ""


@dataclass(frozen=True)
class ConfigFile:
    """A TOML file as read, empty when there is none.

    Attributes:
        path: Where it is, or would be.
        document: What it holds.
        exists: Whether there is one.
        mode: Its permission bits.
        text: As it was written, for the line numbers.
    """

    path: Path | None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    exists: bool = False
    mode: int = 0
    text: str = field(default="", repr=False)

    @property
    def others_read(self) -> bool:
        """Whether anyone but its owner may read it."""
        return bool(self.mode & 0o077)

    @property
    def others_write(self) -> bool:
        """Whether anyone but its owner may write it."""
        return bool(self.mode & 0o022)

    def place(self, *names: str) -> str:
        """Where in the file a key is: `config.toml:7: profiles.prod.interval`."""
        line = _line_of(self.text, names)
        return f"{self.path}{f':{line}' if line else ''}: {'.'.join(names)}"

    def table(self, *names: str) -> Mapping[str, Any]:
        """A table in it, empty when there is none."""
        inner: Any = self.document
        for name in names:
            inner = inner.get(name) if isinstance(inner, Mapping) else None
        return inner if isinstance(inner, Mapping) else {}


def read_file(path: Path | None, problems: list[Problem], *, must_exist: bool) -> ConfigFile:
    """Reads a TOML file; what keeps it from being read is added to `problems`.

    Args:
        path: Which, or None for none.
        problems: Where to say what is wrong.
        must_exist: Whether its absence is a problem, since someone named it.

    Returns:
        The file, empty when it could not be read.
    """
    if path is None:
        return ConfigFile(None)
    try:
        with path.open("rb") as stream:
            # Asked of the open file: the one that is read is the one whose permissions count.
            mode = os.fstat(stream.fileno()).st_mode
            text = stream.read().decode()
        return ConfigFile(path, tomllib.loads(text), exists=True, mode=mode, text=text)
    except FileNotFoundError:
        if must_exist:
            problems.append(Problem(str(path), "there is no such file", fatal=True))
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read: {error.strerror}", fatal=must_exist))
    except UnicodeDecodeError:
        problems.append(Problem(str(path), "is not UTF-8, so nothing in it applies", fatal=True))
    except tomllib.TOMLDecodeError as error:
        # Its message tells line and column and quotes at most one character.
        fault = f"is not TOML, so nothing in it applies: {error}"
        problems.append(Problem(str(path), fault, fatal=True))
    return ConfigFile(path)


def _line_of(text: str, names: tuple[str, ...]) -> int | None:
    """The line on which a key is set, when it is written in the plain way."""
    table = ".".join(names[:-1])
    key = re.compile(rf"\s*[\"']?{re.escape(names[-1])}[\"']?\s*=") if names else None
    here = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _TABLE.match(line):
            here = heading[1].replace('"', "").replace("'", "").replace(" ", "")
            if here == ".".join(names):
                return number
        elif here == table and key is not None and key.match(line):
            return number
    return None


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").removeprefix("gymtui_")


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, dict) else "that")
