"""Going to another profile's gym inside the program: what the app needs from outside for it.

The app itself starts afresh there (`GymtuiApp.enter`); `cli.profiles` makes gyms of settings.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from textual.app import SuspendNotSupported

from gymtui.api.endpoints import Endpoints
from gymtui.config.settings import LoadedSettings, ProfileInfo, Settings
from gymtui.core.secret import ApiKey
from gymtui.store.history.journal_place import Place
from gymtui.tui.runtime.guard import GuardedApp

log = logging.getLogger(__name__)


class ProfileConnections(Protocol):
    """The gyms that the configuration names."""

    @property
    def profiles(self) -> Sequence[ProfileInfo]:
        """What can be switched to."""

    @property
    def config_file(self) -> Path | None:
        """The configuration file that the command line names, if it does."""

    def load(self, name: str) -> LoadedSettings:
        """Settle the settings for a profile; it may run the command that prints its key."""

    def client(self, settings: Settings) -> Endpoints:
        """The gym that settings lead to."""

    def find_key(self, settings: Settings) -> tuple[ApiKey, str] | None:
        """Look anew for the key of the gym that settings led to, and where it is.

        It may run the command that prints it, without a terminal.
        """

    def journal(self, settings: Settings) -> Place | None:
        """Where what is observed of it is kept, if it is."""


async def load_profile(
    app: GuardedApp, gyms: ProfileConnections, profile: ProfileInfo
) -> LoadedSettings:
    """Settle the settings for a profile.

    The app stands aside while a password manager may want the terminal.
    """
    if profile.runs_command and not app.is_headless:
        try:
            with app.suspend():
                return gyms.load(profile.name)
        except SuspendNotSupported:
            pass
    return await asyncio.to_thread(gyms.load, profile.name)
