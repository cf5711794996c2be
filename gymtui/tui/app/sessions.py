"""The session with the gym one is at, and those that come after it: another source, another gym.

Each begins from nothing; what belongs to a gym that was left is closed once there is time for it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gymtui.api.endpoints import Endpoints
from gymtui.config.settings import Settings
from gymtui.core.secret import ApiKey
from gymtui.core.server_clock import ServerClock
from gymtui.session.host import SessionHost
from gymtui.session.input_priority import InputPriority
from gymtui.session.session import Session
from gymtui.store.history.journal import Journal, Notice
from gymtui.store.history.journal_place import Place, local_path

if TYPE_CHECKING:
    from gymtui.session.archive import Archive


class SessionFactory(Struct):
    """Makes sessions, with what all of them are given."""

    host: SessionHost
    input_priority: InputPriority
    wall: Callable[[], float]  # UNIX seconds
    monotonic: Callable[[], float]  # seconds that only go forward
    find_key: Callable[[Settings], tuple[ApiKey, str] | None]
    model_env: Mapping[str, str]
    # Told, on a journal's thread, when there is trouble with it.
    on_notice: Callable[[Notice], None]
    # Where what is observed of the gym one is at is kept; None keeps nothing.
    journal_place: Place | None
    # Where transcripts of all gyms are kept; None keeps them in memory.
    archive_path: Path | None = None
    # What belongs to gyms that were left, and is not closed yet.
    to_close: list[tuple[Endpoints, Journal | None]] = field(default_factory=list)
    _archive: Archive | None = None

    def first(self, settings: Settings, client: Endpoints) -> Session:
        """The first one, with no journal yet: opening it can wait until the screen is there."""
        return self._session(settings, client, ServerClock(self.wall, self.monotonic), None)

    def with_journal(self, first: Session) -> Session:
        """The first one, with its journal."""
        if self.journal_place is None:
            return first
        return self._session(first.settings, first.client, first.clock, self._journal())

    def of_source(self, before: Session, source: str) -> Session:
        """The same gym's, with another source's runs."""
        before.close()
        settings = before.settings.model_copy(update={"source": source})
        return self._session(settings, before.client, before.clock, before.journal)

    def at_gym(
        self, before: Session, settings: Settings, client: Endpoints, journal_place: Place | None
    ) -> Session:
        """Another gym's."""
        self.leave(before)
        before.leave_launches()
        self.journal_place = journal_place
        clock = ServerClock(self.wall, self.monotonic)
        return self._session(settings, client, clock, self._journal())

    def leave(self, session: Session) -> None:
        """End a session for good; its connections and its journal are closed later."""
        session.close()
        self.to_close.append((session.client, session.journal))

    async def close_pending(self) -> None:
        """Close what belongs to the gyms that were left."""
        for client, journal in tuple(self.to_close):
            if journal is not None:
                await asyncio.to_thread(journal.close)
            await client.aclose()
            self.to_close.remove((client, journal))

    def _journal(self) -> Journal | None:
        if self.journal_place is None:
            return None
        return Journal(self.journal_place, on_notice=self.on_notice)

    def _session(
        self, settings: Settings, client: Endpoints, clock: ServerClock, journal: Journal | None
    ) -> Session:
        place = self.journal_place
        return Session(
            settings,
            client,
            clock,
            journal,
            self.host,
            input_priority=self.input_priority,
            monotonic=self.monotonic,
            rng=random.Random(),  # noqa: S311  (jitter)
            find_key=self.find_key,
            model_env=self.model_env,
            journal_path=None if place is None else local_path(place),
            archive=partial(self._the_archive, settings),
        )

    def _the_archive(self, settings: Settings) -> Archive:
        """One for all sessions, made when the first transcript is read."""
        from gymtui.session.archive import Archive

        if self._archive is None:
            limit = settings.archive_limit_mib << 20
            # What lies on disk already is not kept there twice.
            keeps = limit and not settings.directories and self.archive_path is not None
            self._archive = Archive(self.archive_path, limit) if keeps else Archive(None)
        return self._archive

    async def close(self, last: Session) -> None:
        """End the last session, and let go of the transcripts' file."""
        self.leave(last)
        await self.close_pending()
        if self._archive is not None:
            await asyncio.to_thread(self._archive.close)
