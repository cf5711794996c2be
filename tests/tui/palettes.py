"""The palettes of the themes that ship with the program, for tests that draw without an app."""

from __future__ import annotations

from gymtui.config import theme_files
from gymtui.config.theme_files import ThemeFile
from gymtui.tui.context.theme import Palette, palette_of

NAMES = theme_files.theme_names([theme_files.shipped_themes()])


def theme(name: str) -> ThemeFile:
    """A theme that ships with the program."""
    found = theme_files.read_theme(name, [theme_files.shipped_themes()])
    assert found.theme is not None, found.problems
    return found.theme


def palette(name: str) -> Palette:
    """Its palette."""
    return palette_of(theme(name))


NIGHT = palette("night")
