"""A request that a provider's library wrote, as the gym carries it out."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from gymtui.gym.models.model_client import ERRORS, Answered

BLOCKS = "content_blocks"
"""A message's content in the provider's own form, where that of OpenAI loses some of it."""


@dataclass
class Exchange:
    timeout_s: float  # how long the answer may take, seconds
    answered: Answered | None = None
    error: Exception | None = None  # one of `ERRORS`; why there is no answer

    async def carry(self, answering: Awaitable[Answered]) -> Answered:
        """Wait for the answer, and keep it."""
        self.answered = self.error = None
        try:
            async with asyncio.timeout(self.timeout_s):
                self.answered = await answering
        except ERRORS as error:
            self.error = error
            raise
        return self.answered
