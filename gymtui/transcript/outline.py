"""A transcript in one line a turn: who, which tools, whether it failed, how long it took."""

from __future__ import annotations

from dataclasses import dataclass

from gymtui.core.text import clean
from gymtui.transcript.blocks import (
    BlockKind,
    Extras,
    Spoken,
    ToolCall,
    Tooled,
    Transcript,
    Turn,
    Unknown,
)
from gymtui.transcript.call_names import tool_name
from gymtui.transcript.pretty_json import preview
from gymtui.transcript.stops import HEAD

_GLANCE = 200
"""Characters of a turn's text that are looked at for its line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One turn's line.

    Attributes:
        turn: The turn's place in `Transcript.turns`; beyond them, in `Transcript.endings`.
        kind: Who speaks.
        tools: The names of the tools that it calls or that answer in it, clean, in order.
        calls: Whether it calls tools, rather than answering.
        words: The beginning of what it says, clean, in one line.
        error: Whether it, or an answer in it, failed.
        duration_s: Seconds since the turn before, if both are stamped.
        block: Which of its blocks the line is about: its first call; else `HEAD`.
    """

    turn: int
    kind: BlockKind
    tools: tuple[str, ...]
    calls: bool
    words: str
    error: bool
    duration_s: float | None
    block: int = HEAD


def outline(transcript: Transcript) -> tuple[Entry, ...]:
    """Write a transcript's outline."""
    return tuple(_entry(turn) for turn in transcript.turns)


def endings(transcript: Transcript) -> tuple[Entry, ...]:
    """Write the lines of what stands under the last turn.

    Returns:
        An entry for each of `Transcript.endings`, its turn being their place beyond the turns.
    """
    found = enumerate(transcript.endings, len(transcript.turns))
    return tuple(
        Entry(place, BlockKind.OTHER, (), False, clean(ending.title), ending.failed, None)
        for place, ending in found
    )


def _entry(turn: Turn) -> Entry:
    found = [block for block in turn.blocks if isinstance(block, Tooled)]
    calls = any(isinstance(block, ToolCall) for block in found)
    tools = [tool_name(block) for block in found if isinstance(block, ToolCall) or not calls]
    return Entry(
        turn.index,
        turn.kind,
        tuple(filter(None, tools)),
        calls,
        _words(turn),
        turn.error,
        turn.duration_s,
        next((at for at, block in enumerate(turn.blocks) if isinstance(block, ToolCall)), HEAD),
    )


def _words(turn: Turn) -> str:
    for block in turn.blocks:
        if isinstance(block, Spoken):
            start = block.text[:_GLANCE].strip()
            if start:
                return clean(start, newline=" ")
        elif isinstance(block, Unknown):
            return clean(preview(block.value, _GLANCE), newline=" ")
        elif not isinstance(block, Tooled | Extras):
            return clean(block.text[:_GLANCE], newline=" ")
    return ""
