"""Wildcard patterns of the filter language: `*` any text, `?` one character, all else itself.

Matching never backtracks, so that a pattern such as `*a*a*a*b` costs no more than a walk of the
text a part (times the part's length where it holds a `?`). Which words are patterns, and where
they are looked for, is `store.lists.query`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gymtui.core.normalization import folded

_WILDCARD = re.compile(r"[*?]")


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands between two stars: a fixed number of characters.

    Attributes:
        length: How many characters of a text it covers.
        literal: Its text; with `?` in it, unused.
        pattern: With `?` in it, the equivalent expression, of fixed length and without repeats.
    """

    length: int
    literal: str
    pattern: re.Pattern[str] | None

    def stands_at(self, text: str, position: int) -> bool:
        """Whether the text has it at that position."""
        if self.pattern is None:
            return text.startswith(self.literal, position)
        return self.pattern.match(text, position) is not None

    def find(self, text: str, start: int, end: int) -> int:
        """Its first position that lies whole within `text[start:end]`, or -1."""
        if self.pattern is None:
            return text.find(self.literal, start, end)
        found = self.pattern.search(text, start, end)
        return -1 if found is None else found.start()


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern without regard to case.

    Attributes:
        parts: What stands between the stars, at least one; one alone has no star.
    """

    parts: tuple[_Part, ...]

    @property
    def literal(self) -> str | None:
        """The one case-folded text it matches, or None when it has a wildcard."""
        if len(self.parts) == 1 and self.parts[0].pattern is None:
            return self.parts[0].literal
        return None

    def matches(self, folded: str) -> bool:
        """Whether it covers the whole of a case-folded text."""
        first, last = self.parts[0], self.parts[-1]
        if len(self.parts) == 1:
            return len(folded) == first.length and first.stands_at(folded, 0)
        end = len(folded) - last.length
        if end < first.length or not (first.stands_at(folded, 0) and last.stands_at(folded, end)):
            return False
        return _in_turn(self.parts[1:-1], folded, first.length, end)

    def is_in(self, folded: str) -> bool:
        """Whether it covers some stretch of a case-folded text."""
        return _in_turn(self.parts, folded, 0, len(folded))


def _in_turn(parts: Iterable[_Part], text: str, position: int, end: int) -> bool:
    """Whether the parts follow one another in `text[position:end]`, anything between them.

    The leftmost place for each leaves most room for the next: no other need ever be tried.
    """
    for part in parts:
        found = part.find(text, position, end)
        if found < 0:
            return False
        position = found + part.length
    return True


def glob(pieces: Iterable[tuple[str, bool]]) -> Glob:
    """Build a pattern from stretches of text.

    Args:
        pieces: Text and whether it is quoted; in quoted text `*` and `?` are themselves.

    Returns:
        The pattern.
    """
    parts: list[list[str | None]] = [[]]
    for text, quoted in pieces:
        pattern = folded(text)
        for run in [pattern] if quoted else _runs(pattern):
            if run == "*" and not quoted:
                parts.append([])
            else:
                parts[-1].append(None if run == "?" and not quoted else run)
    return Glob(tuple(_part(runs) for runs in parts))


def _runs(text: str) -> Iterable[str]:
    """The text cut at its wildcards, these included."""
    position = 0
    for wildcard in _WILDCARD.finditer(text):
        yield text[position : wildcard.start()]
        yield wildcard.group()
        position = wildcard.end()
    yield text[position:]


def _part(runs: list[str | None]) -> _Part:
    """One part of a pattern; None stands for any one character."""
    length = sum(1 if run is None else len(run) for run in runs)
    if None not in runs:
        return _Part(length, "".join(run for run in runs if run), None)
    expression = "".join("." if run is None else re.escape(run) for run in runs)
    return _Part(length, "", re.compile(expression, re.DOTALL))
