"""A transcript as paragraphs to read: who speaks, what is said, what is called and answered."""

from __future__ import annotations

from collections.abc import Iterator

from gymtui.text import clean, clean_block
from gymtui.transcript.blocks import (
    Block,
    Extras,
    Image,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
    Unknown,
)
from gymtui.tui.ink import Ink
from gymtui.tui.show import duration
from gymtui.tui.widgets.text_view import Paragraph

_INDENT = 3
_GLYPHS = {"system": "◇", "user": "◆", "assistant": "●", "tool": "⚙", "other": "○"}


def laid_out(transcript: Transcript) -> tuple[tuple[Paragraph, ...], tuple[int, ...]]:
    """Write a transcript out.

    Args:
        transcript: What was read in the artifacts.

    Returns:
        The paragraphs, and for each turn the number of its first one.
    """
    lines: list[Paragraph] = []
    starts: list[int] = []
    for turn in transcript.turns:
        starts.append(len(lines))
        lines += _turn(turn)
        lines.append(Paragraph())
    if not transcript.turns:
        lines.append(Paragraph((Ink("the artifacts hold no messages", "muted"),)))
    if transcript.error:
        lines += _block("error", transcript.error, "failed")
    if transcript.final_observation:
        lines += _block("final observation", transcript.final_observation, "")
    return tuple(lines), tuple(starts)


def _block(title: str, text: str, style: str) -> list[Paragraph]:
    return [Paragraph((Ink(title, "heading"),)), *_text(text, style), Paragraph()]


def _turn(turn: Turn) -> Iterator[Paragraph]:
    kind = str(turn.kind)
    heading = [
        Ink(f"{_GLYPHS.get(kind, '○')} ", kind),
        Ink(f"{turn.index + 1} {clean(turn.role or kind)}", kind if kind != "other" else "strong"),
    ]
    if turn.name:
        heading.append(Ink(f" {clean(turn.name)}", "strong"))
    if turn.error:
        heading.append(Ink("  ✗ error", "failed"))
    if turn.timestamp is not None:
        heading.append(Ink(f"  {turn.timestamp:%H:%M:%S}", "muted"))
    if turn.duration_s is not None:
        heading.append(Ink(f"  +{duration(turn.duration_s)}", "muted"))
    yield Paragraph(tuple(heading))
    for block in turn.blocks:
        yield from _shown(block)


def _shown(block: Block) -> Iterator[Paragraph]:
    match block:
        case Text():
            yield from _text(block.text, "")
        case Thinking():
            yield from _text(block.text, "muted")
        case Refusal():
            yield from _text(block.text, "warning")
        case Image() | Unknown():
            yield from _text(block.text, "muted")
        case ToolCall():
            name = f"{block.server}.{block.tool}" if block.server else block.tool
            yield Paragraph((Ink("→ ", "accent"), Ink(clean(name), "accent")), _INDENT)
            yield from _text(block.text, "", _INDENT + 2)
        case ToolResult():
            name = ".".join(clean(part) for part in (block.server, block.name) if part)
            style = "failed" if block.error else "muted"
            yield Paragraph((Ink("← ", style), Ink(name, style)), _INDENT)
            yield from _text(block.text, "failed" if block.error else "", _INDENT + 2)
        case Extras():
            return


def _text(text: str, style: str, indent: int = _INDENT) -> Iterator[Paragraph]:
    if not text.strip():
        return
    for line in clean_block(text).strip("\n").split("\n"):
        body = line.lstrip(" ")
        yield Paragraph((Ink(body, style),), indent + min(len(line) - len(body), 40))
