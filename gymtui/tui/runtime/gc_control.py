"""When Python may look for garbage: never for long while somebody types.

A full collection looks at every object there is: with 10,000 rollouts known it holds everything up
for 0.1 s and more. What is known is no garbage and goes by counting references, so it is set aside;
looking through all of it waits until nobody is there to notice.
"""

from __future__ import annotations

import gc
from typing import Final

ROWS: Final = 2_000
"""Rows that may come or change before they are set aside: some 10 ms of looking at them."""
AWAY_S: Final = 60.0
"""Without a key for so long, nobody notices a hold of a few tenths of a second."""
EVERY_S: Final = 1800.0
"""How often everything is looked through, at most."""
_NEVER: Final = 1_000_000
"""As the third threshold: full collections are begun here alone."""


class GcControl:
    """Sets aside what is known, and has everything looked through now and then."""

    def __init__(self, now_s: float) -> None:
        self._rows = 0
        self._looked_s = now_s
        self._key_s = now_s
        self._thresholds = gc.get_threshold()

    def begin(self) -> None:
        """The program is up: what it was made of stays. Call it once, after the first frame."""
        young, middle, _ = self._thresholds
        gc.set_threshold(young, middle, _NEVER)
        gc.enable()
        gc.freeze()

    def end(self) -> None:
        """The program ends, its process perhaps not: leave all to Python again."""
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    def key_pressed(self, now_s: float) -> None:
        """Somebody pressed a key."""
        self._key_s = now_s

    def rows_changed(self, rows: int) -> None:
        """Rows came or changed."""
        self._rows += rows
        if self._rows >= ROWS:
            self._rows = 0
            gc.collect(1)
            gc.freeze()

    def freeze(self) -> None:
        """Something large was opened, and stays for as long as somebody reads it.

        Left out of the collector's rounds, these take 10 ms instead of 70.
        """
        gc.freeze()

    def idle(self, now_s: float) -> bool:
        """Look through everything if it is time and nobody is there; for a slow timer."""
        if now_s - self._key_s < AWAY_S or now_s - self._looked_s < EVERY_S:
            return False
        self._looked_s = now_s
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        return True
