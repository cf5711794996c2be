"""The gyms that the configuration leads to, and the key of one looked for anew. No screen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from gymtui.api.endpoints import Endpoints
from gymtui.api.lazy_client import LazyClient
from gymtui.cli.directories import directory_gym
from gymtui.config.api_key import run_command
from gymtui.config.schema import variable
from gymtui.config.settings import LoadedSettings, ProfileInfo, Settings, load
from gymtui.core import paths, urls
from gymtui.core.secret import ApiKey
from gymtui.store.history.journal_place import Place, place_of

LOOK_S = 1.0
"""For so long files are read before a screen shows what is there; the rest comes in later."""
OF_THE_FIRST_GYM = ("profile", "base_url", "source", "scenario")
"""Flags and variables that chose the gym one began with: they say nothing of another."""


class ConfiguredGyms(Struct, frozen=True):
    """The gyms of the configuration file's profiles, for switching between them."""

    profiles: tuple[ProfileInfo, ...]
    flags: Mapping[str, Any]
    env: Mapping[str, str]
    first: urls.Origin  # the gym that it was started with, which `GYMTUI_API_KEY` is for

    @property
    def config_file(self) -> Path | None:
        """The configuration file that the command line names, if it does."""
        return Path(self.flags["config"]) if "config" in self.flags else None

    def load(self, name: str) -> LoadedSettings:
        return self._load(*self._elsewhere(name))

    def find_key(self, settings: Settings) -> tuple[ApiKey, str] | None:
        """Look anew for the key of the gym that settings led to, and where it is.

        None if there is none, or if the file leads to another gym by now: its key is not for here.
        """
        for flags, env in ((self.flags, self.env), self._elsewhere(settings.profile_name)):
            # As at the start, or as after a switch: whichever leads there. No command is run for
            # the one that does not.
            look = partial(self._load, flags, env, remembered=settings.profile_name)
            if _leads_to(look(want_key=False), settings):
                found = look(run=partial(run_command, own_session=True))
                key = found.settings.key
                if _leads_to(found, settings) and key is not None:
                    return key, found.settings.key_origin
                return None
        return None

    def _elsewhere(self, name: str) -> tuple[dict[str, Any], dict[str, str]]:
        """Flags and environment that go to a profile from another gym."""
        left_out = {variable(of_first) for of_first in OF_THE_FIRST_GYM}
        env = {name: value for name, value in self.env.items() if name not in left_out}
        flags = {n: value for n, value in self.flags.items() if n not in OF_THE_FIRST_GYM}
        return {**flags, "profile": name}, env

    def _load(
        self, flags: Mapping[str, Any], env: Mapping[str, str], **options: Any
    ) -> LoadedSettings:
        config = self.config_file or paths.config_file(env)
        vendor = paths.vendor_config_file(env)
        return load(flags, env, config, vendor, variables_gym=self.first, **options)

    def client(self, settings: Settings) -> Endpoints:
        return LazyClient(partial(client_of, settings))

    def journal(self, settings: Settings) -> Place | None:
        return place_of(settings, self.env)


def _leads_to(loaded: LoadedSettings, settings: Settings) -> bool:
    there, here = loaded.settings, settings
    same = urls.origin_of(there.base_url) == urls.origin_of(here.base_url)
    return same and there.profile_name == here.profile_name and not loaded.fatal


def gyms_of(
    loaded: LoadedSettings, flags: Mapping[str, Any], env: Mapping[str, str]
) -> ConfiguredGyms:
    """What can be switched to, from what the dashboard is started with."""
    first = urls.origin_of(loaded.settings.base_url)
    return ConfiguredGyms(loaded.profiles, flags, env, first)


class RenewableKey:
    """The key of a gym that a command talks to for long, looked for anew when it is refused."""

    def __init__(self, gyms: ConfiguredGyms, settings: Settings) -> None:
        self._gyms = gyms
        self.settings = settings  # the same with the key that was found last

    def find(self) -> ApiKey | None:
        """Look for it: None where none is found now, and that of before may work again."""
        found = self._gyms.find_key(self.settings)
        if found is None:
            return None
        key, origin = found
        self.settings = self.settings.model_copy(update={"key": key, "key_origin": origin})
        return key


def client_of(settings: Settings) -> Endpoints:
    """Make the client; called in a thread, once the screen is there."""
    if settings.directories:
        return directory_gym(settings, look_s=LOOK_S)
    from gymtui.api.client import GymClient

    return GymClient(settings.base_url, settings.key, insecure=settings.insecure)
