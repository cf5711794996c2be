"""How long the person was away, and whether it is time to say what happened meanwhile."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gymtui.core.atomic_write import locked, replace_text
from gymtui.session.session import Session
from gymtui.store.digest import Digest

log = logging.getLogger(__name__)

FILE = "last-seen.json"
AWAY_S = 3600.0
"""Without a key for so long, the person was away."""
KEPT_EVERY_S = 60.0
"""How often it is written down that somebody is there: a kill loses no more."""
GYMS_KEPT = 50


class Absence:
    """Knows since when nobody looked at a gym.

    Args:
        directory: Where that is kept from one time to the next; None keeps nothing.
    """

    def __init__(self, directory: Path | None, wall: Callable[[], float]) -> None:
        self._path = directory / FILE if directory is not None else None
        self._wall = wall
        self._gym: str | None = None
        self._key_s = wall()
        self._kept_s = self._key_s
        self._since_s: float | None = None
        self._is_reported = True

    def since(self, session: Session) -> datetime | None:
        """Since when nobody looked at a session's gym; None if that is not known."""
        self._at(session)
        return None if self._since_s is None else datetime.fromtimestamp(self._since_s, UTC)

    def key_pressed(self) -> None:
        """Somebody is there."""
        now_s = self._wall()
        # Where nothing is kept (the demo, a replay), nobody comes back to it.
        if self._path is not None and now_s - self._key_s >= AWAY_S:
            self._since_s, self._is_reported = self._key_s, False
        self._key_s = now_s

    def due(self, session: Session) -> Digest | None:
        """What happened while nobody looked, once, as soon as all of it is known."""
        since = self.since(session)
        if self._key_s - self._kept_s >= KEPT_EVERY_S:
            self.keep()
        known = session.link.synced and not session.link.reading
        if self._path is None or self._is_reported or since is None or not known:
            return None
        self._is_reported = True
        return session.digest(since) or None

    def keep(self) -> None:
        """Write down until when somebody was there."""
        self._kept_s = self._key_s
        if self._path is None or self._gym is None:
            return
        try:
            with locked(self._path.parent):
                seen = {**self._read(), self._gym: self._key_s}
                latest = sorted(seen.items(), key=lambda kept: kept[1])[-GYMS_KEPT:]
                replace_text(self._path, json.dumps(dict(latest)))
        except OSError as error:
            log.warning("it cannot be kept when the dashboard was left: %s", error)

    def _at(self, session: Session) -> None:
        """Another gym is looked at: since when nobody looked at that one."""
        gym = f"{session.settings.base_url} {session.settings.source}"
        if gym != self._gym:
            self._gym = gym
            self._since_s = self._read().get(gym)
            self._is_reported = self._since_s is None

    def _read(self) -> dict[str, float]:
        try:
            kept = json.loads(self._path.read_bytes()) if self._path is not None else {}
        except (OSError, ValueError):
            return {}
        found = kept.items() if isinstance(kept, dict) else ()
        return {gym: at for gym, at in found if isinstance(at, float) and 0 < at < 2**40}
