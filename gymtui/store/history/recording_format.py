"""The recording's files, version 2: chunks of bytes, each of which says what it is (RECORDING.md).

Pure: bytes to data and back. What is in a chunk is `recording_rows`; who writes them is
`recording_writer`, who reads them `recording_reader`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct

from gymtui.core.new_file import gym_part
from gymtui.core.urls import without_login

VERSION = 2  # version 1 is read, too; its frames have no dictionaries
DICTIONARY_BYTES = 1 << 19
"""What was known before begins many a frame: so much of it is that frame's dictionary."""
SUFFIX = ".gymrec"
MAGIC = b"GYMR"
_HEAD = struct.Struct("<4sBBHIIIqI")
HEAD_BYTES = _HEAD.size
"""Magic, version, kind, zero, segment, number, length, time, and a CRC-32 over all that and the
payload; little-endian."""

MOST_BYTES = 1 << 30  # no chunk is longer: a length beyond it is damage


class Kind(IntEnum):
    """What is in a chunk."""

    HEAD = 0  # Which gym it is of; a segment begins with it. Not compressed.
    BASE = 1  # all that was known at an instant; right after the head
    KEY = 2  # what was another since the base: from here, too, the recording can be read
    # What came in, a piece of the compressed stream that begins after each `BASE` and `KEY`.
    EVENTS = 3
    MARKS = 4  # what a person may want to jump to; not compressed
    END = 5  # nothing was watched from here on until the next segment


class Chunk(Struct, frozen=True):
    """One chunk."""

    kind: Kind
    segment: int  # which segment it belongs to: a random number
    number: int  # which one of the segment it is, from 0 without a gap
    at_us: int  # the server's time of what it ends with, microseconds since 1970
    payload: bytes
    version: int = VERSION  # of the format


class Damage(Struct, frozen=True):
    """Bytes of a file that are no sound chunk."""

    offset: int
    length: int
    newer: bool = False  # whether it was written by a newer version of this program


def pack_chunk(chunk: Chunk) -> bytes:
    """A chunk as it is written."""
    fields = (MAGIC, VERSION, int(chunk.kind), 0, chunk.segment, chunk.number)
    head = _HEAD.pack(*fields, len(chunk.payload), chunk.at_us, 0)[:-4]
    crc = zlib.crc32(chunk.payload, zlib.crc32(head))
    return head + struct.pack("<I", crc) + chunk.payload


def chunks(data: bytes) -> Iterator[tuple[int, Chunk] | Damage]:
    """Each chunk of a file with where its payload begins; what is damaged between them."""
    at, end, bad_from = 0, len(data), -1
    newer = False
    while at < end:
        found = _chunk_at(data, at)
        if isinstance(found, Chunk):
            if bad_from >= 0:
                yield Damage(bad_from, at - bad_from, newer)
                bad_from, newer = -1, False
            yield at + HEAD_BYTES, found
            at += HEAD_BYTES + len(found.payload)
            continue
        if bad_from < 0:
            bad_from = at
        newer |= found
        following = data.find(MAGIC, at + 1)
        at = end if following < 0 else following
    if bad_from >= 0:
        yield Damage(bad_from, end - bad_from, newer)


def _chunk_at(data: bytes, at: int) -> Chunk | bool:
    """The sound chunk there; else whether a newer version wrote what is there."""
    if len(data) - at < HEAD_BYTES:
        return False
    magic, version, kind, _, segment, number, length, at_us, crc = _HEAD.unpack_from(data, at)
    if magic != MAGIC or length > MOST_BYTES or at + HEAD_BYTES + length > len(data):
        return False
    view = memoryview(data)[at + HEAD_BYTES : at + HEAD_BYTES + length]
    if zlib.crc32(view, zlib.crc32(data[at : at + HEAD_BYTES - 4])) != crc:
        return False
    if not 1 <= version <= VERSION:
        return bool(version > VERSION)
    try:
        return Chunk(Kind(kind), segment, number, at_us, bytes(view), version)
    except ValueError:
        return False


def directory_name(base_url: str) -> str:
    """The name of a gym's recording: readable, and another for every base URL."""
    return f"recording-{gym_part(without_login(base_url))}"
