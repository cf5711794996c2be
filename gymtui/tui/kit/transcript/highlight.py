"""Where in a line of clean text which style goes: Markdown, JSON, code, diffs. Pure; names only.

Each is light on purpose: the text stays as it was written, character for character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a line, `start` to `end`, and the name of its style."""

    start: int
    end: int
    style: str


Runs = tuple[Run, ...]

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


def markdown(lines: Iterable[str], *, in_code: bool = False) -> list[Runs]:
    """Style Markdown in place."""
    found: list[Runs] = []
    fenced = in_code
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
            found.append((Run(0, len(line), "muted"),))
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


def json(line: str) -> Runs:
    """Style a line of JSON, or of arguments."""
    return _matched(_JSON, line)


def code(line: str) -> Runs:
    """Style a line of some programming language."""
    return _matched(_CODE, line) or (Run(0, len(line), "code"),)


def diff(line: str) -> Runs | None:
    """Style a line of a diff.

    Returns:
        Its runs; None for a line that is neither added, removed nor a place.
    """
    style = {"+": "added", "-": "removed", "@": "place"}.get(line.lstrip()[:1])
    if style is None or (style == "place" and not line.lstrip().startswith("@@")):
        return None
    return (Run(0, len(line), style),)


def is_state_diff(line: str) -> bool:
    """Whether a line opens a state diff, as the vendor's observations have them (API.md)."""
    return line.lstrip().startswith("[STATE DIFF]")


def overlaid(runs: Runs, over: Iterable[Run], start: int, end: int) -> list[Run]:
    """Cut runs to a stretch, with others on top.

    Args:
        runs: In order, not overlapping; what they leave out has no style.

    Returns:
        Runs in order that cover the whole stretch; where both have a style its name is
        `under+over`.
    """
    above = [run for run in over if run.end > start and run.start < end]
    below = [run for run in runs if run.end > start and run.start < end]
    if not above and not below:
        return [Run(start, end, "")] if end > start else []
    edges = {start, end}
    for run in (*below, *above):
        edges.update((max(start, run.start), min(end, run.end)))
    found: list[Run] = []
    lower, upper = iter(below), iter(above)
    low, high = next(lower, None), next(upper, None)
    for left, right in pairwise(sorted(edges)):
        while low is not None and low.end <= left:
            low = next(lower, None)
        while high is not None and high.end <= left:
            high = next(upper, None)
        names = [
            run.style for run in (low, high) if run is not None and run.start <= left < run.end
        ]
        found.append(Run(left, right, "+".join(filter(None, names))))
    return found


def _prose(line: str) -> Runs:
    if _HEADING.fullmatch(line[:_LONG]):
        return (Run(0, len(line), "strong"),)
    found: list[Run] = []
    bullet = _BULLET.match(line)
    if bullet is not None:
        found.append(Run(bullet.start(1), bullet.end(1), "accent"))
    if _INLINE_SIGNS.search(line, 0, _LONG):
        after = bullet.end() if bullet is not None else 0
        for match in _INLINE.finditer(line, after, _LONG):
            found.append(Run(match.start(), match.end(), str(match.lastgroup)))
    return tuple(found)


def _matched(pattern: re.Pattern[str], line: str) -> Runs:
    return tuple(
        Run(match.start(), match.end(), str(match.lastgroup).replace("_", "-"))
        for match in pattern.finditer(line, 0, _LONG)
    )
