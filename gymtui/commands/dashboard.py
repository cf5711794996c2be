"""Opens the dashboard: client, log, guard against a lost terminal, and the app."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from gymtui import __version__, paths, urls
from gymtui.api import proxies
from gymtui.api.endpoints import Endpoints
from gymtui.api.late import LateClient
from gymtui.key_search import run_command
from gymtui.secret import ApiKey
from gymtui.settings import LAST_PICKED, Loaded, Offered, Settings, load
from gymtui.settings_values import variable
from gymtui.store.journal import file_name
from gymtui.tui.app import GymtuiApp
from gymtui.tui.arrangement import Arrangement
from gymtui.tui.crash import Reporter
from gymtui.tui.guard import run_guarded
from gymtui.tui.rebinding import rebound
from gymtui.tui.switching import Gyms
from gymtui.tui.themed import looks_of

log = logging.getLogger(__name__)

LOG_BYTES = 1_000_000


@dataclass(frozen=True)
class Keeping:
    """Where a dashboard keeps what it learns from one time to the next; None keeps nothing.

    Attributes:
        arrangement: The directory of what the person arranged on screen.
        journal: The file of what was observed.
    """

    arrangement: Path | None = None
    journal: Path | None = None


def keeping_of(settings: Settings, env: Mapping[str, str]) -> Keeping:
    """Where what is learnt of a person's gym is kept: in the state directory, a file a gym."""
    state = paths.state_dir(env)
    return Keeping(arrangement=state, journal=state / file_name(settings.base_url))


OF_THE_FIRST_GYM = ("profile", "base_url", "source", "scenario")
"""Flags and variables that chose the gym one began with: they say nothing of another."""


@dataclass(frozen=True)
class ConfiguredGyms:
    """The gyms of the configuration file's profiles, for switching between them.

    Attributes:
        profiles: What there is.
        flags: As given at the start.
        env: The environment.
        first: The gym that it was started with, which `GYMTUI_API_KEY` is for.
    """

    profiles: tuple[Offered, ...]
    flags: Mapping[str, Any]
    env: Mapping[str, str]
    first: urls.Origin

    def load(self, name: str) -> Loaded:
        """Settle the settings for a profile."""
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

    def _load(self, flags: Mapping[str, Any], env: Mapping[str, str], **options: Any) -> Loaded:
        config = Path(flags["config"]) if "config" in flags else paths.config_file(env)
        vendor = paths.vendor_config_file(env)
        return load(flags, env, config, vendor, variables_gym=self.first, **options)

    def client(self, settings: Settings) -> Endpoints:
        """The gym that settings lead to."""
        return LateClient(partial(_client, settings))

    def journal(self, settings: Settings) -> Path | None:
        """Where what is observed of it is kept."""
        return keeping_of(settings, self.env).journal


def _leads_to(loaded: Loaded, settings: Settings) -> bool:
    """Whether what was loaded leads to the gym that settings led to, by the same profile."""
    there, here = loaded.settings, settings
    same = urls.origin_of(there.base_url) == urls.origin_of(here.base_url)
    return same and there.profile_name == here.profile_name and not loaded.fatal


def gyms_of(loaded: Loaded, flags: Mapping[str, Any], env: Mapping[str, str]) -> ConfiguredGyms:
    """What can be switched to, from what the dashboard is started with."""
    first = urls.origin_of(loaded.settings.base_url)
    return ConfiguredGyms(loaded.profiles, flags, env, first)


def open_dashboard(
    loaded: Loaded,
    env: Mapping[str, str],
    *,
    keeping: Keeping,
    notes: Sequence[str] = (),
    gyms: Gyms | None = None,
    guided: bool = False,
    model_env: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Run the dashboard until its person leaves it.

    Args:
        loaded: What it was started with, and what is wrong with it.
        env: The environment, which says where logs go.
        keeping: Where what is arranged and observed is kept.
        notes: What is to be told once the screen is there.
        gyms: What other profiles lead to.
        guided: Whether each screen says what there is to try.
        model_env: The environment that keys of models may come from: the demo has none.

    Returns:
        The exit code.

    Raises:
        UnsafeUrl: The environment names a proxy or a key log that cannot be used.
    """
    settings = loaded.settings
    # Before the screen is there: what no waiting mends is said in a line, and ends it.
    proxies.proxy_for(settings.base_url, env)
    proxies.check_key_log(env)
    bound = rebound(settings.keys, settings.origins)
    logs = paths.log_dir(env)
    secrets = [settings.key.reveal()] if settings.key is not None else []
    reporter = Reporter(logs, secrets=secrets)
    _log_to(logs / "gymtui.log", reporter.safe, debug=settings.debug)
    key = "no key" if settings.key is None else f"{settings.key} from {settings.key_origin}"
    log.debug(
        "gymtui %s, profile %s, %s, %s",
        *(__version__, settings.profile_name, settings.base_url, key),
    )
    arrangement = Arrangement.read(keeping.arrangement)
    if any(problem.place == LAST_PICKED for problem in loaded.problems):
        arrangement.pick(None)  # it is no longer there: told once
    app = GymtuiApp(
        settings,
        LateClient(partial(_client, settings)),
        reporter,
        looks=looks_of(settings, env, sys.stderr.encoding),
        arrangement=arrangement,
        journal=keeping.journal,
        bound=bound,
        guided=guided,
        model_env=model_env,
        problems=(*loaded.problems, *bound.problems),
        notes=notes,
        gyms=gyms,
    )
    for problem in app.theme_problems:
        click.echo(f"gymtui: {problem}", err=True)
    return run_guarded(app)


def _client(settings: Settings) -> Endpoints:
    """Make the client; called in a thread, once the screen is there."""
    from gymtui.api.client import GymClient

    return GymClient(settings.base_url, settings.key, insecure=settings.insecure)


class _Safe(logging.Formatter):
    """Lines fit for a file that people look at in a terminal and send to others."""

    def __init__(self, safe: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._safe = safe

    def format(self, record: logging.LogRecord) -> str:
        """The record in words."""
        return self._safe(super().format(record))


def _log_to(path: Path, safe: Callable[[str], str], *, debug: bool) -> None:
    """Log to a file of one's own; where that cannot be, do without, since the screen is taken."""
    logging.raiseExceptions = False  # it would say on that screen that the disk is full
    logger = logging.getLogger("gymtui")
    logger.propagate = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(_Safe(safe))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
