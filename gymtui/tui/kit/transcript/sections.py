"""A transcript as sections to be drawn: what is in each, how it is styled, what is folded away.

A section is a turn's heading or a part of one of its blocks. Making sections costs little; a
section's text is made, cleaned and styled when it is looked at, by `lay_out`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gymtui.core.replacement import replace
from gymtui.core.text import clean, span_lines
from gymtui.store.formats import of_many
from gymtui.transcript import facts, passages
from gymtui.transcript.blocks import (
    Block,
    BlockKind,
    Extras,
    Fault,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
    Unknown,
)
from gymtui.transcript.call_names import error_mark
from gymtui.transcript.export import NO_MESSAGES
from gymtui.transcript.folds import Hidden, fold
from gymtui.tui.kit.rollout_details import format_seconds
from gymtui.tui.kit.transcript import highlight
from gymtui.tui.kit.transcript.highlight import StyleSpan, StyleSpans
from gymtui.tui.kit.transcript.styles import TextKind, from_spans, style_spans

GLYPHS = {"system": "◇", "user": "◆", "assistant": "●", "tool": "⚙", "other": "○"}
INDENT = 3
HEADING = -1
"""The block number of a turn's heading."""
_FOLD_LINES = 12
_GLANCE = 200
_MOMENT_S = 0.05


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of the transcript."""

    turn: int  # the turn's place in `Transcript.turns`; beyond them, that of `Transcript.endings`
    block: int  # the block's place in its turn, or `HEADING`
    part: int  # which of the block's parts it is
    kind: TextKind
    source: Turn | Block | str  # what it shows: a turn for its heading, a block, or text
    folded: int | None = None  # how many lines it shows at most; None shows all
    foldable: bool = False
    last: bool = False  # whether it ends its turn, so that a blank line follows
    # Its lines and characters, roughly: what its height is estimated from.
    size: tuple[int, int] = (1, 40)
    in_code: bool = False  # whether it begins within a fence of Markdown
    fold_key: str = "z"  # the key that unfolds it, as people write it


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What of a transcript is shown."""

    hidden: frozenset[BlockKind] = frozenset()  # kinds of turns that are not
    all_open: bool = False  # whether everything is unfolded, apart from `toggled`
    # Blocks, as (turn, block), that stand the other way than usual.
    toggled: frozenset[tuple[int, int]] = frozenset()
    fold_key: str = "z"  # the key that unfolds, as people write it
    kind_keys: str = "1 2 3 4"  # those that show kinds of turns

    def is_open(self, turn: int, block: int) -> bool:
        """Whether a block is unfolded."""
        return self.all_open != ((turn, block) in self.toggled)


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a section."""

    text: str  # clean
    start: int  # where it begins in the section's text; -1 for what is no part of it
    indent: int = INDENT  # cells left of it, kept when it wraps
    spans: StyleSpans = ()
    style: str = ""  # under them
    # Whether it stands below something hidden: its place is not that of its block's text.
    below: bool = False


@dataclass(frozen=True, slots=True)
class SectionLayout:
    """A section's lines, and its text: theirs, joined by LF, what is folded away left out."""

    lines: tuple[TextLine, ...]
    text: str = field(repr=False)

    @property
    def unfolded_length(self) -> int:
        """How many characters of the text are the start of its block, nothing left out."""
        return next((line.start for line in self.lines if line.below), len(self.text))


SectionCache = dict[tuple[int, bool, tuple[tuple[int, int], ...]], list[Section]]
"""Sections by turn and how it is folded."""


