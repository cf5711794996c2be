"""When the app has come to rest: nothing on its event loop can go on, nothing waits to be drawn.

The framework's own pilot waits until the process uses next to no processor time, for a second at
most. With a gym and a poller in the same process that second passes with every key; and on a busy
machine a process that only waits for its turn looks idle.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from textual._context import active_app
from textual.app import App

LONGEST_S = 1.0
"""An app that is never at rest is looked at as it is, as by the framework's pilot: after this much
work, not time, so that others on the machine count for nothing."""
_RESIZED_S = 1 / 120
"""So often the framework looks whether the terminal has another size."""


async def at_rest(min_sleep: float = 0.0, max_sleep: float = LONGEST_S) -> None:
    """Wait until the app has come to rest, and see to it that it is drawn as it is then.

    What a timer, a thread or a gym brings later is not waited for: wait for what it shows.

    Args:
        min_sleep: The framework's pilot says it; no time is waited for its own sake.
        max_sleep: How long this thread may work at most, in seconds.
    """
    app = active_app.get()
    end_s = time.thread_time() + max_sleep
    await _others_turn(end_s)
    while time.thread_time() < end_s:
        if app._resize_event is not None:
            await asyncio.sleep(_RESIZED_S)
        elif not _draws(app):
            return
        await _others_turn(end_s)


async def _others_turn(end_s: float) -> None:
    """Give up the turn until nobody else on the event loop takes it."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    while True:
        await asyncio.sleep(0)
        if not ready or time.thread_time() >= end_s:
            return


def _draws(app: App[Any]) -> bool:
    """Draw what waits for the next frame, if anything does."""
    screen = app._screen_stack[-1] if app._screen_stack else None
    if screen is None or not screen.is_attached or app._batch_count:
        return False
    waits = (
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )
    if waits:
        screen._on_timer_update()
    return bool(waits)
