"""The palette: everything that a key does where one is, found by its name."""

from __future__ import annotations

from textual.command import DiscoveryHit, Hit, Hits, Provider

from gymtui.tui.keys import Key, keys_of, shown
from gymtui.tui.screens.base import GymScreen

_NOT_OFFERED = frozenset({"palette", "interrupt", "panes"})


class KeyCommands(Provider):
    """Offers the keys of the screen that the palette was opened on."""

    def _keys(self) -> list[Key]:
        screen = self.screen
        if not isinstance(screen, GymScreen):
            return []
        found = keys_of(screen.scopes, read_only=screen.gym.settings.read_only)
        return [key for key in found if key.name not in _NOT_OFFERED]

    def _run(self, key: Key) -> None:
        screen = self.screen
        owner = screen.focused or screen
        self.app.call_later(owner.run_action, key.action)

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for key in self._keys():
            yield DiscoveryHit(
                f"{key.text}  ({shown(key.keys[0])})", lambda key=key: self._run(key), key.text
            )

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for key in self._keys():
            words = f"{key.text}  ({shown(key.keys[0])})"
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), lambda key=key: self._run(key), words)
