"""Directories in the place of a gym, on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.in_process import Shell
from tests.sources.on_disk import write
from tests.sources.test_directory_gym import exported


def no_gym(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"asked for {request.url}")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path / "home", no_gym, monkeypatch)


@pytest.fixture
def results(tmp_path: Path) -> str:
    for number in range(3):
        failed = {"success": False, "message": "no room", "failed_criteria": ["room"]}
        exported(tmp_path / "o", f"r{number}", result={"success": True} if number else failed)
    return "o/"


def test_lists_reports_and_transcripts_come_from_a_directory(shell: Shell, results: str) -> None:
    [run] = json.loads(shell("runs", results, "--json").stdout)["runs"]
    assert (run["run_id"], run["numbers"]["passes"], run["numbers"]["verdicts"]) == ("night", 2, 3)
    assert "night" in shell("runs", results, "pass<90%").stdout
    assert "night" not in shell("runs", results, "pass<50%").stdout
    told = json.loads(shell("rollouts", results, "--json").stdout)["rollouts"]
    assert [row["rollout_id"] for row in told] == ["r0", "r1", "r2"]
    assert len(shell("rollouts", results, "night", "-f", "outcome:failed").stdout.splitlines()) == 2
    report = json.loads(shell("report", results, "--json").stdout)
    assert [one["run_id"] for one in report["runs"]] == ["night"]
    assert "ended" not in shell("show", results, "r1").stderr
    assert shell("show", results, "r9").returncode == 4


def test_transcripts_in_a_directory_are_searched(
    shell: Shell, results: str, tmp_path: Path
) -> None:
    done = shell("search", results, "no room", "--jsonl")
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    assert {hit["rollout_id"] for hit in hits} == {"r0"}
    assert done.stderr == "gymtui: 3 of 3 transcripts searched\n"
    # What lies on disk already is not kept there twice.
    assert not list(tmp_path.rglob("transcripts.sqlite3"))
    assert shell("search", results, "night", "no such phrase").stdout == ""


def test_a_round_trip_keeps_rows_and_numbers(shell: Shell, results: str, tmp_path: Path) -> None:
    write(
        tmp_path / "o" / "r9.rollout.json",
        {"rollout_id": "r9", "run_id": "night", "status": "workspace_error", "task_id": "t"},
    )
    assert shell("export", results, "night", "--to", "again").returncode == 0
    commands: list[tuple[str, ...]] = [
        ("rollouts", "{}", "--json"),
        ("report", "{}", "--json"),
        ("runs", "{}", "--json"),
    ]
    for command in commands:
        first, second = (
            json.loads(shell(*(word.format(place) for word in command)).stdout)
            for place in (results, "again/")
        )
        assert _plain(first) == _plain(second)


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("made_at", "gym")}


def test_a_plain_name_is_no_directory_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: str
) -> None:
    monkeypatch.chdir(tmp_path)
    gym = Shell(tmp_path / "home", lambda _: httpx.Response(404, json={}), monkeypatch)
    done = gym("rollouts", "o")
    assert done.returncode == 4 and "o is also a directory: o/ reads it" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("runs", "o/", "--as", "nonsense"), "--as nonsense: there are harbor"),
        (("runs", "o/", "--as", "simlab"), ": simlab's output directory"),
        (("runs", "--as", "simlab"), "no directory is named"),
        (("open", "o/", "--as", "simlab"), "nothing found in"),
    ],
)
def test_what_is_not_there_is_told(
    shell: Shell, results: str, words: tuple[str, ...], said: str
) -> None:
    done = shell(*words)
    assert done.returncode == 2 and said in done.stderr
