"""A body of tens of megabytes read piece by piece, so that other threads get their turn.

`json.loads` holds the interpreter for as long as its document is large; here it is given one
message at a time, and what is large in that by its members. What is no such document is read whole.
"""

from __future__ import annotations

import json

import msgspec

from gymtui.transcript.blocks import Transcript
from gymtui.transcript.passages import write_long
from gymtui.transcript.readers import artifact

_LARGE = 512 * 1024  # bytes from which pieces are worth it
_PIECE = 256 * 1024  # bytes of a value that are read at once
_LEVELS = 8
_WRAPPERS = ("artifacts", "messages", "tool_calls", "tool_results")
"""Keys whose values are taken apart again."""


def open_body(body: bytes) -> Transcript:
    """Read an artifact's bytes, whatever they are: into what `artifact.read` makes of them."""
    if len(body) >= _LARGE:
        try:
            found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            # Taken apart down to the lists of messages.
            fields = {key: _value(item, _LEVELS, key in _WRAPPERS) for key, item in found.items()}
            return write_long(artifact.read(fields))
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass  # NaN, lone surrogates, a list: read whole, and more leniently
    return write_long(artifact.read(body))


def _value(raw: msgspec.Raw, levels: int, apart: bool = False) -> object:
    """Read a value, piece by piece where it is large.

    Args:
        levels: Down to how many levels it may be taken apart: nobody nests large things deeper.
        apart: Whether it is to be taken apart at any size.
    """
    view = memoryview(raw)
    if levels and (apart or len(view) > _PIECE):
        first = bytes(view[:1])
        if first == b"{":
            found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            return {key: _value(item, levels - 1, key in _WRAPPERS) for key, item in found.items()}
        if first == b"[":
            items = msgspec.json.decode(raw, type=list[msgspec.Raw])
            return [_value(item, levels - 1) for item in items]
    return json.loads(bytes(view))
