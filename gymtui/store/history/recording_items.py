"""A recording as a table: each version of a run or rollout, with when it was seen.

What `record export` writes, for tools that know nothing of this program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_rows import Answer, patched, when_of


@dataclass(frozen=True, slots=True)
class SeenItem:
    """A run or rollout as it was received, where it is another than before.

    Attributes:
        kind: `run` or `rollout`.
        item_id: Its id, exactly.
        raw: Its bytes as received, but for keys.
        seen_from: The earliest instant at which the gym gave that answer, by its own clock.
        seen_at: The latest instant. What a segment begins with was seen before.
        ours: What our clock said at `seen_at`.
        first: Whether a segment begins with it, so that it may have been so for long.
    """

    kind: str
    item_id: str
    raw: bytes
    seen_from: datetime
    seen_at: datetime
    ours: datetime
    first: bool = False


def seen_items(recording: Recording) -> Iterator[SeenItem]:
    """Every version of every item, in the order in which they were seen."""
    if not recording:
        return
    known: dict[str, dict[str, bytes]] = {"run": {}, "rollout": {}}
    at_us = recording.from_us
    found = recording.at(at_us)
    while found is not None:
        snapshot, begins_us, events = found
        kept = [*snapshot.rollouts.values(), *snapshot.strays.values()]
        items = [("run", i, run.raw, begins_us) for i, run in snapshot.runs.items()]
        items += [
            ("rollout", item.rollout_id, item.raw or b"", item.at_us)
            for several in kept
            for item in several
        ]
        raws: dict[str, dict[str, bytes]] = {"run": {}, "rollout": {}}
        for kind, item_id, raw, seen_us in items:
            raws[kind][item_id] = raw
            if known[kind].get(item_id) != raw:
                at = when_of(seen_us)
                ours = when_of(seen_us - snapshot.lead_us)
                yield SeenItem(kind, item_id, raw, at, at, ours, first=True)
        known, at_us = raws, begins_us
        for ends_us, rows in events:
            at_us = ends_us
            for row in rows:
                if isinstance(row, Answer):
                    yield from _items_of(row, known)
        following = recording.following(at_us)
        found = None if following is None else recording.at(following[1])


def _items_of(row: Answer, known: dict[str, dict[str, bytes]]) -> Iterator[SeenItem]:
    kind = "run" if row.asked[0] in ("p", "o") else "rollout"
    for change in row.items:
        try:
            raw = patched(known[kind].get(change[0], b""), change)
        except ValueError:
            continue
        known[kind][change[0]] = raw
        seen_from, seen_at = when_of(row.late_us - row.width_us), when_of(row.late_us)
        ours = when_of(row.late_us - row.lead_us)
        yield SeenItem(kind, change[0], raw, seen_from, seen_at, ours)
