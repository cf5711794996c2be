"""A recording on disk: what is damaged is left out and said, and nothing wrong is ever read."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gymtui.poll import recorder
from gymtui.poll.recording_snapshot import without_keys
from gymtui.store.history.recording_format import HEAD_BYTES, MAGIC, SUFFIX
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_rows import (
    Mark,
    Row,
    Snapshot,
    pack,
    patch,
    patched,
    read_marks,
)
from gymtui.store.history.recording_writer import (
    RecorderLock,
    RecordingLimits,
    RecordingWriter,
    is_recorded,
)
from tests.helpers.recorded import HEAD, START, Recorded, model_gym

SEEDS = 500
Read = tuple[Snapshot, int, list[tuple[Row, ...]]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small recording of several segments."""
    directory = tmp_path_factory.mktemp("recording")
    with pytest.MonkeyPatch.context() as patched_recorder:
        patched_recorder.setattr(recorder, "KEY_ITEMS", 6)
        patched_recorder.setattr(recorder, "BASE_ITEMS", 24)
        rng = random.Random(1)
        watched = Recorded(model_gym(rng), directory, rng, keeps=False)
        for _ in range(9):
            watched.tick()
        watched.recorder.close()
    yield directory


def times_of(recording: Recording) -> list[int]:
    return [place.at_us for segment in recording._segments for place in segment.places]


def read_at(recording: Recording, at_us: int) -> Read | None:
    found = recording.at(at_us)
    if found is None:
        return None
    return found.snapshot, found.at_us, [piece.rows for piece in found.events if piece]


def chunks_of(data: bytes) -> list[bytes]:
    starts = [i for i in range(len(data)) if data.startswith(MAGIC, i)]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def damage(files: dict[str, bytes], rng: random.Random) -> dict[str, bytes]:
    """Flip, cut, duplicate or reorder, some of it at once."""
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(list(files))
        data = bytearray(files[name])
        match rng.choice(["flip", "cut", "double", "reorder", "copy file", "lose", "other"]):
            case "flip" if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case "cut":
                del data[rng.randrange(len(data) + 1) :]
            case "double" | "reorder" | "lose" as how:
                parts = chunks_of(bytes(data))
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
                parts = chunks_of(files[rng.choice(list(files))])
                data += rng.choice(parts) if parts else b""
        files[name] = bytes(data)
    return files


def test_whatever_is_damaged_nothing_wrong_is_read_and_what_is_missing_is_said(
    whole: Path, tmp_path: Path
) -> None:
    sound = Recording(whole)
    assert (sound.problems, sound.gaps()) == ([], [])
    times = times_of(sound)
    truth = {at_us: read_at(sound, at_us) for at_us in times}
    starts = {read[1]: read for read in truth.values() if read is not None}
    every = len(times)
    for seed in range(SEEDS):
        rng = random.Random(seed)
        directory = tmp_path / str(seed)
        directory.mkdir()
        files = {path.name: path.read_bytes() for path in whole.glob(f"*{SUFFIX}")}
        for name, data in damage(files, rng).items():
            (directory / name).write_bytes(data)
        found = Recording(directory)
        for at_us in rng.sample(times, 3):
            read = read_at(found, at_us)
            if read is not None:
                snapshot, begins, rows = read
                right = starts[begins]
                assert snapshot == right[0]
                assert rows == right[2][: len(rows)]
        if len(times_of(found)) < every:
            assert found.problems or found.gaps(), seed


def test_a_cut_tail_loses_the_tail_alone(whole: Path, tmp_path: Path) -> None:
    last = sorted(whole.glob(f"*{SUFFIX}"), key=lambda path: Recording(path).from_us)[-1]
    data = last.read_bytes()
    cut = tmp_path / last.name
    cut.write_bytes(data[: -HEAD_BYTES - 5])  # the end, and a part of what came before it
    before, after = Recording(last), Recording(cut)
    assert times_of(after) == times_of(before)[:-1]
    assert after.problems


