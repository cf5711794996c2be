"""In which styles the lines of a transcript are drawn, by what they are part of. Names only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from gymtui.core.ansi_sgr import PLAIN, Style
from gymtui.core.text import Span
from gymtui.tui.kit.transcript import highlight
from gymtui.tui.kit.transcript.highlight import StyleSpan, StyleSpans

_ARGUMENT_INDENT = 4
"""Cells that a text of several lines is indented by, under the name of its argument."""
_NAME = re.compile(r"( *)([^\s=]+(?: → [^\s=]+)?)=")
"""A line that only names an argument, or the two that are an edit."""
_PATCH = ("*** Begin Patch", "*** Update File", "diff --git ", "--- ", "@@ ")
_CHANGED = {"+": "added", "-": "removed", "@": "place", "*": "place"}
_NUMBERED_CHANGE = re.compile(r"[+-] *\d+ ")
_NUMBERED_LINE = re.compile(r"[ +-] *(?:\d+ |\.\.\.)")
"""Lines of a diff with their numbers (pi): changed, and any."""
_IN_DIFF = re.compile(r"[ +\-\\]|index |new file|deleted|similarity|rename|old mode|new mode")
_STATE_DIFF = "[STATE DIFF]"
"""How a state diff begins, as the vendor's observations have them (API.md)."""
_ANYWHERE = -1
"""In place of an indentation: signs are looked for after whatever blanks (state diffs)."""


class TextKind(Enum):
    """How a section is drawn."""

    HEADING = auto()
    TEXT = auto()
    QUIET = auto()
    WARNING = auto()
    FAULT = auto()
    CALL = auto()
    RESULT = auto()
    FAILED = auto()
    JSON = auto()
    NOTE = auto()


def style_spans(
    kind: TextKind, lines: list[str], *, at_start: bool, in_code: bool
) -> list[StyleSpans]:
    """The styles of each of a section's lines by what it looks like, or nothing for none at all.

    They may begin with the first line of their block, or within a fence of Markdown.
    """
    if kind in (TextKind.TEXT, TextKind.QUIET):
        return _with_diffs(lines, highlight.markdown(lines, in_code=in_code))
    if kind in (TextKind.WARNING, TextKind.FAULT):
        return []
    if kind is TextKind.CALL:
        return list(_argument_spans(lines, at_start=at_start))
    body = lines[1] if at_start and len(lines) > 1 else lines[0]
    is_json = kind is TextKind.JSON or body.lstrip()[:1] in ("{", "[", '"', "}", "]")
    spans: list[StyleSpans] = list(_json_spans(lines)) if is_json else [()] * len(lines)
    if spans and at_start and kind is not TextKind.JSON:
        spans[0] = ()
    return _with_diffs(lines, spans)


def _argument_spans(lines: list[str], *, at_start: bool) -> Iterator[StyleSpans]:
    """Style arguments: JSON, and below a name texts of several lines, which are code or a diff."""
    within, changes = (0, False) if at_start else (_ARGUMENT_INDENT, False)
    patch = False  # the arguments are one text, and that a patch
    for number, line in enumerate(lines):
        patch = patch or line.startswith(_PATCH)
        if at_start and number == 0:
            yield _call_spans(line)
        elif patch:
            style = _CHANGED.get(line[:1], "")
            yield (StyleSpan(0, len(line), style),) if style else ()
        elif within and (line[:within].isspace() or not line):
            text = line[within:]
            changes = changes or text.startswith(_PATCH)
            style = _CHANGED.get(text[:1], "") if changes else ""
            yield (StyleSpan(0, len(line), style),) if style else highlight.code(line)
        else:
            named = _NAME.fullmatch(line)
            within = len(named[1]) + 2 if named is not None else _indent_below(line)
            changes = named is not None and " → " in named[2]
            yield highlight.json(line)


def _json_spans(lines: list[str]) -> Iterator[StyleSpans]:
    """Style JSON; texts of several lines in it stay as they are."""
    within = 0
    for line in lines:
        if within and (line[:within].isspace() or not line):
            yield ()
        else:
            within = _indent_below(line)
            yield highlight.json(line)


def _indent_below(line: str) -> int:
    """How far the lines of a text are indented that begins in the next line; 0 if none does."""
    opens = line.endswith(": |") or line.strip() == "|"
    return len(line) - len(line.lstrip()) + 2 if opens else 0


def _call_spans(line: str) -> StyleSpans:
    """The tool's name stays as it is; the arguments after it are styled."""
    name, bracket, _ = line.partition("(")
    if not bracket:
        return ()
    spans = [span for span in highlight.json(line) if span.start >= len(name)]
    plain: list[StyleSpan] = []
    place = len(name)
    for span in [*spans, StyleSpan(len(line), len(line), "")]:
        if span.start > place:
            plain.append(StyleSpan(place, span.start, "plain"))
        if span.end > span.start:
            plain.append(span)
        place = span.end
    return tuple(plain)


def _with_diffs(lines: list[str], spans: list[StyleSpans]) -> list[StyleSpans]:
    """Colour state diffs, and unified diffs, wherever they stand."""
    inside: int | None = None
    found = list(spans)
    for number, line in enumerate(lines):
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        if bare.startswith(_STATE_DIFF):
            inside = _ANYWHERE
            found[number] = (StyleSpan(0, len(line), "strong"),)
        elif bare.startswith(("@@ ", "diff --git ", "--- ")):
            later = (after[indent:] for after in lines[number : number + 4])
            if bare.startswith("@@ ") or any(text.startswith("+++ ") for text in later):
                inside = indent
            if inside is not None or not indent:
                found[number] = (StyleSpan(0, len(line), "place"),)
        elif inside == _ANYWHERE and (changed := highlight.diff(line)) is not None:
            found[number] = changed
        elif inside is not None and line[max(0, inside) :][:1] in ("+", "-"):
            found[number] = (StyleSpan(0, len(line), _CHANGED[line[inside]]),)
        elif _NUMBERED_CHANGE.match(line) and any(
            _NUMBERED_LINE.match(near)
            for near in (*lines[number - 1 : number], *lines[number + 1 : number + 2])
        ):
            found[number] = (StyleSpan(0, len(line), _CHANGED[line[0]]),)
        elif inside is not None and _ends_diff(line, inside):
            inside = None
    return found


def _ends_diff(line: str, inside: int) -> bool:
    """Whether a line stands below a diff: state diffs end with a blank one."""
    if inside == _ANYWHERE or not line.strip():
        return inside == _ANYWHERE and not line.strip()
    return line[:inside].strip() != "" or _IN_DIFF.match(line[inside:]) is None


def from_spans(line: list[Span]) -> StyleSpans:
    """The colours that a line of tool output has itself, by names that `sgr_name` gives them."""
    found: list[StyleSpan] = []
    place = 0
    for span in line:
        if span.style != PLAIN:
            found.append(StyleSpan(place, place + len(span.text), sgr_name(span.style)))
        place += len(span.text)
    return tuple(found)


def sgr_name(style: Style) -> str:
    """Name a style of tool output: `=` and its definition, as rich reads one."""
    every = ("bold", "dim", "italic", "underline", "reverse", "strike")
    words = [word for word in every if getattr(style, word)]
    if style.fg is not None:
        words.append(style.fg)
    if style.bg is not None:
        words += ["on", style.bg]
    return f"={' '.join(words)}"
