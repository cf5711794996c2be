r"""The one place where untrusted text becomes text fit for a terminal; none is drawn another way.

It cleans, measures, cuts and colours; it knows nothing of where text came from. What becomes what:

================================  ================================================================
escape sequences (CSI, nF, Fe …)  removed whole
strings (OSC, DCS, APC, PM, SOS)  removed with their payload, to the terminator on the same line;
                                  an unterminated one loses at most ``UNENDED`` characters of it
the same as 8-bit C1              removed when complete, else shown as below: mojibake is full of
                                  U+009D, and must not cost the rest of its line
other ESC, C0, DEL; other C1      their pictures ``␛ ␇ ␈ ␀ ␡``; their names ``\x85``
LF, CRLF, CR, U+2028, U+2029      one line end each; CRs before a LF belong to it; a lone CR is a
                                  line end, so that nothing of a progress bar is lost
tab                               one space in a line, spaces to the next stop of 8 in a block
bidi controls, tags, fillers,     ``<U+202E>``, a run of them ``<U+E0041 +12>``: they exist to be
deprecated format characters      unseen, so they are shown
zero-width spaces and joiners,    removed, and so are U+200D and U+FE0F within emoji and skin tones:
soft hyphens, variation           terminals agree on the width of single emoji only
lone surrogates, noncharacters    U+FFFD
combining marks                   ``MARKS`` in a row at most; on ``◌`` at the start of a line
================================  ================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, get_character_cell_size

from gymtui.core.ansi_sgr import PLAIN, Style, apply_codes


@dataclass(frozen=True, slots=True)
class Span:
    """Clean text in one style."""

    text: str
    style: Style


ABSENT = "–"  # what is drawn for what is not known
ELLIPSIS = "…"
MARKS = 4  # combining marks kept in a row; real scripts rarely need three
TAB = 8
UNENDED = 256
"""Characters an unterminated string sequence can hide, at most, and never past its line."""

Cut = Literal["start", "middle", "end"]
Align = Literal["left", "right", "center"]

# A string's body holds no control but tab, so scans never overlap and stay linear on any input.
_BODY = r"[^\x00-\x08\x0a-\x1f\x7f-\x9f]"
_END = r"(?:\x1b\\|[\x07\x18\x1a\x9c])"
SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+(?:[@-~]|\Z)"
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]){_BODY}*+{_END}"
    rf"|\x1bk{_BODY}*+\x1b\\"  # screen's title
    rf"|\x1b[\]PX^_]{_BODY}{{0,{UNENDED}}}"
    r"|\x1b[ -/]{1,8}+[0-~]"
    r"|\x1b[0-Z\\^-~]"
)
"""A whole escape sequence, as ECMA-48 and xterm have them."""

_DROPPED = (
    r"\u00ad\u034f\u180b-\u180f\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff"
    r"\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef"
)
_HIDDEN = (
    r"\u061c\u115f\u1160\u200e\u200f\u202a-\u202e\u2065-\u206f\u3164\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_BROKEN = r"\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff" + "".join(
    rf"\U{plane:04x}fffe-\U{plane:04x}ffff" for plane in range(1, 17)
)
_UNSAFE = re.compile(
    rf"(?P<control>[\x00-\x08\x0b-\x1f\x7f-\x9f]+)|(?P<dropped>[{_DROPPED}]+)"
    rf"|(?P<hidden>[{_HIDDEN}]+)|[{_BROKEN}]"
)
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_PICTURES |= {code: f"\\x{code:02x}" for code in range(0x80, 0xA0)}
# What sends text the slow way; LF and tab are seen to afterwards. Coarse past plane 1, where
# almost nothing lives: ranges up there are tried one by one on every character.
_SUSPECT = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001f3fb-\U0001f3ff"
    r"\U0001fffe-\U0010ffff]"
)
_ASCII_SUSPECT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Blocks in which characters without width live, with their neighbours; which of them have none is
# asked of the width table itself.
_MARKISH = (
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u1cff\u1dc0-\u1dff\u20d0-\u20ff\u2ce0-\u2dff\u302a-\u302f"
    r"\u3099\u309a\ua66f-\uabff\ud7b0-\ud7ff\ufb1e\ufe20-\ufe2f\U000101fd-\U00011fff"
    r"\U00013430-\U00016fff\U0001bc9d\U0001bc9e\U0001cf00-\U0001e94f]"
)
_STACK = re.compile(rf"{_MARKISH}{{{MARKS + 1},}}")
_BARE_MARK = re.compile(rf"^{_MARKISH}", re.MULTILINE)
_SGR = re.compile(r"(?:\x1b\[|\x9b)([0-9;:]*)m")
_LINE_END = re.compile("\r+\n?|[\u2028\u2029]")
_REGIONAL = ("\U0001f1e6", "\U0001f1ff")


def clean(value: object, *, newline: str = "⏎") -> str:
    """Make one line of display text from anything off the wire.

    Args:
        value: Text; bytes are read as UTF-8, None is shown as ``–``, all else through ``str``.
        newline: What a line end becomes.

    Returns:
        Text that nothing in it acts on a terminal or hides in; ``newline`` is not looked at.
    """
    text = _text(value)
    if text.isascii() and text.isprintable():
        return text
    text = _neutral(text)
    return text.replace("\t", " ").replace("\n", newline)


def clean_block(value: object) -> str:
    """Make display text of several lines, each as `clean` makes one; ended by LF, tabs expanded."""
    text = _neutral(_text(value))
    if "\t" not in text:
        return text
    if text.isascii():
        return text.expandtabs(TAB)
    return "\n".join(_expand_tabs(line) for line in text.split("\n"))


def readable(text: str | None) -> str | None:
    """Text as it came, or None if there is nothing to read in it: blanks and controls alone."""
    if text is None or text[:1].isalnum():
        return text
    letters = SEQUENCE.sub("", text) if _suspect(text) else text
    return text if any(c.isprintable() and not c.isspace() for c in letters) else None


def width(text: str) -> int:
    """Measure cleaned text of one line in terminal cells, as the framework lays it out."""
    return cell_len(text)


def fit(
    text: object, cells: int, *, cut: Cut = "middle", pad: bool = False, align: Align = "left"
) -> str:
    """Cut, and if asked pad, text to a number of cells; text that is not clean is cleaned first.

    A wide character, a letter and its marks, or a flag is kept whole or left out.

    Args:
        text: Anything; pass the text as received, however long: only what can show is looked at.
        cut: Where ``…`` goes when the text is too long.

    Returns:
        Text of at most ``cells`` cells, of exactly ``cells`` when padded.
    """
    if cells <= 0:
        return ""
    if type(text) is str and len(text) <= cells and text.isascii() and text.isprintable():
        # What nearly all text is, a cell a character: not looked at any further.
        return _pad(text, cells - len(text), align) if pad else text
    line = clean(_shorten(_text(text), cells, cut))
    size = cell_len(line)
    if size > cells:
        line = _cut(line, cells, cut)
        size = cell_len(line)
    if not pad or size == cells:
        return line
    return _pad(line, cells - size, align)


def _pad(line: str, gap: int, align: Align) -> str:
    left = 0 if align == "left" else gap if align == "right" else gap // 2
    return " " * left + line + " " * (gap - left)


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """Divide clean text into characters with their marks, and flags; each with its cells."""
    held, size = "", 0
    for character in text:
        cells = get_character_cell_size(character)
        flag = len(held) == 1 and _is_regional(held) and _is_regional(character)
        if held and (cells == 0 or flag):
            held += character
            size += cells
        else:
            if held:
                yield held, size
            held, size = character, cells
    if held:
        yield held, size


def span_lines(value: object) -> list[list[Span]]:
    """Read the colours out of tool output: for each line its stretches, none of them empty."""
    text = _text(value)
    if "\x1b" not in text and "\x9b" not in text:
        return [[Span(line, PLAIN)] if line else [] for line in clean_block(text).split("\n")]
    lines: list[list[Span]] = [[]]
    column = 0
    for raw, style in _styled(text):
        first, *rest = _picture(raw).split("\n")
        for number, part in enumerate([first, *rest]):
            if number:
                lines.append([])
                column = 0
            if part:
                shown = _expand_tabs(part, column)
                column += width(shown)
                lines[-1].append(Span(shown, style))
    return lines


def _styled(text: str) -> Iterator[tuple[str, Style]]:
    """Give text without its sequences, divided where colours change, never within a CR LF."""
    style, start, held = PLAIN, 0, ""
    for found in SEQUENCE.finditer(text):
        held += text[start : found.start()]
        start = found.end()
        parameters = _SGR.fullmatch(found[0])
        if not parameters:
            continue
        ready = held.rstrip("\r")  # what comes next may be the LF of these CRs
        if ready:
            yield ready, style
        held = held[len(ready) :][:1]  # CRs in a row are one
        style = apply_codes(style, parameters[1])
    if held or start < len(text):
        yield held + text[start:], style


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ABSENT
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    return str(value)


def _expand_tabs(line: str, column: int = 0) -> str:
    if "\t" not in line:
        return line
    first, *rest = line.split("\t")
    parts = [first]
    column += width(first)
    for part in rest:
        gap = TAB - column % TAB
        parts += [" " * gap, part]
        column += gap + width(part)
    return "".join(parts)


def _neutral(text: str) -> str:
    """Clean all but tabs and LF."""
    return _picture(SEQUENCE.sub("", text) if _suspect(text) else text)


def _picture(text: str) -> str:
    """The same for text without whole sequences: what is left of them is shown."""
    if _suspect(text):
        text = _LINE_END.sub("\n", text)
        text = _UNSAFE.sub(_shown, text)
    if text.isascii():
        return text
    text = _STACK.sub(_cap_marks, text)
    return _BARE_MARK.sub(_add_base, text)


def _suspect(text: str) -> bool:
    return bool((_ASCII_SUSPECT if text.isascii() else _SUSPECT).search(text))


def _shown(found: re.Match[str]) -> str:
    run = found[0]
    match found.lastgroup:
        case "control":
            return run.translate(_PICTURES)
        case "dropped":
            return ""
        case "hidden":
            more = f" +{len(run) - 1}" if len(run) > 1 else ""
            return f"<U+{ord(run[0]):04X}{more}>"
        case _:
            return "\ufffd"


def _cap_marks(found: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in found[0]:
        marks = marks + 1 if get_character_cell_size(character) == 0 else 0
        if marks <= MARKS:
            kept.append(character)
    return "".join(kept)


def _add_base(found: re.Match[str]) -> str:
    return found[0] if get_character_cell_size(found[0]) else f"◌{found[0]}"


def _is_regional(character: str) -> bool:
    return _REGIONAL[0] <= character <= _REGIONAL[1]


def _shorten(text: str, cells: int, cut: Cut) -> str:
    """Leave out of a very long text what cannot show, so that fitting costs what fits."""
    room = 2048 + 8 * cells
    if len(text) <= 2 * room:
        return text
    if cut == "start":
        return ELLIPSIS + text[-room:]
    if cut == "end":
        return text[:room] + ELLIPSIS
    return text[:room] + ELLIPSIS + text[-room:]


def _cut(line: str, cells: int, cut: Cut) -> str:
    room = cells - 1
    head = {"start": 0, "middle": room // 2, "end": room}[cut]
    if line.isascii():
        return line[:head] + ELLIPSIS + line[len(line) - (room - head) :]
    parts = list(clusters(line))
    start, taken = _take(parts, head)
    stop, _ = _take(parts[::-1], room - (taken if cut == "middle" else head))
    tail = parts[len(parts) - stop :]
    return "".join(part for part, _ in [*parts[:start], (ELLIPSIS, 1), *tail])


def _take(parts: list[tuple[str, int]], cells: int) -> tuple[int, int]:
    taken = 0
    for count, (_, size) in enumerate(parts):
        if taken + size > cells:
            return count, taken
        taken += size
    return len(parts), taken