def test_a_change_of_an_item_takes_what_differs() -> None:
    before, after = b'{"id":"a","step":9,"x":1}', b'{"id":"a","step":10,"x":1}'
    change = patch("a", before, after)
    assert (patched(before, change), change[3]) == (after, b"10")
    rng = random.Random(3)
    for _ in range(300):
        one, other = (bytes(rng.choices(b"ab", k=rng.randrange(6))) for _ in range(2))
        assert patched(one, patch("", one, other)) == other
    with pytest.raises(ValueError, match="another item"):
        patched(b"", change)


def test_ids_that_are_no_unicode_text_are_kept() -> None:
    marks = (Mark(1, "ended", "run \ud800"), Mark(2, "error", "ordinary", "ä"))
    assert read_marks(pack(marks)) == marks


def test_there_is_one_recorder_of_a_gym(tmp_path: Path) -> None:
    assert not is_recorded(tmp_path)
    lock = RecorderLock(tmp_path)
    assert is_recorded(tmp_path)
    with pytest.raises(BlockingIOError):
        RecorderLock(tmp_path)
    lock.close()
    assert not is_recorded(tmp_path)


def test_old_files_are_deleted_by_age_and_size_and_kept_ones_are_not(tmp_path: Path) -> None:
    limits = RecordingLimits(timedelta(days=2), size_bytes=250)
    for day, name in enumerate(("a", "b", "c", "d-kept", "e")):
        path = tmp_path / f"{name}{SUFFIX}"
        path.write_bytes(bytes(100))
        modified = (START - timedelta(days=4 - day)).timestamp()
        os.utime(path, (modified, modified))
    writer = RecordingWriter(tmp_path, limits, now=lambda: START)
    rng = random.Random(0)
    watched = Recorded(model_gym(rng), tmp_path / "other", rng, keeps=False)
    watched.tick()
    snapshot = Recording(tmp_path / "other").at(0)
    assert snapshot is not None
    writer.begin(HEAD, snapshot.snapshot, 1)
    left = {path.name.removesuffix(SUFFIX) for path in tmp_path.glob(f"?*{SUFFIX}")}
    assert {"c", "d-kept", "e"} <= left
    assert not {"a", "b"} & left


def test_a_disk_that_refuses_is_told_once_and_what_was_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(5)
    watched = Recorded(model_gym(rng), tmp_path, rng, keeps=False)
    told: list[OSError | None] = []
    watched.recorder._on_trouble = told.append
    for _ in range(4):
        watched.tick()
    watched.recorder.write(at_once=True)
    before = times_of(Recording(tmp_path))

    def full(_handle: int, data: memoryview) -> int:
        if len(data) > 20:  # half a chunk goes in, the rest does not
            return real(_handle, data[:20])
        raise OSError(28, "No space left on device")

    real = os.write
    monkeypatch.setattr(os, "write", full)
    for _ in range(6):
        watched.tick()
        watched.recorder.write(at_once=True)
    assert [str(error) for error in told] == ["[Errno 28] No space left on device"]
    monkeypatch.setattr(os, "write", real)
    watched.seconds += 61
    for _ in range(3):
        watched.tick()
        watched.recorder.write(at_once=True)
    assert told[-1] is None and len(told) == 2
    after = Recording(tmp_path)
    assert times_of(after)[: len(before)] == before
    assert len(after.gaps()) == 1


def test_no_key_is_ever_written() -> None:
    raw = b'{"rollout_id":"r","model_config":{"API-Key":"sk-1","model":"m"}}'
    hidden = without_keys(raw)
    assert b"sk-1" not in hidden and b'"model": "m"' in hidden
    escaped = rb'{"rollout_id":"r","model_config":{"\u0061pi_key":"sk-1"}}'
    assert b"sk-1" not in without_keys(escaped)
    plain = b'{"rollout_id":"r","n":"\\u00e4"}'
    assert without_keys(plain) == plain
