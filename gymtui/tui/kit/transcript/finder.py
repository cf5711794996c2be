"""A search under way: in a thread, so that typing goes on, its matches handed over in batches."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from gymtui.transcript.blocks import Transcript
from gymtui.transcript.search import MOST, Match, PatternError, Query, find, passages_of

_BATCH = 2000


@dataclass
class FoundMatches:
    """What a search has found so far, and where one stands in it."""

    matches: list[Match] = field(default_factory=list)
    # The same by turn, block and part.
    by_part: dict[tuple[int, int, int], list[Match]] = field(default_factory=dict)
    turns: set[int] = field(default_factory=set)  # the turns that hold any
    done: bool = False  # whether all was looked at
    problem: str = ""  # why it ended early, for the person; or empty
    here: int = -1  # which match one stands on; -1 before the first jump

    def add(self, batch: list[Match]) -> None:
        """Take more matches."""
        self.matches += batch
        for match in batch:
            self.by_part.setdefault((match.turn, match.block, match.part), []).append(match)
            self.turns.add(match.turn)

    @property
    def current(self) -> Match | None:
        """The match one stands on."""
        return self.matches[self.here] if 0 <= self.here < len(self.matches) else None

    def first_from(self, place: tuple[int, int, int, int]) -> Match | None:
        """Stand on the first match at a place (turn, block, part, character) or after it.

        After the last one it is the first of all.
        """
        if not self.matches:
            return None
        found = bisect_left(self.matches, Match(*place, 0))
        self.here = found if found < len(self.matches) else 0
        return self.current

    def step(self, step: int, place: tuple[int, int, int, int]) -> Match | None:
        """Stand on the next (1) or previous (-1) match, around the end if there is one.

        Args:
            place: Where the reader is, if no match is stood on.
        """
        if not self.matches:
            return None
        if self.here < 0:
            after = bisect_right(self.matches, Match(*place, 0))
            self.here = after if step > 0 else after - 1
        else:
            self.here += step
        self.here %= len(self.matches)
        return self.current

    @property
    def words(self) -> str:
        """The count, as it stands."""
        count = len(self.matches)
        more = "+" if count >= MOST else "" if self.done else " …"
        if not count:
            return "no match" if self.done else "searching …"
        return f"{self.here + 1 if self.here >= 0 else '–'} of {count:,}{more}"


class Finder:
    """A search that runs until it is through or `stop` is called.

    Args:
        hand_over: Called from another thread with a batch of matches, whether that is all, and
            what went wrong.
    """

    def __init__(
        self,
        transcript: Transcript,
        query: Query,
        hand_over: Callable[[list[Match], bool, str], None],
    ) -> None:
        self._transcript = transcript
        self._query = query
        self._hand_over = hand_over
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="search", daemon=True).start()

    def stop(self) -> None:
        """Nobody wants to know any more."""
        self._stopped.set()

    def _run(self) -> None:
        batch: list[Match] = []
        problem = ""
        try:
            for match in find(passages_of(self._transcript), self._query, self._stopped.is_set):
                batch.append(match)
                if len(batch) >= _BATCH:
                    self._send(batch, False, "")
                    batch = []
        except PatternError as error:
            problem = str(error)
        self._send(batch, True, problem)

    def _send(self, batch: list[Match], done: bool, problem: str) -> None:
        if not self._stopped.is_set():
            self._hand_over(batch, done, problem)
