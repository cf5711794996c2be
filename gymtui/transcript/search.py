"""Finding text in a transcript, folded or not; nothing typed here can hang the program.

A plain text is found by `re`, which for a literal is linear. A regular expression (`/re:`) is found
by the `regex` package: it is given up when its time is up, and lets other threads run meanwhile.
Python's own engine can take exponential time, holds the interpreter, and cannot be interrupted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from math import prod
from typing import NamedTuple, TypeVar

from msgspec import Struct

from gymtui.core.normalization import spellings
from gymtui.transcript import facts, passages
from gymtui.transcript.blocks import Transcript

T = TypeVar("T")
Span = tuple[int, int]  # where something begins in a text, and where it ends

REGEX = "re:"  # what a regular expression is announced by
MOST = 100_000  # matches that are kept; finding ends there
REGEX_S = 10.0  # seconds a regular expression may take for a whole transcript
_WINDOW = 256 * 1024  # characters that are looked through at once: a few milliseconds
_DISGUISED = tuple(map(chr, (0x17F, 0x131, 0x130, 0x212A)))
"""Long s, dotless i, I with a dot, and the sign of kelvin."""
_MOST_REPEATED = 100_000
"""What counts such as `{1000}` may come to: each repeat is laid out in memory, 300 bytes of it."""
_TOO_LARGE = "ended, it took too much memory"


_COUNT = re.compile(r"\{(\d{1,9})")
_NO_COUNT = re.compile(r"(\\.)|\{(?!\d+(?:,\d*)?\}|,\d*\})", re.DOTALL)
"""A brace that is no count: the package's own meaning of it (`{e}`, a match with errors) is no
Python's."""


class PatternError(ValueError):
    """A regular expression that is none, or that took too long; its text is for the person."""


class Match(NamedTuple):
    """Where something was found. A tuple: there may be many, and collecting them costs time."""

    turn: int  # in `Transcript.turns`; beyond them, in `Transcript.endings`; or `facts.OPENING`
    block: int  # in `Turn.blocks`; 0 in an ending, and in the opening
    part: int  # which of `passages.split_text` of the block's body
    start: int  # in the part as `passages.clean_part` gives it
    end: int  # its end there; past the part's end when it goes on in the next one


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: `text`, or `pattern` if that is not None."""

    text: str = ""
    pattern: str | None = None


class Passage(Struct, frozen=True):
    """A block's text as it is shown, and where its parts begin in it."""

    turn: int
    block: int
    text: str
    starts: tuple[int, ...] = (0,)

    def match(self, start: int, end: int) -> Match:
        """The place of a stretch of the text."""
        if len(self.starts) == 1:
            at = self.starts[0]
            return Match(self.turn, self.block, 0, start - at, end - at)
        part = len(self.starts) - 1
        while self.starts[part] > start:
            part -= 1
        return Match(
            self.turn, self.block, part, start - self.starts[part], end - self.starts[part]
        )


def parse(typed: str) -> Query:
    """Read what was typed after `/`: a text, or `re:` and a regular expression."""
    if not typed.startswith(REGEX):
        return Query(text=typed)
    pattern = typed.removeprefix(REGEX)
    if prod(max(int(count), 1) for count in _COUNT.findall(pattern)) > _MOST_REPEATED:
        raise PatternError("no regular expression: it repeats too much")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"no regular expression: {error}") from None
    return Query(pattern=pattern)


def passages_of(transcript: Transcript) -> Iterator[Passage]:
    """All that can be searched, in order, each made when it is asked for."""
    if opening := facts.opening(transcript):
        yield _passage(facts.OPENING, 0, opening)
    for turn in transcript.turns:
        for number, block in enumerate(turn.blocks):
            yield _passage(turn.index, number, passages.block_text(block))
    for place, ending in enumerate(transcript.endings, len(transcript.turns)):
        yield _passage(place, 0, ending.text)


def _passage(turn: int, block: int, text: str) -> Passage:
    found = passages.split_text(text)
    if len(found) == 1:
        return Passage(turn, block, passages.clean_part(found[0]))
    # A part that does not end with a line goes on in the next one.
    pieces = [passages.clean_part(part) + ("\n" if part.endswith("\n") else "") for part in found]
    starts = tuple(accumulate((len(piece) for piece in pieces[:-1]), initial=0))
    return Passage(turn, block, "".join(pieces), starts)


def find(
    texts: Iterable[Passage], query: Query, stop: Callable[[], bool] = lambda: False
) -> Iterator[Match]:
    """Find all matches, `MOST` at most, in order; none of them is empty.

    Args:
        stop: Asked between passages whether nobody wants the answer any more.

    Raises:
        PatternError: A regular expression took too long, or is none; matches until then came.
    """
    look = finder(query)
    return islice(
        (
            passage.match(*span)
            for passage in take_until(texts, stop)
            for span in look(passage.text)
        ),
        MOST,
    )


