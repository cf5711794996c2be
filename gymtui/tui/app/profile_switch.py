"""Going to another profile's gym inside the program: what the app needs from outside for it.

The app itself starts afresh there (`GymtuiApp.enter`); who makes gyms of settings is `commands`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from textual.app import SuspendNotSupported

from gymtui.api.endpoints import Endpoints
from gymtui.config.settings import Loaded, Offered, Settings
from gymtui.core.secret import ApiKey
from gymtui.tui.runtime.guard import GuardedApp

if TYPE_CHECKING:
    from gymtui.tui.app.app import GymtuiApp

log = logging.getLogger(__name__)


class Gyms(Protocol):
    """The gyms that the configuration names."""

    @property
    def profiles(self) -> Sequence[Offered]:
        """What can be switched to."""

    def load(self, name: str) -> Loaded:
        """Settle the settings for a profile; it may run the command that prints its key."""

    def client(self, settings: Settings) -> Endpoints:
        """The gym that settings lead to."""

    def find_key(self, settings: Settings) -> tuple[ApiKey, str] | None:
        """Look anew for the key of the gym that settings led to, and where it is.

        It may run the command that prints it, without a terminal.
        """

    def journal(self, settings: Settings) -> Path | None:
        """Where what is observed of it is kept, if it is."""


async def load(app: GuardedApp[Any], gyms: Gyms, profile: Offered) -> Loaded:
    """Settle the settings for a profile.

    Args:
        app: The app; it stands aside while a password manager may want the terminal.
        gyms: What there is.
        profile: Which one.
    """
    if profile.runs_command and not app.is_headless:
        try:
            with app.suspend():
                return gyms.load(profile.name)
        except SuspendNotSupported:
            pass
    return await asyncio.to_thread(gyms.load, profile.name)


async def go(app: GymtuiApp, gyms: Gyms, profile: Offered) -> None:
    """Go to the gym of another profile, and remember that one did.

    Args:
        app: The app, which starts afresh there.
        gyms: What there is.
        profile: Which one.
    """
    loaded = await load(app, gyms, profile)
    app.clear_notifications()  # those were about the gym that is left
    app.tell_problems(loaded.problems)
    if loaded.fatal:
        return
    settings = loaded.settings
    app.enter(settings, gyms.client(settings), gyms.journal(settings))
    log.debug("switched to profile %s, %s", settings.profile_name, settings.base_url)
    if settings.theme is not None and settings.theme != app.palette.name:
        app.wear_named(settings.theme)
    usual = settings.profile_name == loaded.usual_profile
    app.arrangement.pick(None if usual else settings.profile_name)
    await app.leave()
