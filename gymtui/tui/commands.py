"""The palette: what a key does where one is, the profiles and the themes, found by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.widget import Widget

from gymtui.settings import Offered
from gymtui.text import clean
from gymtui.tui.keys import Key
from gymtui.tui.screens.base import GymScreen
from gymtui.tui.themed import ThemedApp

_NOT_OFFERED = frozenset({"palette", "interrupt", "panes"})


class KeyCommands(Provider):
    """Offers the keys of the screen that the palette was opened on."""

    def _keys(self) -> list[Key]:
        screen = self.screen
        if not isinstance(screen, GymScreen):
            return []
        found = screen.gym.bound.of(screen.scopes, read_only=screen.gym.settings.read_only)
        return [key for key in found if key.name not in _NOT_OFFERED]

    def _run(self, key: Key) -> None:
        """Do what the key does, at whatever would have met it first."""
        name = key.action.partition("(")[0]
        start = self.screen.focused or self.screen
        for node in start.ancestors_with_self:
            if isinstance(node, Widget) and ("." in name or hasattr(node, f"action_{name}")):
                self.app.call_later(node.run_action, key.action)
                return

    def _words(self, key: Key) -> str:
        bound = cast("GymScreen", self.screen).gym.bound
        return f"{key.name.replace('-', ' ')}: {key.text}  {bound.written(key.keys[0])}"

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for key in self._keys():
            yield DiscoveryHit(self._words(key), partial(self._run, key))

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for key in self._keys():
            words = self._words(key)
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), partial(self._run, key), words)


class ProfileCommands(Provider):
    """Offers the profiles other than the one in use."""

    def _offered(self) -> list[tuple[str, Callable[[], None]]]:
        screen = self.screen
        if not isinstance(screen, GymScreen) or screen.gym.gyms is None:
            return []
        gym = screen.gym

        def go(profile: Offered) -> None:
            gym.call_later(gym.switch_profile, profile)

        return [
            (clean(f"profile {offered.name}  {offered.base_url}".rstrip()), partial(go, offered))
            for offered in screen.gym.gyms.profiles
            if offered.name != gym.settings.profile_name
        ]

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for words, go in self._offered():
            yield DiscoveryHit(self.matcher("").highlight(words), go, words)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for words, go in self._offered():
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), go, words)


class ThemeCommands(Provider):
    """Offers the themes in the palette."""

    def _commands(self) -> list[tuple[str, Callable[[], None]]]:
        app = cast("ThemedApp[Any]", self.app)
        offered: list[tuple[str, Callable[[], None]]] = [
            (f"theme: {name}", partial(app.choose_theme, name)) for name in app.theme_names()
        ]
        return [*offered, ("reload theme: read its file again", app.reload_theme)]

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for words, run in self._commands():
            yield DiscoveryHit(words, run)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for words, run in self._commands():
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), run, words)
