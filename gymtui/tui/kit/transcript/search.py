"""The search of one transcript on screen: what was typed, what is found, where the reader stands.

It goes on in a thread, so that typing does, its matches handed over in batches to be marked.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from gymtui.transcript.blocks import Transcript
from gymtui.transcript.search import (
    MOST,
    Match,
    PatternError,
    Query,
    find,
    parse,
    passages_of,
)
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.transcript.outline_pane import OutlinePane
from gymtui.tui.kit.transcript.reader import TranscriptReader

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
    stopped: threading.Event = field(default_factory=threading.Event)  # nobody wants more
    current_index: int = -1  # which match one stands on; -1 before the first jump

    def add(self, batch: list[Match]) -> None:
        """Take more matches."""
        self.matches += batch
        for match in batch:
            self.by_part.setdefault((match.turn, match.block, match.part), []).append(match)
            self.turns.add(match.turn)

    @property
    def current(self) -> Match | None:
        """The match one stands on."""
        return (
            self.matches[self.current_index]
            if 0 <= self.current_index < len(self.matches)
            else None
        )

    def first_from(self, place: tuple[int, int, int, int]) -> Match | None:
        """Stand on the first match at a place (turn, block, part, character) or after it.

        After the last one it is the first of all.
        """
        if not self.matches:
            return None
        found = bisect_left(self.matches, Match(*place, 0))
        self.current_index = found if found < len(self.matches) else 0
        return self.current

    def step(self, step: int, place: tuple[int, int, int, int]) -> Match | None:
        """Stand on the next (1) or previous (-1) match, around the end if there is one.

        Where none is stood on, from the place where the reader is.
        """
        if not self.matches:
            return None
        if self.current_index < 0:
            after = bisect_right(self.matches, Match(*place, 0))
            self.current_index = after if step > 0 else after - 1
        else:
            self.current_index += step
        self.current_index %= len(self.matches)
        return self.current

    @property
    def words(self) -> str:
        """The count, as it stands."""
        count = len(self.matches)
        more = "+" if count >= MOST else "" if self.done else " …"
        if not count:
            return "no match" if self.done else "searching …"
        return f"{self.current_index + 1 if self.current_index >= 0 else '–'} of {count:,}{more}"


class Search:
    """Finds text in what a reader holds, and marks it there and in the outline.

    What changed is told with a match that is to be shown, or None when only the count moved.
    """

    def __init__(
        self,
        reader: TranscriptReader,
        outline: OutlinePane,
        changed: Callable[[Match | None], None],
    ) -> None:
        self._reader = reader
        self._outline = outline
        self._on_change = changed
        self._found: FoundMatches | None = None
        self._start_match: Match | None = None
        self.typed = ""
        """What is searched for."""

    def begin(self, typed: str, at: Match | None = None) -> str | None:
        """Search for something else, or for nothing; what is wrong with it, or None.

        Args:
            typed: A text, or `re:` and a regular expression.
            at: The match to stand on, where it is known; else the first from here on.
        """
        self.stop()
        self.typed, self._start_match = typed, at
        if not typed or self._reader.transcript is None:
            return None
        try:
            query = parse(typed)
        except PatternError as error:
            return str(error)
        found = self._found = FoundMatches()
        looking = (found, self._reader.transcript, query)
        threading.Thread(
            target=self._search_in_thread, args=looking, name="search", daemon=True
        ).start()
        return None

    def _search_in_thread(self, found: FoundMatches, transcript: Transcript, query: Query) -> None:
        """Search, in a thread of its own."""
        batch: list[Match] = []
        problem = ""
        try:
            for match in find(passages_of(transcript), query, found.stopped.is_set):
                batch.append(match)
                if len(batch) >= _BATCH:
                    self._deliver(found, batch, False, "")
                    batch = []
        except PatternError as error:
            problem = str(error)
        self._deliver(found, batch, True, problem)

    def _deliver(self, found: FoundMatches, batch: list[Match], done: bool, problem: str) -> None:
        if not found.stopped.is_set():
            self._reader.app.call_from_thread(self._take, found, batch, done, problem)

    def stop(self) -> None:
        """Search for nothing."""
        self.end()
        self._found = None
        self.typed = ""
        self._reader.mark({}, None)
        self._outline.mark(frozenset())

    def end(self) -> None:
        """Let a search that is under way go."""
        if self._found is not None:
            self._found.stopped.set()

    @property
    def is_active(self) -> bool:
        """Whether something is searched for, or was found."""
        return self._found is not None

    @property
    def done(self) -> bool:
        """Whether all of the transcript was searched."""
        return self._found is not None and self._found.done

    def words(self) -> Cell:
        """What is searched for, and how many times it was found."""
        if self._found is None:
            return ()
        pieces = (StyledText(f"/{self.typed} ", "accent"), StyledText(self._found.words, "muted"))
        problem = self._found.problem
        return (*pieces, StyledText(f"  {problem}", "warning")) if problem else pieces

    def select_match(self, match: Match) -> None:
        """Stand on a match that is known; the next one is the one after it."""
        if self._found is not None:
            self._start_match = match
            self._found.first_from(match[:4])
            self._reader.mark(self._found.by_part, match)

    def step(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) match; whether there is another."""
        if self._found is None:
            return False
        before = self._found.current
        match = self._found.step(step, self._reader.top_place)
        if match is not None:
            self._go(match)
        return match is not None and match != before

    def _take(self, found: FoundMatches, batch: list[Match], done: bool, problem: str) -> None:
        """Take matches from the search."""
        if found is not self._found or not self._reader.is_mounted:
            return
        found.add(batch)
        found.done, found.problem = done, problem
        self._outline.mark(frozenset(found.turns))
        first = self._first(found) if found.current_index < 0 else None
        if first is not None:
            self._go(first)
        else:
            self._reader.mark(found.by_part, found.current)
            self._on_change(None)

    def _first(self, found: FoundMatches) -> Match | None:
        """The first match from here on, once it is known."""
        place = self._reader.top_place if self._start_match is None else self._start_match[:4]
        if found.matches and (found.done or found.matches[-1] >= Match(*place, 0)):
            return found.first_from(place)
        return None

    def _go(self, match: Match) -> None:
        assert self._found is not None  # noqa: S101  (it is where the match comes from)
        self._reader.mark(self._found.by_part, match)
        self._on_change(match)
