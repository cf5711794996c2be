"""What every widget that draws its own lines has in common: a palette, which may change."""

from __future__ import annotations

from typing import cast

from textual.widget import Widget

from gymtui.tui.context.theme import Palette


class ThemedWidget:
    """A widget that is drawn with a palette. What it keeps of drawn lines goes with an old one."""

    _palette: Palette

    def paint(self, palette: Palette) -> None:
        """Draw everything with another palette."""
        self._palette = palette
        cast("Widget", self).refresh()
