"""What happened since a time: what is counted, and how it is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from gymtui.cli.analysis_commands import moment
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
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
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
    return Shell(tmp_path, gym.answer, monkeypatch)


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
        "night-s2 finished: pass@1 20% of 20, regressed from pass@1 100%" in x for x in lines
    )
    chat = shell("digest", "--since", "5h", "--markdown").stdout
    assert chat.startswith("**Since ") and "- `going-s1`: 1 error" in chat
    assert "nothing happened" in shell("digest", "--since", "1m").stdout


def test_a_time_is_one_that_was() -> None:
    now = datetime.now().astimezone()
    later = now + timedelta(minutes=90)
    assert moment(f"{later:%H:%M}") <= now
    assert moment("2026-01-02T03:04").isoformat()[:16] == "2026-01-02T03:04"
    assert timedelta(hours=1.9) < now - moment("2h") < timedelta(hours=2.1)
    for wrong in ("25:00", "2026-13-01", "yesterday"):
        with pytest.raises(click.BadParameter):
            moment(wrong)
