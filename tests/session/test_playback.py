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
from tests.helpers.recorded import Recorded, model_gym, picture


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
