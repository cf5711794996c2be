"""What a setting may be: types and limits, files with their lines, and problems that say where.

Which source wins is `config.layers`; tables entry by entry are `config.tables`; where keys are
looked for is `config.api_key`.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails

from gymtui.core import urls

DEFAULT_BASE_URL = "https://rl-gym-api.collinear.ai"
Provider = Literal["custom", "openai", "anthropic", "aws-bedrock", "azure-openai", "gcp"]
"""Of models, as the API names them."""
PROVIDERS = get_args(Provider)
RunSource = Literal["rl-gym", "task-editor", "datadog-synthetics"]
Source = Literal[RunSource, "all"]  # what runs are listed by, as the API names them
SOURCES = get_args(Source)
KEY_FIELDS = ("api_key_env", "api_key_command", "api_key")


def _number(
    low: float, high: float, what: str, *, whole: bool = False
) -> Callable[[object], float]:
    """Reads a number within limits, from a file's value or a variable's text."""

    def read(value: object) -> float:
        # To Python, true is 1.
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if low <= number <= high and not (whole and number % 1):
                return number
        raise ValueError(f"should be {what} from {low:g} to {high:g}")

    return read


def command_value(value: object) -> tuple[str, ...]:
    """Reads a command: a list of its words, or a line that is split as a shell would.

    Raises:
        ValueError: It is neither.
    """
    try:
        words = shlex.split(value) if isinstance(value, str) else value
    except ValueError:
        words = None
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise ValueError('should be a command line, or a list such as ["notify-send", "done"]')
    if words and not words[0]:
        raise ValueError("has no command")
    return tuple(words)


Text = Annotated[str, Field(pattern=r"\S")]
Seconds = Annotated[float, BeforeValidator(_number(0.1, 3600, "a number of seconds"))]
MiB = Annotated[int, BeforeValidator(_number(1, 4096, "a whole number of MiB", whole=True))]
ArchiveMiB = Annotated[
    int, BeforeValidator(_number(0, 1 << 20, "a whole number of MiB", whole=True))
]
DiskMiB = Annotated[int, BeforeValidator(_number(1, 2**20, "a whole number of MiB", whole=True))]
Days = Annotated[int, BeforeValidator(_number(1, 3650, "a whole number of days", whole=True))]
Share = Annotated[float, BeforeValidator(_number(0, 1, "a share"))]
PerSecond = Annotated[float, BeforeValidator(_number(0.1, 100, "a number of requests"))]
Factor = Annotated[float, BeforeValidator(_number(1, 1000, "a number"))]
Samples = Annotated[int, BeforeValidator(_number(1, 1000, "a whole number", whole=True))]
Command = Annotated[tuple[str, ...], BeforeValidator(command_value)]

_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")


class Problem(Struct, frozen=True):
    place: str  # where: a flag, a variable, a file with line and key
    message: str  # what, and what to do; never any part of a key
    fatal: bool = False  # whether going on would mean going somewhere the person did not mean

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class StuckThresholds(BaseModel, frozen=True, extra="forbid"):
    """From when on a rollout counts as stuck: `[stuck]`."""

    floor_s: Seconds = Field(60.0, description="nothing is stuck sooner, in seconds")
    step_factor: Factor = Field(5.0, description="stuck agent: multiple of the run's p95 step")
    build_factor: Factor = Field(3.0, description="stuck build: multiple of the run's p95")
    verify_factor: Factor = Field(3.0, description="stuck verification: multiple of the run's p95")
    min_observed: Samples = Field(10, description="builds or verifications that a p95 needs")
    fallback_s: Seconds = Field(
        600.0, description="stuck build or verification while there is no p95, in seconds"
    )


class JournalSource(BaseModel, frozen=True, extra="forbid"):
    """Where what is observed is kept, if not in a file of one's own: `[journal]`."""

    url: Annotated[Text, AfterValidator(urls.database_url)] | None = Field(
        None,
        description="PostgreSQL database of a team's journal and recording; default: own files",
    )
    password_command: Command = Field(
        (), description="command that prints the database's password; default: PGPASSFILE"
    )


@dataclass(frozen=True, slots=True)
class ModelKeySource:
    """Where a provider's model key is taken from, at the moment it is wanted: one of the two."""

    env: str | None = None  # the environment variable that holds it
    command: tuple[str, ...] | None = None  # the command that prints it, run without a shell


