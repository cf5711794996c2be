"""A person's notes at one gym, in the lists as soon as they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gymtui.store.delta import Delta
from gymtui.store.history.notes import NoteOf, Notes
from gymtui.store.store import Store


class Notebook:
    """The notes at one gym; what they change in the lists is shown."""

    def __init__(self, kept: Notes, store: Store, show: Callable[[Delta], None]) -> None:
        self._kept = kept
        self._store = store
        self._show = show
        store.note(dict(self.all(NoteOf.ROLLOUT)))

    def all(self, kind: NoteOf) -> Mapping[str, str]:
        return self._kept.all(kind)

    def write(self, kind: NoteOf, ids: Sequence[str], text: str) -> None:
        """Put a note on runs or rollouts; an empty one removes it.

        Raises:
            OSError: It could not be kept; until the program ends it stands all the same.
        """
        try:
            self._kept.write(kind, ids, text)
        finally:
            if kind is NoteOf.RUN:
                self._show(Delta(runs_changed=frozenset(ids) & self._store.runs.keys()))
            else:
                self._show(self._store.note(dict(self.all(kind))))
