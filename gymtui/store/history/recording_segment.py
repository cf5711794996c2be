"""Where the chunks of a recording's segment are, as far as they are sound. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gymtui.store.history.recording_format import Kind
from gymtui.store.history.recording_rows import Head, Mark


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk is; its payload is read when it is wanted."""

    kind: Kind
    number: int  # of the chunk in its segment
    at_us: int
    offset: int
    length: int


@dataclass(slots=True)
class Segment:
    """One segment, as far as it is sound and follows its base without a gap."""

    path: Path
    number: int
    head: Head | None = None
    # Its base, keys and events, in their order; those after a gap begin with a key.
    places: list[Place] = field(default_factory=list)
    # Indices of `places` before which something is missing; the last one may be that of a place
    # which is not there yet.
    broken: set[int] = field(default_factory=set)
    marks: list[Mark] = field(default_factory=list)  # in the order of time
    chunks: int = 0  # how many it has at least, missing ones included
    short: bool = False  # whether what goes on from it says that it has more chunks
    ended: bool = False  # whether its recorder said that it stopped

    @property
    def follows(self) -> int:
        """Which segment it goes on from; 0 for none."""
        return self.head.follows if self.head is not None else 0

    @property
    def began(self) -> tuple[int, int]:
        """When it began, by the recorder's clock, then by the gym's: their order."""
        from_us = self.from_us
        return (self.head.began_us if self.head is not None else from_us), from_us

    @property
    def cut(self) -> bool:
        """Whether what came last is missing."""
        return self.short or len(self.places) in self.broken

    @property
    def from_us(self) -> int:
        """When it begins."""
        return self.places[0].at_us

    @property
    def to_us(self) -> int:
        """When what it has ends."""
        return self.places[-1].at_us
