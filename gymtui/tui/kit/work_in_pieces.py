"""Work of a screen that is done at once where it is little, else in pieces, keys between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gymtui.tui.kit.screen import GymScreen


class WorkInPieces:
    """Work that is asked for again and again: what is asked for meanwhile is done once, after it.

    It stops now and then for keys, and ends with its screen.
    """

    def __init__(self, screen: GymScreen, work: Callable[[], Iterator[None]]) -> None:
        self._screen = screen
        self._work = work
        self._is_due = self._is_abandoned = False
        self.is_under_way = False
        """Whether it is being done, in pieces."""

    def begin(self, *, at_once: bool, anew: bool = False) -> None:
        """Do it: at once if it is little, unless it is under way; that is gone on with first.

        If `anew`, what is under way is good for nothing any more.
        """
        if at_once and not self.is_under_way:
            for _ in self._work():
                pass
            return
        self._is_due, self._is_abandoned = True, self._is_abandoned or anew
        if not self.is_under_way:
            self.is_under_way = True
            self._screen.run_worker(self._in_pieces(), group="pieces", exit_on_error=True)

    async def _in_pieces(self) -> None:
        try:
            while self._is_due:
                self._is_due = self._is_abandoned = False
                for _ in self._work():
                    await self._screen.services.input_priority.yield_to_input()
                    if self._is_abandoned:
                        break
        finally:
            self.is_under_way = False
