"""How far the list of runs was read in this round, in whatever pages and order it came.

Which page to ask next, and when, is decided in `poll.plan`.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct, field

PAGE_OVERLAP = 20
"""Rows that neighbouring pages share, so that a few shifting ones are neither lost nor doubled."""


class Sweep(Struct):
    """One round over all pages after the other."""

    rounds: int = 0  # completed ones; 0 means that the first is still under way
    # When this one began, monotonic seconds; None before the first answer.
    began_s: float | None = None
    next: int = 0  # everything before this offset was read in this round, less the overlap
    total: int | None = None  # the server's own count, as last given
    # What was known when the last completed round began and was not listed in it.
    missed: frozenset[str] = frozenset()
    # The most rows that a page ever held: a server may give fewer than it was asked for.
    page_size: int = 0
    _seen: set[str] = field(default_factory=set)
    _known: frozenset[str] = frozenset()
    _first: str | None = None

    @property
    def overlap(self) -> int:
        """Rows that neighbouring pages share."""
        return min(PAGE_OVERLAP, self.page_size // 2)

    def note_answer(
        self,
        offset: int,
        ids: tuple[str, ...],
        total: int | None,
        known: Collection[str],
        now_s: float,
    ) -> bool:
        """Take note of a page, whichever reason it was asked for; whether a round is complete."""
        if self.began_s is None:
            self.began_s = now_s
        if total is not None and self.total is not None and total < self.total:
            # Rows were taken out, perhaps before here: the rest has moved up by as many.
            self.next = max(0, self.next - (self.total - total))
        self.total = total
        self._seen.update(ids)
        self.page_size = max(self.page_size, len(ids))
        if offset == 0:
            self._first = ids[0] if ids else None
        if offset > self.next:
            return False
        reached = offset + len(ids)
        self.next = max(self.next, reached - min(PAGE_OVERLAP, len(ids) // 2))
        if not self._is_last(offset, ids, total):
            return False
        self.missed = self._known - self._seen
        self.rounds += 1
        self.began_s, self.next = now_s, 0
        self._seen = set()
        self._known = frozenset(known)
        return True

    def _is_last(self, offset: int, ids: tuple[str, ...], total: int | None) -> bool:
        if not ids or (offset > 0 and ids[0] == self._first):
            return True  # nothing there; or a server that gives its first page for any offset
        if total is not None:
            return offset + len(ids) >= total
        return len(ids) < self.page_size
