"""A list with a timeline: the keys that show it, look closer and move along it."""

from __future__ import annotations

from gymtui.store.records import RolloutRow
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.time_window import TimeWindow

_WHOLE = "the whole timeline is shown"


class TimelineScreen(ListScreen[RolloutRow]):
    """A list of rollouts, one of whose columns is their timeline."""

    _chart: TimeWindow

    def action_timeline(self) -> None:
        """Show the timeline, or only columns."""
        before = self._seen_timeline
        hidden = set(self.services.saved_layout.of(self.layout_name).hidden) ^ {"timeline"}
        self.services.saved_layout.change(self.layout_name, hidden=tuple(sorted(hidden)))
        self._grid.choose(self.hidden_columns())
        if self._seen_timeline is before:
            refuse(self, "no room for the timeline")

    def action_zoom(self, steps: int) -> None:
        """Look closer, or at more."""
        if self._looks_at_timeline():
            whole = "cannot zoom in further" if steps > 0 else _WHOLE
            self._arranged(moved=self._chart.zoom(steps), else_=whole)

    def action_pan(self, steps: int) -> None:
        """Move to earlier or later."""
        if self._looks_at_timeline():
            end = f"the timeline {'ends' if steps > 0 else 'starts'} here"
            whole = f"{_WHOLE} · {self.services.keys.label('zoom-in')} zooms in"
            end = end if self._chart.level else whole
            self._arranged(moved=self._chart.pan(steps), else_=end)

    def action_fit(self) -> None:
        """Show everything."""
        if self._looks_at_timeline():
            self._arranged(moved=self._chart.fit(), else_=_WHOLE)

    def action_wall_clock(self) -> None:
        """By the clock, or from each start."""
        if self._looks_at_timeline():
            self._chart.toggle_clock()
            self._arranged()

    @property
    def _seen_timeline(self) -> bool:
        return any(at.column.key == "timeline" for at in self._grid.placed)

    def _looks_at_timeline(self) -> bool:
        """Whether there is a timeline to look at; where not, that is told."""
        if not self._seen_timeline:
            key = self.services.keys.label("timeline")
            hidden = "timeline" in self.services.saved_layout.of(self.layout_name).hidden
            why = f"the timeline is hidden · {key} shows it"
            refuse(self, why if hidden else "no room for the timeline")
        return self._seen_timeline

    def _arranged(self, *, moved: bool = True, else_: str = "") -> None:
        """Show the timeline as it is looked at now, and remember that; or say why it stays."""
        if not moved:
            refuse(self, else_)
        chart = self._chart
        self.services.saved_layout.change(self.layout_name, zoom=chart.level, wall=chart.wall)
        self._grid.sync()
