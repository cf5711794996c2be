"""How much of one item is kept: an item that is larger loses what is large in it, and says so.

An answer may be 64 MiB, and all of it one string. What is kept of it is kept for hours.
"""

from __future__ import annotations

import re
from itertools import islice

import msgspec

from gymtui.api.lenient import loads
from gymtui.core.json_output import json_text

ITEM_BYTES = 1 << 20
"""What an item may take as JSON; one within it is kept as received, whatever it holds."""
ITEMS = 1_000_000
"""Items that one answer may list: each costs some 130 bytes to tell apart, however small it is."""
_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_SHARE = 4  # the part of what holds it that a member may take, in an item that is larger
_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
"""An escape that means nothing without the one behind it."""
_TEXT_BYTES = 4096  # what is kept of a text that is too large, as JSON


def holds_too_many(body: bytes) -> bool:
    """Whether a list answer may hold more than `ITEMS` objects, told before it is taken apart.

    Args:
        body: Its JSON. Objects that stand beside each other within its items count, too.
    """
    if body.count(b"{") <= ITEMS:
        return False
    return next(islice(_BETWEEN.finditer(body), ITEMS - 1, None), None) is not None


def bound_item(item: bytes | memoryview) -> bytes:
    """An item in at most `ITEM_BYTES`.

    Returns:
        It as received where it is small enough. Else texts that are too large are cut behind their
        first 4,096 bytes, with a mark that says how much was cut; lists and objects lose what no
        longer fits at their ends. Nothing of it if it is no JSON at all.
    """
    if len(item) <= ITEM_BYTES:
        return bytes(item)
    try:
        return _cut(item, ITEM_BYTES)
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return _cut(json_text(loads(bytes(item))).encode(), ITEM_BYTES)
    except (ValueError, RecursionError):
        return b""


def _cut(value: bytes | memoryview, most: int) -> bytes:
    if len(value) <= most:
        return bytes(value)
    first = bytes(value[:1])
    if first == b'"':
        return _cut_text(value) if most > 2 * _TEXT_BYTES else b"null"
    if first == b"{":
        members = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        named = [(f"{json_text(name)}:".encode(), member) for name, member in members.items()]
        return _join(named, most, b"{}")
    if first == b"[":
        elements = msgspec.json.decode(value, type=list[msgspec.Raw])
        return _join([(b"", element) for element in elements], most, b"[]")
    return b"null"  # a number of thousands of digits


def _join(members: list[tuple[bytes, msgspec.Raw]], most: int, ends: bytes) -> bytes:
    kept: list[bytes] = []
    room = most - len(ends)
    for name, member in members:
        written = name + _cut(memoryview(member), most // _SHARE)
        room -= len(written) + 1
        if room < 0:
            break
        kept.append(written)
    return ends[:1] + b",".join(kept) + ends[1:]


def _cut_text(text: bytes | memoryview) -> bytes:
    """The beginning of a text; an escape or a character is left out rather than torn."""
    start = bytes(text[:_TEXT_BYTES])
    escape = start.rfind(b"\\", -len("\\uXXXX\\uXXX"))
    if escape > 0:
        start = _HALF.sub(b"", start[:escape]).rstrip(b"\\")
    start = start.decode("utf-8", "ignore").encode()
    return start + f'… (cut: {len(text) - 2:,} bytes)"'.encode()
