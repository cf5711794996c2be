"""When the app has come to rest: nothing on its event loop can go on, nothing waits to be drawn.

The framework's own pilot waits until the process uses next to no processor time, for a second at
most. With a gym and a poller in the same process that second passes with every key; and on a busy
machine a process that only waits for its turn looks idle.
"""

from __future__ import annotations

import asyncio
from typing import Any

from textual._context import active_app
from textual._queue import Queue
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from gymtui.tui.app.app import GymtuiApp
from tests.tui.frames import waits

MOST_TURNS = 1_000
"""An app that is never at rest is looked at as it is, as by the framework's pilot: after so many
turns of the event loop, however long a busy machine takes for them. To ask how long that was would
cost as much as a tenth of what the tests do."""
_RESIZED_S = 1 / 120
"""So often the framework looks whether the terminal has another size."""


_NEWS_S = 0.01
"""So often it is looked whether what was observed is on screen: the app shows much at once."""
_LOOKS = 100


async def at_rest(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Wait until the app has come to rest, and see to it that it is drawn as it is then.

    What a timer, a thread or a gym brings later is not waited for: wait for what it shows.

    Args:
        min_sleep: The framework's pilot says it; no time is waited for its own sake.
        max_sleep: The same.
    """
    app = active_app.get()
    left, looks = await _others_turns(MOST_TURNS), _LOOKS
    while left:
        if app._resize_event is not None:
            await asyncio.sleep(_RESIZED_S)
        elif looks and isinstance(app, GymtuiApp) and app.session.has_news:
            looks -= 1
            await asyncio.sleep(_NEWS_S)
        elif not _draws(app):
            return
        left = await _others_turns(left)


_wait_for_screen = Pilot._wait_for_screen
_BEGAN = "_tests_began"
"""Attribute of a pilot: whether it has waited for its app's first screen, as the framework does."""


async def others_handled(pilot: Pilot[Any]) -> bool:
    """Wait until no widget has a message to deal with, as the framework's pilot does.

    That has each of them deal with a message of its own, which was a third of all messages.

    Returns:
        Whether there was no error.
    """
    app = pilot.app
    began = vars(pilot).setdefault(_BEGAN, False)
    setattr(pilot, _BEGAN, True)
    await _others_turns(MOST_TURNS)
    if began and app._screen_stack and app._exception is None:
        screen = app._screen_stack[-1]
        if all(map(_waits, (app, *screen.walk_children(with_self=True)))):
            return True
    return await _wait_for_screen(pilot)


def _waits(pump: MessagePump) -> bool:
    """Whether a widget has dealt with all that it was told, and waits for more."""
    queue: Queue[Message | None] = pump._message_queue
    return queue.empty() and bool(queue.ready_event._waiters)


async def _others_turns(most: int) -> int:
    """Give up the turn until nobody else on the event loop takes it.

    Args:
        most: How often, at most.

    Returns:
        How many of them are left.
    """
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    for left in reversed(range(most)):
        await asyncio.sleep(0)
        if not ready:
            return left
    return 0


def _draws(app: App[Any]) -> bool:
    """Have what waits for the next frame laid out; if nothing does, draw the screen as it is."""
    screen = app._screen_stack[-1] if app._screen_stack else None
    if screen is None or not screen.is_attached or app._batch_count:
        return False
    if waits(screen):
        screen._on_timer_update()
        return True
    try:
        screen._compositor.render_strips()
    except Exception as error:  # noqa: BLE001 - as where the framework draws it
        app._handle_exception(error)
    return False
