"""A body of tens of megabytes read piece by piece, so that other threads get their turn.

`json.loads` holds the interpreter for as long as its document is large; here it is given one
message at a time. What is no such document is `shapes.read`'s to understand as a whole.
"""

from __future__ import annotations

import json

import msgspec

from gymtui.transcript import shapes
from gymtui.transcript.blocks import Transcript

_LARGE = 512 * 1024
"""Bytes from which pieces are worth it."""
_WRAPPERS = ("artifacts", "messages", "tool_calls", "tool_results")
"""Keys whose values are taken apart again."""


def open_body(body: bytes) -> Transcript:
    """Read an artifact's bytes, whatever they are.

    Args:
        body: JSON as `shapes.read` takes it.

    Returns:
        The same transcript as `shapes.read(body)`.
    """
    if len(body) >= _LARGE:
        try:
            return shapes.read(_fields(msgspec.Raw(body)))
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass  # NaN, lone surrogates, a list: read whole, and more leniently
    return shapes.read(body)


def _fields(raw: msgspec.Raw) -> dict[str, object]:
    """Take an object apart down to the lists of messages."""
    found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return {key: _value(key, value) for key, value in found.items()}


def _value(name: str, raw: msgspec.Raw) -> object:
    first = bytes(memoryview(raw)[:1])
    if name == "artifacts" and first == b"{":
        return _fields(raw)
    if name in _WRAPPERS and first == b"[":
        return [
            json.loads(bytes(item)) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])
        ]
    return json.loads(bytes(raw))
