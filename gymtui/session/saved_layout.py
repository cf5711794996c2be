"""What the person arranged on screen, kept in the state directory apart from the configuration.

A convenience: a file that is missing, broken or cannot be written changes nothing but that.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from gymtui.core.atomic_write import locked, replace_text
from gymtui.core.replacement import replace

log = logging.getLogger(__name__)

FILE = "arrangement.json"
FILTERS_KEPT = 50
"""Gyms whose filters are remembered; those that were filtered longest ago are forgotten first."""
_CLOSEST = 64  # no timeline is so long that it could be looked at closer


class ListLayout(Struct, frozen=True):
    order: str | None = None  # the column it is ordered by; None for the list's own choice
    reverse: bool = False  # whether that order is reversed
    hidden: tuple[str, ...] = ()  # columns that are not wanted
    group: str | None = None  # what it is grouped by, or None
    only_active: bool = False  # whether only what is active is shown
    zoom: int = 0  # how close its timeline is looked at: how often its span is halved
    wall: bool = False  # whether its timeline goes by the clock


@dataclass(slots=True)
class _UnsavedChanges:
    """What was changed and is not written yet: that alone, since others may write meanwhile."""

    # By the list's name, its changed fields.
    lists: dict[str, dict[str, Any]] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)  # by gym and source
    # `profile` and `theme`, by what they are.
    names: dict[str, str | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.lists or self.filters or self.names)


@dataclass(slots=True)
class SavedLayout:
    """The arrangement of every list, by the list's name."""

    path: Path | None = None  # where it is kept; None keeps nothing
    lists: dict[str, ListLayout] = field(default_factory=dict)  # by name
    # The run list's filter, by gym and source.
    filters: dict[str, str] = field(default_factory=dict)
    profile: str | None = None  # the profile that was last used, unless it is the usual one
    theme: str | None = None  # the theme that was chosen in the program, or None
    # Called when there is something to `save`; without it that is done at once.
    on_change: Callable[[], None] | None = field(default=None, compare=False, repr=False)
    _unsaved: _UnsavedChanges = field(
        default_factory=_UnsavedChanges, init=False, compare=False, repr=False
    )
    _noting: threading.Lock = field(
        default_factory=threading.Lock, init=False, compare=False, repr=False
    )
    _saving: threading.Lock = field(
        default_factory=threading.Lock, init=False, compare=False, repr=False
    )

    @classmethod
    def read(cls, directory: Path | None) -> SavedLayout:
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
            _filters(kept),
            profile if isinstance(profile, str) else None,
            theme if isinstance(theme, str) else None,
        )

    def of(self, name: str) -> ListLayout:
        return self.lists.get(name, ListLayout())

    def change(self, name: str, **changes: Any) -> None:
        before = self.of(name)
        after = replace(before, **changes)
        if after != before:
            self.lists[name] = after
            with self._noting:
                self._unsaved.lists.setdefault(name, {}).update(changes)
            self._changed()

    def keep_filter(self, gym: str, text: str) -> None:
        """Remember the run list's filter for a gym and source; "" for none."""
        if text != self.filters.get(gym, ""):
            _put_filter(self.filters, gym, text)
            with self._noting:
                self._unsaved.filters[gym] = text
            self._changed()

    def pick(self, profile: str | None) -> None:
        """Remember which profile was last used; None for the usual one."""
        if profile != self.profile:
            self.profile = profile
            self._named("profile", profile)

    def choose_theme(self, name: str) -> None:
        if name != self.theme:
            self.theme = name
            self._named("theme", name)

    def _named(self, what: str, name: str | None) -> None:
        with self._noting:
            self._unsaved.names[what] = name
        self._changed()

    def _changed(self) -> None:
        if self.path is None:
            return
        if self.on_change is not None:
            self.on_change()
        else:
            self.save()

    def save(self) -> None:
        """Write what is not written yet into what is there; from any thread."""
        with self._saving:
            with self._noting:
                unsaved, self._unsaved = self._unsaved, _UnsavedChanges()
            if not unsaved or self.path is None:
                return
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # Another program of the same person may have written meanwhile.
                with locked(self.path.parent):
                    there = SavedLayout.read(self.path.parent)
                    for name, changes in unsaved.lists.items():
                        there.lists[name] = replace(there.of(name), **changes)
                    for gym, text in unsaved.filters.items():
                        _put_filter(there.filters, gym, text)
                    document = {
                        "profile": unsaved.names.get("profile", there.profile),
                        "theme": unsaved.names.get("theme", there.theme),
                        "filters": there.filters,
                        "lists": {name: asdict(kept) for name, kept in there.lists.items()},
                    }
                    replace_text(self.path, json.dumps(document, indent=1))
            except OSError as error:
                log.warning("what was arranged cannot be kept: %s", error)


def _put_filter(filters: dict[str, str], gym: str, text: str) -> None:
    filters.pop(gym, None)
    if text:
        filters[gym] = text
    for oldest in list(filters)[:-FILTERS_KEPT]:
        del filters[oldest]


def _filters(kept: dict[str, Any]) -> dict[str, str]:
    """The filters as kept; what is not of the right type counts as absent."""
    found = kept.get("filters")
    texts = found.items() if isinstance(found, dict) else ()
    return {gym: text for gym, text in texts if isinstance(text, str)}


def _list(value: object) -> ListLayout:
    """One list's arrangement as kept; what is not of the right type counts as absent."""
    kept = value if isinstance(value, dict) else {}
    order, group = kept.get("order"), kept.get("group")
    hidden, zoom = kept.get("hidden"), kept.get("zoom")
    return ListLayout(
        order=order if isinstance(order, str) else None,
        reverse=kept.get("reverse") is True,
        hidden=tuple(str(name) for name in hidden) if isinstance(hidden, list) else (),
        group=group if isinstance(group, str) else None,
        only_active=kept.get("only_active") is True,
        zoom=zoom if type(zoom) is int and 0 <= zoom <= _CLOSEST else 0,
        wall=kept.get("wall") is True,
    )
