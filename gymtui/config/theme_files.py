"""Themes as files: where they lie, which there are, what one says, and what is wrong with it.

A theme is known by its file's name. The person's own are found before those that ship with the
program, so that one of theirs may stand in for one of ours. How a theme is drawn with is
`tui.context.theme`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from gymtui.config.schema import ConfigFile, Problem, describe_fault, did_you_mean, read_file
from gymtui.core import paths
from gymtui.core.replacement import replace

DEFAULT = "night"  # the theme that it starts with when nobody chose one
DEFAULT_ANSI = "ansi"  # the same where the terminal has no more than sixteen colours

_HUES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
ANSI = ("ansi_default", *(f"ansi_{hue}" for hue in _HUES), *(f"ansi_bright_{h}" for h in _HUES))
"""The terminal's own colours, by the framework's names."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class _NoColourError(ValueError):
    """What stands for a colour is none; its words are the message."""


def _colour(text: str) -> str:
    plain = text.lower()
    if re.fullmatch(r"#[0-9a-f]{6}", plain) or plain in ANSI:
        return plain
    near = did_you_mean(plain, ANSI) if plain.startswith("ansi") else ""
    raise _NoColourError(f'should be a colour, "#rrggbb" or one of the terminal\'s own{near}')


Colour = Annotated[str, AfterValidator(_colour)]


class Colours(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """What the framework draws with, by its own names, and what goes with it."""

    background: Colour  # behind everything
    surface: Colour  # behind bars and notices
    foreground: Colour  # ordinary text
    muted: Colour  # text of second rank
    accent: Colour  # what can be acted on
    warning: Colour  # what wants attention
    cursor: Colour  # behind the cursor's line
    # How text on the cursor's line is drawn.
    cursor_style: Literal["", "bold", "underline", "reverse", "bold underline", "bold reverse"] = (
        "bold"
    )
    primary: Colour | None = None  # borders of dialogs; as `accent` if it is not given
    secondary: Colour | None = None  # as the role `assistant` if it is not given
    panel: Colour | None = None  # as `surface` if it is not given
    error: Colour | None = None  # of notices; as the outcome `failed` if it is not given
    success: Colour | None = None  # as the outcome `passed` if it is not given


class Outcomes(BaseModel, frozen=True, extra="forbid", defer_build=True):
    passed: Colour
    failed: Colour
    error: Colour  # there is no verdict
    running: Colour
    waiting: Colour
    done: Colour  # finished, verdict not known here


class Phases(BaseModel, frozen=True, extra="forbid", defer_build=True):
    building: Colour
    seeding: Colour
    agent: Colour
    verifying: Colour


class Roles(BaseModel, frozen=True, extra="forbid", defer_build=True):
    system: Colour
    user: Colour
    assistant: Colour
    tool: Colour


class ThemeFile(BaseModel, frozen=True, extra="forbid"):
    name: Annotated[str, Field(pattern=_NAME.pattern)]  # the file's name without `.toml`
    dark: bool
    colours: Colours
    outcomes: Outcomes
    phases: Phases
    roles: Roles

    @property
    def ansi(self) -> bool:
        """Whether any of its colours is one of the terminal's own, which nobody here knows."""
        return any(colour.startswith("ansi_") for colour in self.named().values())

    def named(self) -> dict[str, str]:
        """Its colours by name; what names a style instead is left out."""
        parts = (self.colours, self.outcomes, self.phases, self.roles)
        given = {name: value for part in parts for name, value in part if value is not None}
        del given["cursor_style"]
        return given


class ThemeSearch(Struct, frozen=True):
    theme: ThemeFile | None
    problems: tuple[Problem, ...] = ()


def shipped_themes(package: Path = Path(__file__).parents[1]) -> Path:
    """Where the program's own themes lie: in the package, in a checkout beside it."""
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def theme_directories(env: Mapping[str, str]) -> tuple[Path, ...]:
    """Where themes are looked for, the person's own first."""
    return (paths.config_dir(env) / "themes", shipped_themes())


def theme_names(places: Iterable[Path]) -> list[str]:
    """The themes there are, by name. Files with other signs in their names are none."""
    found = {file.stem for place in places for file in place.glob("*.toml")}
    return sorted(name for name in found if _NAME.fullmatch(name))


def read_theme(name: str, places: Sequence[Path], told_by: str = "theme") -> ThemeSearch:
    """Read one theme; a broken file is told, and that of the next place read.

    Args:
        told_by: Who named it: a flag, a variable, a file with its line.
    """
    known = theme_names(places)
    if name not in known:
        hint = did_you_mean(name, known) or (f"; there are {', '.join(known)}" if known else "")
        return ThemeSearch(None, (Problem(told_by, f"no theme named {name!r}{hint}"),))
    problems: list[Problem] = []
    for file in (place / f"{name}.toml" for place in places):
        if not file.is_file():
            continue
        theme = _parse(file, problems)
        if theme is not None:
            return ThemeSearch(theme, tuple(problems))
    return ThemeSearch(None, tuple(problems))


def _parse(path: Path, problems: list[Problem]) -> ThemeFile | None:
    wrong: list[Problem] = []
    file = read_file(path, wrong, must_exist=True)
    theme: ThemeFile | None = None
    if not wrong:
        try:
            theme = ThemeFile.model_validate(file.document, strict=True)
        except ValidationError as error:
            wrong += [_problem(file, fault) for fault in error.errors(include_url=False)]
        else:
            if theme.name != path.stem:
                cure = f"should be {path.stem!r}, like the file name"
                wrong.append(Problem(file.place("name"), cure))
    problems += [replace(problem, fatal=False) for problem in wrong]
    return None if wrong else theme


def _problem(file: ConfigFile, fault: ErrorDetails) -> Problem:
    place = tuple(map(str, fault["loc"]))
    *tables, field = place
    match fault["type"]:
        case "missing":
            # What is not there has no line: that of its table is the nearest.
            where = file.place(*tables) if tables else str(file.path)
            what = "table" if not tables and field in _TABLES else "key"
            return Problem(where, f"lacks the {what} {field!r}")
        case "extra_forbidden":
            known = _TABLES[tables[0]].model_fields if tables else ThemeFile.model_fields
            return Problem(file.place(*place), f"unknown field{did_you_mean(field, known)}")
        case "literal_error":
            return Problem(file.place(*place), "should be bold, underline, reverse or two of them")
        case "model_type":
            return Problem(file.place(*place), f"should be a table: [{field}]")
    return Problem(file.place(*place), describe_fault(fault))


_TABLES: Mapping[str, type[BaseModel]] = {
    "colours": Colours,
    "outcomes": Outcomes,
    "phases": Phases,
    "roles": Roles,
}
