"""Directories in the place of a gym, on the command line."""

from __future__ import annotations

import json
from operator import itemgetter
from pathlib import Path

import httpx
import pytest

from tests.cli.in_process import Shell
from tests.sources.on_disk import write
from tests.sources.test_directory_gym import exported
from tests.sources.test_harbor import ended, exception, job


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


def test_what_another_program_wrote_comes_back_from_an_export(shell: Shell, tmp_path: Path) -> None:
    place = job(tmp_path / "jobs" / "night", total=4, finished=True)
    ended(place / "a__A")
    ended(place / "b__B", "b", verifier_result={"rewards": {"reward": 0.0}})
    lost = {"exception_info": exception("SandboxBuildFailedError"), "verifier_result": None}
    ended(place / "c__C", "c", **lost)
    assert shell("export", "jobs/", "night", "--to", "again").returncode == 0
    first, second = (
        json.loads(shell("rollouts", where, "--json").stdout)["rollouts"]
        for where in ("jobs/", "again/")
    )
    assert [row["outcome"] for row in first] == ["passed", "failed", "agent", "not_run"]
    for where in ("jobs/", "again/"):
        [run] = json.loads(shell("runs", where, "--json").stdout)["runs"]
        assert (run["status"], run["done"], run["numbers"]["not_run"]) == ("finished", 3, 1)
        done = shell("wait", where)
        assert (done.returncode, "1 of 4 rollouts not run" in done.stdout) == (1, True)
        report = shell("report", where, "night").stdout
        assert "1 of 4 rollouts were not run, or not to their end." in report
        assert "1 not run" in shell("search", where, "anything").stderr
    key = itemgetter("rollout_id")
    assert sorted(first, key=key) == sorted(second, key=key)


def test_waiting_for_a_directory_ends_with_its_runs(shell: Shell, results: str) -> None:
    done = shell("wait", results, "--json")
    assert done.returncode == 0
    assert [run["run_id"] for run in json.loads(done.stdout)["runs"]] == ["night"]
    assert shell("wait", results, "night", "--fail-under", "90%").returncode == 1
    assert shell("wait", results, "night", "--cancel-if", "done>=1").returncode == 2


def test_open_prints_what_other_programs_wrote(shell: Shell, tmp_path: Path) -> None:
    place = job(tmp_path / "jobs" / "night", total=1, finished=True)
    trial = ended(place / "a__A")
    steps = [{"step_id": 1, "source": "user", "message": "fix it"}]
    write(trial / "agent" / "trajectory.json", {"schema_version": "ATIF-v1.6", "steps": steps})
    for form in ("--text", "--markdown"):
        done = shell("open", form, "jobs")
        assert done.returncode == 0
        for told in ("a__A", "fix it", "✓ pass"):
            assert told in done.stdout
    alone = shell("open", "--text", "--as", "files", "jobs")
    assert "fix it" in alone.stdout and "a__A" not in alone.stdout


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
        (("runs", "./nothing"), "./nothing: No such file or directory"),
        (("report", "nothing/"), "nothing/: No such file or directory"),
    ],
)
def test_what_is_not_there_is_told(
    shell: Shell, results: str, words: tuple[str, ...], said: str
) -> None:
    done = shell(*words)
    assert done.returncode == 2 and said in done.stderr
