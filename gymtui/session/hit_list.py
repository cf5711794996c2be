"""Hits in the transcripts of many rollouts, and a list of them as a screen has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gymtui.session.rollout_ref import RolloutRef
from gymtui.transcript.hits import Hit, Hits


class FoundHit(NamedTuple):
    """A hit, and whose transcript it is in. A tuple: there may be many."""

    ref: RolloutRef
    hit: Hit


@dataclass(frozen=True, slots=True)
class FoundHits:
    """Hits in one transcript, each made when it is looked at."""

    ref: RolloutRef
    hits: Hits

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[FoundHit]:
        return (FoundHit(self.ref, hit) for hit in self.hits)


NO_HITS = FoundHits(RolloutRef("", ""), Hits())


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
