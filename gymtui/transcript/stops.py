"""Where the keys for the next and the previous turn, error and tool call stop. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gymtui.transcript.blocks import ToolCall, ToolResult, Transcript

HEAD = -1
"""The block number of what names a turn, before its blocks."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place to go to.

    Attributes:
        turn: The turn's place in `Transcript.turns`; beyond them, that of `Transcript.endings`.
        block: The block's place in its turn, or `HEAD`.
    """

    turn: int
    block: int = HEAD

    @property
    def spot(self) -> tuple[int, int, int, int]:
        """Where it begins: turn, block, part and character."""
        return (self.turn, self.block, 0, 0)


def turns(transcript: Transcript) -> Iterator[Stop]:
    """Every turn, and how it ended."""
    for place in range(len(transcript.turns) + len(transcript.endings)):
        yield Stop(place)


def errors(transcript: Transcript) -> Iterator[Stop]:
    """Every result that is an error, turns that failed otherwise, and bad ends."""
    for turn in transcript.turns:
        failed = [
            number
            for number, block in enumerate(turn.blocks)
            if isinstance(block, ToolResult) and block.error
        ]
        yield from (Stop(turn.index, number) for number in failed)
        if turn.error and not failed:
            yield Stop(turn.index)
    for place, ending in enumerate(transcript.endings, len(transcript.turns)):
        if ending.failed:
            yield Stop(place)


def calls(transcript: Transcript) -> Iterator[Stop]:
    """Every tool call; of those written in a turn's text the turn."""
    written = {
        exchange.call.turn
        for exchange in transcript.exchanges
        if exchange.call is not None and exchange.call.block is None
    }
    for turn in transcript.turns:
        if turn.index in written:
            yield Stop(turn.index)
        for number, block in enumerate(turn.blocks):
            if isinstance(block, ToolCall):
                yield Stop(turn.index, number)
