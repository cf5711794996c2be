"""Undoing gzip without ever holding more than was allowed: what a client of strangers needs."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator

_GZIP = zlib.MAX_WBITS | 16
_PART_BYTES = 16 * 1024  # of a list some 250 kB when inflated: 1 ms


class OverCapError(Exception):
    """The body is larger than the cap."""


class BadEncodingError(Exception):
    """The body is not what its encoding says, is cut off, or is in one that was not asked for."""


class GzipDecoder:
    """Decodes a body chunk by chunk and stops it at a cap, however small it came over the wire.

    Raises:
        BadEncodingError: The encoding is neither gzip nor identity.
    """

    def __init__(self, encoding: str, max_bytes: int) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "gzip", "x-gzip"}:
            raise BadEncodingError(f"content-encoding {name} was not asked for")
        self._left = max_bytes
        self._gzip = zlib.decompressobj(_GZIP) if name.endswith("gzip") else None
        self._started = False

    def feed(self, data: bytes) -> bytes:
        """What `data` decodes to.

        Raises:
            OverCapError: The cap is passed; nothing beyond it was decoded.
            BadEncodingError: `data` is not gzip.
        """
        if self._gzip is None:
            self._spend(len(data))
            return data
        pieces = []
        while data:
            self._started = True
            try:
                piece = self._gzip.decompress(data, self._left + 1)
            except zlib.error:
                raise BadEncodingError("not gzip, which it says it is") from None
            self._spend(len(piece))
            pieces.append(piece)
            if self._gzip.eof:
                # A gzip body may be several members end to end, and be padded with zeros.
                data = self._gzip.unused_data.lstrip(b"\0")
                if data:
                    self._gzip = zlib.decompressobj(_GZIP)
            else:
                data = self._gzip.unconsumed_tail
        return b"".join(pieces)

    def finish(self) -> None:
        """Check that the body did not end too early; raises `BadEncodingError`."""
        if self._gzip is not None and self._started and not self._gzip.eof:
            raise BadEncodingError("cut off")

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise OverCapError


async def small_parts(stream: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """A body's bytes in parts, between which others get their turn."""
    async for chunk in stream:
        yield chunk[:_PART_BYTES]
        for at in range(_PART_BYTES, len(chunk), _PART_BYTES):
            await asyncio.sleep(0)
            yield chunk[at : at + _PART_BYTES]
