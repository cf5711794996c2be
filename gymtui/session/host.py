"""What a session needs of the program around it: work carried out, something told."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Literal, Protocol

from gymtui.session.actions import ActionResult
from gymtui.session.alerts import RunAlert
from gymtui.store.delta import Delta


class Work(Protocol):
    """Something under way on the event loop."""

    def cancel(self) -> object:
        """End it."""


class LaunchHost(Protocol):
    """What launching needs of the program around the session."""

    def begin(self, work: Coroutine[None, None, None], group: str) -> Work:
        """Carry work out; a defect in it ends the program."""

    def notify_later(self, words: str, severity: Literal["information", "warning"]) -> None:
        """Tell something, on the screen that comes next if one is about to."""

    def hide(self, secret: str) -> None:
        """Keep a secret out of all that is written."""
        return None


class SessionHost(LaunchHost, Protocol):
    """Who is told what a session comes to know, on the event loop."""

    @property
    def shows_alerts(self) -> bool:
        """Whether anybody is told what happened to runs."""

    def changed(self, delta: Delta) -> None:
        """Something of this moment changed: what a key did, or what the journal knew."""
        return None

    def on_alerts(self, alerts: Sequence[RunAlert]) -> None:
        """Something happened to watched runs."""
        return None

    def action_finished(self, results: Sequence[ActionResult]) -> None:
        """What was done to runs turned out otherwise than was told."""
        return None
