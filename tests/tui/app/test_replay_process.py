"""`r` plays what was recorded, at the run under the cursor, and the dashboard goes on after it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gymtui.cli.profiles import ConfiguredGyms
from gymtui.config.settings import ProfileInfo, Settings
from gymtui.core.urls import origin_of
from gymtui.store.history.recording_format import directory_name
from gymtui.tui.app import replay_process
from tests.tui.staged import StillGym, staged_dashboard

SIZE = (100, 24)


def test_an_id_that_no_program_can_be_told_is_left_out() -> None:
    place = Path("-there")
    words = replay_process.replay_command(place, "--at", ["--theme=day", "--ascii"])
    assert words[3:] == ["replay", "--theme=day", "--ascii", "--run=--at", "--", "-there"]
    assert words[0] == sys.executable
    assert replay_process.replay_command(None, "one")[3:] == ["replay", "--run=one"]
    for odd in ("a\0b", "a\ud800"):
        assert "--run" not in str(replay_process.replay_command(place, odd))


@pytest.mark.parametrize(
    ("flags", "profile", "expected"),
    [
        ({}, "default", []),
        ({"config": "-f.toml", "base_url": "https://gym.test"}, "lab", ["--config=-f.toml"]),
        ({"profile": "lab"}, "night", ["--profile=night"]),  # gone to since the start
    ],
)
def test_the_replay_is_of_the_same_configuration_and_profile(
    flags: dict[str, str], profile: str, expected: list[str]
) -> None:
    night = ProfileInfo("night", "https://night.test", runs_command=False)
    gyms = ConfiguredGyms((night,), flags, {}, origin_of("https://gym.test"))
    assert replay_process.profile_options(Settings(profile_name=profile), gyms) == expected
    assert replay_process.profile_options(Settings(profile_name=profile), None) == []


async def test_it_has_the_terminal_and_says_what_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[Sequence[str]] = []
    told: list[str] = []

    async def in_terminal(_app: Any, words: Sequence[str], _env: Any) -> int:
        played.append(words)
        return 3

    monkeypatch.setattr(replay_process, "run_in_terminal", in_terminal)
    gym = StillGym()
    gym.add("alpha", "task", "pass")
    journal = tmp_path / "state" / "journal.sqlite3"
    async with staged_dashboard(gym, tmp_path, SIZE) as person:
        person.app.session._journal_path = journal
        monkeypatch.setattr(person.app, "notify", lambda words, **_: told.append(words))
        await person.sees("alpha")
        await person.press("r")
        await person.until(lambda: "nothing is recorded" in str(told))
        recording = journal.with_name(directory_name(person.app.session.settings.base_url))
        recording.mkdir(parents=True)
        (recording / "night.gymrec").touch()
        await person.press("r")
        await person.until(lambda: "the replay failed with exit status 3" in told)
    assert [(words[-3], words[-1]) for words in played] == [("--run=alpha", str(recording))]
