"""Numbers kept in ascending order while some come and others go: what quantiles are read from."""

from __future__ import annotations

from bisect import bisect_left, insort


class SortedNumbers(list[float]):
    """Numbers, some of them alike, the smallest first; each costs two look-ups and a shift."""

    __slots__ = ()

    @property
    def first(self) -> float | None:
        """The smallest, or None."""
        return self[0] if self else None

    @property
    def last(self) -> float | None:
        """The largest, or None."""
        return self[-1] if self else None

    def add(self, value: float | None) -> None:
        """Take a number in; None, which says that there is none, is nothing."""
        if value is not None:
            insort(self, value)

    def remove(self, value: float | None) -> None:
        """Take one of these numbers out again; None likewise."""
        if value is None:
            return
        place = bisect_left(self, value)
        if place == len(self) or self[place] != value:
            raise ValueError(f"{value!r} is not there")
        del self[place]
