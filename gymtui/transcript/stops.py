"""Where the keys for the next and the previous turn, error and tool call stop. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gymtui.transcript import facts
from gymtui.transcript.blocks import Fault, ToolCall, ToolResult, Transcript

HEAD = -1  # the block number of what names a turn, before its blocks

TextPlace = tuple[int, int, int, int]
"""A place in the text: turn, block, part, and the character of that part."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place to go to."""

    turn: int  # the turn's place in `Transcript.turns`; beyond them, that of `Transcript.endings`
    block: int = HEAD  # the block's place in its turn, or `HEAD`

    @property
    def spot(self) -> TextPlace:
        """Where it begins."""
        return (self.turn, self.block, 0, 0)


def nearest_stop(stops: Sequence[Stop], spot: TextPlace, step: int) -> Stop | None:
    """The next stop after a spot, or the last one before it; None where there is none.

    Within a turn or a call, "before" means its start first.
    """
    if step > 0:
        return next((stop for stop in stops if stop.spot > spot), None)
    return next((stop for stop in reversed(stops) if stop.spot < spot), None)


def turns(transcript: Transcript) -> Iterator[Stop]:
    """What stands over the first turn, every turn, and how it ended."""
    if facts.opening(transcript):
        yield Stop(facts.OPENING)
    for place in range(len(transcript.turns) + len(transcript.endings)):
        yield Stop(place)


def errors(transcript: Transcript) -> Iterator[Stop]:
    """Every result that is an error, what else went wrong in a turn, and bad ends."""
    for turn in transcript.turns:
        failed = [
            number
            for number, block in enumerate(turn.blocks)
            if isinstance(block, Fault) or (isinstance(block, ToolResult) and block.error)
        ]
        yield from (Stop(turn.index, number) for number in failed)
        if turn.error and not failed:
            yield Stop(turn.index)
    for place, ending in enumerate(transcript.endings, len(transcript.turns)):
        if ending.failed:
            yield Stop(place)


def calls(transcript: Transcript) -> Iterator[Stop]:
    """Every tool call."""
    for turn in transcript.turns:
        for number, block in enumerate(turn.blocks):
            if isinstance(block, ToolCall):
                yield Stop(turn.index, number)
