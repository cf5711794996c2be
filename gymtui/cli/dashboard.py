"""Opens the dashboard: client, log, guard against a lost terminal, and the app."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType

import click
from msgspec import Struct

from gymtui import __version__
from gymtui.api import proxies
from gymtui.api.lazy_client import LazyClient
from gymtui.cli.profiles import client_of
from gymtui.config.settings import LAST_PICKED, LoadedSettings, Settings
from gymtui.core import paths
from gymtui.core.replacement import replace
from gymtui.session.saved_layout import SavedLayout
from gymtui.store.history.journal_place import Place, place_of
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.app.profile_switch import ProfileConnections
from gymtui.tui.context.key_bindings import rebind
from gymtui.tui.context.preferences import Preferences, appearance_of
from gymtui.tui.runtime.crash_report import Reporter
from gymtui.tui.runtime.guard import run_guarded

log = logging.getLogger(__name__)

THREAD_SWITCH_S = 0.001
"""For how long a thread that reads or searches may keep a key waiting; Python says 5 ms."""
LOG_BYTES = 1_000_000
NOT_OF_FILES = frozenset({"source", "redact", "actions", "replay"})
"""Keys that only a gym has a use for."""


class Storage(Struct, frozen=True):
    """Where a dashboard keeps what it learns from one time to the next; None keeps nothing."""

    saved_layout: Path | None = None  # the directory of what the person arranged on screen
    journal: Place | None = None  # of what was observed
    archive: Path | None = None  # the file of transcripts


def storage_of(settings: Settings, env: Mapping[str, str]) -> Storage:
    """Where what is learnt of a person's gym is kept: in the state directory, a file a gym."""
    return Storage(paths.state_dir(env), place_of(settings, env), paths.archive_file(env))


def open_dashboard(
    loaded: LoadedSettings,
    env: Mapping[str, str],
    *,
    storage: Storage,
    notes: Sequence[str] = (),
    gyms: ProfileConnections | None = None,
    guided: bool = False,
    model_env: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Run the dashboard until its person leaves it; its exit code.

    Args:
        env: The environment, which says where logs go.
        notes: What is to be told once the screen is there.
        guided: Whether each screen says what there is to try.
        model_env: The environment that keys of models may come from: the demo has none.

    Raises:
        UnsafeUrl: The environment names a proxy or a key log that cannot be used.
    """
    settings = loaded.settings
    keys = rebind(settings.keys, settings.origins, settings.commands)
    if settings.directories:
        keys = replace(keys, unavailable=keys.unavailable | NOT_OF_FILES)
    else:
        # Before the screen is there: what no waiting mends is said in a line, and ends it.
        proxies.proxy_for(settings.base_url, env)
        proxies.check_key_log(env)
    logs = paths.log_dir(env)
    secrets = [settings.key.reveal()] if settings.key is not None else []
    reporter = Reporter(logs, secrets=secrets)
    _log_to(logs / "gymtui.log", reporter.safe, debug=settings.debug)
    key = "no key" if settings.key is None else f"{settings.key} from {settings.key_origin}"
    log.debug(
        "gymtui %s, profile %s, %s, %s",
        *(__version__, settings.profile_name, settings.base_url, key),
    )
    saved_layout = SavedLayout.read(storage.saved_layout)
    if any(problem.place == LAST_PICKED for problem in loaded.problems):
        saved_layout.pick(None)  # it is no longer there: told once
    app = GymtuiApp(
        settings,
        LazyClient(partial(client_of, settings)),
        reporter,
        preferences=Preferences(
            appearance_of(settings, env, sys.stderr.encoding),
            saved_layout,
            keys,
            (*loaded.problems, *keys.problems),
        ),
        journal=storage.journal,
        archive=storage.archive,
        guided=guided,
        model_env=model_env,
        notes=notes,
        gyms=gyms,
    )
    for problem in app.theme_problems:
        click.echo(f"gymtui: {problem}", err=True)
    sys.setswitchinterval(THREAD_SWITCH_S)
    return run_guarded(app)


class _SafeFormatter(logging.Formatter):
    """Lines fit for a file that people look at in a terminal and send to others."""

    def __init__(self, safe: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._safe = safe

    def format(self, record: logging.LogRecord) -> str:
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
    handler.setFormatter(_SafeFormatter(safe))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
