"""Which stretch of time the rollouts' timelines show: from each start or by the clock, how close.

How a bar is drawn is `tui.rollouts.timeline_bar`; what is drawn, `poll.tracker`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gymtui.poll.tracker import RolloutTracker
from gymtui.store import formats
from gymtui.store.outcome import ERRORS, Outcome, at_step_limit
from gymtui.store.phases import is_finished
from gymtui.store.records import RolloutRow
from gymtui.store.stats.time_extent import Extent
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.rollouts.timeline_bar import FRONT, PLAIN_FRONT, Scale, axis, bar, round_span_s

ROOM = 1.04
"""What is fitted leaves this much room, for the mark at its end."""
CLOSEST_S = 4.0
"""No closer than so many seconds from edge to edge."""
PAN = 0.25
"""One key moves by this share of what is shown."""
BARS_KEPT = 500


class TimeWindow:
    """The timeline column of one screen; the server's clock may be ahead of ours by a lead."""

    def __init__(
        self, tracker: RolloutTracker, lead: Callable[[], timedelta], *, plain: bool
    ) -> None:
        self.wall = False
        self.extent = Extent()
        self._tracker = tracker
        self._lead = lead
        self._plain = plain
        self._zoom = 0
        self._start_s: float | None = None
        self._scale: tuple[object, Scale] = (None, Scale(0.0, 1.0))
        self._bars: dict[str, tuple[tuple[object, ...], Cell]] = {}

    # -- what is shown ---------------------------------------------------------------------

    @property
    def scale(self) -> Scale:
        """Which stretch of time is shown; each bar asks."""
        made_from = (self.extent, self._zoom, self._start_s, self.wall)
        if self._scale[0] != made_from:
            self._scale = made_from, self._find_scale()
        return self._scale[1]

    def _find_scale(self) -> Scale:
        low_s, whole_s = self._whole()
        span_s = whole_s / 2**self.zoom_level
        if self._start_s is not None:
            start_s = min(max(self._start_s, low_s), low_s + whole_s - span_s)
        elif self.wall and self.zoom_level:
            # By the clock, what is going on now is what one looks closer at.
            start_s = max(self.extent.last_s + (ROOM - 1) * span_s - span_s, low_s)
        else:
            start_s = low_s
        return Scale(start_s, span_s, self.wall)

    def _whole(self) -> tuple[float, float]:
        if self.wall:
            first_s = self.extent.first_s
            return first_s, round_span_s((self.extent.last_s - first_s) * ROOM)
        return 0.0, round_span_s(self.extent.longest_s * ROOM)

    @property
    def zoom_level(self) -> int:
        """How often the whole is halved: as wanted, as far as this run is long enough for that."""
        return min(self._zoom, self._closest())

    def _closest(self) -> int:
        closest, span_s = 0, self._whole()[1] / 2
        while span_s >= CLOSEST_S:
            closest, span_s = closest + 1, span_s / 2
        return closest

    def zoom(self, steps: int) -> bool:
        """Look closer, or from further away; as all of these, whether that made a difference."""
        before = self.scale
        self._zoom = max(0, min(self.zoom_level + steps, self._closest()))
        if self._start_s is not None:
            after_s = self._whole()[1] / 2**self._zoom
            self._start_s = before.start_s + (before.span_s - after_s) / 2
        if not self._zoom:
            self._start_s = None
        return self.scale != before

    def pan(self, steps: int) -> bool:
        """Move to earlier (negative) or later."""
        before = self.scale
        if self.zoom_level:
            self._start_s = before.start_s + steps * PAN * before.span_s
            self._start_s = self.scale.start_s
        return self.scale != before

    def restore(self, zoom: int, *, wall: bool) -> None:
        """Look as one looked the last time: the whole halved so often, by the clock or not."""
        self._zoom, self.wall, self._start_s = zoom, wall, None

    def fit(self) -> bool:
        """Show everything."""
        before = self.scale
        self._zoom, self._start_s = 0, None
        return self.scale != before

    def toggle_clock(self) -> None:
        """By the clock instead of from each start, or back."""
        self.wall = not self.wall
        self.fit()

    # -- drawing ---------------------------------------------------------------------------

    def heading(self, cells: int) -> Cell:
        """The axis."""
        return axis(self.scale, cells, self._clock if self.wall else None)

    def _clock(self, unix_s: float) -> datetime:
        """The local time of an instant of the server's clock."""
        return datetime.fromtimestamp(unix_s - self._lead().total_seconds()).astimezone()

    def cell(self, row: RolloutRow, cells: int) -> Cell:
        """A rollout's bar, drawn anew only where it could look another way."""
        scale = self.scale
        front: int | None = None
        if row.rollout is not None and not is_finished(row.rollout):
            # What is still going on is drawn in eighths of a cell: less than half of one is none.
            front = int(self._tracker.last_seen_at(row).timestamp() // (scale.span_s / cells / 16))
        observations = len(self._tracker.observations(row.rollout_id))
        made_from = (row, observations, front, scale, cells)
        known = self._bars.get(row.rollout_id)
        if known is not None and known[0] == made_from:
            return known[1]
        if len(self._bars) >= BARS_KEPT:
            self._bars.clear()
        life = self._tracker.segments(row)
        drawn = bar(life, scale, cells, end=self._end(row), plain=self._plain)
        self._bars[row.rollout_id] = (made_from, drawn)
        return drawn

    def _end(self, row: RolloutRow) -> StyledText | None:
        """What marks how it ended: nothing if it passed."""
        outcome = row.outcome
        if outcome is Outcome.RUNNING:
            return PLAIN_FRONT if self._plain else FRONT
        if outcome is Outcome.FAILED and row.rollout is not None and at_step_limit(row.rollout):
            return StyledText("⊣", outcome_text.OUTCOME_STYLES[outcome])
        if outcome is Outcome.FAILED or outcome in ERRORS:
            return StyledText(formats.GLYPH[outcome], outcome_text.OUTCOME_STYLES[outcome])
        return None