def take_until(texts: Iterable[T], stop: Callable[[], bool]) -> Iterator[T]:
    """Texts until nobody wants the answer any more."""
    for text in texts:
        if stop():
            return
        yield text


def finder(query: Query) -> Callable[[str], Iterable[Span]]:
    """What finds the start and end of each match in one text after the other; raises as `find`."""
    if query.pattern is not None:
        return _by_pattern(query.pattern)
    return _by_text(query.text) if query.text else lambda _text: ()


def _counts_case(typed: str) -> bool:
    return typed != typed.lower()


def _by_text(typed: str) -> Callable[[str], Iterable[Span]]:
    case, size, is_ascii = _counts_case(typed), len(typed), typed.isascii()
    wanted = re.compile(
        "|".join(map(re.escape, spellings(typed))), re.NOFLAG if case else re.IGNORECASE
    )

    def look(text: str) -> Iterable[Span]:
        if is_ascii and (case or _has_plain_case(text)):
            return _plainly(typed, text, case=case)
        return _in_windows(wanted, text, size)

    return look


def _has_plain_case(text: str) -> bool:
    """Whether text in lower case has each character in its place, and no ASCII letter in disguise.

    Some letters are ASCII ones to an expression without regard to case, and to that alone.
    """
    return text.isascii() or not any(letter in text for letter in _DISGUISED)


def _plainly(typed: str, text: str, *, case: bool) -> Iterable[Span]:
    """Find an ASCII text: several times as fast as by an expression."""
    if len(text) <= _WINDOW:
        return _all_in(typed, text, case=case)
    return _in_pieces(typed, text, case=case)


def _in_pieces(typed: str, text: str, *, case: bool) -> Iterator[Span]:
    begin = 0
    while begin < len(text):
        take_until = begin + _WINDOW
        for start, end in _all_in(typed, text[begin : take_until + len(typed) - 1], case=case):
            yield begin + start, begin + end
            take_until = max(take_until, begin + end)
        begin = take_until


def _all_in(typed: str, text: str, *, case: bool) -> list[Span]:
    if not case and not text.isascii():
        return _all_in_bytes(typed, text)
    found, size = [], len(typed)
    looked_at = text if case else text.lower()
    at = looked_at.find(typed)
    while at >= 0:
        found.append((at, at + size))
        at = looked_at.find(typed, at + size)
    return found


def _all_in_bytes(typed: str, text: str) -> list[Span]:
    """As `_all_in` without regard to case, where lower case is looked up for each character."""
    found, size, begin, place = [], len(typed), 0, 0
    wanted, looked_at = typed.encode(), text.encode("utf-8", "surrogatepass").lower()
    while (at := looked_at.find(wanted, begin)) >= 0:
        place += len(looked_at[begin:at].decode("utf-8", "surrogatepass"))
        found.append((place, place + size))
        begin, place = at + size, place + size
    return found


def _in_windows(wanted: re.Pattern[str], text: str, longest: int) -> Iterator[Span]:
    """Find a literal a window at a time: the engine holds the interpreter while it looks.

    Args:
        longest: Characters of the literal, at the least; its spellings may have twice as many.
    """
    at = 0
    while at < len(text):
        found = wanted.search(text, at, at + _WINDOW + 2 * longest)
        if found is not None:
            yield found.span()
        at = at + _WINDOW if found is None else found.end()


def _by_pattern(pattern: str) -> Callable[[str], Iterable[Span]]:
    import regex  # here: it takes 20 ms

    # An escape such as \S or \W is no upper-case letter that was meant as one.
    case = regex.V0 if _counts_case(re.sub(r"\\.", "", pattern)) else regex.IGNORECASE
    until_s = time.monotonic() + REGEX_S
    plain = _NO_COUNT.sub(lambda found: found[1] or r"\{", pattern)
    try:
        wanted = regex.compile(plain, regex.V0 | regex.MULTILINE | case)
    except MemoryError:
        raise PatternError(_TOO_LARGE) from None
    except (regex.error, RecursionError) as error:  # what Python's own engine takes all the same
        raise PatternError(f"no regular expression: {error}") from None

    def look(text: str) -> Iterator[Span]:
        try:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            for found in wanted.finditer(text, concurrent=True, timeout=left_s):
                if found.end() > found.start():
                    yield found.span()
        except TimeoutError:
            raise PatternError("ended, it took too long") from None
        except MemoryError:
            raise PatternError(_TOO_LARGE) from None

    return look
