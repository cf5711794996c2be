"""What a session needs of the program around it: work carried out, something told."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Literal, Protocol


class Work(Protocol):
    """Something under way on the event loop."""

    def cancel(self) -> None:
        """End it."""


class Surroundings(Protocol):
    """What launching needs of the program around the session."""

    def begin(self, work: Coroutine[None, None, None], group: str) -> Work:
        """Carry work out; a defect in it ends the program."""

    def notify_later(self, words: str, severity: Literal["information", "warning"]) -> None:
        """Tell something, on the screen that comes next if one is about to."""

    def hide(self, secret: str) -> None:
        """Keep a secret out of all that is written."""
