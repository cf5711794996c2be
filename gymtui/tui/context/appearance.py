"""How the program is wanted to look, and what the terminal can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from gymtui.config import theme_files
from gymtui.config.settings import Settings
from gymtui.core.terminal_caps import Abilities, abilities


class Appearance(Struct, frozen=True):
    """How it is wanted to look, and what the terminal can show."""

    theme: str | None = None  # the theme that the settings name, if any
    named_by: str = "theme"  # where they do
    places: Sequence[Path] = (theme_files.shipped_themes(),)
    ascii: bool = False
    terminal: Abilities = field(default_factory=Abilities)

    @property
    def colour(self) -> bool:
        """Whether there are colours."""
        return self.terminal.colour


def appearance_of(settings: Settings, env: Mapping[str, str], encoding: str | None) -> Appearance:
    """How it is to look.

    Args:
        encoding: Of the stream that is drawn on.
    """
    terminal = abilities(env, encoding)
    return Appearance(
        theme=settings.theme,
        named_by=settings.origins.get("theme", "theme"),
        places=theme_files.directories(env),
        ascii=settings.ascii or not terminal.glyphs,
        terminal=terminal,
    )
