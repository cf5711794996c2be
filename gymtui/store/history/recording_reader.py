"""A recording being read: which times it has, and all that was known at any of them.

Whatever is wrong with its files, nothing here raises for it: what is not sound is left out and
said. To which store and screens it goes is `session.playback`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gymtui.store.history.recording_format import SUFFIX, Chunk, Damage, Kind, chunks
from gymtui.store.history.recording_rows import (
    Head,
    KeptRollout,
    Mark,
    Row,
    Snapshot,
    read_head,
    read_marks,
    read_rows,
    read_snapshot,
)

if TYPE_CHECKING:
    import zstandard

MOST_PLAIN_BYTES = 1 << 30
"""A snapshot that claims to be larger is damage."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk is; its payload is read when it is wanted."""

    kind: Kind
    at_us: int
    offset: int
    length: int


@dataclass(slots=True)
class Segment:
    """One segment, as far as it is sound and follows its base without a gap.

    Attributes:
        places: Its base, keys and events, in their order; those after a gap begin with a key.
        broken: Indices of `places` before which something is missing.
        marks: In the order of time.
        chunks: How many it has at least, missing ones included.
        cut: Whether what came last is missing.
        ended: Whether its recorder said that it stopped.
    """

    path: Path
    number: int
    head: Head | None = None
    places: list[Place] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    marks: list[Mark] = field(default_factory=list)
    chunks: int = 0
    cut: bool = False
    ended: bool = False

    @property
    def from_us(self) -> int:
        """When it begins."""
        return self.places[0].at_us

    @property
    def to_us(self) -> int:
        """When what it has ends."""
        return self.places[-1].at_us


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was recorded, or it is damaged; by the server's clock."""

    from_us: int
    to_us: int


