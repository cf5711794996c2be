"""What a setting may be: one reader a setting, files with their lines, and problems that say where.

Which source wins is `settings`; where keys are looked for is `key_search`.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gymtui import urls

SOURCES = ("rl-gym", "task-editor", "datadog-synthetics", "all")
INTERVAL_LIMITS_S = (0.1, 3600.0)

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
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


def read_text(value: object) -> str:
    """Any text that is not empty."""
    if not isinstance(value, str):
        raise ValueError(f"should be text, not {_kind(value)}")
    if not value.strip():
        raise ValueError("is empty")
    return value


def read_switch(value: object) -> bool:
    """True or false; in text also 1, yes, on and their opposites."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise ValueError("should be true or false")


def read_interval_s(value: object) -> float:
    """Seconds, within `INTERVAL_LIMITS_S`."""
    low, high = INTERVAL_LIMITS_S
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not low <= seconds <= high:
        raise ValueError(f"should be a number of seconds from {low:g} to {high:g}")
    return seconds


def read_source(value: object) -> str:
    """One of `SOURCES`."""
    text = read_text(value)
    if text not in SOURCES:
        raise ValueError(f"should be one of {', '.join(SOURCES)}{nearest(text, SOURCES)}")
    return text


def read_base_url(value: object) -> str:
    """A base URL that `urls.base_url` accepts."""
    return urls.base_url(read_text(value))


READERS: Mapping[str, Callable[[object], Any]] = {
    "base_url": read_base_url,
    "source": read_source,
    "scenario": read_text,
    "interval": read_interval_s,
    "read_only": read_switch,
    "theme": read_text,
    "ascii": read_switch,
    "debug": read_switch,
}
"""The settings that may stand anywhere: flag, environment, profile, top of the file."""

KEY_FIELDS = ("api_key_env", "api_key_command", "api_key")


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
