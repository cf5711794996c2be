"""The app of `gymtui open`: transcripts from disk, read without any gym."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from gymtui.core.replacement import replace
from gymtui.tui.app.host import HostApp
from gymtui.tui.context.keymap import TABLE, Scope
from gymtui.tui.context.preferences import Preferences
from gymtui.tui.files.screen import FileScreen
from gymtui.tui.runtime.crash_report import Reporter

_SCOPES = frozenset({Scope.TRANSCRIPT, Scope.TEXT, Scope.EVERYWHERE, Scope.MENU, Scope.PICK})
"""Where one can be without a gym; the only menu is that of the themes."""
_NOT_HERE = frozenset(
    {
        *("redact", "search-this", "note-this", "compare-this", "pause", "actions", "refresh"),
        *("menu-switch", "pick-mark", "mark-all"),
        *(key.name for key in TABLE if key.scope not in _SCOPES),
    }
)
"""Keys that need a gym."""
_OF_SEVERAL = frozenset({"next-rollout", "previous-rollout", "files"}) | {
    key.name for key in TABLE if key.scope is Scope.PICK
}
"""Keys that need more than one file."""
_IDLE_S = 60.0
"""How often it is asked whether anybody is there."""


class FileApp(HostApp):
    """Reads transcripts from disk."""

    quit_remark = ""

    def __init__(
        self,
        paths: Sequence[Path],
        reporter: Reporter,
        preferences: Preferences | None = None,
    ) -> None:
        wanted = preferences or Preferences()
        unavailable = _NOT_HERE if len(paths) > 1 else _NOT_HERE | _OF_SEVERAL
        keys = replace(wanted.keys, unavailable=unavailable)
        super().__init__(reporter=reporter, preferences=replace(wanted, keys=keys))
        self._paths = paths

    def on_mount(self) -> None:
        self.start_with(FileScreen(self._paths))
        self.call_after_refresh(self.gc_control.begin)
        self.set_interval(_IDLE_S, lambda: self.gc_control.idle(time.monotonic()))
