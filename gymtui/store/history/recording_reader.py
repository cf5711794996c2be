"""A recording being read: which times it has, and all that was known at any of them.

Whatever is wrong with its files, nothing here raises for it: what is not sound is left out and
said. To which store and screens it goes is `session.playback`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from gymtui.store.history.recording_format import SUFFIX, Chunk, Damage, Kind, chunks
from gymtui.store.history.recording_frames import FrameError
from gymtui.store.history.recording_rows import (
    HEAD,
    MARKS,
    Head,
    Mark,
    Row,
    Snapshot,
    unpack,
)
from gymtui.store.history.recording_segment import TOGETHER_US, Place, Segment, in_order
from gymtui.store.history.recording_snapshots import SnapshotReader

T = TypeVar("T")


LEFT_US = 10_000_000  # by so much another segment ends later once a recorder is at work no more


class Gap(Struct, frozen=True):
    """Nothing was recorded, or it is damaged; by the server's clock."""

    from_us: int
    to_us: int


class Piece(Struct, frozen=True):
    """What came in within a few seconds."""

    segment: int  # the segment that it is in
    number: int  # of its chunk in that
    at_us: int  # the time that it ends with
    rows: tuple[Row, ...]


class Moment(Struct, frozen=True):
    """All that was known at an instant, and what came in from there."""

    snapshot: Snapshot
    segment: int  # the segment that the snapshot is in
    number: int  # of its chunk in that
    at_us: int
    # To the recording's end or the next gap; None where it is gone on with but nothing more is
    # written yet.
    events: Iterator[Piece | None]


