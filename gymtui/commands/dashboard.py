"""Opens the dashboard: client, log, guard against a lost terminal, and the app."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path

from gymtui import paths
from gymtui.api.endpoints import Endpoints
from gymtui.api.late import LateClient
from gymtui.settings import Loaded, Settings
from gymtui.store.journal import file_name
from gymtui.tui.app import GymtuiApp
from gymtui.tui.arrangement import Arrangement
from gymtui.tui.crash import Reporter
from gymtui.tui.guard import run_guarded
from gymtui.tui.rebinding import rebound

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


def open_dashboard(
    loaded: Loaded, env: Mapping[str, str], *, keeping: Keeping, notes: Sequence[str] = ()
) -> int:
    """Run the dashboard until its person leaves it.

    Args:
        loaded: What it was started with, and what is wrong with it.
        env: The environment, which says where logs go.
        keeping: Where what is arranged and observed is kept.
        notes: What is to be told once the screen is there.

    Returns:
        The exit code.
    """
    settings = loaded.settings
    bound = rebound(settings.keys, settings.origins)
    logs = paths.log_dir(env)
    _log_to(logs / "gymtui.log", debug=settings.debug)
    secrets = [settings.key.reveal()] if settings.key is not None else []
    app = GymtuiApp(
        settings,
        LateClient(partial(_client, settings)),
        Reporter(logs, secrets=secrets),
        arrangement=Arrangement.read(keeping.arrangement),
        journal=keeping.journal,
        bound=bound,
        problems=(*loaded.problems, *bound.problems),
        notes=notes,
    )
    return run_guarded(app)


def _client(settings: Settings) -> Endpoints:
    """Make the client; called in a thread, once the screen is there."""
    from gymtui.api.client import GymClient

    return GymClient(settings.base_url, settings.key, insecure=settings.insecure)


def _log_to(path: Path, *, debug: bool) -> None:
    """Log to a file of one's own; where that cannot be, do without, since the screen is taken."""
    logger = logging.getLogger("gymtui")
    logger.propagate = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
