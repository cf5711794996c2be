"""What the demo suggests to try on each screen, a line above the keys."""

from __future__ import annotations

from collections.abc import Mapping

from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Scope

TIPS: Mapping[Scope, str] = {
    Scope.RUNS: (
        "One checkpoint is worse than the one before it: `↵` opens it, `m` shows its tasks"
        " · `a` what goes wrong now"
    ),
    Scope.ROLLOUTS: (
        "`↵` on a ✗ reads what the agent did · `m` tasks by attempts"
        " · `+` `-` `T` zoom and clock · `/` then status:failed narrows"
    ),
    Scope.ACTIVE: (
        "Longest idle first, stuck ones marked · `↵` follows one live · `x` stops its run"
        " · `tab` the causes"
    ),
    Scope.MATRIX: "A row is a task, a glyph an attempt: `↵` opens it · `tab` failures by reason",
    Scope.TRANSCRIPT: (
        "`e` the next error · `t` the next tool call · `/` searches"
        " · `]` the next rollout of the list, without going back"
    ),
    Scope.COMPARE: "`n` the next difference",
}
"""By the screen's own scope; what stands between backquotes is a key."""


def tip(scope: Scope) -> Cell:
    """The line for a screen, empty where there is nothing to try.

    Args:
        scope: Where the person is.
    """
    text = TIPS.get(scope)
    if text is None:
        return ()
    pieces = text.split("`")
    return (
        Ink("try  ", "warning"),
        *(Ink(piece, "key" if index % 2 else "muted") for index, piece in enumerate(pieces)),
    )
