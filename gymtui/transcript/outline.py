"""A transcript in one line a turn: who, which tools and what for, whether it failed, how long."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from gymtui.core.replacement import replace
from gymtui.core.text import clean
from gymtui.transcript import facts
from gymtui.transcript.blocks import (
    BlockKind,
    Extras,
    Spoken,
    ToolCall,
    Tooled,
    ToolResult,
    Transcript,
    Turn,
    Unknown,
)
from gymtui.transcript.call_names import argument, tool_name
from gymtui.transcript.pretty_json import preview
from gymtui.transcript.stops import HEAD

_GLANCE = 200  # characters of a turn's text that are looked at for its line
_REPEATS = 3  # from so many times on a call that is made again and again is one line
_FRAME = re.compile(
    r"\s*(?:<returncode>-?\d+</returncode>|</?\w{1,20}>|observation:|output:|```\w*|-{8,}|={8,})\s*",
    re.IGNORECASE,
)
"""What stands around an answer and says nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One turn's line."""

    # The turn's place in `Transcript.turns`; beyond them, in `Transcript.endings`; before them
    # `facts.OPENING`.
    turn: int
    kind: BlockKind  # who speaks
    # The names of the tools that it calls or that answer in it, clean, in order.
    tools: tuple[str, ...]
    calls: bool  # whether it calls tools, rather than answering
    words: str  # the beginning of what it says, or of what a tool answers; clean, in one line
    error: bool  # whether it, or an answer in it, failed
    duration_s: float | None  # seconds since the turn before, if both are stamped
    block: int = HEAD  # which of its blocks the line is about: its first call; else `HEAD`
    asked: str = ""  # what the first call asks for, in one line
    times: int = 1  # how many turns like it the line stands for, with their answers
    last: int = HEAD  # the last turn that it stands for

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to see in it."""
        return not (self.tools or self.words or self.error)


def outline(transcript: Transcript) -> tuple[Entry, ...]:
    """Write a transcript's outline, a line for each turn."""
    servers: defaultdict[str, set[str | None]] = defaultdict(set)
    for turn in transcript.turns:
        for block in turn.blocks:
            if isinstance(block, ToolCall):
                servers[block.tool].add(block.server)
    clashing = frozenset(tool for tool, names in servers.items() if len(names) > 1)
    return tuple(_entry(turn, clashing) for turn in transcript.turns)


def rows(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The lines that are shown: blank ones left out, repeats as one."""
    found: list[Entry] = []
    steps: list[list[Entry]] = []
    for entry in entries:
        if entry.is_blank:
            continue
        if steps and entry.kind is BlockKind.TOOL and not entry.calls:
            steps[-1].append(entry)
        else:
            steps.append([entry])
    for _, together in groupby(steps, _call_made):
        alike = list(together)
        lines = [entry for step in alike for entry in step]
        if len(alike) < _REPEATS:
            found += lines
            continue
        took = [entry.duration_s for entry in lines if entry.duration_s is not None]
        found.append(
            replace(
                lines[0],
                times=len(alike),
                last=lines[-1].turn,
                error=any(entry.error for entry in lines),
                duration_s=sum(took) if took else None,
            )
        )
    return tuple(found)


def openings(transcript: Transcript) -> tuple[Entry, ...]:
    """Write the line of what stands over the first turn, if anything does."""
    if not facts.opening(transcript):
        return ()
    return (Entry(facts.OPENING, BlockKind.OTHER, (), False, facts.TITLE, False, None),)


def endings(transcript: Transcript) -> tuple[Entry, ...]:
    """Write the lines of `Transcript.endings`, each of the turn of its place beyond the turns."""
    found = enumerate(transcript.endings, len(transcript.turns))
    return tuple(
        Entry(place, BlockKind.OTHER, (), False, clean(ending.title), ending.failed, None)
        for place, ending in found
    )


def _call_made(step: list[Entry]) -> object:
    """What is the same of steps that make the same call; a step without one is like no other."""
    first = step[0]
    return (first.tools, first.asked) if first.calls else object()


def _entry(turn: Turn, clashing: frozenset[str]) -> Entry:
    found = [block for block in turn.blocks if isinstance(block, Tooled)]
    first = next((block for block in found if isinstance(block, ToolCall)), None)
    tools = [
        _short(block, clashing) for block in found if isinstance(block, ToolCall) or first is None
    ]
    answers = bool(found) and first is None
    return Entry(
        turn.index,
        turn.kind,
        tuple(filter(None, tools)),
        first is not None,
        _answer(found[0]) if answers and isinstance(found[0], ToolResult) else _words(turn),
        turn.error,
        turn.duration_s,
        next((at for at, block in enumerate(turn.blocks) if isinstance(block, ToolCall)), HEAD),
        "" if first is None else argument(first),
        last=turn.index,
    )


def _short(block: ToolCall | ToolResult, clashing: frozenset[str]) -> str:
    """A tool's name, with its server only where another server has one of that name."""
    if isinstance(block, ToolCall):
        return tool_name(block) if block.tool in clashing else clean(block.tool)
    named = block.answers.tool if block.answers is not None else block.name
    return tool_name(block) if not named or named in clashing else clean(named)


def _answer(result: ToolResult) -> str:
    """The beginning of what a tool answers."""
    value = result.observation if result.covered or not result.value else result.value
    text = value if isinstance(value, str) else "" if value is None else preview(value, _GLANCE)
    text = (text or result.problem or "")[: 2 * _GLANCE]
    place = 0
    while (found := _FRAME.match(text, place)) is not None and found.end() > place:
        place = found.end()
    words = clean(text[place : place + _GLANCE].strip(), newline=" ")
    if not words and isinstance(value, str) and not result.problem:
        words = "(no output)"
    code = f"exit {result.exit_code}" if result.exit_code else ""
    return ": ".join(filter(None, (code, words)))


def _words(turn: Turn) -> str:
    for block in turn.blocks:
        if isinstance(block, Spoken):
            start = block.text[:_GLANCE].replace("<think>", "").strip()
            if start:
                return clean(start, newline=" ")
        elif isinstance(block, Unknown):
            return clean(preview(block.value, _GLANCE), newline=" ")
        elif not isinstance(block, Tooled | Extras):
            return clean(block.text[:_GLANCE], newline=" ")
    return ""
