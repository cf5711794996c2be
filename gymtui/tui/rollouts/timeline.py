"""The timeline of a run's rollouts: what its keys do, or why they do nothing."""

from __future__ import annotations

from gymtui.store.records import RolloutRow
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.rollouts.time_window import TimeWindow

_WHOLE = "the whole timeline is shown"


class Timeline:
    """The column of a list that shows what rollouts spent their time on.

    Args:
        screen: The list's.
        window: Which stretch of time it shows.
    """

    def __init__(self, screen: ListScreen[RolloutRow], window: TimeWindow) -> None:
        self._screen = screen
        self._layout = screen.services.saved_layout
        self.window = window
        kept = self._layout.of(screen.layout_name)
        window.arrange(kept.zoom, wall=kept.wall)

    @property
    def _grid(self) -> Grid[RolloutRow]:
        return self._screen.query_one(Grid)

    def toggle(self) -> None:
        """Show the timeline, or only columns."""
        before = self._is_seen
        name = self._screen.layout_name
        hidden = set(self._layout.of(name).hidden) ^ {"timeline"}
        self._layout.change(name, hidden=tuple(sorted(hidden)))
        self._grid.choose(self._screen.hidden_columns())
        if self._is_seen is before:
            refuse(self._screen, "no room for the timeline")

    def zoom(self, steps: int) -> None:
        """Look closer, or at more."""
        if self._must_be_seen():
            whole = "cannot zoom in further" if steps > 0 else _WHOLE
            self._arranged(moved=self.window.zoom(steps), else_=whole)

    def pan(self, steps: int) -> None:
        """Move to earlier or later."""
        if self._must_be_seen():
            end = f"the timeline {'ends' if steps > 0 else 'starts'} here"
            key = self._screen.services.keys.label("zoom-in")
            end = end if self.window.level else f"{_WHOLE} · {key} zooms in"
            self._arranged(moved=self.window.pan(steps), else_=end)

    def fit(self) -> None:
        """Show everything."""
        if self._must_be_seen():
            self._arranged(moved=self.window.fit(), else_=_WHOLE)

    def toggle_clock(self) -> None:
        """By the clock, or from each start."""
        if self._must_be_seen():
            self.window.toggle_clock()
            self._arranged()

    @property
    def _is_seen(self) -> bool:
        return any(at.column.key == "timeline" for at in self._grid.placed)

    def _must_be_seen(self) -> bool:
        """Whether there is a timeline to look at; where not, that is told."""
        if not self._is_seen:
            key = self._screen.services.keys.label("timeline")
            hidden = "timeline" in self._layout.of(self._screen.layout_name).hidden
            why = f"the timeline is hidden · {key} shows it"
            refuse(self._screen, why if hidden else "no room for the timeline")
        return self._is_seen

    def _arranged(self, *, moved: bool = True, else_: str = "") -> None:
        """Show the timeline as it is looked at now, and remember that; or say why it stays."""
        if not moved:
            refuse(self._screen, else_)
        window = self.window
        self._layout.change(self._screen.layout_name, zoom=window.level, wall=window.wall)
        self._grid.sync()
