"""What of a long text is seen while it is folded: its start, its end, and every failure between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_LINE_END = re.compile("\r+\n?|[\u2028\u2029]")
"""Line ends that are drawn as such, besides LF (`core.text`)."""
_SPARED = 2  # so many lines are shown sooner than told
_HEAD, _TAIL = 1400, 600  # characters at most of the start and of the end
_FAILURES = 4  # lines that tell of failures, from what is hidden: the first ones, and the last
_FAILURE_CHARACTERS = 200
_MOST_LINES = 2000  # lines with such words that are looked at
_NORMALISED = 256 * 1024
"""Characters of a text up to which all line ends count; in a longer one LF alone does."""
_SEARCHED = 400_000  # characters at each end of what is hidden in which failures are looked for
_WORDS = (
    *("error", "exception", "fatal", "panic", "traceback", "fail", "command not found"),
    *("no such file", "permission denied", "exit code", "exited with", "exit status"),
    *("\ne   ", "✗ ", "✘ ", "❌ ", "× "),
)
"""What a line that tells of a failure has in it, in small letters: found fast in long texts."""
_FAILURE = re.compile(
    r"\b(?i:errors?|exception|fatal|panic|traceback|failures?|failed)\b"
    r"|(?<![a-z])[A-Z]\w{0,60}(?:Error|Exception)\b|\bFAIL\b"
    r"|: command not found|(?i:no such file or directory|permission denied)"
    r"|(?i:exit(?:ed with)? (?:code|status):? [1-9])|^E   |[✗✘❌×] "
)
_NONE = re.compile(r"\b(?:0|no) (?:errors?|failures?|failed)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A stretch that is not seen."""

    lines: int  # how many lines it has; 0 within a line
    characters: int  # how many characters


Piece = str | Hidden


def fold(text: str, most: int) -> list[Piece]:
    """Fold a text.

    Args:
        most: How many lines of it are seen, besides those that tell of failures.

    Returns:
        What is seen and what is not, in turn, from the start on; a single text for a short one.
    """
    if len(text) <= _NORMALISED and ("\r" in text or "\u2028" in text or "\u2029" in text):
        text = _LINE_END.sub("\n", text)
    head, tail = most - most // 3, most // 3
    start = min(_nth_end(text, head), _HEAD)
    end = max(_nth_start(text, tail), len(text) - _TAIL)
    short = text.count("\n") < most + _SPARED and len(text) <= _HEAD + _TAIL
    if short or end - start <= 1:
        return [text]
    return [text[:start], *_between(text, start, end), text[end:]]


def _between(text: str, start: int, end: int) -> list[Piece]:
    """What is hidden, with the lines in it that tell of failures."""
    found: list[Piece] = []
    for first, last in _failures(text, start, end):
        if (gap := _gap(text, start, first)) is not None:
            found.append(gap)
        line = text[first : min(last, first + _FAILURE_CHARACTERS)]
        found.append(line if len(line) == last - first else f"{line}…")
        start = last
    if (gap := _gap(text, start, end)) is not None:
        found.append(gap)
    return found


def _gap(text: str, start: int, end: int) -> Piece | None:
    """What is between two lines that are seen: hidden, but for a line that is as short as that."""
    hidden = _hidden(text, start, end)
    if hidden is not None and hidden.lines == 1 and hidden.characters <= _FAILURE_CHARACTERS:
        return text[start:end].strip("\n")
    return hidden


def _failures(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The whole lines of a stretch that tell of failures: the first few, and the last."""
    middle = min(end, start + _SEARCHED)
    first = list(islice(_lines_that_fail(text, start, middle), _FAILURES))
    tail = max(middle - 1, end - _SEARCHED) if middle < end else start
    last = next(_lines_that_fail(text, tail, end, backwards=True), None)
    if last is None or last in first:
        return first
    return [*first[: _FAILURES - 1], last]


def _lines_that_fail(
    text: str, start: int, end: int, *, backwards: bool = False
) -> Iterator[tuple[int, int]]:
    """The whole lines within a stretch that tell of failures, from its start or its end on."""
    small = text[start:end].lower()
    if len(small) != end - start:  # some letters are longer when they are small
        small = text[start:end]
    seek = small.rfind if backwards else small.find
    left, right = 0, len(small)
    places = {word: seek(word) for word in _WORDS}
    for _ in range(_MOST_LINES):
        found = [place for place in places.values() if place >= 0]
        if not found:
            return
        place = max(found) if backwards else min(found)
        begin = small.rfind("\n", 0, place + 1) + 1
        close = small.find("\n", max(begin, place + 1))
        if begin and close >= 0 and _tells(text[start + begin : start + close]):
            yield start + begin, start + close
        if backwards:
            right = begin - 1 if begin else 0
        else:
            left = close if close >= 0 else len(small)
        if left >= right:
            return
        places = {
            word: at if left <= at < right else seek(word, left, right) if at >= 0 else -1
            for word, at in places.items()
        }


def _tells(line: str) -> bool:
    line = line[:_FAILURE_CHARACTERS]
    return _FAILURE.search(line) is not None and _NONE.search(line) is None


def _hidden(text: str, start: int, end: int) -> Hidden | None:
    """A stretch between two lines that are seen, or within one; None for a line end alone."""
    if start >= end:
        return None
    ends = text.count("\n", start, end)
    if not ends:
        return Hidden(0, end - start)
    lines = ends + 1 - text.startswith("\n", start) - (text[end - 1] == "\n")
    return Hidden(lines, end - start) if lines > 0 else None


def _nth_end(text: str, lines: int) -> int:
    """Where the line after the first ends that comes after so many others."""
    place = -1
    for _ in range(lines + 1):
        place = text.find("\n", place + 1)
        if place < 0:
            return len(text)
    return place


def _nth_start(text: str, lines: int) -> int:
    """Where the last so many lines begin."""
    place = len(text)
    for _ in range(lines):
        place = text.rfind("\n", 0, place)
        if place < 0:
            return 0
    return place + 1
