"""Where the keys for the next and the previous turn, error and tool call stop. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gymtui.transcript import passages
from gymtui.transcript.blocks import ToolCall, ToolResult, Transcript, Turn

HEAD = -1
"""The block number of what names a turn, before its blocks."""

Spot = tuple[int, int, int, int]
"""A place in the text: turn, block, part, and the character of that part."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place to go to.

    Attributes:
        turn: The turn's place in `Transcript.turns`; beyond them, that of `Transcript.endings`.
        block: The block's place in its turn, or `HEAD`.
        part: Which part of the block, as `passages.parts` divides it.
        character: Which of the part, as it is shown.
    """

    turn: int
    block: int = HEAD
    part: int = 0
    character: int = 0

    @property
    def spot(self) -> Spot:
        """Where it begins."""
        return (self.turn, self.block, self.part, self.character)


def nearest_stop(stops: Sequence[Stop], spot: Spot, step: int) -> Stop | None:
    """The next stop after a spot, or the last one before it; None where there is none.

    Within a turn or a call, "before" means its start first.
    """
    if step > 0:
        return next((stop for stop in stops if stop.spot > spot), None)
    return next((stop for stop in reversed(stops) if stop.spot < spot), None)


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
    """Every tool call; of one written in a turn's text the line in which it begins."""
    written: defaultdict[int, list[Stop]] = defaultdict(list)
    for exchange in transcript.exchanges:
        if exchange.call is not None and exchange.call.block is None:
            turn = transcript.turns[exchange.call.turn]
            written[turn.index].append(_stop_in_text(turn, exchange.call.written))
    for turn in transcript.turns:
        blocks = enumerate(turn.blocks)
        found = [Stop(turn.index, number) for number, b in blocks if isinstance(b, ToolCall)]
        yield from sorted({*found, *written[turn.index]}, key=lambda stop: stop.spot)


def _stop_in_text(turn: Turn, written: tuple[int, int] | None) -> Stop:
    if written is None:
        return Stop(turn.index)
    number, left = written
    block = turn.blocks[number]
    whole, text = block.text, passages.body(block)
    left -= len(whole) - len(whole.lstrip("\r\n"))
    for part, piece in enumerate(passages.parts(text)):
        if left < len(piece):
            return Stop(turn.index, number, part, len(passages.shown(piece[: max(0, left)] + "\n")))
        left -= len(piece)
    return Stop(turn.index, number)
