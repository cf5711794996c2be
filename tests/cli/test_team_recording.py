"""What one person records is in the commands of a colleague on another machine."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gymtui.cli import options, recording_commands
from gymtui.cli import record as command
from gymtui.store.history import recording_copy
from gymtui.store.history.database_engine import DatabaseEngine
from gymtui.store.history.recording_copy import RecordingCopy
from gymtui.store.history.recording_database import RecordingDatabase
from gymtui.store.history.recording_items import ChangeList
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_writer import RecordingLimits
from tests.cli.in_process import URL, Shell
from tests.cli.test_watch import Moving, call
from tests.helpers.model_gym import ended
from tests.helpers.postgres_server import Server
from tests.helpers.recorded import Recorded, model_gym
from tests.tui.scripted import ScriptedGym

BRIEFLY = ("--interval", "0.1", "--until-done")


@pytest.fixture
def database(postgres: Server) -> str:
    return postgres.new_database()


def gym() -> ScriptedGym:
    made = ScriptedGym()
    made.runs = {f"{name}-1": [ended(f"{name}.0", f"{name}-1")] for name in ("day", "night")}
    return made


@pytest.fixture
def machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> Callable[[str], Shell]:
    """Leads to a machine of the team, by its name."""
    monkeypatch.setattr(command, "LOOK_S", 0.01)
    monkeypatch.setattr(command, "SHARED_LOOK_S", 0.01)

    def named(name: str) -> Shell:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        monkeypatch.setattr(command, "recorder_name", lambda: f"ann@{name}")
        return Shell(home, gym().answer, monkeypatch, env={"GYMTUI_JOURNAL_URL": database})

    return named


def records(machine: Shell, database: str) -> None:
    """A colleague's recorder is at work."""
    engine = DatabaseEngine(database, "http://gym.test")
    said = json.loads(machine("record", "--status", "--json").stdout)
    with closing(engine.connect(update=True)) as connection:
        RecordingDatabase(connection, said["gym"], writes=True).note_recorder("bob@lab")


def test_a_colleague_has_all_of_it(
    machine: Callable[[str], Shell], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = machine("lab")
    done = lab("record", *BRIEFLY)
    assert done.returncode == 0, done.stderr
    rows = lab("record", "export").stdout
    assert "night-1" in rows
    desk = machine("desk")
    there = desk("record", "export")
    assert (there.stdout, there.stderr) == (rows, "")
    said = json.loads(desk("record", "--status", "--json").stdout)
    assert (said["running"], said["recorders"], said["problems"]) == (False, [], [])
    assert said["bytes"] > 0
    played: list[int] = []
    monkeypatch.setattr(options, "require_terminal", lambda: None)

    def play(recording: Recording, *_others: object) -> int:
        played.append(recording.from_us)
        return 0

    monkeypatch.setattr(recording_commands, "_open_replay", play)
    assert machine("elsewhere")("replay").returncode == 0
    assert len(played) == 1


def test_of_a_team_one_records_and_who_does_is_said(
    machine: Callable[[str], Shell], database: str, tmp_path: Path
) -> None:
    desk = machine("desk")
    records(desk, database)
    done = desk("record", *BRIEFLY)
    assert done.returncode == 4 and "another recorder" in done.stderr
    assert "recorder of the team: bob@lab" in desk("record", "--status").stdout
    done = desk("record", *BRIEFLY, "--force")
    assert done.returncode == 0, done.stderr
    assert "-own" in done.stderr
    said = json.loads(desk("record", "--status", "--json").stdout)
    assert (said["bytes"], said["running"], said["recorders"]) == (0, True, ["bob@lab"])


def test_a_database_that_is_away_costs_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {"GYMTUI_JOURNAL_URL": f"postgresql:///none?host={tmp_path}"}
    shell = Shell(tmp_path, gym().answer, monkeypatch, env=away)
    done = shell("record", *BRIEFLY)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("sent to the team once that works") == 1
    exported = shell("record", "export")
    assert "night-1" in exported.stdout
    assert "as far as it is on this machine" in exported.stderr


def test_changes_that_a_colleague_records_are_told_as_they_are_seen(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_copy, "FRESH_S", 3600.0)
    monkeypatch.setattr(recording_copy, "FETCH_EVERY_S", 0.01)
    lab = tmp_path / "lab"
    rng = random.Random(3)
    watched = Recorded(model_gym(rng), lab, rng, keeps=False)
    read = Recording.refresh
    with closing(DatabaseEngine(database, URL).connect(update=True)) as connection:
        there = RecordingDatabase(connection, URL, writes=True)
        there.note_recorder("bob@lab")
        sender = RecordingCopy(lab, there)

        def refresh(recording: Recording) -> None:
            """Something happens, and is sent, while it is looked for."""
            watched.tick()
            watched.recorder.write(at_once=True)
            sender.send(RecordingLimits())
            read(recording)

        monkeypatch.setattr(Recording, "refresh", refresh)
        asked = Moving()
        said = call(
            asked, tmp_path / "desk", monkeypatch, 5, "--jsonl", GYMTUI_JOURNAL_URL=database
        )
    written = {str(change.cursor) for change in ChangeList(Recording(lab)).every()}
    assert {json.loads(line)["cursor"] for line in said} <= written
    assert not asked.paths, "the colleague asks"
