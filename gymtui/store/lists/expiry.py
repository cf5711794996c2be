"""Which ids must be looked at again by when, so that time passing costs only what it changes."""

from __future__ import annotations

from heapq import heapify, heappop, heappush


class ExpiryQueue:
    """A moment an id, the soonest found first; replacing and dropping moments is cheap."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []  # also holds what was replaced, until it is met

    def __len__(self) -> int:
        return len(self._moments)

    @property
    def next(self) -> float | None:
        """The soonest moment, or None."""
        self._drop_replaced()
        return self._heap[0][0] if self._heap else None

    def put(self, key: str, moment: float | None) -> None:
        """Set when an id is due, None for never, in place of what was set before."""
        if self._moments.get(key) == moment:
            return
        if moment is None:
            del self._moments[key]
            return
        self._moments[key] = moment
        if len(self._heap) > 2 * len(self._moments) + 64:
            self._heap = [(due, key) for key, due in self._moments.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (moment, key))

    def take_due(self, now: float) -> list[str]:
        """The ids that are due at `now` or before, which are forgotten."""
        due: list[str] = []
        self._drop_replaced()
        while self._heap and self._heap[0][0] <= now:
            _, key = heappop(self._heap)
            del self._moments[key]
            due.append(key)
            self._drop_replaced()
        return due

    def clear(self) -> None:
        """Forget everything."""
        self._moments.clear()
        self._heap.clear()

    def _drop_replaced(self) -> None:
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
