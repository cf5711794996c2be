"""What happened since a time: what is counted, and how it is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from gymtui.cli import kept_answers, record
from gymtui.cli.analysis_commands import read_time
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.history.recording_reader import Recording
from tests.cli.in_process import Shell
from tests.tui.scripted import ScriptedGym


def ago(**amount: float) -> str:
    return (datetime.now(UTC) - timedelta(**amount)).isoformat()


def ended(name: str, success: bool | None, **hours_ago: float) -> dict[str, Any]:
    status = "workspace_error" if success is None else "completed"
    result = None if success is None else {"success": success, "message": ""}
    times = {
        "created_at": ago(hours=9),
        "started_at": ago(hours=9),
        "completed_at": ago(**hours_ago),
    }
    return {"rollout_id": name, "status": status, "result": result, **times}


@pytest.fixture
def gym() -> ScriptedGym:
    gym = ScriptedGym()
    gym.runs = {
        "night-s1": [ended(f"a{i}", True, hours=8 - i / 100) for i in range(20)],
        "night-s2": [ended(f"b{i}", i < 4, hours=2 + i / 100) for i in range(20)],
        "other-s1": [ended("c1", True, hours=7), ended("c2", None, hours=1)],
        "going-s1": [
            ended("d1", None, hours=1),
            ended("d2", None, hours=6),
            {"rollout_id": "d3", "status": "running", "started_at": ago(hours=1)},
        ],
    }
    return gym


@pytest.fixture
def shell(gym: ScriptedGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, gym.answer, monkeypatch)


def refuse(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def test_what_was_recorded_is_told_while_the_gym_is_away(
    gym: ScriptedGym, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "LOOK_S", 0.01)
    del gym.runs["going-s1"]
    assert shell("record", "--until-done", "--interval", "0.1").returncode == 0
    there = shell("digest", "--since", "5h")
    away = Shell(tmp_path, refuse, monkeypatch)
    done = away("digest", "--since", "5h")
    assert (done.returncode, done.stdout) == (0, there.stdout)
    assert "this is what was kept of 20" in done.stderr and there.stderr == ""
    # Of what was recorded only what is newer is asked for.
    gym.asked.clear()
    gym.runs["new-s1"] = [ended("e1", True, hours=0.5)]
    back = Shell(tmp_path, gym.answer, monkeypatch)
    newer = back("digest", "--since", "5h", "--json").stdout
    assert "new-s1" in {run["run_id"] for run in json.loads(newer)["finished"]}
    assert {asked["run_id"] for asked in gym.asked} == {"new-s1"}


def test_beside_a_recorder_at_work_nothing_is_asked(
    gym: ScriptedGym, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "LOOK_S", 0.01)
    del gym.runs["going-s1"]
    assert shell("record", "--until-done", "--interval", "0.1").returncode == 0
    there = shell("digest", "--since", "5h")
    monkeypatch.setattr(kept_answers, "is_recorded", lambda _directory: True)
    monkeypatch.setattr(kept_answers, "LATE_INTERVALS", 1e6)
    monkeypatch.setattr(Recording, "is_over", False)
    done = Shell(tmp_path, refuse, monkeypatch)("digest", "--since", "5h")
    assert (done.stdout, done.stderr) == (there.stdout, "")


def test_without_a_recording_the_journal_tells_while_the_gym_is_away(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Shell(tmp_path, refuse, monkeypatch)
    assert away("digest", "--since", "5h").returncode == 3
    directory = Path(json.loads(away("record", "--status", "--json").stdout)["directory"])
    name = directory.name.replace("recording", "journal")
    journal = Journal(directory.with_name(f"{name}.sqlite3"))
    for run_id, passed, hours_ago in (("night-s1", 20, 7), ("night-s2", 4, 2)):
        counts = {"passed": passed, "failed": 20 - passed}
        at = datetime.now(UTC) - timedelta(hours=hours_ago)
        journal.keep_summaries(
            SavedSummary(run_id, True, 20, counts, created_at=at, started_at=at, ended_at=at)
        )
    journal.close()
    done = away("digest", "--since", "5h", "--json")
    said = json.loads(done.stdout)
    assert [run["run_id"] for run in said["finished"]] == ["night-s2"]
    assert "this is what was kept" in done.stderr


def test_it_counts_what_ended_since(shell: Shell) -> None:
    said = json.loads(shell("digest", "--since", "5h", "--json").stdout)
    assert {run["run_id"] for run in said["finished"]} == {"night-s2", "other-s1"}
    assert [(r["run_id"], r["before"]) for r in said["regressed"]] == [("night-s2", "night-s1")]
    assert said["regressed"][0]["p"] < 0.001
    assert said["errors"] == {"environment": 2}
    assert (said["active"], said["began"]) == (["going-s1"], [])
    assert "2 finished, 1 regressed, 2 environment errors" in said["line"]
    everything = json.loads(shell("digest", "--json").stdout)
    assert everything["errors"] == {"environment": 3}
    assert len(everything["finished"]) == 3


def test_it_is_said_for_people_and_for_a_chat(shell: Shell) -> None:
    lines = shell("digest", "--since", "5h").stdout.splitlines()
    assert lines[0].startswith("since ")
    assert any(
        "night-s2: regressed from 100% of night-s1, pass@1 20% of 20" in line for line in lines
    )
    chat = shell("digest", "--since", "5h", "--markdown").stdout
    assert chat.startswith("**Since ") and "- `going-s1`: 1 error" in chat
    assert "- `night-s2`: regressed from 100% of `night-s1`" in chat
    assert "- 2 environment errors in 2 runs" in chat
    assert "nothing happened" in shell("digest", "--since", "1m").stdout


def test_a_time_is_one_that_was() -> None:
    now = datetime.now().astimezone()
    later = now + timedelta(minutes=90)
    assert read_time(f"{later:%H:%M}") <= now
    assert read_time("2026-01-02T03:04").isoformat()[:16] == "2026-01-02T03:04"
    assert timedelta(hours=1.9) < now - read_time("2h") < timedelta(hours=2.1)
    for wrong in ("25:00", "2026-13-01", "yesterday"):
        with pytest.raises(click.BadParameter):
            read_time(wrong)
