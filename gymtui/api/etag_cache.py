"""Answers that a gym gave an `ETag` for: asked again, it need not send them again (RFC 9110)."""

from __future__ import annotations

from collections import OrderedDict

MOST_BYTES = 8 * 1024 * 1024
"""Bodies kept at most, together: those not asked for longest are given up."""


class EtagCache:
    """Bodies by what was asked, each with its tag."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[bytes, tuple[str, bytes]] = OrderedDict()
        self._bytes = 0

    def tag(self, target: bytes) -> str | None:
        """The tag to ask with, or None."""
        found = self._kept.get(target)
        return found[0] if found is not None else None

    def body(self, target: bytes) -> bytes | None:
        """What is meant by "not modified"; None where nothing is kept."""
        found = self._kept.get(target)
        if found is None:
            return None
        self._kept.move_to_end(target)
        return found[1]

    def keep(self, target: bytes, tag: str | None, body: bytes) -> None:
        """Keep an answer in place of the one before; one without a tag is not kept."""
        before = self._kept.pop(target, None)
        if before is not None:
            self._bytes -= len(before[1])
        if not tag or len(body) > self._most_bytes:
            return
        self._kept[target] = (tag, body)
        self._bytes += len(body)
        while self._bytes > self._most_bytes:
            _, (_, given_up) = self._kept.popitem(last=False)
            self._bytes -= len(given_up)
