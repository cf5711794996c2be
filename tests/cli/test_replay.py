"""The command line of `replay`: which recording, where in it, and how it looks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gymtui.cli import options
from gymtui.store.history.recording_reader import Recording
from gymtui.tui.app.replay_app import ReplayApp
from gymtui.tui.runtime import guard
from tests.cli.in_process import Shell
from tests.helpers.recorded import Recorded, model_gym
from tests.tui.scripted import ScriptedGym


def test_every_option_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(0)
    watched = Recorded(model_gym(rng), tmp_path / "recording", rng, keeps=False)
    for _ in range(3):
        watched.tick()
    watched.recorder.close()
    recording = Recording(tmp_path / "recording")
    opened: list[ReplayApp] = []
    monkeypatch.setattr(guard, "run_guarded", lambda app: opened.append(app) or 0)
    monkeypatch.setattr(options, "require_terminal", lambda: None)
    shell = Shell(tmp_path, ScriptedGym().answer, monkeypatch, env={})
    place = str(tmp_path / "recording")
    assert shell("replay", place).returncode == 0
    assert opened[-1].playback.position_us == recording.from_us
    assert opened[-1].session.settings.base_url == "https://gym.test"
    assert opened[-1].read_only
    shell("replay", place, "--at", "+4s")
    assert opened[-1].playback.position_us == recording.from_us + 4_000_000
    shell("replay", place, "--run", "run_00001", "--ascii", "--theme", "day")
    assert opened[-1]._run_id == "run_00001"
    assert (opened[-1].appearance.ascii, opened[-1].palette.name) == (True, "day")
    assert shell("replay", place, "--at", "soon").returncode == 2
    config = tmp_path / "other.toml"
    config.write_text(
        'base_url = "http://127.0.0.1:6"\n[profiles.a]\nbase_url="http://127.0.0.1:5"'
    )
    for chosen, gym in (
        (("--base-url", "http://127.0.0.1:7"), ":7"),
        (("--config", str(config)), ":6"),
        (("--config", str(config), "--profile", "a"), ":5"),
    ):
        done = shell("replay", *chosen)
        assert (done.returncode, gym in done.stderr) == (2, True), done.stderr
