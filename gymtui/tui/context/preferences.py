"""How the program is wanted to look and to be worked, and what the terminal can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from gymtui.config import theme_files
from gymtui.config.schema import Problem
from gymtui.config.settings import Settings
from gymtui.core.terminal_caps import Abilities, abilities
from gymtui.session.saved_layout import SavedLayout
from gymtui.tui.context.key_bindings import DEFAULT_BINDINGS, KeyBindings


class Appearance(Struct, frozen=True):
    """How it is wanted to look, and what the terminal can show."""

    theme: str | None = None  # the theme that the settings name, if any
    theme_origin: str = "theme"  # where they do
    theme_directories: Sequence[Path] = (theme_files.shipped_themes(),)
    ascii: bool = False
    terminal: Abilities = field(default_factory=Abilities)

    @property
    def colour(self) -> bool:
        """Whether there are colours."""
        return self.terminal.colour


class Preferences(Struct, frozen=True):
    """What a person wants of the program on screen."""

    appearance: Appearance | None = None  # None for what the app's own settings say
    # What was arranged on screen, and a theme that is chosen there; kept nowhere by default.
    saved_layout: SavedLayout = field(default_factory=SavedLayout)
    keys: KeyBindings = DEFAULT_BINDINGS
    problems: Sequence[Problem] = ()  # what was wrong with the settings, to be told at the start


def appearance_of(settings: Settings, env: Mapping[str, str], encoding: str | None) -> Appearance:
    """How it is to look on a stream of this encoding."""
    terminal = abilities(env, encoding)
    return Appearance(
        theme=settings.theme,
        theme_origin=settings.origins.get("theme", "theme"),
        theme_directories=theme_files.theme_directories(env),
        ascii=settings.ascii or not terminal.glyphs,
        terminal=terminal,
    )