def sections(
    transcript: Transcript, shown: ViewOptions, cache: SectionCache | None = None
) -> list[Section]:
    """Divide a transcript into sections, in order; never none.

    Args:
        cache: The sections of turns from earlier calls for the same transcript, which grows.
    """
    cache = {} if cache is None else cache
    toggled: dict[int, list[tuple[int, int]]] = {}
    for block in sorted(shown.toggled):
        toggled.setdefault(block[0], []).append(block)
    found: list[Section] = []
    if text := facts.opening(transcript):
        found.append(Section(facts.OPENING, HEADING, 0, TextKind.NOTE, facts.TITLE))
        found += _parts(facts.OPENING, 0, text, TextKind.TEXT)
        _end_turn(found)
    over = len(found)
    for turn in transcript.turns:
        if turn.kind not in shown.hidden:
            key = (turn.index, shown.all_open, tuple(toggled.get(turn.index, ())))
            if key not in cache:
                cache[key] = _of_turn(turn, shown)
            found += cache[key]
    count = len(transcript.turns)
    if len(found) == over:
        words = f"all turns are hidden: {shown.kind_keys} show them" if count else NO_MESSAGES
        found.append(Section(count, HEADING, 0, TextKind.NOTE, words, last=True))
    for place, ending in enumerate(transcript.endings, count):
        found.append(Section(place, HEADING, 0, TextKind.NOTE, ending.title))
        found += _parts(place, 0, ending.text, TextKind.FAILED if ending.failed else TextKind.TEXT)
        _end_turn(found)
    return found


def text_sections(text: str, kind: TextKind = TextKind.JSON) -> list[Section]:
    """Divide a text of no turns, such as the artifacts as received."""
    return list(_parts(0, 0, text, kind))


def lay_out(section: Section, *, styled: bool = True) -> SectionLayout:
    """Write a section out; without styles it is faster, and as high."""
    if section.kind is TextKind.HEADING and isinstance(section.source, Turn):
        lines = [heading(section.source)]
    elif section.kind is TextKind.NOTE and isinstance(section.source, str):
        lines = [TextLine(clean(section.source), 0, indent=0, style="heading")]
    else:
        lines = list(_body_lines(section, styled=styled))
    text = "\n".join(line.text for line in lines if line.start >= 0)
    if section.last:
        lines.append(TextLine("", -1))
    return SectionLayout(tuple(lines), text)


def heading(turn: Turn) -> TextLine:
    """The line that names a turn."""
    kind = str(turn.kind)
    role = kind if kind != "other" else "strong"
    pieces = [(f"{GLYPHS.get(kind, '○')} ", role), (f"{turn.index + 1} {turn.role or kind}", role)]
    if turn.name:
        pieces.append((f" {turn.name}", "strong"))
    if mark := error_mark(turn):
        pieces.append((f"  {mark}", "failed"))
    pieces += ((f"  {note}", "warning") for note in turn.notes)
    if turn.timestamp is not None:
        pieces.append((f"  {turn.timestamp:%H:%M:%S}", "muted"))
    if turn.duration_s is not None and turn.duration_s >= _MOMENT_S:
        pieces.append((f"  +{format_seconds(turn.duration_s)}", "muted"))
    if turn.used:
        pieces.append((f"  {turn.used}", "muted"))
    text, spans = "", []
    for piece, style in pieces:
        shown = clean(piece)
        spans.append(StyleSpan(len(text), len(text) + len(shown), style))
        text += shown
    return TextLine(text, 0, indent=0, spans=tuple(spans))


def _of_turn(turn: Turn, shown: ViewOptions) -> list[Section]:
    found = [Section(turn.index, HEADING, 0, TextKind.HEADING, turn)]
    for number, block in enumerate(turn.blocks):
        found += _of_block(turn.index, number, block, shown)
    _end_turn(found)
    return found


def _end_turn(found: list[Section]) -> None:
    found[-1] = replace(found[-1], last=True)


def _of_block(turn: int, number: int, block: Block, shown: ViewOptions) -> Iterator[Section]:
    match block:
        case Text() | Refusal() | Fault():
            if text := passages.block_text(block):
                yield from _parts(turn, number, text, _SPOKEN.get(type(block), TextKind.TEXT))
        case Thinking():
            yield from _foldable(turn, number, block, TextKind.QUIET, 1, shown)
        case ToolCall():
            yield from _foldable(turn, number, block, TextKind.CALL, _FOLD_LINES, shown)
        case ToolResult():
            kind = TextKind.FAILED if block.error else TextKind.RESULT
            yield from _foldable(turn, number, block, kind, _FOLD_LINES, shown)
        case Extras():
            if block.value and shown.is_open(turn, number):
                yield from _foldable(turn, number, block, TextKind.JSON, 0, shown)
        case Unknown():
            yield from _foldable(turn, number, block, TextKind.JSON, _FOLD_LINES, shown)
        case _:
            yield Section(turn, number, 0, TextKind.QUIET, passages.block_text(block))


