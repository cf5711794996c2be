"""The footer: the keys worth showing, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from gymtui.core.replacement import replace
from gymtui.tui.context.key_bindings import KeyBindings
from gymtui.tui.context.keymap import Key
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.styled_text import Cell, StyledText, width_of

_ALWAYS = ("filter", "help", "leave")
"""Keys that it shows however narrow it is, at its right end."""


def footer_line(
    shown: Sequence[Key], cells: int, keys: KeyBindings, *, first: bool, searches: bool
) -> Line:
    """The footer.

    Args:
        first: Whether the screen is the first one: only that is left for the shell.
        searches: Whether what is typed is searched for, and does not filter.
    """

    def word(key: Key) -> Cell:
        short = key.short
        if key.name == "leave" and not first:
            short = "back"
        elif key.name == "filter" and searches:
            short = "search"
        target = f"key:{key.action}"
        return (
            StyledText(f"{keys.written(key.keys[0])} ", "key", target),
            StyledText(short, "muted", target),
            StyledText("  "),
        )

    always = [piece for key in shown if key.name in _ALWAYS for piece in word(key)]
    room = cells - width_of(tuple(always))
    fitting: list[StyledText] = []
    for key in shown:
        if key.name in _ALWAYS:
            continue
        pieces = word(key)
        room -= width_of(pieces)
        if room < 0:
            break
        fitting += pieces
    return Line(tuple(fitting), tuple(always), bar=True)


def typing_keys(shown: Sequence[Key], keys: KeyBindings, help_name: str) -> list[Key]:
    """A footer's keys where letters are typed: those that type nothing, and the way back.

    Args:
        help_name: The name of the key that shows the keys there.
    """
    back = next(key for key in keys.table if key.name == "back")
    every = [*shown, replace(back, name="leave", short="back")]
    return [replace(key, name="help") if key.name == help_name else key for key in every]
