"""The search of one transcript on screen: what was typed, what is found, where the reader stands.

Looking goes on in a thread of its own (`finder`); what it found is marked in body and outline here.
"""

from __future__ import annotations

from collections.abc import Callable

from gymtui.transcript.search import Match, PatternError, parse
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.transcript.finder import Finder, FoundMatches
from gymtui.tui.kit.transcript.outline_pane import OutlinePane
from gymtui.tui.kit.transcript.reader import TranscriptReader


class Search:
    """Finds text in what a reader holds.

    Args:
        reader: Where matches are marked.
        outline: Where the turns that hold some are.
        changed: Called with a match that is to be shown, or with None when only the count moved.
    """

    def __init__(
        self,
        reader: TranscriptReader,
        outline: OutlinePane,
        changed: Callable[[Match | None], None],
    ) -> None:
        self._reader = reader
        self._outline = outline
        self._changed = changed
        self._found: FoundMatches | None = None
        self._finder: Finder | None = None
        self._at: Match | None = None
        self.typed = ""
        """What is searched for."""

    def begin(self, typed: str, at: Match | None = None) -> str | None:
        """Search for something else, or for nothing.

        Args:
            typed: A text, or `re:` and a regular expression.
            at: The match to stand on, where it is known; else the first from here on.

        Returns:
            What is wrong with it, or None.
        """
        self.stop()
        self.typed, self._at = typed, at
        if not typed or self._reader.transcript is None:
            return None
        try:
            query = parse(typed)
        except PatternError as error:
            return str(error)
        found = self._found = FoundMatches()

        def hand_over(batch: list[Match], done: bool, problem: str) -> None:
            self._reader.app.call_from_thread(self._take, found, batch, done, problem)

        self._finder = Finder(self._reader.transcript, query, hand_over)
        self._finder.start()
        return None

    def stop(self) -> None:
        """Search for nothing."""
        self.end()
        self._finder = self._found = None
        self.typed = ""
        self._reader.mark({}, None)
        self._outline.mark(frozenset())

    def end(self) -> None:
        """Let a search that is under way go."""
        if self._finder is not None:
            self._finder.stop()

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

    def stand_on(self, match: Match) -> None:
        """Stand on a match that is known; the next one is the one after it."""
        if self._found is not None:
            self._at = match
            self._found.first_from(match[:4])
            self._reader.mark(self._found.by_part, match)

    def step(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) match; whether there is another."""
        if self._found is None:
            return False
        before = self._found.current
        match = self._found.step(step, self._reader.place)
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
        first = self._first(found) if found.here < 0 else None
        if first is not None:
            self._go(first)
        else:
            self._reader.mark(found.by_part, found.current)
            self._changed(None)

    def _first(self, found: FoundMatches) -> Match | None:
        """The first match from here on, once it is known."""
        place = self._reader.place if self._at is None else self._at[:4]
        if found.matches and (found.done or found.matches[-1] >= Match(*place, 0)):
            return found.first_from(place)
        return None

    def _go(self, match: Match) -> None:
        assert self._found is not None  # noqa: S101  (it is where the match comes from)
        self._reader.mark(self._found.by_part, match)
        self._changed(match)