def _foldable(
    turn: int, number: int, block: Block, kind: TextKind, most: int, shown: ViewOptions
) -> Iterator[Section]:
    if shown.is_open(turn, number):
        yield from _parts(turn, number, passages.block_text(block), kind, foldable=True)
    else:
        size = (min(most, 6) + 1, 40 * most)
        key = shown.fold_key
        yield Section(turn, number, 0, kind, block, most, foldable=True, size=size, fold_key=key)


def _parts(
    turn: int, number: int, text: str, kind: TextKind, *, foldable: bool = False
) -> Iterator[Section]:
    fences = 0
    for part, piece in enumerate(passages.split_text(text)):
        size = (passages.lines_in(piece), len(piece))
        yield Section(
            turn, number, part, kind, piece, foldable=foldable, size=size, in_code=fences % 2 == 1
        )
        if kind is TextKind.TEXT and len(text) > passages.PART:
            fences += highlight.fences(piece)


# -- bodies --------------------------------------------------------------------------------


def _body_lines(section: Section, *, styled: bool) -> Iterator[TextLine]:
    source = section.source
    if isinstance(source, str):
        yield from _lines(section, source, styled=styled)
        return
    if isinstance(source, Turn):  # its heading is all there is
        return
    if isinstance(source, Thinking):
        yield TextLine(_glance(source, section.fold_key), -1, style="thinking")
        return
    start = 0
    for piece in fold(passages.block_text(source), section.folded or 0):
        if isinstance(piece, Hidden):
            yield TextLine(_hidden_words(piece, section.fold_key), -1, style="muted")
        else:
            below = start > 0
            shown = replace(section, part=1) if below else section
            for line in _lines(shown, piece, styled=styled):
                yield replace(line, start=start, below=below)
                start += len(line.text) + 1


def _glance(thinking: Thinking, key: str) -> str:
    """The first line of folded thinking, and how many more there are."""
    whole = passages.block_text(thinking)
    rest = passages.lines_in(whole) - 1
    more = f"  ⋯ {of_many(rest, 'more line')} · {key} unfolds" if rest > 0 else ""
    return f"{clean(whole[:_GLANCE].split(chr(10), 1)[0])}{more}"


def _hidden_words(hidden: Hidden, key: str) -> str:
    lines = of_many(hidden.lines, "more line")
    more = lines if hidden.lines else f"{hidden.characters:,} more characters"
    return f"⋯ {more} · {key} unfolds"


def _lines(section: Section, raw: str, *, styled: bool) -> Iterator[TextLine]:
    base = _BASE.get(section.kind, "")
    if passages.may_be_coloured(raw):
        coloured = span_lines(raw.removesuffix("\n"))
        texts = ["".join(span.text for span in line) for line in coloured]
        spans = [from_spans(line) for line in coloured] if styled else []
    else:
        texts = passages.clean_part(raw).split("\n")
        first, in_code = section.part == 0, section.in_code
        spans = style_spans(section.kind, texts, at_start=first, in_code=in_code) if styled else []
    start = 0
    for number, text in enumerate(texts):
        first = number == 0 and section.part == 0
        style = _FIRST.get(section.kind, base) if first else base
        yield TextLine(text, start, INDENT, spans[number] if spans else (), style)
        start += len(text) + 1


_BASE = {
    TextKind.QUIET: "thinking",
    TextKind.WARNING: "warning",
    TextKind.FAULT: "failed",
    TextKind.JSON: "muted",
}
_SPOKEN = {Refusal: TextKind.WARNING, Fault: TextKind.FAULT}
_FIRST = {TextKind.CALL: "accent", TextKind.RESULT: "muted", TextKind.FAILED: "failed"}
