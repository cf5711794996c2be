"""The keys, those of the screen it was opened on first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.widget import Widget

from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Key, Scope, shown
from gymtui.tui.rebinding import Bound
from gymtui.tui.screens.base import GymScreen
from gymtui.tui.widgets.text_view import Paragraph, TextView

_KEYS_CELLS = 16


def paragraphs_of(bound: Bound, scopes: Sequence[Scope], *, read_only: bool) -> list[Paragraph]:
    """The keys of some scopes, one scope after the other.

    Args:
        bound: The keys in force.
        scopes: In the order to show them.
        read_only: Whether keys that change the gym are taken away.
    """
    lines: list[Paragraph] = []
    for scope in scopes:
        found: list[Key] = bound.of([scope], read_only=read_only)
        if not found:
            continue
        lines += [Paragraph(), Paragraph((Ink(str(scope), "heading"),))]
        for key in found:
            names = " ".join(shown(name) for name in key.keys)
            lines.append(Paragraph((Ink(f"  {names:<{_KEYS_CELLS}}", "key"), Ink(key.text))))
    return lines[1:]


class HelpScreen(GymScreen):
    """What the keys do.

    Args:
        first: The scopes of the screen it was opened on.
    """

    scopes: ClassVar[tuple[Scope, ...]] = (Scope.TEXT, Scope.EVERYWHERE)

    def __init__(self, first: Sequence[Scope]) -> None:
        super().__init__()
        self._scopes = tuple(dict.fromkeys([*first, *Scope]))

    def body(self) -> Iterable[Widget]:
        """The keys."""
        self._text = TextView(self.gym.palette, id="text")
        self._text.add_class("main")
        yield self._text

    def on_mount(self) -> None:
        """Show them."""
        read_only = self.gym.settings.read_only
        self._text.show(paragraphs_of(self.gym.bound, self._scopes, read_only=read_only))

    def where(self) -> Cell:
        """What this is."""
        return (Ink("keys", "strong"),)

    def footer_keys(self) -> list[Key]:
        """There is nothing to filter here."""
        return [key for key in super().footer_keys() if key.name not in ("filter", "pause")]

    def action_filter(self) -> None:
        """There is nothing to filter here."""

    def action_help(self) -> None:
        """Close it again."""
        self.gym.go_back(quit_at_end=False)
