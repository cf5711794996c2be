"""A list answer taken apart as it comes: each item is let go of as soon as it is whole.

The pieces add up to what `list_answer.split` makes of the whole answer. What is written in a way
that cannot be cut (a bare list, items of no common beginning) is kept until its end.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Literal

import msgspec

from gymtui.api.errors import Garbled
from gymtui.api.item_limits import ITEMS
from gymtui.api.list_answer import ListAnswer, own_bytes, split

PART_BYTES = 256_000  # what is taken apart at a time: some 1 ms
LARGE_BYTES = 500_000  # a body up to this size is taken apart at once

HELD_BYTES = 64 << 20  # what cannot be cut is held up to this size

_HEAD_BYTES = 4_096
_TRIES = 4  # at so many places before the last one an item may begin; then it is waited for more
_OPENING = {
    key: re.compile(rb'"%b"\s*:\s*\[\s*(?=\{)' % key.encode()) for key in ("runs", "rollouts")
}
_FIRST_NAME = re.compile(rb'\{\s*"[^"\\]{1,200}"\s*:')
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class ListSplitter:
    """Takes one list answer apart."""

    def __init__(self, key: Literal["runs", "rollouts"]) -> None:
        self._key: Literal["runs", "rollouts"] = key
        self._head = b""  # all that comes before the first item
        self._begins = b""  # what each item begins with
        self._rest = bytearray()
        self._wait = PART_BYTES
        self._count = 0

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """The items that are whole by now and were not returned before; `Garbled` for too many."""
        self._rest += data
        if len(self._rest) > HELD_BYTES:
            raise Garbled(f"GET /{self._key}: {HELD_BYTES >> 20} MiB without a whole item")
        if len(self._rest) < self._wait:
            return []
        items = self._cut() if self._begins or self._opened() else []
        # Where it cannot be cut, twice as much is looked at next: each byte a few times in all.
        self._wait = PART_BYTES + (0 if items else 2 * len(self._rest))
        return self._counted(items)

    def close(self) -> ListAnswer:
        """The answer is complete: its count and other items; `Garbled` if it is not whole."""
        listing = split(self._head + bytes(self._rest), self._key)
        self._rest.clear()
        self._counted(listing.items)
        return listing

    def _counted(self, items: list[bytes] | tuple[bytes, ...]) -> list[bytes]:
        self._count += len(items)
        if self._count > ITEMS:
            raise Garbled(f"GET /{self._key}: more than {ITEMS:,} items")
        return list(items)

    def _opened(self) -> bool:
        opening = _OPENING[self._key].search(self._rest, 0, _HEAD_BYTES)
        if opening is None:
            return False
        head = bytes(self._rest[: opening.end()])
        name = _FIRST_NAME.match(self._rest, opening.end())
        try:
            # Closed here it is a whole answer: it is this list that the bytes are in the middle of.
            split(head + b"]}", self._key)
        except Garbled:
            return False
        if name is None:
            return False
        self._head, self._begins = head, name[0]
        del self._rest[: len(head)]
        return True

    def _cut(self) -> list[bytes]:
        end = len(self._rest)
        for _ in range(_TRIES):
            end = self._rest.rfind(self._begins, 1, end)
            if end < 0:
                break
            before = self._rest[:end].rstrip()
            if not before.endswith(b","):
                continue
            before[-1:] = b"]"
            try:
                # What is a list when closed here has no item open: none is torn.
                items = list(map(own_bytes, _ITEMS.decode(b"[" + before)))
            except (msgspec.MsgspecError, RecursionError):
                continue
            del self._rest[:end]
            return items
        return []


def split_in_pieces(
    body: bytes, key: Literal["runs", "rollouts"]
) -> Generator[None, None, ListAnswer]:
    """Take an answer apart, stopping now and then so that keys are answered meanwhile.

    Arguments, result and errors are those of `split`.
    """
    if len(body) <= LARGE_BYTES:
        return split(body, key)
    splitter = ListSplitter(key)
    items: list[bytes] = []
    view = memoryview(body)
    for start in range(0, len(body), PART_BYTES):
        items += splitter.feed(view[start : start + PART_BYTES])
        yield
    rest = splitter.close()
    return ListAnswer(rest.total, (*items, *rest.items))