class Recording:
    """The recording of one gym.

    Args:
        path: Its directory, or one of its files.

    Attributes:
        problems: What is missing, in sentences, for the person.
        unfinished: The one that is none while a recorder is at work: the last end is missing.
    """

    def __init__(self, path: Path) -> None:
        self.problems: list[str] = []
        self.unfinished: str | None = None
        self._segments: list[Segment] = []
        self._bases: dict[int, Snapshot] = {}
        try:
            single = [path] if path.exists() else []
            files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else single
        except OSError as error:
            files = []
            self.problems.append(f"{path}: {error.strerror}")
        found: dict[int, Segment] = {}
        for file in files:
            self._index(file, found)
        whole = [segment for segment in found.values() if segment.places]
        for segment in sorted(whole, key=lambda segment: (segment.from_us, segment.to_us)):
            self._add(segment)
        by_number = {segment.number: segment for segment in self._segments}
        followed = set()
        for segment in self._segments:
            head = segment.head
            before = by_number.get(head.follows) if head is not None else None
            if before is not None and head is not None:
                followed.add(before.number)
                before.cut |= before.chunks != head.follows_chunks
        for segment in self._segments:
            if segment.cut or not (segment.ended or segment.number in followed):
                self.unfinished = f"{segment.path.name}: its end is missing"
                self.problems.append(self.unfinished)
        self._starts = [segment.from_us for segment in self._segments]

    # -- what there is ---------------------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self._segments)

    @property
    def from_us(self) -> int:
        """When it begins, by the server's clock, microseconds since 1970."""
        return self._segments[0].from_us

    @property
    def to_us(self) -> int:
        """When it ends."""
        return max(segment.to_us for segment in self._segments)

    @property
    def marks(self) -> Sequence[Mark]:
        """What happened, in the order of time."""
        marks = [mark for segment in self._segments for mark in segment.marks]
        return sorted(marks, key=lambda mark: mark.at_us)

    def gaps(self) -> list[Gap]:
        """Between which times nothing is known."""
        found = []
        before: Segment | None = None
        for segment in self._segments:
            if before is not None and (before.cut or _follows(segment) != before.number):
                found.append(Gap(before.to_us, segment.from_us))
            for index in sorted(segment.broken):
                found.append(Gap(segment.places[index - 1].at_us, segment.places[index].at_us))
            before = segment
        return found

    @property
    def head(self) -> Head | None:
        """Which gym it is of, as far as that can be read."""
        heads = (segment.head for segment in self._segments)
        return next((head for head in heads if head is not None), None)

    # -- what was known --------------------------------------------------------------------

    def at(self, at_us: int) -> tuple[Snapshot, int, Iterator[tuple[int, tuple[Row, ...]]]] | None:
        """What was known at a time.

        Args:
            at_us: By the server's clock, microseconds since 1970.

        Returns:
            The last snapshot before that time (of an earlier time, the first one), when it was,
            and what came in from there to the recording's end or the next gap: each with the time
            it ends with. None for an empty recording.
        """
        index = max(0, bisect_right(self._starts, at_us) - 1)
        for segment in self._segments[index::-1]:
            base = self._base(segment)
            if base is None:
                continue
            times = [place.at_us for place in segment.places]
            last = max(1, bisect_right(times, at_us))
            for place_index in range(last - 1, -1, -1):
                place = segment.places[place_index]
                if place.kind is Kind.EVENTS:
                    continue
                snapshot = base if place.kind is Kind.BASE else self._key(segment, place, base)
                if snapshot is not None:
                    return snapshot, place.at_us, self._events(segment, place_index)
        return None

    def following(self, at_us: int) -> tuple[Snapshot, int] | None:
        """The first snapshot after a time from which it can be read on, and when it was."""
        for segment in self._segments:
            base = self._base(segment)
            if base is None or segment.to_us <= at_us:
                continue
            for index, place in enumerate(segment.places):
                if place.at_us <= at_us or place.kind is Kind.EVENTS:
                    continue
                if index not in segment.broken and (index or self._goes_on(segment)):
                    continue
                snapshot = base if place.kind is Kind.BASE else self._key(segment, place, base)
                if snapshot is not None:
                    return snapshot, place.at_us
        return None

    def _events(self, segment: Segment, start: int) -> Iterator[tuple[int, tuple[Row, ...]]]:
        """What came in after a snapshot, up to the recording's end or the next gap."""
        import zstandard

        going: Segment | None = segment
        while going is not None:
            stream = _stream()
            for index in range(start + 1, len(going.places)):
                place = going.places[index]
                if index in going.broken:
                    return
                if place.kind is not Kind.EVENTS:
                    stream = _stream()
                    continue
                payload = self._payload(going, place)
                try:
                    rows = read_rows(stream.decompress(payload)) if payload is not None else None
                except (msgspec.MsgspecError, zstandard.ZstdError):
                    rows = None
                if rows is None:
                    return
                yield place.at_us, rows
            if going.cut:
                return
            before = going.number
            going = next((s for s in self._segments if _follows(s) == before), None)
            start = 0

    def _goes_on(self, segment: Segment) -> bool:
        """Whether what came before a segment leads into it without a gap."""
        follows = _follows(segment)
        return any(other.number == follows and not other.cut for other in self._segments)

    # -- reading files ---------------------------------------------------------------------

    def _index(self, file: Path, segments: dict[int, Segment]) -> None:
        try:
            data = file.read_bytes()
        except OSError as error:
            self.problems.append(f"{file.name}: {error.strerror}")
            return
        damaged, doubled, newer = 0, 0, False
        for found in chunks(data):
            if isinstance(found, Damage):
                damaged, newer = damaged + found.length, newer or found.newer
                continue
            offset, part = found
            segment = segments.get(part.segment)
            if segment is None:
                segment = segments[part.segment] = Segment(file, part.segment)
            if segment.path != file or part.number < segment.chunks:
                doubled += 1  # a copy, or out of its order
                continue
            gap, segment.chunks = part.number != segment.chunks, part.number + 1
            self._take(segment, part, offset, gap=gap)
        said = []
        if damaged:
            said.append(f"{damaged:,} bytes are damaged")
        if doubled:
            said.append(f"{doubled:,} chunks are copies or out of order")
        if newer:
            said.append("parts were written by a newer gymtui")
        if not any(segment.places for segment in segments.values() if segment.path == file):
            said.append("nothing can be read from it")
        if said:
            self.problems.append(f"{file.name}: {'; '.join(said)}")

    def _take(self, segment: Segment, part: Chunk, offset: int, *, gap: bool) -> None:
        place = Place(part.kind, part.at_us, offset, len(part.payload))
        here = len(segment.places)
        if gap and here:
            segment.broken.add(here)
        try:
            if part.kind is Kind.HEAD:
                segment.head = read_head(part.payload)
            elif part.kind is Kind.END:
                segment.ended = True
            elif part.kind is Kind.MARKS:
                segment.marks += read_marks(part.payload)
        except msgspec.MsgspecError:
            self.problems.append(f"{segment.path.name}: a part that cannot be read")
        # Without its base nothing can be told of a segment, nor after a gap before the next key.
        begins = part.kind is Kind.BASE if not here else part.kind is Kind.KEY
        goes_on = part.kind is Kind.EVENTS and here and here not in segment.broken
        if begins or goes_on:
            segment.places.append(place)

    def _add(self, segment: Segment) -> None:
        segment.cut = len(segment.places) in segment.broken
        segment.broken.discard(len(segment.places))
        self._segments.append(segment)

    def _base(self, segment: Segment) -> Snapshot | None:
        """A segment's first snapshot; the last few are kept."""
        if segment.number not in self._bases:
            base = self._snapshot(segment, segment.places[0])
            if base is None:
                return None
            while len(self._bases) >= 2:
                del self._bases[next(iter(self._bases))]
            self._bases[segment.number] = base
        return self._bases[segment.number]

    def _key(self, segment: Segment, place: Place, base: Snapshot) -> Snapshot | None:
        key = self._snapshot(segment, place)
        return None if key is None else joined(base, key)

    def _snapshot(self, segment: Segment, place: Place) -> Snapshot | None:
        import zstandard

        payload = self._payload(segment, place)
        if payload is None:
            return None
        try:
            plain = zstandard.ZstdDecompressor().decompress(payload)
            return read_snapshot(plain)
        except (msgspec.MsgspecError, zstandard.ZstdError):
            return None

    def _payload(self, segment: Segment, place: Place) -> bytes | None:
        try:
            with segment.path.open("rb") as file:
                file.seek(place.offset)
                data = file.read(place.length)
        except OSError:
            return None
        return data if len(data) == place.length else None


