"""Asking again where waiting helps: for single GETs whose answer a person waits for.

Polling is its own retry (`poll.request_log`), and what changes the gym is never sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gymtui.api.errors import GymError, RateLimited, ServerError, Unreachable

TRIES = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

RETRYABLE = (Unreachable, ServerError, RateLimited)
"""Errors after which the same question may be answered."""

T = TypeVar("T")


async def with_retry(
    ask: Callable[[], Awaitable[T]],
    *,
    retryable: tuple[type[GymError], ...] = RETRYABLE,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """Ask up to `TRIES` times, with the gym's pauses or ever longer ones; raises the last error."""
    pause_s = FIRST_PAUSE_S
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except retryable as error:
            await sleep(min(error.retry_after_s or pause_s, LONGEST_PAUSE_S))
            pause_s *= 2
    return await ask()
