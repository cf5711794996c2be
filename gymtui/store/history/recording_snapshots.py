"""Snapshots and rows of a recording's segments, read from its files where they are wanted.

Which segments there are, and what is missing, is `recording_reader`.
"""

from __future__ import annotations

import msgspec

from gymtui.store.history.recording_format import Kind
from gymtui.store.history.recording_frames import (
    FrameError,
    RowReader,
    builds_on,
    dictionary_of,
    unpack_snapshot,
)
from gymtui.store.history.recording_rows import ROWS, SNAPSHOT, Row, Snapshot, unpack
from gymtui.store.history.recording_segment import Place, Segment
from gymtui.store.history.recording_snapshot import join_snapshots

DICTIONARIES, BASES = 12, 2
"""Of so many snapshots the dictionaries are kept, and of so many bases what they say."""


class SnapshotReader:
    """Reads snapshots, each with what it builds on. What cannot be read is None."""

    def __init__(self) -> None:
        self._bases: dict[int, Snapshot] = {}
        self._dictionaries: dict[tuple[int, int], bytes] = {}

    def forget(self) -> None:
        """Let go of what is kept."""
        self._bases.clear()

    def base(self, segment: Segment) -> Snapshot | None:
        """A segment's first snapshot; the last few are kept."""
        if segment.number not in self._bases:
            base = self._snapshot(segment, segment.places[0])
            if base is None:
                return None
            while len(self._bases) >= BASES:
                del self._bases[next(iter(self._bases))]
            self._bases[segment.number] = base
        return self._bases[segment.number]

    def key(self, segment: Segment, place: Place, base: Snapshot) -> Snapshot | None:
        """A key, joined with what it builds on."""
        key = self._snapshot(segment, place)
        if key is None:
            return None
        before = segment.snapshot_place(key.builds_on, place)
        if before is None:
            return None
        known = base if before.kind is Kind.BASE else self.key(segment, before, base)
        return None if known is None else join_snapshots(known, key)

    def _snapshot(self, segment: Segment, place: Place) -> Snapshot | None:
        plain = self._plain(segment, place)
        try:
            return None if plain is None else unpack(plain, SNAPSHOT)
        except msgspec.MsgspecError:
            return None

    def _plain(self, segment: Segment, place: Place) -> bytes | None:
        """The bytes of a snapshot; what it has for a dictionary is read first."""
        payload, dictionary = self._payload(segment, place), None
        if payload is None:
            return None
        try:
            if place.kind is Kind.KEY and place.version > 1:
                before = segment.snapshot_place(builds_on(payload), place)
                dictionary = None if before is None else self._dictionary(segment, before)
                if dictionary is None:
                    return None
            plain = unpack_snapshot(payload, dictionary)
        except FrameError:
            return None
        while len(self._dictionaries) >= DICTIONARIES:
            del self._dictionaries[next(iter(self._dictionaries))]
        own = dictionary_of(plain) if place.version > 1 else b""
        self._dictionaries[segment.number, place.number] = own
        return plain

    def _dictionary(self, segment: Segment, place: Place) -> bytes | None:
        """The dictionary of what follows a snapshot; None where that cannot be read."""
        known = self._dictionaries.get((segment.number, place.number))
        if known is None:
            plain = self._plain(segment, place)
            return None if plain is None else self._dictionaries[segment.number, place.number]
        return known

    def row_reader(self, segment: Segment, index: int) -> RowReader | None:
        """What reads the rows after a snapshot."""
        dictionary = self._dictionary(segment, segment.places[index])
        return None if dictionary is None else RowReader(dictionary)

    def rows(self, segment: Segment, place: Place, stream: RowReader) -> tuple[Row, ...] | None:
        """The rows of a chunk; raises `msgspec.MsgspecError` or `FrameError` if they are none."""
        payload = self._payload(segment, place)
        return None if payload is None else unpack(stream.read(payload), ROWS)

    def _payload(self, segment: Segment, place: Place) -> bytes | None:
        try:
            with segment.path.open("rb") as file:
                file.seek(place.offset)
                data = file.read(place.length)
        except OSError:
            return None
        return data if len(data) == place.length else None