def joined(base: Snapshot, key: Snapshot) -> Snapshot:
    """All that was known at a key: what it says, and of the rest what the base says."""
    gone = {*key.dropped}
    runs = {i: run for i, run in base.runs.items() if i not in gone}
    runs.update(key.runs)
    left = gone | {*key.given_up}
    rollouts = {i: kept for i, kept in base.rollouts.items() if i not in left}
    for run_id, kept in key.rollouts.items():
        before = {item.rollout_id: item.raw for item in base.rollouts.get(run_id, ())}
        rollouts[run_id] = tuple(
            item
            if item.raw is not None
            else KeptRollout(item.rollout_id, before.get(item.rollout_id), item.at_us)
            for item in kept
        )
    lives = {i: life for i, life in base.watching.lives.items() if i in rollouts}
    # Of runs whose rollouts are not all known, the key says all there is.
    watching = msgspec.structs.replace(key.watching, lives={**lives, **key.watching.lives})
    summaries = {i: s for i, s in base.summaries.items() if i not in gone and i not in rollouts}
    return msgspec.structs.replace(
        key,
        runs=runs,
        rollouts=rollouts,
        summaries={**summaries, **key.summaries},
        watching=watching,
        dropped=(),
        given_up=(),
    )


def _follows(segment: Segment) -> int:
    return segment.head.follows if segment.head is not None else 0


def _stream() -> zstandard.ZstdDecompressionObj:
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj()
