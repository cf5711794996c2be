"""What can be searched in a transcript, packed: to be kept, or to pass between processes."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Sequence

import msgspec

from gymtui.transcript.blocks import BlockKind
from gymtui.transcript.hits import SpokenPassage
from gymtui.transcript.search import Passage

IN_A_PACK = 16  # passages of a pack: a few of a transcript are read without the rest
LEVEL = 3
_Written = list[tuple[int, int, str, tuple[int, ...], str, str, bool]]
_KINDS = {str(kind): kind for kind in BlockKind}
_decoder = msgspec.msgpack.Decoder(_Written)


def pack_passages(passages: Iterable[SpokenPassage]) -> list[bytes]:
    """Pack passages, `IN_A_PACK` at a time."""
    written: _Written = [
        (p.turn, p.block, p.text, p.starts, str(spoken.kind), spoken.tool, spoken.error)
        for spoken in passages
        for p in (spoken.passage,)
    ]
    return [
        zlib.compress(msgspec.msgpack.encode(written[at : at + IN_A_PACK]), LEVEL)
        for at in range(0, len(written), IN_A_PACK)
    ]


def unpack_passages(pack: bytes, places: Collection[int] = range(IN_A_PACK)) -> list[SpokenPassage]:
    """The passages of a pack at some places; zlib.error or msgspec.DecodeError if it is damaged."""
    return [
        SpokenPassage(Passage(turn, block, text, starts), _KINDS[kind], tool, error)
        for place, (turn, block, text, starts, kind, tool, error) in enumerate(
            _decoder.decode(zlib.decompress(pack))
        )
        if place in places
    ]


def texts_in(pack: bytes) -> Sequence[str]:
    """The texts of a pack's passages, alone; raises as `unpacked`."""
    return [entry[2] for entry in _decoder.decode(zlib.decompress(pack))]
