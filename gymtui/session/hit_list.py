"""Hits in the transcripts of many rollouts, and a list of them as a screen has it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gymtui.session.rollout_ref import RolloutRef
from gymtui.transcript.hits import Hit


class FoundHit(NamedTuple):
    """A hit, and whose transcript it is in. A tuple: there may be many."""

    ref: RolloutRef
    hit: Hit


class HitList(Protocol):
    """A list of hits that transcripts are opened from, to go on from one to the next."""

    @property
    def phrase(self) -> str:
        """What was looked for, as it is typed within one transcript; "" for no phrase."""

    def hit(self) -> FoundHit | None:
        """The hit under the cursor."""

    def step_hit(self, step: int) -> FoundHit | None:
        """Go to the next hit (1) or the one before (-1); None at the end of the list."""

    def hit_place(self) -> tuple[int, int]:
        """Which hit the cursor is on, from 1, and how many there are."""
