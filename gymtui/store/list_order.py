"""In which order the gym lists its runs, put together from the pages in which it was read.

Pages overlap, shift and come in any order; which end of the list is new is not known beforehand
(`API.md`) and learnt from the times of a few runs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from datetime import datetime

_LEAST_GAP = 1e-6


class ListOrder:
    """The place of each run in the gym's own list: smaller numbers stand above."""

    def __init__(self) -> None:
        self._places: dict[str, float] = {}
        self._sorted: list[tuple[float, str]] | None = []
        self._learnt: set[str] = set()  # runs whose times are known
        self._learnt_sorted: list[tuple[float, str]] | None = []
        self._votes = 0
        self._last: tuple[float, datetime] | None = None

    def place(self, run_id: str) -> float:
        """Where a run stands; 0 for one that was never in a page."""
        return self._places.get(run_id, 0.0)

    @property
    def newest_first(self) -> bool | None:
        """Whether the newest run stands at the top; None while that is not known."""
        return None if self._votes == 0 else self._votes > 0

    def learn(self, run_id: str, created_at: datetime | None) -> None:
        """Take note of when a run was created: each two runs say which end of the list is new."""
        place = self._places.get(run_id)
        if place is None or created_at is None:
            return
        if run_id not in self._learnt:
            self._learnt.add(run_id)
            if self._learnt_sorted is not None:
                insort(self._learnt_sorted, (place, run_id))
        if self._last is not None and self._last[0] != place and self._last[1] != created_at:
            self._votes += 1 if (self._last[0] < place) is (self._last[1] > created_at) else -1
        self._last = (place, created_at)

    def take(self, ids: Sequence[str], offset: int) -> None:
        """Take a page in: the runs that it lists, below so many others by the gym's count."""
        new: list[str] = []
        below: float | None = None
        for index, run_id in enumerate(dict.fromkeys(ids)):
            place = self._places.get(run_id)
            if place is None:
                new.append(run_id)
                continue
            if new:
                self._put(new, below, place, offset + index - len(new))
                new = []
            below = place if below is None else max(below, place)
        if new:
            self._put(new, below, None, offset + len(ids) - len(new))

    def drop(self, run_ids: Iterable[str]) -> None:
        """Forget runs that are no longer known."""
        for run_id in run_ids:
            self._learnt.discard(run_id)
            if self._places.pop(run_id, None) is not None:
                self._moved()

    def begin_with(self, ids: Sequence[str]) -> None:
        """Forget the list but for what is known of its runs, and take it anew."""
        self._places = {}
        self._moved()
        self.take(ids, 0)

    def nearest(self, run_id: str) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
        """The nearest runs above and below whose times are known, each with how far away it is."""
        place = self._places.get(run_id)
        if place is None:
            return None, None
        if self._learnt_sorted is None:
            learnt = self._learnt & self._places.keys()
            self._learnt_sorted = sorted((self._places[name], name) for name in learnt)
        order, learnt_order, own = self._in_order(), self._learnt_sorted, (place, run_id)
        at, low, high = (
            bisect_left(order, own),
            bisect_left(learnt_order, own),
            bisect_right(learnt_order, own),
        )
        above, below = learnt_order[max(0, low - 1) : low], learnt_order[high : high + 1]
        return (
            (above[0][1], at - bisect_left(order, above[0])) if above else None,
            (below[0][1], bisect_left(order, below[0]) - at) if below else None,
        )

    def ids(self) -> tuple[str, ...]:
        """The runs in the order of the list as far as it is known."""
        return tuple(name for _, name in self._in_order())

    def ends(self) -> tuple[str, ...]:
        """The first and the last run of the list as far as it is known."""
        order = self._in_order()
        return (order[0][1], order[-1][1]) if len(order) > 1 else ()

    def _put(self, ids: Sequence[str], above: float | None, below: float | None, at: int) -> None:
        """Place runs below one place, above another, or where the gym's count says."""
        order = self._in_order()
        hangs_from_above = above is not None or below is None
        if above is None and below is not None:
            before = bisect_left(order, (below, "")) - 1
            above = order[before][0] if before >= 0 else below - len(ids) - 1
        elif above is None:
            above = float(at) - 1
        if below is None:
            after = bisect_right(order, (above, "\U0010ffff"))
            below = order[after][0] if after < len(order) else None
        gap = 1.0 if below is None else min(1.0, (below - above) / (len(ids) + 1))
        if gap <= 0:
            gap = _LEAST_GAP / 10  # the gym orders otherwise than before: they follow the one above
        first = above + gap
        if below is not None and not hangs_from_above and gap == 1.0:
            first = below - len(ids)
        for index, run_id in enumerate(ids):
            self._places[run_id] = first + gap * index
        self._moved()
        if gap < _LEAST_GAP:
            self._places = {name: float(n) for n, (_, name) in enumerate(self._in_order())}
            self._last = None
            self._moved()

    def _moved(self) -> None:
        self._sorted = self._learnt_sorted = None

    def _in_order(self) -> list[tuple[float, str]]:
        if self._sorted is None:
            self._sorted = sorted((place, name) for name, place in self._places.items())
        return self._sorted
