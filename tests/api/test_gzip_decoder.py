"""A body's bytes on their way in: between two parts of a large one others get their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gymtui.api.gzip_decoder import small_parts


async def test_others_get_their_turn_between_the_parts_of_a_large_body() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def stream() -> AsyncIterator[bytes]:
        yield bytes(range(256)) * 400
        yield b"small"

    task = asyncio.create_task(others())
    found = [(part, turns) async for part in small_parts(stream())]
    task.cancel()
    assert b"".join(part for part, _ in found) == bytes(range(256)) * 400 + b"small"
    *large, small = found
    assert len(large) > 4
    assert len({at for _, at in large}) == len(large)
    assert small[0] == b"small"
