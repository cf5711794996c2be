"""What the person arranged on screen, kept in the state directory apart from the configuration.

A convenience: a file that is missing, broken or cannot be written changes nothing but that.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gymtui.whole_files import replace_text

log = logging.getLogger(__name__)

FILE = "arrangement.json"
_CLOSEST = 64
"""No timeline is so long that it could be looked at closer."""


@dataclass(frozen=True, slots=True)
class ListArrangement:
    """How one list is arranged.

    Attributes:
        order: The column it is ordered by; None for the list's own choice.
        reverse: Whether that order is reversed.
        hidden: Columns that are not wanted.
        filter: The filter in force.
        gym: Which gym and source that filter is for.
        group: What it is grouped by, or None.
        only_active: Whether only what is active is shown.
        zoom: How close its timeline is looked at: how often its span is halved.
        wall: Whether its timeline goes by the clock.
    """

    order: str | None = None
    reverse: bool = False
    hidden: tuple[str, ...] = ()
    filter: str = ""
    gym: str = ""
    group: str | None = None
    only_active: bool = False
    zoom: int = 0
    wall: bool = False


@dataclass(slots=True)
class Arrangement:
    """The arrangement of every list, by the list's name.

    Attributes:
        path: Where it is kept; None keeps nothing.
        lists: By name.
        profile: The profile that was picked last, unless it is the usual one.
        theme: The theme that was chosen in the program, or None.
        on_change: Called when there is something to `save`; without it that is done at once.
    """

    path: Path | None = None
    lists: dict[str, ListArrangement] = field(default_factory=dict)
    profile: str | None = None
    theme: str | None = None
    on_change: Callable[[], None] | None = field(default=None, compare=False, repr=False)
    _unsaved: str | None = field(default=None, init=False, compare=False, repr=False)
    _saving: threading.Lock = field(
        default_factory=threading.Lock, init=False, compare=False, repr=False
    )

    @classmethod
    def read(cls, directory: Path | None) -> Arrangement:
        """Read what was kept.

        Args:
            directory: The state directory, or None to keep nothing.
        """
        if directory is None:
            return cls()
        path = directory / FILE
        try:
            kept = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return cls(path)
        kept = kept if isinstance(kept, dict) else {}
        lists, profile, theme = kept.get("lists"), kept.get("profile"), kept.get("theme")
        return cls(
            path,
            {n: _list(v) for n, v in lists.items()} if isinstance(lists, dict) else {},
            profile if isinstance(profile, str) else None,
            theme if isinstance(theme, str) else None,
        )

    def of(self, name: str) -> ListArrangement:
        """How a list is arranged."""
        return self.lists.get(name, ListArrangement())

    def change(self, name: str, **changes: Any) -> None:
        """Arrange a list otherwise, and keep that."""
        before = self.of(name)
        after = replace(before, **changes)
        if after != before:
            self.lists[name] = after
            self._changed()

    def pick(self, profile: str | None) -> None:
        """Remember which profile was picked last.

        Args:
            profile: Its name; None for the usual one, which need not be remembered.
        """
        if profile != self.profile:
            self.profile = profile
            self._changed()

    def choose_theme(self, name: str) -> None:
        """Remember which theme was chosen last."""
        if name != self.theme:
            self.theme = name
            self._changed()

    def _changed(self) -> None:
        if self.path is None:
            return
        lists = {name: asdict(kept) for name, kept in self.lists.items()}
        document = {"profile": self.profile, "theme": self.theme, "lists": lists}
        self._unsaved = json.dumps(document, indent=1)
        if self.on_change is not None:
            self.on_change()
        else:
            self.save()

    def save(self) -> None:
        """Write what is not written yet; from any thread, and the latest is what stays."""
        with self._saving:
            text, self._unsaved = self._unsaved, None
            if text is None or self.path is None:
                return
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                replace_text(self.path, text)
            except OSError as error:
                log.warning("what was arranged cannot be kept: %s", error)


def _list(value: object) -> ListArrangement:
    """One list's arrangement as kept; what is not of the right type counts as absent."""
    kept = value if isinstance(value, dict) else {}
    order, group, text = kept.get("order"), kept.get("group"), kept.get("filter")
    gym = kept.get("gym")
    hidden, zoom = kept.get("hidden"), kept.get("zoom")
    return ListArrangement(
        order=order if isinstance(order, str) else None,
        reverse=kept.get("reverse") is True,
        hidden=tuple(str(name) for name in hidden) if isinstance(hidden, list) else (),
        filter=text if isinstance(text, str) else "",
        gym=gym if isinstance(gym, str) else "",
        group=group if isinstance(group, str) else None,
        only_active=kept.get("only_active") is True,
        zoom=zoom if type(zoom) is int and 0 <= zoom <= _CLOSEST else 0,
        wall=kept.get("wall") is True,
    )
