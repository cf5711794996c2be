"""A recording on disk: what is damaged is left out and said, and nothing wrong is ever read."""

from __future__ import annotations

import os
import random
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from gymtui.poll.recording_snapshot import without_keys
from gymtui.poll.tracker import RolloutTracker
from gymtui.session.playback import Player
from gymtui.store.delta import RunsPage
from gymtui.store.history.recording_format import HEAD_BYTES, MAGIC, SUFFIX
from gymtui.store.history.recording_frames import FrameError, builds_on
from gymtui.store.history.recording_items import ChangeList
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_rows import (
    MARKS,
    Mark,
    apply_patch,
    make_patch,
    pack,
    unpack,
)
from gymtui.store.history.recording_writer import (
    RecorderLock,
    RecordingLimits,
    RecordingWriter,
    is_recorded,
)
from gymtui.store.store import Store
from tests.helpers.damaged import Truth, small_recording, times_of
from tests.helpers.recorded import HEAD, START, Recorded, full_disk, model_gym

SEEDS = 30
"""The bench has 500 of them."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recording of several segments."""
    return small_recording(tmp_path_factory.mktemp("recording"))


def test_whatever_is_damaged_nothing_wrong_is_read_and_what_is_missing_is_said(
    whole: Path, tmp_path: Path
) -> None:
    truth = Truth(whole)
    for seed in range(SEEDS):
        truth.check(random.Random(seed), tmp_path / str(seed))


def copied(whole: Path, to: Path) -> list[Path]:
    """A copy of it; its files in the order of time."""
    files = sorted(whole.glob(f"*{SUFFIX}"), key=lambda path: Recording(path).from_us)
    return [Path(shutil.copy(path, to)) for path in files]


def test_a_segment_without_its_head_stays_where_it_was(whole: Path, tmp_path: Path) -> None:
    headless = copied(whole, tmp_path)[1]
    data = headless.read_bytes()
    headless.write_bytes(data[data.index(MAGIC, 1) :])
    every, found = len(times_of(Recording(whole))), Recording(tmp_path)
    times = times_of(found)
    assert times == sorted(times) and len(times) == every
    store = Store()
    player = Player(found, store, RolloutTracker(store, None))
    player.jump(found.from_us)
    for _ in range(100 * every):  # not for ever
        player.step()
    assert player.at_us == found.to_us and player.next_us is None


def test_a_file_that_is_deleted_while_it_is_played_is_a_gap(whole: Path, tmp_path: Path) -> None:
    deleted = copied(whole, tmp_path)[1]
    found = Recording(tmp_path)
    changes = ChangeList(found).every()
    first = next(changes)
    deleted.unlink()
    left = [first, *changes]
    sound = {change.item_id for change in ChangeList(Recording(whole)).every()}
    last = list(ChangeList(Recording(whole)).every())[-1]
    assert (left[-1].item_id, left[-1].after) == (last.item_id, last.after)
    assert {change.item_id for change in left} <= sound
    assert found.gaps()
    assert any(change.first for change in left[1:])


def test_a_recording_of_version_1_is_read() -> None:
    old = Recording(Path(__file__).parent / "recordings" / "version-1.gymrec")
    assert old.problems == [] and old.gaps() == []
    changes = list(ChangeList(old).every())
    assert (len(changes), len({change.item_id for change in changes})) == (31, 9)
    store = Store()
    player = Player(old, store, RolloutTracker(store, None))
    player.jump(old.to_us)
    at_the_end = {i: row.raw for i, row in store.rollouts.items()}
    player.jump(old.from_us)  # by its keys or without any, one comes to the same
    player.play(old.to_us)
    assert {i: row.raw for i, row in store.rollouts.items()} == at_the_end
    last = {change.item_id: change.after for change in changes if change.kind == "rollout"}
    assert at_the_end == last


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
    change = make_patch("a", before, after)
    assert (apply_patch(before, change), change[3]) == (after, b"10")
    rng = random.Random(3)
    for _ in range(300):
        one, other = (bytes(rng.choices(b"ab", k=rng.randrange(6))) for _ in range(2))
        assert apply_patch(one, make_patch("", one, other)) == other
    with pytest.raises(ValueError, match="another item"):
        apply_patch(b"", change)


