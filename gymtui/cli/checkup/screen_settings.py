"""What is wrong with settings that only the screen uses, told without one: theme and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gymtui.config import theme_files
from gymtui.config.settings import LoadedSettings, Problem, Settings
from gymtui.core.replacement import replace


def with_screen_problems(loaded: LoadedSettings, env: Mapping[str, str]) -> LoadedSettings:
    """The same, with what the dashboard would find wrong when it starts."""
    return replace(loaded, problems=(*loaded.problems, *screen_problems(loaded.settings, env)))


def screen_problems(settings: Settings, env: Mapping[str, str]) -> Sequence[Problem]:
    """What is wrong with the theme and the keys, each with its place."""
    found: list[Problem] = []
    if settings.theme is not None:
        told_by = settings.origins.get("theme", "theme")
        found += theme_files.read(settings.theme, theme_files.directories(env), told_by).problems
    if settings.keys or settings.commands:
        # The framework is heavy, and few bind keys of their own.
        from gymtui.tui.context.key_bindings import rebound

        found += rebound(settings.keys, settings.origins, settings.commands).problems
    return found