class Recording:
    """The recording of one gym: of its directory the newest files (all for None), or one file."""

    def __init__(self, path: Path, newest: int | None = None) -> None:
        self.problems: list[str] = []  # what is missing, in sentences, for the person
        # The one that is none while a recorder is at work: the last end is missing.
        self.unfinished: str | None = None
        self._path, self._newest = path, newest
        self._segments: list[Segment] = []
        self._starts: list[int] = []
        self._snapshots = SnapshotReader()
        self._found: dict[int, Segment] = {}
        self._read: dict[Path, int] = {}
        for file in self._files():
            self._index(file, complain=True)
        self._arrange()
        followed = {segment.follows for segment in self._segments}
        for segment in self._segments:
            if segment.cut or not (segment.ended or segment.number in followed):
                self.unfinished = f"{segment.path.name}: its end is missing"
                self.problems.append(self.unfinished)

    def refresh(self) -> None:
        """Read what was written since."""
        for file in self._files():
            self._index(file, complain=False)
        self._arrange()

    def _files(self) -> list[Path]:
        try:
            if self._path.is_dir():
                files = self._path.glob(f"*{SUFFIX}")
                if self._newest is None:
                    return sorted(files)
                # A recorder that began before others may be the one that is at work.
                latest = sorted(files, key=lambda file: file.stat().st_mtime_ns)
                return sorted(latest[-self._newest :])
            return [self._path] if self._path.exists() else []
        except OSError as error:
            self.problems.append(f"{self._path}: {error.strerror}")
            return []

    def _arrange(self) -> None:
        """Put the segments in an order in which each is right after what it goes on from."""
        self._segments = in_order([s for s in self._found.values() if s.places])
        self._starts = list(accumulate((segment.from_us for segment in self._segments), max))
        for segment in self._segments:
            head = segment.head
            before = self._found.get(head.follows) if head is not None else None
            if before is not None and head is not None:
                before.short |= before.chunks != head.follows_chunks

    # -- what there is ---------------------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self._segments)

    @property
    def from_us(self) -> int:
        """When it begins, by the server's clock, microseconds since 1970."""
        return min(segment.from_us for segment in self._segments)

    @property
    def to_us(self) -> int:
        """When it ends."""
        return max(segment.to_us for segment in self._segments)

    @property
    def is_over(self) -> bool:
        """Whether the recorder that wrote last said that it stopped."""
        return bool(self._segments) and self._last.ended

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
            apart = before is not None and not segment.goes_on_from(before)
            if before is not None and apart and segment.from_us > before.to_us - TOGETHER_US:
                found.append(Gap(before.to_us, segment.from_us))
            for index in sorted(i for i in segment.broken if i < len(segment.places)):
                found.append(Gap(segment.places[index - 1].at_us, segment.places[index].at_us))
            before = segment
        return found

    @property
    def head(self) -> Head | None:
        """Which gym it is of, as far as that can be read."""
        heads = (segment.head for segment in self._segments)
        return next((head for head in heads if head is not None), None)

    @property
    def last_head(self) -> Head | None:
        """What was written last is of; None where that cannot be read."""
        return self._last.head if self._segments else None

    @property
    def _last(self) -> Segment:
        """The segment that was written last: that of a recorder at work, whoever began later."""
        return max(reversed(self._segments), key=lambda segment: segment.to_us)

    def forget_snapshots(self) -> None:
        """Let go of snapshots, for who only reads on."""
        self._snapshots.forget()

    # -- what was known --------------------------------------------------------------------

    def at(self, at_us: int, *, goes_on: bool = False) -> Moment | None:
        """What was known at a time: the last snapshot before it, and what came in from there.

        Args:
            at_us: By the server's clock, microseconds since 1970; before the recording's begin it
                is that.

        Returns:
            None for an empty recording.
        """
        index = max(0, bisect_right(self._starts, at_us) - 1)
        # Of two recorders at once, that one counts that was at work until then.
        before = self._segments[index::-1]
        for segment in sorted(before, key=lambda segment: -min(segment.to_us, at_us)):
            times = [place.at_us for place in segment.places]
            found = self._last_before(segment, max(1, bisect_right(times, at_us)), goes_on)
            if found is not None:
                return found
        return None

    def after(self, number: int, chunk: int, *, goes_on: bool = False) -> Moment | None:
        """The last snapshot before a chunk of a segment; None if that is not there any more."""
        segment = self._found.get(number)
        if segment is None or not segment.places:
            return None
        before = sum(place.number <= chunk for place in segment.places)
        return self._last_before(segment, max(1, before), goes_on)

    def _last_before(self, segment: Segment, end: int, goes_on: bool) -> Moment | None:
        """The last sound snapshot among a segment's first places."""
        base = self._snapshots.base(segment)
        if base is None:
            return None
        for index in range(end - 1, -1, -1):
            place = segment.places[index]
            if place.kind is Kind.EVENTS:
                continue
            snapshot = (
                base if place.kind is Kind.BASE else self._snapshots.key(segment, place, base)
            )
            if snapshot is not None:
                events = self._events(segment, index, goes_on)
                return Moment(snapshot, segment.number, place.number, place.at_us, events)
        return None

    def following(self, number: int, chunk: int, *, goes_on: bool = False) -> Moment | None:
        """The first snapshot beyond a chunk that what is before it does not lead to: after a gap.

        By place, not by time: a recorder that begins anew may know the gym's clock otherwise.
        """
        here = next((i for i, s in enumerate(self._segments) if s.number == number), 0)
        for at in range(here, len(self._segments)):
            segment = self._segments[at]
            before = self._segments[at - 1] if at else None
            goes_on_from = before is not None and segment.goes_on_from(before)
            if segment.to_us < self._segments[here].to_us - TOGETHER_US:
                continue  # another recorder's, of what is known by then
            for index, place in enumerate(segment.places):
                if segment.number == number and place.number <= chunk:
                    continue
                led_to = index not in segment.broken and (index or goes_on_from)
                if place.kind is Kind.EVENTS or led_to:
                    continue
                found = self._last_before(segment, index + 1, goes_on)
                if found is not None and found.number == place.number:
                    return found
                segment.lose(index + 1)
        return None

    def _events(self, going: Segment, start: int, goes_on: bool) -> Iterator[Piece | None]:
        """What came in after a snapshot, up to the recording's end or the next gap."""
        stream = self._snapshots.row_reader(going, start)
        index = start + 1
        while True:
            while index < len(going.places):
                place = going.places[index]
                if index in going.broken:
                    return
                index += 1
                if place.kind is not Kind.EVENTS:
                    stream = self._snapshots.row_reader(going, index - 1)
                    continue
                try:
                    rows = None if stream is None else self._snapshots.rows(going, place, stream)
                except (msgspec.MsgspecError, FrameError):
                    rows = None
                if rows is None:
                    going.lose(index)
                    return
                yield Piece(going.number, place.number, place.at_us, rows)
            if going.cut:
                return
            here = self._segments.index(going)
            following = self._segments[here + 1 : here + 2]
            if following and following[0].follows == going.number:
                # Its base says what is known by now.
                going, index = following[0], 1
                stream = self._snapshots.row_reader(going, 0)
            elif goes_on and not going.ended and not self._is_left(going):
                yield None
            else:
                return

    def _is_left(self, segment: Segment) -> bool:
        """Whether its recorder is at work no more, though it did not say so: another went on."""
        return any(other.to_us > segment.to_us + LEFT_US for other in self._segments)

    # -- reading files ---------------------------------------------------------------------

    def _index(self, file: Path, *, complain: bool) -> None:
        """Find the chunks of a file that are not known yet, and say what is wrong with it."""
        segments, begin = self._found, self._read.get(file, 0)
        try:
            if not complain and file.stat().st_size <= begin:
                return
            with file.open("rb") as stream:
                stream.seek(begin)
                data = stream.read()
        except OSError as error:
            self.problems.append(f"{file.name}: {error.strerror}")
            return
        damaged, doubled, newer = 0, 0, False
        for found in chunks(data):
            if isinstance(found, Damage):
                damaged, newer = damaged + found.length, newer or found.newer
                continue
            offset, part = begin + found[0], found[1]
            # What is half written is looked at again.
            self._read[file] = offset + len(part.payload)
            segment = segments.get(part.segment)
            if segment is None:
                segment = segments[part.segment] = Segment(file, part.segment)
            if segment.path != file or part.number < segment.chunks:
                doubled += 1  # a copy, or out of its order
                continue
            gap, segment.chunks = part.number != segment.chunks, part.number + 1
            self._take(segment, part, offset, gap=gap)
        if not complain:
            return
        wrong = []
        if damaged:
            wrong.append(f"{damaged:,} bytes are damaged")
        if doubled:
            wrong.append(f"{doubled:,} chunks are copies or out of order")
        if newer:
            wrong.append("parts were written by a newer gymtui")
        if not any(segment.places for segment in segments.values() if segment.path == file):
            wrong.append("nothing can be read from it")
        if wrong:
            self.problems.append(f"{file.name}: {'; '.join(wrong)}")

    def _take(self, segment: Segment, part: Chunk, offset: int, *, gap: bool) -> None:
        place = Place(part.kind, part.number, part.at_us, offset, len(part.payload), part.version)
        here = len(segment.places)
        if gap and here:
            segment.broken.add(here)
        try:
            if part.kind is Kind.HEAD:
                segment.head = unpack(part.payload, HEAD)
            elif part.kind is Kind.END:
                segment.ended = True
            elif part.kind is Kind.MARKS:
                marks: tuple[Mark, ...] = unpack(part.payload, MARKS)
                segment.marks += marks
        except msgspec.MsgspecError:
            self.problems.append(f"{segment.path.name}: a part that cannot be read")
        # Without its base nothing can be told of a segment, nor after a gap before the next key.
        begins = part.kind is Kind.BASE if not here else part.kind is Kind.KEY
        goes_on = part.kind is Kind.EVENTS and here and here not in segment.broken
        if begins or goes_on:
            segment.places.append(place)
