"""The palette: what a key does where one is, then the profiles, then the themes, found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from gymtui.core.text import clean
from gymtui.tui.app.themed_app import ThemedApp
from gymtui.tui.kit.menu import Choice, MenuScreen
from gymtui.tui.kit.screen import GymScreen, run_key_action

_NOT_OFFERED = frozenset({"palette", "interrupt", "panes"})

PaletteEntry = tuple[str, Callable[[], object]]
"""What is said of a command, fit for a terminal, and what it does."""


class PaletteCommands(Provider):
    """Offers what can be done on the screen that the palette was opened on."""

    def _entries(self) -> Iterator[PaletteEntry]:
        screen = self.screen
        if isinstance(screen, GymScreen):
            yield from _keys(screen)
            yield from _profiles(screen)
        yield from _themes(cast("ThemedApp", self.app))

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for words, do in self._entries():
            yield DiscoveryHit(Content(words), do, words)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for words, do in self._entries():
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), do, words)


def _keys(screen: GymScreen) -> Iterator[PaletteEntry]:
    services = screen.services
    keys = services.keys
    for key in keys.of(screen.scopes, read_only=services.read_only):
        if key.name not in _NOT_OFFERED:
            words = f"{key.name.replace('-', ' ')}: {key.text}  {keys.display(key.keys[0])}"
            yield words, partial(run_key_action, screen, key.action)


def _profiles(screen: GymScreen) -> Iterator[PaletteEntry]:
    """The profiles other than the one in use; who reads files has none."""
    services = screen.services
    for profile in services.other_profiles:
        words = clean(f"profile {profile.name}  {profile.base_url}".rstrip())
        yield words, partial(screen.app.call_later, services.switch_profile, profile)


def _ask_theme(app: ThemedApp) -> None:
    choices = [Choice(name, name, name == app.palette.name) for name in app.theme_names()]

    def chosen(name: str | None) -> None:
        if name is not None:
            app.choose_theme(name)

    app.push_screen(MenuScreen("theme", choices), chosen)


def _themes(app: ThemedApp) -> Iterator[PaletteEntry]:
    # First, so that who types only "theme" is asked, and not given the first in the alphabet.
    yield "theme: choose one", partial(_ask_theme, app)
    for name in app.theme_names():
        yield f"theme: {name}", partial(app.choose_theme, name)
    yield "reload theme: reread its file", app.reload_theme
