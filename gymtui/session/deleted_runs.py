"""Runs that were deleted: they are shown as such for a while, then they leave the lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from gymtui.store.store import Store

SHOWN_S = 5.0
"""How long a deleted run stays on screen, struck through."""


class DeletedRuns:
    """The deleted runs of one gym."""

    def __init__(self, store: Store, drop: Callable[[frozenset[str]], None]) -> None:
        self._store = store
        self._drop = drop

    def drop_later(self, run_ids: Iterable[str]) -> None:
        """Let those of these runs that are deleted be seen as such, then drop them."""
        deleted = self._deleted(run_ids)
        if deleted:
            asyncio.get_running_loop().call_later(SHOWN_S, self._drop_deleted, deleted)

    def _drop_deleted(self, run_ids: frozenset[str]) -> None:
        self._drop(self._deleted(run_ids))

    def _deleted(self, run_ids: Iterable[str]) -> frozenset[str]:
        runs = self._store.runs
        return frozenset(i for i in run_ids if i in runs and runs[i].is_deleted)
