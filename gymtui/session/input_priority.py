"""Whose turn it is on the event loop: work in pieces stands back while a key waits for its frame.

What is done in pieces is the poller's and the screens' business; they ask here between two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

WAIT_S: Final = 0.04
"""A key that changes nothing on screen has no frame: it is waited for no longer than this."""
_LOOK_S: Final = 0.002


class InputPriority:
    """Lets keys go before work in pieces.

    A key passes through several callbacks before it is drawn. With a piece of work between any
    two of them, it would wait for all of the work, however small the pieces are.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until_s = monotonic()

    def key_pressed(self) -> None:
        self._until_s = self._monotonic() + WAIT_S

    def frame_drawn(self) -> None:
        self._until_s = self._monotonic()

    async def yield_to_input(self) -> None:
        """Let others have their turn, and keys all of theirs; call it between two pieces.

        However fast keys come, one more piece is done every `WAIT_S`.
        """
        await asyncio.sleep(0)
        for _ in range(round(WAIT_S / _LOOK_S)):
            if self._monotonic() >= self._until_s:
                return
            await asyncio.sleep(_LOOK_S)