class SettingFields(BaseModel, frozen=True, extra="forbid", populate_by_name=True):
    """What a source may set."""

    base_url: Annotated[Text, AfterValidator(urls.base_url)] = Field(
        DEFAULT_BASE_URL, description="URL of the gym"
    )
    source: Source = Field("rl-gym", description="source of the runs to list")
    scenario: Text | None = Field(None, description="list only runs of this scenario")
    interval_s: Seconds = Field(
        2.0, alias="interval", description="seconds between polls while runs are active"
    )
    max_requests_per_s: PerSecond = Field(
        5.0, description="requests a second in the long run; lowered when the gym is slow or limits"
    )
    read_only: bool = Field(False, description="disable launch, cancel and delete")
    insecure: bool = Field(False, description="allow plain http to another machine")
    theme: Text | None = Field(None, description="name of the theme; default: the one chosen last")
    ascii: bool = Field(False, description="draw with ASCII only")
    debug: bool = Field(False, description="debug log")
    artifact_limit_mib: MiB = Field(
        64, description="largest artifacts to open, in MiB; larger ones can be saved"
    )
    archive_limit_mib: ArchiveMiB = Field(
        2048, description="transcripts kept on disk, in MiB, of all gyms together; 0 keeps none"
    )
    recording_days: Days = Field(14, description="`record`: older recordings are deleted, in days")
    recording_limit_mib: DiskMiB = Field(
        1024, description="`record`: disk space of a gym's recording, in MiB; the oldest goes first"
    )
    watch_all: bool = Field(False, description="notify about all runs, not only watched ones (`w`)")
    bell: bool = Field(True, description="ring the terminal's bell on notifications")
    desktop: bool = Field(False, description="send desktop notifications by the terminal (OSC 9)")
    fail_share: Share = Field(
        0.5, description="notify when this share of a watched run's finished rollouts failed"
    )
    on_finish: Command = Field(
        (), description="command to run when a watched run ends; details are in its environment"
    )


NAMES = tuple(
    field.alias or name for name, field in SettingFields.model_fields.items() if name != "insecure"
)
"""The settings that may stand anywhere: flag, environment, profile, top of the file."""

EVENT_PREFIX = "GYMTUI_EVENT"
"""What the names of the variables begin with in which `on_finish` is told what happened."""

COMMAND_PREFIX = "GYMTUI_COMMAND"
"""Likewise of those in which a person's own command is told what it was run on."""

TABLES = ("stuck", "journal", "model_keys", "keys", "commands")
"""The tables of the file besides `profiles`."""

PROFILE_TABLES = ("stuck", "journal", "model_keys")
"""Those that a profile may have too; its entries go before the file's. Keys are the person's."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"GYMTUI_{name.upper()}"


def describe_fault(fault: ErrorDetails) -> str:
    """One of pydantic's complaints in a person's words, with nothing of what was written in it."""
    match fault["type"]:
        case "value_error":
            return fault["msg"].removeprefix("Value error, ")
        case "literal_error":
            return (
                f"should be one of {', '.join(SOURCES)}{did_you_mean(str(fault['input']), SOURCES)}"
            )
        case "string_pattern_mismatch":
            return "is empty"
        case "string_type":
            return f"should be text, not {_kind(fault['input'])}"
        case "bool_type" | "bool_parsing":
            return "should be true or false"
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "unknown field"
    return fault["msg"].replace("Input should be", "should be")


def describe_error(error: ValidationError) -> str:
    """What is wrong with one value; the first fault, if there are several."""
    return describe_fault(error.errors(include_url=False)[0])


def did_you_mean(name: str, names: Collection[str]) -> str:
    """`; did you mean …?` for the name that comes nearest, or ""."""
    import difflib  # only for mistakes

    plain = {_plain(known): known for known in names}
    match = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    return f"; did you mean {plain[match[0]]}?" if match else ""


@dataclass(frozen=True)
class ConfigFile:
    """A TOML file as read, empty when there is none."""

    path: Path | None  # where it is, or would be
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    exists: bool = False
    mode: int = 0  # its permission bits
    text: str = field(default="", repr=False)  # as it was written, for the line numbers

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
        line = line_of(self.text, names)
        return f"{self.path}{f':{line}' if line else ''}: {'.'.join(names)}"

    def table(self, *names: str) -> Mapping[str, Any]:
        """A table in it, empty when there is none."""
        inner: Any = self.document
        for name in names:
            inner = inner.get(name) if isinstance(inner, Mapping) else None
        return inner if isinstance(inner, Mapping) else {}


def read_file(path: Path | None, problems: list[Problem], *, must_exist: bool) -> ConfigFile:
    """Reads a TOML file, empty when it could not be; why is added to `problems`.

    Args:
        must_exist: Whether its absence is a problem, since someone named it.
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
            problems.append(Problem(str(path), "no such file", fatal=True))
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read: {error.strerror}", fatal=must_exist))
    except UnicodeDecodeError:
        problems.append(Problem(str(path), "is not UTF-8; the file is ignored", fatal=True))
    except tomllib.TOMLDecodeError as error:
        # Its message tells line and column and quotes at most one character.
        fault = f"is not valid TOML; the file is ignored: {error}"
        problems.append(Problem(str(path), fault, fatal=True))
    return ConfigFile(path)


def line_of(text: str, names: Sequence[str]) -> int | None:
    """The line of TOML on which a key is set, or else the innermost table that it would be in.

    None where neither is written in the plain way.
    """
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        heading = _TABLE.match(line)
        if heading is None and "=" not in line:
            continue
        written = heading[1] if heading else line.partition("=")[0]
        name = ".".join(part.strip(" \t\"'") for part in written.split("."))
        if heading is not None:
            table = name
        elif table:
            name = f"{table}.{name}"
        lines.setdefault(name, number)
    paths = (".".join(names[:length]) for length in range(len(names), 0, -1))
    return next((lines[path] for path in paths if path in lines), None)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").removeprefix("gymtui_")


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, dict) else "that")
