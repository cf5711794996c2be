"""The footer: the keys worth showing; and in the demo the line above it, what there is to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gymtui.core.replacement import replace
from gymtui.tui.context.key_bindings import KeyBindings
from gymtui.tui.context.keymap import Key, Scope
from gymtui.tui.kit.line_parts import BETWEEN
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.styled_text import Cell, StyledText, width_of

_ALWAYS = ("filter", "help", "leave")
"""Keys that it shows however narrow it is, at its right end."""


def footer_line(
    shown: Sequence[Key], cells: int, keys: KeyBindings, *, first: bool, searches: bool
) -> Line:
    """As many keys as there is room for.

    Some are called otherwise on the `first` screen, which is left for the shell, and where what
    is typed `searches` and does not filter.
    """

    def word(key: Key) -> Cell:
        short = key.short
        if key.name == "leave" and not first:
            short = "back"
        elif key.name == "filter" and searches:
            short = "search"
        target = f"key:{key.action}"
        return (
            StyledText(f"{keys.display(key.keys[0])} ", "key", target),
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
    """A footer's keys where letters are typed: those that type nothing, and the way back."""
    back = next(key for key in keys.table if key.name == "back")
    every = [*shown, replace(back, name="leave", short="back")]
    return [replace(key, name="help") if key.name == help_name else key for key in every]


TIPS: Mapping[Scope, str] = {
    Scope.RUNS: (
        "A checkpoint got worse: `P` shows which, `C` on it the tasks · `a` current failures"
    ),
    Scope.ROLLOUTS: (
        "`↵` on a ✗ opens its transcript · `m` tasks × attempts"
        " · `+` `-` `T` zoom and clock · `/` then state:failed filters"
    ),
    Scope.ACTIVE: (
        "Longest idle first, stuck ones marked · `↵` current step, or transcript when done"
        " · `x` cancels its run"
    ),
    Scope.MATRIX: "A row is a task, a glyph an attempt: `↵` opens it · `tab` what failed",
    Scope.TRANSCRIPT: (
        "`e` the next error · `t` the next tool call · `/` searches"
        " · `]` the next rollout in the list"
    ),
    Scope.SEARCH: "`↵` opens the transcript at the hit · `/` searches again: error: tool:calendar",
    Scope.COMPARE: "`n` the next difference",
}
"""By the screen's own scope; what stands between backquotes is a key, and what
follows a dot is left out where there is no room."""


def tip(scope: Scope, cells: int, *, plain: bool = False) -> Cell:
    """The line for a screen, as much of it as has room; empty where there is nothing to try.

    Keys whose sign ASCII has not are spelt out if it is `plain`.
    """
    text = TIPS.get(scope)
    if text is None:
        return ()
    if plain:
        text = text.replace("↵", "Enter")
    first, *others = text.split(BETWEEN)
    line = (StyledText("try  ", "warning"), *_tip_pieces(first))
    for other in others:
        more = (*line, *_tip_pieces(BETWEEN + other))
        if width_of(more) > cells:
            break
        line = more
    return line


def _tip_pieces(text: str) -> Cell:
    pieces = text.split("`")
    return tuple(StyledText(piece, "key" if n % 2 else "muted") for n, piece in enumerate(pieces))
