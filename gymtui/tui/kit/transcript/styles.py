"""In which styles the lines of a transcript are drawn, by what they are part of. Names only."""

from __future__ import annotations

from enum import Enum, auto

from gymtui.core.ansi_sgr import PLAIN, Style
from gymtui.core.text import Span
from gymtui.tui.kit.transcript import highlight
from gymtui.tui.kit.transcript.highlight import Run, Runs


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


def runs_of(look: TextKind, lines: list[str], *, at_start: bool, in_code: bool) -> list[Runs]:
    """The styles of a section's lines by what it looks like.

    Args:
        lines: Clean.
        at_start: Whether they begin with the first line of their block.
        in_code: Whether they begin within a fence of Markdown.

    Returns:
        The runs of each line, or nothing for none at all.
    """
    if look in (TextKind.TEXT, TextKind.QUIET):
        return _with_diffs(lines, highlight.markdown(lines, in_code=in_code))
    if look in (TextKind.WARNING, TextKind.FAULT):
        return []
    if look is TextKind.CALL:
        return [
            _call_runs(line) if at_start and n == 0 else highlight.json(line)
            for n, line in enumerate(lines)
        ]
    body = lines[1] if at_start and len(lines) > 1 else lines[0]
    is_json = look is TextKind.JSON or body.lstrip()[:1] in ("{", "[", '"', "}", "]")
    if is_json:
        return _with_diffs(
            lines,
            [
                () if at_start and n == 0 and look is not TextKind.JSON else highlight.json(line)
                for n, line in enumerate(lines)
            ],
        )
    return _with_diffs(lines, [()] * len(lines))


def _call_runs(line: str) -> Runs:
    """The tool's name stays as it is; the arguments after it are styled."""
    name, bracket, _ = line.partition("(")
    if not bracket:
        return ()
    runs = [run for run in highlight.json(line) if run.start >= len(name)]
    plain: list[Run] = []
    place = len(name)
    for run in [*runs, Run(len(line), len(line), "")]:
        if run.start > place:
            plain.append(Run(place, run.start, "plain"))
        if run.end > run.start:
            plain.append(run)
        place = run.end
    return tuple(plain)


def _with_diffs(lines: list[str], runs: list[Runs]) -> list[Runs]:
    """Colour state diffs, and unified diffs, wherever they stand."""
    inside = False
    found = list(runs)
    for number, line in enumerate(lines):
        if highlight.is_state_diff(line):
            inside = True
            found[number] = (Run(0, len(line), "strong"),)
        elif line.startswith("@@ ") or line.startswith(("diff --git ", "--- ")):
            inside = inside or any(later.startswith("+++ ") for later in lines[number : number + 4])
            inside = inside or line.startswith("@@ ")
            found[number] = (Run(0, len(line), "place"),)
        elif inside and (changed := highlight.diff(line)) is not None:
            found[number] = changed
        elif inside and not line.strip():
            inside = False
    return found


def from_spans(line: list[Span]) -> Runs:
    """The colours that a line of tool output has itself, by names that `sgr_name` gives them."""
    found: list[Run] = []
    place = 0
    for span in line:
        if span.style != PLAIN:
            found.append(Run(place, place + len(span.text), sgr_name(span.style)))
        place += len(span.text)
    return tuple(found)


def sgr_name(style: Style) -> str:
    """Name a style of tool output: `=` and its definition, as rich reads one."""
    words = [
        word
        for word in ("bold", "dim", "italic", "underline", "reverse", "strike")
        if getattr(style, word)
    ]
    if style.fg is not None:
        words.append(style.fg)
    if style.bg is not None:
        words += ["on", style.bg]
    return f"={' '.join(words)}"