def test_ids_that_are_no_unicode_text_are_kept() -> None:
    marks = (Mark(1, "ended", "run \ud800"), Mark(2, "error", "ordinary", "ä"))
    assert unpack(pack(marks), MARKS) == marks


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
    writer.begin(HEAD, snapshot.snapshot, 1, goes_on=False)
    left = {path.name.removesuffix(SUFFIX) for path in tmp_path.glob(f"?*{SUFFIX}")}
    assert {"c", "d-kept", "e"} <= left
    assert not {"a", "b"} & left


def test_a_disk_that_refuses_is_told_once_and_what_was_written_stays(tmp_path: Path) -> None:
    rng = random.Random(5)
    watched = Recorded(model_gym(rng), tmp_path, rng, keeps=False)
    told: list[OSError | None] = []
    watched.recorder._on_trouble = told.append
    for _ in range(4):
        watched.tick()
    watched.recorder.write(at_once=True)
    written = watched.recorder.tally.bytes
    watched.gym.step()
    watched.hear(RunsPage())
    assert watched.recorder.tally.bytes == written, "what came last is not due"
    watched.recorder.write(at_once=True)
    assert watched.recorder.tally.bytes > written
    before = times_of(Recording(tmp_path))

    files = set(tmp_path.iterdir())
    with full_disk():
        for _ in range(6):
            watched.tick()
            watched.recorder.write(at_once=True)
            watched.seconds += 61  # it is tried again
        assert set(tmp_path.iterdir()) == files  # of no attempt an empty file is left
    assert [str(error) for error in told] == ["[Errno 28] No space left on device"]
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


def test_a_key_too_short_to_say_what_it_builds_on_is_damage() -> None:
    assert builds_on(b"\x07\x00\x00\x00rest") == 7
    with pytest.raises(FrameError):
        builds_on(b"\x07\x00")


def test_a_disk_that_refuses_the_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(5)
    watched = Recorded(model_gym(rng), tmp_path, rng, keeps=False)
    watched.tick()
    watched.recorder.write(at_once=True)

    def full(_writer: RecordingWriter, _at_us: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RecordingWriter, "end", full)
    watched.recorder.close()
    assert watched.recorder.trouble is not None


def test_a_cursor_goes_on_once_the_disk_takes_something_again(tmp_path: Path) -> None:
    rng = random.Random(2)
    watched = Recorded(model_gym(rng), tmp_path, rng, keeps=False)

    watched.record()
    recording = Recording(tmp_path)
    known = list(ChangeList(recording).every())
    live = ChangeList(recording).from_now()
    with full_disk():
        watched.record()
        recording.refresh()
        assert next(live) is None
    watched.seconds += 61
    watched.gym.launch(3)
    watched.record()
    recording.refresh()
    more = list(ChangeList(Recording(tmp_path)).every())
    assert more[: len(known)] == known  # what was written is there
    more = more[len(known) :]
    assert more
    for follower in (live, ChangeList(Recording(tmp_path)).after(known[-1].cursor)):
        told = [next(follower) for _ in more]
        assert [(c.item_id, c.after) for c in told if c] == [(c.item_id, c.after) for c in more]


@pytest.mark.parametrize("whole", [True, False], ids=["ended", "killed"])
def test_a_cursor_goes_on_behind_a_recorder_however_that_ended(tmp_path: Path, whole: bool) -> None:
    rng = random.Random(2)
    watched = Recorded(model_gym(rng), tmp_path, rng, keeps=False)

    watched.record()
    recording = Recording(tmp_path)
    known = list(ChangeList(recording).every())
    live = ChangeList(recording).from_now()
    watched.restart(whole=whole, rest_s=20, wall_step_s=0)
    watched.gym.launch(3)
    watched.record()
    recording.refresh()
    more = list(ChangeList(Recording(tmp_path)).every())[len(known) :]
    assert more
    for follower in (live, ChangeList(Recording(tmp_path)).after(known[-1].cursor)):
        told = [next(follower) for _ in more]
        assert [(c.item_id, c.after) for c in told if c] == [(c.item_id, c.after) for c in more]
