"""The process that reads transcripts for a search, so that the dashboard's own stays free for keys.

It is given artifacts on standard input and gives what can be searched in them on standard output,
and ends when the former does: however who started it ends, it is not left behind. Who starts it is
`session.transcript_reader`.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Sequence
from typing import IO

import msgspec

from gymtui.core.replacement import replace
from gymtui.transcript.blocks import Ending
from gymtui.transcript.body_reader import open_body
from gymtui.transcript.hits import spoken_passages
from gymtui.transcript.packed_passages import pack_passages

Order = tuple[bytes, Ending | None]  # a rollout's artifacts, and how it ended by its record
_LENGTH = struct.Struct(">Q")


def packs_of(body: bytes, result: Ending | None) -> list[bytes]:
    """What can be searched in a rollout's artifacts."""
    return pack_passages(spoken_passages(replace(open_body(body), result=result)))


def write_frame(stream: IO[bytes], value: object) -> None:
    """Write a value to a pipe; raises `OSError` where nobody reads it any more."""
    data = msgspec.msgpack.encode(value)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes:
    """Read what `write_frame` wrote, to be decoded; `EOFError` where nobody writes more."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def serve(orders: IO[bytes], answers: IO[bytes]) -> None:
    """Say that it is there, then read one transcript after the other, until nobody asks."""
    nothing: Sequence[bytes] = ()
    write_frame(answers, nothing)
    decoder = msgspec.msgpack.Decoder(Order)
    while True:
        try:
            body, result = decoder.decode(read_frame(orders))
        except EOFError:
            return
        write_frame(answers, packs_of(body, result))


def main() -> None:
    """Serve on standard input and output, which nothing else may write to."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # who asked has gone, and there is nobody to flush for


if __name__ == "__main__":
    main()
