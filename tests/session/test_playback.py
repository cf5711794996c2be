"""What a recording plays is what was known when it was recorded."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from gymtui.poll import recorder
from gymtui.poll.tracker import RolloutTracker
from gymtui.session.playback import Player
from gymtui.store.history.recording_reader import Recording
from gymtui.store.store import Store
from tests.helpers.recorded import TICK_S, Recorded, model_gym, picture


def player_of(directory: Path) -> tuple[Player, Store, RolloutTracker]:
    store = Store()
    tracker = RolloutTracker(store, None)
    recording = Recording(directory)
    assert recording.problems == []
    return Player(recording, store, tracker), store, tracker


def shown(player: Player, store: Store, tracker: RolloutTracker) -> dict[str, Any]:
    """What is on screen, earlier lives looked up as the screens do."""
    for run_id in store.runs:
        tracker.join(player.lives_of(run_id))
    return picture(store, tracker)


@pytest.mark.parametrize("seed", range(3))
def test_a_moment_is_shown_as_it_was_seen_whichever_way_one_comes_there(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(recorder, "KEY_ITEMS", rng.choice([3, 20]))
    monkeypatch.setattr(recorder, "BASE_ITEMS", rng.choice([15, 80]))
    watched = Recorded(model_gym(rng), tmp_path, rng)
    recalled = rng.randint(2, 12)
    for count in range(20):
        if rng.random() < 0.15:
            watched.gym.launch(rng.randint(1, 4))
        if rng.random() < 0.05 and watched.gym.runs:
            watched.gym.delete(rng.choice(list(watched.gym.runs)))
        recall = min(watched.store.active_runs) if count == recalled else None
        watched.tick(step=rng.random() < 0.8, recall=recall)
    watched.recorder.close()
    player, store, tracker = player_of(tmp_path)
    for at_us, seen in rng.sample(watched.seen[1:], 8):
        player.jump(at_us)
        assert shown(player, store, tracker) == seen
    player.jump(watched.seen[1][0])
    for at_us, seen in watched.seen[2:]:
        player.play(at_us)
        assert shown(player, store, tracker) == seen


def test_the_first_moment_leaves_nothing_behind(tmp_path: Path) -> None:
    rng = random.Random(1)
    watched = Recorded(model_gym(rng), tmp_path, rng)
    for _ in range(12):
        watched.tick(step=rng.random() < 0.8)
    watched.recorder.close()
    player, store, tracker = player_of(tmp_path)
    for at_us, seen in watched.seen[1:]:
        player.jump(watched.seen[0][0])
        shown(player, store, tracker)
        player.jump(at_us)
        assert shown(player, store, tracker) == seen


@pytest.mark.parametrize("seed", range(4))
def test_so_it_is_over_restarts_of_the_recorder_and_steps_of_its_clock(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(recorder, "KEY_ITEMS", rng.choice([3, 20]))
    monkeypatch.setattr(recorder, "BASE_ITEMS", rng.choice([15, 80]))
    watched = Recorded(model_gym(rng), tmp_path, rng)
    seen: list[tuple[int, dict[str, Any]]] = []
    for part in range(3):
        watched.seen.clear()
        for count in range(6):
            if count == 3 and watched.gym.runs:
                watched.gym.delete(rng.choice(list(watched.gym.runs)))
                watched.gym.launch(rng.randint(1, 3))
            watched.tick(step=rng.random() < 0.8)
            watched.recorder.write(at_once=True)  # one that is killed loses what was not written
        seen += watched.seen[1:]
        step_s = rng.choice([-3600, -90, 0, 90, 3600])
        whole = rng.random() < 0.5 or part == 2
        watched.restart(whole=whole, rest_s=rng.choice([20, 600]), wall_step_s=step_s)
    store = Store()
    tracker = RolloutTracker(store, None)
    recording = Recording(tmp_path)
    assert len(recording.gaps()) == 2
    player = Player(recording, store, tracker)
    for at_us, was in rng.sample(seen, 6):
        player.jump(at_us)
        assert shown(player, store, tracker) == was
    player.jump(seen[0][0])
    for at_us, was in seen[1:]:
        player.play(at_us)
        assert shown(player, store, tracker) == was


def test_of_two_recorders_at_once_that_one_counts_which_was_at_work(tmp_path: Path) -> None:
    """Neither knew of the other: their files come together afterwards."""
    one, other = (Recorded(model_gym(random.Random(7)), tmp_path, random.Random(i)) for i in (1, 2))
    other.gym = one.gym
    for count in range(20):
        one.tick()
        if 5 <= count < 10:
            other.seconds = one.seconds - TICK_S
            other.tick(step=False)
        if count == 10:
            other.recorder.close()
    one.recorder.close()
    assert Recording(tmp_path).gaps() == []
    for at_us, seen in one.seen[1::3]:
        player, store, tracker = player_of(tmp_path)
        player.jump(at_us)
        here = shown(player, store, tracker)
        assert here == seen or here in [was for when, was in other.seen if when == at_us]
