"""What a session learns from: a poller that asks the gym, or a recording that is played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gymtui.poll.connection import Link
from gymtui.poll.view import View
from gymtui.store.delta import NOTHING, Delta
from gymtui.store.stats.run_summary import RunSummary


class UpdateSource(Protocol):
    """Brings what is known of a gym into a session's store; `poll.poller.Poller` is one.

    What is played has nothing to do for most of it: what is not said otherwise does nothing.
    """

    @property
    def link(self) -> Link:
        """How it goes just now."""

    def set_view(self, view: View) -> None:
        """Another part of what can be known is on screen."""

    def refresh(self) -> None:
        """Bring what there is now."""
        return None

    def pause(self, paused: bool) -> None:
        """Stop, or go on."""

    def forget(self, run_ids: frozenset[str]) -> Delta:
        """Drop runs that are gone."""
        return NOTHING

    def remember(self, summaries: Mapping[str, RunSummary]) -> Delta:
        """Take numbers of runs from an earlier session."""
        return NOTHING

    def list_anew(self, run_id: str) -> None:
        """List a run's rollouts once, even if an earlier session kept its final numbers."""
        return None

    def begin_catch_up(self) -> None:
        """What earlier sessions kept is in."""
        return None

    def awaits(self, run_id: str | None) -> bool:
        """Whether a run's rollouts, or all that run, are still to be listed for the first time."""
        return False

    def behind_s(self, run_id: str) -> float | None:
        """For how many seconds a run's rollouts have been older than its counters; else None."""
        return None

    def forbidden_s(self, run_id: str) -> float | None:
        """Seconds until a run's rollouts are asked for again; None unless they are forbidden."""
        return None

    async def settled(self) -> None:
        """Wait until all that was asked is answered."""
        return None

    async def run(self) -> None:
        """Bring what comes until cancelled."""
