"""What a session observes, carried to the screen on top, and how fresh that is."""

from __future__ import annotations

import asyncio
import time

from textual.timer import Timer

from gymtui.poll.connection import LinkState
from gymtui.session.session import Session
from gymtui.tui.app.host import HostApp
from gymtui.tui.kit.status_line import changes_every_second

NEWS_REST = 3
"""After a costly picture it is waited so many times as long as it took: most time is for keys."""
NEWS_REST_S = 0.5
NEWS_COSTLY_S = 0.02
NEWS_WAIT_S = 0.4
"""So long one picture waits for all that a tick asks, where each would take too much."""
NEWS_SHARE = 0.005
"""What is too much: more of a processor than so, in the long run."""
NEWS_BURST_S = 0.05
"""After a rest news is shown as it comes, until it took so much of a processor."""


class News:
    """Shows what is observed, with a tick a second only while an age is on screen."""

    def __init__(self, app: HostApp) -> None:
        self._app = app
        self._seconds: Timer | None = None

    async def show(self, session: Session) -> None:
        """Show what was observed, in turns of its own: taking the answer in took long enough."""
        noted, spare_s, ended_s = None, NEWS_BURST_S, session.monotonic()
        while True:
            delta = await session.news(0.0 if spare_s > 0 else NEWS_WAIT_S)
            began_s, rested_s = time.thread_time(), session.monotonic() - ended_s
            spare_s = min(NEWS_BURST_S, spare_s + rested_s * NEWS_SHARE)
            if delta:
                self._app.changed(delta)
                await asyncio.sleep(0)  # of thousands of rollouts either part takes long enough
            self._show_link()
            if session.client.note != noted:
                noted = session.client.note
                self._app.notify(noted or "")
            await session.update_forecast()
            self._app.gc_control.rows_changed(len(delta.rollouts))
            took_s = time.thread_time() - began_s
            spare_s, ended_s = max(spare_s - took_s, -NEWS_BURST_S), session.monotonic()
            if took_s > NEWS_COSTLY_S:
                await asyncio.sleep(min(took_s * NEWS_REST, NEWS_REST_S))

    def _show_link(self) -> None:
        screen, session = self._app.top, self._app.session
        if screen is None or session is None:
            return
        now_s = session.monotonic()
        screen.dim(session.link.state(now_s) in (LinkState.STALE, LinkState.REFUSED))
        screen.show_frame()
        if changes_every_second(session.link, now_s):
            if self._seconds is None:
                self._seconds = self._app.set_interval(1.0, self._show_link)
        elif self._seconds is not None:
            self._seconds.stop()
            self._seconds = None
