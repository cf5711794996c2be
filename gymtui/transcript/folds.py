"""What of a long text is seen while it is folded: its start, its end, and every failure between."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE_END = re.compile("\r+\n?|[\u2028\u2029]")
"""Line ends that are drawn as such, besides LF (`core.text`)."""
_SPARED = 2
"""So many lines are shown sooner than told."""
_HEAD, _TAIL = 1400, 600
"""Characters at most of the start and of the end."""
_FAILURES = 4
"""Lines that tell of failures, from what is hidden: the first ones, and the last."""
_FAILURE_CHARACTERS = 200
_SEARCHED = 1_000_000
"""Characters at each end of what is hidden in which failures are looked for."""
_FAILURE = re.compile(
    r"^[^\n]{0,200}?(?:\b(?i:errors?|exception|fatal|panic|traceback|failures?|failed)\b"
    r"|(?<![a-z])[A-Z]\w{0,60}(?:Error|Exception)\b|\bFAIL\b"
    r"|: command not found|No such file or directory|Permission denied"
    r"|exit(?:ed with)? (?:code|status):? [1-9]|^E   |[✗✘❌×] )[^\n]*",
    re.MULTILINE,
)
_NONE = re.compile(r"\b(?:0|no) (?:errors?|failures?|failed)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A stretch that is not seen.

    Attributes:
        lines: How many lines it has; 0 within a line.
        characters: How many characters.
    """

    lines: int
    characters: int


Piece = str | Hidden


def fold(text: str, most: int) -> list[Piece]:
    """Fold a text.

    Args:
        text: As it is read.
        most: How many lines of it are seen, besides those that tell of failures.

    Returns:
        What is seen and what is not, in turn, from the start on; a single text for a short one.
    """
    if "\r" in text or "\u2028" in text or "\u2029" in text:
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
        if hidden := _hidden(text[start:first]):
            found.append(hidden)
        line = text[first : min(last, first + _FAILURE_CHARACTERS)]
        found.append(line if len(line) == last - first else f"{line}…")
        start = last
    if hidden := _hidden(text[start:end]):
        found.append(hidden)
    return found


def _failures(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The whole lines of a stretch that tell of failures: the first few, and the last."""
    places = [(start, min(end, start + _SEARCHED))]
    if end - start > _SEARCHED:
        places.append((max(places[0][1], end - _SEARCHED), end))
    spans = [
        match.span()
        for left, right in places
        for match in _FAILURE.finditer(text, text.find("\n", left) + 1 or left, right)
        if match.end() < right and _NONE.search(match[0]) is None
    ]
    return [*spans[: _FAILURES - 1], *spans[_FAILURES - 1 :][-1:]]


def _hidden(stretch: str) -> Hidden | None:
    """A stretch between two lines that are seen, or within one; None for a line end alone."""
    inner = stretch.removeprefix("\n").removesuffix("\n")
    if "\n" not in stretch:
        return Hidden(0, len(stretch)) if stretch else None
    return Hidden(inner.count("\n") + 1, len(inner)) if inner or len(stretch) > 1 else None


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
