"""What the demo suggests to try on each screen, a line above the keys."""

from __future__ import annotations

from collections.abc import Mapping

from gymtui.tui.context.keymap import Scope
from gymtui.tui.kit.styled_text import Cell, StyledText, width_of

_BETWEEN = " · "

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

    Args:
        plain: Whether to spell keys out whose sign ASCII has not.
    """
    text = TIPS.get(scope)
    if text is None:
        return ()
    if plain:
        text = text.replace("↵", "Enter")
    first, *others = text.split(_BETWEEN)
    line = (StyledText("try  ", "warning"), *_styled(first))
    for other in others:
        more = (*line, *_styled(_BETWEEN + other))
        if width_of(more) > cells:
            break
        line = more
    return line


def _styled(text: str) -> Cell:
    pieces = text.split("`")
    return tuple(StyledText(piece, "key" if n % 2 else "muted") for n, piece in enumerate(pieces))
