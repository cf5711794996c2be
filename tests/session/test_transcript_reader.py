"""The process in which transcripts are read for a search: what it gives, and how it ends."""

from __future__ import annotations

import io
import json

import pytest

from gymtui.session.transcript_reader import SHORT_BYTES, ReaderEndedError, TranscriptReader
from gymtui.transcript.blocks import Ending
from gymtui.transcript.packed_passages import unpack_passages
from gymtui.transcript.reader_process import packs_of, read_frame, serve, write_frame

RESULT = Ending("result", "✗ failed", failed=True)
LONG = json.dumps(
    {
        "artifacts": {
            "messages": [{"role": "user", "content": f"{n} kettle " * 90} for n in range(40)]
        }
    }
).encode()


async def test_what_is_long_is_read_elsewhere_and_one_that_was_killed_is_started_again() -> None:
    assert len(LONG) > SHORT_BYTES
    reader = TranscriptReader()
    try:
        assert await reader.read(LONG, RESULT) == packs_of(LONG, RESULT)
        first = reader._process
        assert first is not None and first.poll() is None
        first.kill()
        with pytest.raises(ReaderEndedError):
            await reader.read(LONG, RESULT)
        assert await reader.read(LONG, None) == packs_of(LONG, None)
        second = reader._process
    finally:
        reader.close()
    assert second is not None and second.poll() is not None
    with pytest.raises(ReaderEndedError):
        await reader.read(LONG, RESULT)


@pytest.mark.parametrize("command", [("/nowhere/at/all",), ("true",)])
async def test_where_none_can_be_started_it_is_read_here(command: tuple[str, ...]) -> None:
    reader = TranscriptReader(command)
    for _ in range(2):
        assert await reader.read(LONG, RESULT) == packs_of(LONG, RESULT)
    reader.close()


async def test_what_is_short_starts_no_process() -> None:
    reader = TranscriptReader(("/nowhere/at/all",))
    short = b'{"messages": [{"role": "user", "content": "hello"}]}'
    texts = [
        spoken.passage.text
        for pack in await reader.read(short, RESULT)
        for spoken in unpack_passages(pack)
    ]
    assert texts == ["hello", "✗ failed"]


def test_it_ends_with_whoever_asks_it() -> None:
    orders, answers = io.BytesIO(), io.BytesIO()
    write_frame(orders, (LONG, RESULT))
    orders.write(b"\0\0\0")  # cut off in the middle
    orders.seek(0)
    serve(orders, answers)
    answers.seek(0)
    assert read_frame(answers)  # that it is there
    assert read_frame(answers)
    with pytest.raises(EOFError):
        read_frame(answers)
