"""When a screen draws its next frame: at once, or a moment after the last one.

The framework's own timer keeps to a grid of 60 frames a second and leaves out the tick after one
that came late: a key pressed right after a frame waited for up to 33 ms with nothing to do. What a
frame is made of is the framework's business, what of it is written `cell_diff`'s.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from textual.screen import Screen
from textual.timer import Timer

REST_S: Final = 0.008
"""After each frame; so what comes in bursts shares one, and most of the time is left for others."""


class FrameTimer(Timer):
    """Calls back whenever it was resumed, but rests after each time."""

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__(
            screen, REST_S, name="screen_update", callback=screen._on_timer_update, pause=True
        )

    async def _run(self) -> None:
        count = 0
        while True:
            # The callback pauses it; a change that comes while it rests is drawn right after.
            await self._active.wait()
            if count:
                await self._tick(next_timer=0.0, count=count)
            # The first frame, too: a new screen's parts come one after the other.
            await asyncio.sleep(REST_S)
            count += 1


class FrameTimerMixin:
    """A screen, before its framework's class among the bases, whose frames come soon.

    It is no widget itself, and so takes no part in how style sheets are inherited.
    """

    _frame_timer: FrameTimer | None = None

    @property
    def _update_timer(self) -> Timer:
        """What the framework resumes when there is something to draw."""
        if self._frame_timer is None:
            screen = cast("Screen[Any]", self)
            self._frame_timer = FrameTimer(screen)
            self._frame_timer._start()
            screen._timers.add(self._frame_timer)
        return self._frame_timer
