"""Finding text in a transcript, folded or not; nothing typed here can hang the program.

A plain text is found by `re` in this process, which for a literal is linear. A regular expression
(`/re:`) runs in a process of its own (`regex_worker`), which is ended when its time is up: Python's
engine can take exponential time, holds the interpreter meanwhile, and cannot be interrupted.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from gymtui.core.normalization import spellings
from gymtui.transcript import passages
from gymtui.transcript.blocks import Transcript
from gymtui.transcript.regex_process import PatternError, RegexProcess

__all__ = ["MOST", "Match", "Passage", "PatternError", "Query", "find", "parse", "passages_of"]

REGEX = "re:"
"""What a regular expression is announced by."""
MOST = 100_000
"""Matches that are kept; finding ends there."""
REGEX_S = 10.0
"""Seconds a regular expression may take for a whole transcript."""


class Match(NamedTuple):
    """Where something was found. A tuple, since there may be many, and collecting them costs time.

    Attributes:
        turn: In `Transcript.turns`; beyond them, in `Transcript.endings`.
        block: In `Turn.blocks`; 0 in an ending.
        part: Which of `passages.parts` of the block's body.
        start: In the part as `passages.shown` gives it.
        end: Its end there; past the part's end when it goes on in the next one.
    """

    turn: int
    block: int
    part: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: `text`, or `pattern` if that is not None."""

    text: str = ""
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A block's text as it is shown, and where its parts begin in it."""

    turn: int
    block: int
    text: str
    starts: tuple[int, ...] = (0,)

    def match(self, start: int, end: int) -> Match:
        """The place of a stretch of the text."""
        part = len(self.starts) - 1
        while self.starts[part] > start:
            part -= 1
        return Match(
            self.turn, self.block, part, start - self.starts[part], end - self.starts[part]
        )


def parse(typed: str) -> Query:
    """Read what was typed after `/`.

    Args:
        typed: A text, or `re:` and a regular expression.

    Raises:
        PatternError: The regular expression is none.
    """
    if not typed.startswith(REGEX):
        return Query(text=typed)
    pattern = typed.removeprefix(REGEX)
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"no regular expression: {error}") from None
    return Query(pattern=pattern)


def passages_of(transcript: Transcript) -> Iterator[Passage]:
    """All that can be searched, in order, each made when it is asked for."""
    for turn in transcript.turns:
        for number, block in enumerate(turn.blocks):
            yield _passage(turn.index, number, passages.body(block))
    for place, ending in enumerate(transcript.endings, len(transcript.turns)):
        yield _passage(place, 0, ending.text)


def _passage(turn: int, block: int, text: str) -> Passage:
    found = passages.parts(text)
    if len(found) == 1:
        return Passage(turn, block, passages.shown(found[0]))
    pieces = [passages.shown(part) + ("" if passages.continues(part) else "\n") for part in found]
    starts = tuple(accumulate((len(piece) for piece in pieces[:-1]), initial=0))
    return Passage(turn, block, "".join(pieces), starts)


def find(
    texts: Iterable[Passage], query: Query, stop: Callable[[], bool] = lambda: False
) -> Iterator[Match]:
    """Find all matches, `MOST` at most.

    Args:
        query: What for; an empty one finds nothing.
        stop: Asked between passages whether nobody wants the answer any more.

    Yields:
        Matches in order; none of them empty.

    Raises:
        PatternError: A regular expression took too long, or is none; matches until then came.
    """
    if query.pattern is not None:
        yield from _limited(_by_pattern(texts, query.pattern, stop))
    elif query.text:
        yield from _limited(_by_text(texts, query.text, stop))


def _limited(matches: Iterator[Match]) -> Iterator[Match]:
    for _, match in zip(range(MOST), matches, strict=False):
        yield match


def _flags(typed: str) -> re.RegexFlag:
    """Case counts when an upper-case letter was typed."""
    return re.NOFLAG if typed != typed.lower() else re.IGNORECASE


def _by_text(texts: Iterable[Passage], typed: str, stop: Callable[[], bool]) -> Iterator[Match]:
    wanted = re.compile("|".join(map(re.escape, spellings(typed))), _flags(typed))
    for passage in texts:
        if stop():
            return
        for found in wanted.finditer(passage.text):
            yield passage.match(found.start(), found.end())


def _by_pattern(
    texts: Iterable[Passage], pattern: str, stop: Callable[[], bool]
) -> Iterator[Match]:
    # An escape such as \S or \W is no upper-case letter that was meant as one.
    flags = _flags(re.sub(r"\\.", "", pattern)) | re.MULTILINE
    with RegexProcess(pattern, int(flags)) as process:
        overdue = threading.Timer(REGEX_S, process.end)
        overdue.daemon = True
        overdue.start()
        try:
            for passage in texts:
                if stop():
                    return
                for start, end in process.find(passage.text, MOST):
                    yield passage.match(start, end)
        finally:
            overdue.cancel()
