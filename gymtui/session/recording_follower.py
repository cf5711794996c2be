"""A recorder beside a session: what it writes of the same gym is taken in, and not asked for.

It may be a colleague's, whose recording is fetched.
"""

from __future__ import annotations

import asyncio

from gymtui.poll.poller import Poller
from gymtui.session.session import Session


async def follow_recorder(session: Session) -> None:
    """Take in what a recorder writes, whenever one is at work, until cancelled."""
    poller, settings = session.poller, session.settings
    place = session.recording
    if place is None or settings.directories or not isinstance(poller, Poller):
        return
    # Few have a recorder: it is read in where that keeps no key waiting.
    await asyncio.to_thread(__import__, "gymtui.poll.recording_intake")
    from gymtui.poll.recording_intake import NEWEST, RecordingIntake

    fetcher = None
    if place.shared is not None:
        from gymtui.store.history.recording_copy import RecordingFetcher

        fetcher = RecordingFetcher(place, NEWEST)
    intake = RecordingIntake(
        place.directory,
        settings.source,
        settings.scenario,
        store=session.store,
        tracker=session.tracker,
        intake=poller.intake,
        clock=session.clock,
        monotonic=session.monotonic,
        remember=poller.remember,
        is_recorded_elsewhere=None if fetcher is None else fetcher.is_recorded,
    )
    try:
        await intake.run()
    finally:
        if fetcher is not None:
            fetcher.close()
