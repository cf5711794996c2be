"""Where the chunks of a recording's segment are, as far as they are sound. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, field

from gymtui.store.history.recording_format import Kind
from gymtui.store.history.recording_rows import Head, Mark

TOGETHER_US = 10_000_000  # by so much the gym's clock may be known otherwise by another recorder


class Place(Struct, frozen=True):
    """Where a chunk is; its payload is read when it is wanted."""

    kind: Kind
    number: int  # of the chunk in its segment
    at_us: int
    offset: int
    length: int
    version: int  # of the format


class Segment(Struct):
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

    def snapshot_place(self, number: int, before: Place) -> Place | None:
        """Where the snapshot with a number is, ahead of a place; None if it is not there."""
        at = bisect_left(self.places, number, key=lambda place: place.number)
        found = self.places[at] if at < len(self.places) else None
        if found is None or found.number != number or found.number >= before.number:
            return None
        return None if found.kind is Kind.EVENTS else found

    def goes_on_from(self, before: Segment) -> bool:
        """Whether another leads into it without a gap."""
        return self.follows == before.number and not before.cut

    def lose(self, index: int) -> None:
        """Say that nothing can be read from a place on, up to the next key."""
        for following in range(index, len(self.places)):
            if self.places[following].kind is Kind.KEY:
                self.broken.add(following)
                return
        self.short = True


def in_order(segments: Sequence[Segment]) -> list[Segment]:
    """Put segments in the order of time, each right after the one that it goes on from.

    By the gym's clock, which the time line has. That is known a little otherwise each time: of
    those that begin together the recorder's own clock decides.
    """
    by_time: list[Segment] = []
    together: list[Segment] = []
    for segment in sorted(segments, key=lambda segment: segment.from_us):
        if together and segment.from_us - together[-1].from_us > TOGETHER_US:
            by_time += sorted(together, key=_began_us)
            together = []
        together.append(segment)
    by_time += sorted(together, key=_began_us)
    numbers = {segment.number for segment in segments}
    following = {segment.follows: segment for segment in reversed(by_time)}
    ordered: dict[int, Segment] = {}
    # Those that go on from one that is there come after it; what is left goes on from each other.
    for first in (*(s for s in by_time if s.follows not in numbers), *by_time):
        going: Segment | None = first
        while going is not None and going.number not in ordered:
            ordered[going.number] = going
            going = following.get(going.number)
    return list(ordered.values())


def _began_us(segment: Segment) -> int:
    """When one began by the recorder's clock, or else by the gym's."""
    return segment.head.began_us if segment.head is not None else segment.from_us
