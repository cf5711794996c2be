"""Where in a line of clean text which style goes: Markdown, JSON, code, diffs. Pure; names only.

Each is light on purpose: the text stays as it was written, character for character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class StyleSpan:
    """A stretch of a line, `start` to `end`, and the name of its style."""

    start: int
    end: int
    style: str


StyleSpans = tuple[StyleSpan, ...]

_HEADING = re.compile(r" {0,3}#{1,6} .*")
_BULLET = re.compile(r" *([-*+]|\d{1,3}[.)])(?= )")
_INLINE = re.compile(
    r"(?P<code>`[^`]{1,400}`)|(?P<bold>\*\*(?=\S)[^*]{1,400}\*\*|(?<!\w)__(?=\S)[^_]{1,400}__(?!\w))"
    r"|(?P<italic>(?<![\w*])\*(?=[^\s*])[^*]{1,400}(?<=\S)\*(?![\w*]))"
    r"|(?P<link>\[[^\[\]]{1,300}\]\([^()\s]{1,1000}\)|https?://[^\s<>()\"']{1,1000})"
)
_INLINE_SIGNS = re.compile(r"[`*_\[]|://")
_JSON = re.compile(
    r'(?P<key_name>"(?:[^"\\]|\\.)*+"(?=\s*:))|(?P<string>"(?:[^"\\]|\\.)*+"?)'
    r"|(?P<number>-?\b\d[\d.eE+-]*)|(?P<keyword>\b(?:true|false|null)\b)"
)
_CODE = re.compile(
    r"(?P<comment>(?<!\S)(?:#|//).*)|(?P<string>'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\")"
    r"|(?P<number>\b\d[\w.]*)|(?P<keyword>\b(?:and|as|async|await|break|case|catch|class|const|continue"
    r"|def|del|do|elif|else|end|enum|except|export|extends|False|finally|fn|for|from|func|function|if"
    r"|impl|import|in|interface|is|lambda|let|match|module|mut|new|None|nil|not|null|or|package|pass"
    r"|private|pub|public|raise|return|self|static|struct|switch|then|this|throw|True|true|false|try"
    r"|type|use|var|void|while|with|yield)\b)"
)
_LONG = 4000
"""Characters of a line beyond which it is not looked at for styles: nobody reads that far."""
_FENCE = re.compile(r"\s*(```|~~~)")


def markdown(lines: Iterable[str], *, in_code: bool = False) -> list[StyleSpans]:
    """Style Markdown in place."""
    found: list[StyleSpans] = []
    fenced = in_code
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
            found.append((StyleSpan(0, len(line), "muted"),))
        elif fenced:
            found.append(code(line))
        else:
            found.append(_prose(line))
    return found


def fences(text: str) -> int:
    """How many fences a text holds: after an odd number of them one is open."""
    if "```" not in text and "~~~" not in text:
        return 0
    return sum(1 for line in text.split("\n") if _FENCE.match(line))


def json(line: str) -> StyleSpans:
    """Style a line of JSON, or of arguments."""
    return _match_spans(_JSON, line)


def code(line: str) -> StyleSpans:
    """Style a line of some programming language."""
    return _match_spans(_CODE, line) or (StyleSpan(0, len(line), "code"),)


def diff(line: str) -> StyleSpans | None:
    """Style a line of a diff; None for one that is neither added, removed nor a place."""
    style = {"+": "added", "-": "removed", "@": "place"}.get(line.lstrip()[:1])
    if style is None or (style == "place" and not line.lstrip().startswith("@@")):
        return None
    return (StyleSpan(0, len(line), style),)


def overlay(spans: StyleSpans, over: Iterable[StyleSpan], start: int, end: int) -> list[StyleSpan]:
    """Cut spans, in order and not overlapping, to a stretch, with others on top.

    Returns:
        Spans in order that cover the whole stretch; where both have a style its name is
        `under+over`.
    """
    above = [span for span in over if span.end > start and span.start < end]
    below = [span for span in spans if span.end > start and span.start < end]
    if not above and not below:
        return [StyleSpan(start, end, "")] if end > start else []
    edges = {start, end}
    for span in (*below, *above):
        edges.update((max(start, span.start), min(end, span.end)))
    found: list[StyleSpan] = []
    lower, upper = iter(below), iter(above)
    low, high = next(lower, None), next(upper, None)
    for left, right in pairwise(sorted(edges)):
        while low is not None and low.end <= left:
            low = next(lower, None)
        while high is not None and high.end <= left:
            high = next(upper, None)
        names = [
            span.style for span in (low, high) if span is not None and span.start <= left < span.end
        ]
        found.append(StyleSpan(left, right, "+".join(filter(None, names))))
    return found


def _prose(line: str) -> StyleSpans:
    if _HEADING.fullmatch(line[:_LONG]):
        return (StyleSpan(0, len(line), "strong"),)
    found: list[StyleSpan] = []
    bullet = _BULLET.match(line)
    if bullet is not None:
        found.append(StyleSpan(bullet.start(1), bullet.end(1), "accent"))
    if _INLINE_SIGNS.search(line, 0, _LONG):
        after = bullet.end() if bullet is not None else 0
        for match in _INLINE.finditer(line, after, _LONG):
            found.append(StyleSpan(match.start(), match.end(), str(match.lastgroup)))
    return tuple(found)


def _match_spans(pattern: re.Pattern[str], line: str) -> StyleSpans:
    return tuple(
        StyleSpan(match.start(), match.end(), str(match.lastgroup).replace("_", "-"))
        for match in pattern.finditer(line, 0, _LONG)
    )
