"""Numbers kept in ascending order while some come and others go: what quantiles are read from."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import overload


class SortedNumbers(Sequence[float]):
    """Numbers, some of them alike, the smallest first; each costs two look-ups and a shift."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[float] = []

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[float]:
        return iter(self._values)

    @overload
    def __getitem__(self, place: int) -> float: ...
    @overload
    def __getitem__(self, place: slice) -> list[float]: ...
    def __getitem__(self, place: int | slice) -> float | list[float]:
        return self._values[place]

    @property
    def first(self) -> float | None:
        """The smallest, or None."""
        return self._values[0] if self._values else None

    @property
    def last(self) -> float | None:
        """The largest, or None."""
        return self._values[-1] if self._values else None

    def add(self, value: float | None) -> None:
        """Take a number in; None, which says that there is none, is nothing."""
        if value is not None:
            insort(self._values, value)

    def remove(self, value: float | None) -> None:
        """Take one of these numbers out again; None likewise."""
        if value is None:
            return
        place = bisect_left(self._values, value)
        if place == len(self._values) or self._values[place] != value:
            raise ValueError(f"{value!r} is not there")
        del self._values[place]
