"""What an agent is sent of its own past: all of it, or a summary and the last few exchanges."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gymtui.gym.models.exchange import BLOCKS

Message = Mapping[str, Any]

SUMMARY_PROMPT = (
    "You write a summary of the history of an assistant that works with tools, so that it can go on"
    " with the summary in place of the history. Keep what was found out (names, ids, times,"
    " amounts, word for word), what was done and with what result, what failed, and what is left"
    " to do. Answer with the summary alone."
)
SUMMARY = "Summary of what happened so far:\n\n"


class History:
    """A conversation: how it began, and exchanges, each a turn of the agent's and what followed."""

    def __init__(self, beginning: Sequence[Message]) -> None:
        self._beginning = list(beginning)
        self._summary: list[Message] = []
        self._exchanges: list[list[Message]] = []

    def begin_exchange(self, turn: Message) -> None:
        self._exchanges.append([turn])

    def follow(self, messages: Sequence[Message]) -> None:
        """Add what followed the agent's last turn."""
        if messages:
            self._exchanges[-1] += messages

    @property
    def messages(self) -> list[Message]:
        """What is sent."""
        recent = [message for exchange in self._exchanges for message in exchange]
        return [*self._beginning, *self._summary, *recent]

    def summary_request(self, but_last: int) -> list[Message] | None:
        """Return the messages that ask for a summary, or None when there is nothing to summarise.

        Args:
            but_last: How many exchanges stay as they are.
        """
        older = self._exchanges[:-but_last]
        if not older:
            return None
        told = [message for message in self._beginning if message["role"] != "system"]
        past = [*told, *self._summary, *(message for exchange in older for message in exchange)]
        # Blocks say again what is beside them, with signatures that nobody reads.
        history = [{key: item[key] for key in item if key != BLOCKS} for item in past]
        return [
            {"role": "system", "content": SUMMARY_PROMPT},
            {"role": "user", "content": json.dumps(history, ensure_ascii=False)},
        ]

    def put_summary(self, text: str, but_last: int) -> Message:
        """Put a summary in place of all but the last exchanges.

        Returns:
            The message that is sent from now on.
        """
        del self._exchanges[:-but_last]
        message = {"role": "user", "content": SUMMARY + text}
        self._summary = [message]
        return message
