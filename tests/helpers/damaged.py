"""Recordings that are damaged in all ways, and what must still be so: nothing wrong is read."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from gymtui.poll import recorder
from gymtui.poll.tracker import RolloutTracker
from gymtui.session.playback import Player
from gymtui.store.history.recording_format import MAGIC, SUFFIX
from gymtui.store.history.recording_items import ChangeList
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_rows import Row, Snapshot
from gymtui.store.store import Store
from tests.helpers.recorded import Recorded, model_gym

Read = tuple[Snapshot, int, list[tuple[Row, ...]]]
KEY_ITEMS, BASE_ITEMS = 4, 12
MOMENTS = 3
"""Read of each damaged recording."""


def small_recording(directory: Path) -> Path:
    """Record a little, in several segments; where it is."""
    before = recorder.KEY_ITEMS, recorder.BASE_ITEMS
    recorder.KEY_ITEMS, recorder.BASE_ITEMS = KEY_ITEMS, BASE_ITEMS
    try:
        rng = random.Random(1)
        watched = Recorded(model_gym(rng), directory, rng, keeps=False)
        for _ in range(9):
            watched.tick()
        watched.recorder.close()
    finally:
        recorder.KEY_ITEMS, recorder.BASE_ITEMS = before
    return directory


def times_of(recording: Recording) -> list[int]:
    """The times of all that can be read of it."""
    return [place.at_us for segment in recording._segments for place in segment.places]


def read_at(recording: Recording, at_us: int) -> Read | None:
    """What there is at a time, and from there on."""
    found = recording.at(at_us)
    if found is None:
        return None
    return found.snapshot, found.at_us, [piece.rows for piece in found.events if piece]


class Truth:
    """What a sound recording says, to hold damaged copies of it to."""

    def __init__(self, whole: Path) -> None:
        self._files = {path.name: path.read_bytes() for path in whole.glob(f"*{SUFFIX}")}
        sound = Recording(whole)
        assert (sound.problems, sound.gaps()) == ([], [])
        self._times = times_of(sound)
        reads = filter(None, (read_at(sound, at_us) for at_us in self._times))
        self._starts = {read[1]: read for read in reads}
        self._items: dict[str, set[bytes | None]] = {}
        for change in ChangeList(sound).every():
            self._items.setdefault(change.item_id, set()).add(change.after)

    def check(self, rng: random.Random, directory: Path) -> None:
        """Damage a copy, read it in all ways, and see that nothing wrong is read of it."""
        directory.mkdir()
        for name, data in damaged(self._files, rng).items():
            (directory / name).write_bytes(data)
        found = Recording(directory)
        for at_us in rng.sample(self._times, MOMENTS):
            read = read_at(found, at_us)
            if read is not None:
                snapshot, begins, rows = read
                right = self._starts[begins]
                assert snapshot == right[0]
                assert rows == right[2][: len(rows)]
        if len(times_of(found)) < len(self._times):
            assert found.problems or found.gaps()
        for change in ChangeList(found).every():
            assert change.after in {None, *self._items[change.item_id]}
        if found:
            self._play(found)

    def _play(self, found: Recording) -> None:
        store = Store()
        player = Player(found, store, RolloutTracker(store, None))
        player.jump(found.from_us)
        while player.next_us is not None:
            player.step()
        rows: dict[str, Any] = {**store.runs, **store.rollouts}
        for item_id, row in rows.items():
            assert row.raw in self._items[item_id]


def damaged(whole: dict[str, bytes], rng: random.Random) -> dict[str, bytes]:
    """Flip, cut, duplicate or reorder, some of it at once."""
    files = dict(whole)
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(list(files))
        data = bytearray(files[name])
        match rng.choice(["flip", "cut", "double", "reorder", "copy file", "lose", "other"]):
            case "flip" if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case "cut":
                del data[rng.randrange(len(data) + 1) :]
            case "double" | "reorder" | "lose" as how:
                parts = _chunks_of(bytes(data))
                if parts:
                    part = parts[rng.randrange(len(parts))]
                    if how != "double":
                        parts.remove(part)
                    if how != "lose":
                        parts.insert(rng.randint(0, len(parts)), part)
                    data = bytearray(b"".join(parts))
            case "copy file":
                files[f"copy-{rng.random()}{SUFFIX}"] = bytes(data)
            case "other":
                parts = _chunks_of(files[rng.choice(list(files))])
                data += rng.choice(parts) if parts else b""
        files[name] = bytes(data)
    return files


def _chunks_of(data: bytes) -> list[bytes]:
    starts = [i for i in range(len(data)) if data.startswith(MAGIC, i)]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
