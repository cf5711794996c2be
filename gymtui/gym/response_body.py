"""The body of an answer from elsewhere, read up to a limit: it could go on without end."""

from collections.abc import AsyncIterable

MOST_BYTES = 16 * 1024 * 1024
"""Decompressed: the log probabilities of a long answer have room in it."""


class TooLargeError(Exception):
    """An answer is larger than what is read."""


async def read_body(parts: AsyncIterable[bytes]) -> bytes:
    """Return a body whole.

    Raises:
        TooLargeError: There is more of it than `MOST_BYTES`.
    """
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > MOST_BYTES:
            raise TooLargeError(f"an answer larger than {MOST_BYTES >> 20} MiB")
    return bytes(body)
