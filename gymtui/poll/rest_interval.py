"""How often what is not on screen is asked about, as it is told: in few steps, never flickering."""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

_STEPS_S = (5, 8, 10, 12, 15, 18, 20, 25, 30, 45, 60, 90, 120, 180, 300, 600)
_REMEMBERED_S = 60.0


class RestInterval(Struct):
    """The longest that anything has waited within the last minute."""

    _waits: deque[tuple[float, float]] = field(default_factory=deque)

    def add(self, waited_s: float, now_s: float) -> None:
        """Note that something waited for so long; what was never asked before says nothing."""
        if waited_s < _STEPS_S[-1]:
            while self._waits and self._waits[-1][1] <= waited_s:
                self._waits.pop()
            self._waits.append((now_s, waited_s))

    def seconds(self, interval_s: float, now_s: float) -> float | None:
        """How often it is asked, rounded up; None where that is hardly less often than the rest."""
        while self._waits and self._waits[0][0] < now_s - _REMEMBERED_S:
            self._waits.popleft()
        longest_s = self._waits[0][1] if self._waits else 0.0
        if longest_s <= 3 * interval_s:
            return None
        return next((float(step) for step in _STEPS_S if longest_s <= step), float(_STEPS_S[-1]))
