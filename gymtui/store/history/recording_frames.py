"""Snapshots and rows compressed: frames of zstd, with what a reader knows by then as dictionaries.

Pure. Which chunk they are in is `recording_format`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from gymtui.store.history.recording_format import DICTIONARY_BYTES

if TYPE_CHECKING:
    import zstandard

LEVEL = 6
MEMORY = {"window_log": 18, "chain_log": 15, "hash_log": 16}
"""Of compression: some 1 ms for what comes in within two seconds, in 1.7 MB of memory; a MB more
would make a recording smaller by 1 %."""
MOST_PLAIN_BYTES = 1 << 30  # a snapshot that claims to be larger is damage
_BUILDS_ON = struct.Struct("<I")


class FrameError(Exception):
    """A frame that cannot be read."""


def dictionary_of(plain: bytes) -> bytes:
    """Of a snapshot's bytes those that frames after it have as their dictionary."""
    return plain[-DICTIONARY_BYTES:]


def pack_snapshot(plain: bytes, builds_on: int | None, dictionary: bytes) -> bytes:
    """A snapshot's bytes as they are in a chunk: a key's with the number that it builds on."""
    frame: bytes = _compressor(dictionary).compress(plain)
    return frame if builds_on is None else _BUILDS_ON.pack(builds_on) + frame


def builds_on(payload: bytes) -> int:
    """The number of the chunk that a key builds on, whose dictionary is its own."""
    try:
        return int(_BUILDS_ON.unpack_from(payload)[0])
    except struct.error:
        raise FrameError("too short") from None


def unpack_snapshot(payload: bytes, dictionary: bytes | None) -> bytes:
    """A snapshot's bytes, by the dictionary that it builds on, if any; raises `FrameError`."""
    import zstandard

    frame = payload if dictionary is None else payload[_BUILDS_ON.size :]
    try:
        if zstandard.frame_content_size(frame) > MOST_PLAIN_BYTES:
            raise FrameError("too large")
        plain: bytes = _decompressor(dictionary or b"").decompress(frame)
    except zstandard.ZstdError as error:
        raise FrameError(str(error)) from None
    return plain


class RowStream:
    """Compresses rows that follow a snapshot."""

    def __init__(self, dictionary: bytes) -> None:
        self._stream = _compressor(dictionary).compressobj()

    def pack(self, plain: bytes) -> bytes:
        """The next piece of the stream, which can be read without those that follow."""
        # 1: the block is flushed, the stream goes on.
        packed: bytes = self._stream.compress(plain) + self._stream.flush(1)
        return packed


class RowReader:
    """Reads the pieces of a stream, in turn."""

    def __init__(self, dictionary: bytes) -> None:
        self._stream = _decompressor(dictionary).decompressobj()

    def read(self, piece: bytes) -> bytes:
        """The rows' bytes; raises `FrameError`."""
        import zstandard

        try:
            plain: bytes = self._stream.decompress(piece)
        except zstandard.ZstdError as error:
            raise FrameError(str(error)) from None
        return plain


def _compressor(dictionary: bytes) -> zstandard.ZstdCompressor:
    import zstandard

    chosen = zstandard.ZstdCompressionParameters.from_level(LEVEL, **MEMORY)
    return zstandard.ZstdCompressor(compression_params=chosen, dict_data=_dictionary(dictionary))


def _decompressor(dictionary: bytes) -> zstandard.ZstdDecompressor:
    import zstandard

    return zstandard.ZstdDecompressor(dict_data=_dictionary(dictionary))


def _dictionary(content: bytes) -> zstandard.ZstdCompressionDict | None:
    import zstandard

    kind = zstandard.DICT_TYPE_RAWCONTENT
    return zstandard.ZstdCompressionDict(content, dict_type=kind) if content else None
