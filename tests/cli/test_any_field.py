"""Whatever a gym puts into a field, commands end as they should, and what they print is JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.in_process import Shell
from tests.helpers.odd_fields import (
    ARTIFACTS,
    PART,
    RUN,
    OddGym,
    odd_levels,
    odd_ones,
    rollout,
    strictly,
)


@pytest.fixture
def gym() -> OddGym:
    return OddGym()


@pytest.fixture
def shell(gym: OddGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, gym.answer, monkeypatch)


def output(shell: Shell, *arguments: str) -> str:
    done = shell(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_any_field_of_a_run(gym: OddGym, shell: Shell) -> None:
    gym.odd_runs = list(odd_ones(RUN, "run_id", PART))
    runs = strictly(output(shell, "runs", "--json"))["runs"]
    ids = [run.get("run_id") for run in gym.odd_runs if isinstance(run, dict)]
    named = {run_id for run_id in ids if isinstance(run_id, str) and 0 < len(run_id) <= 1024}
    told = {run["run_id"] for run in runs}
    assert {run_id for run_id in named if run_id.isascii()} <= told
    for run in runs:
        for name in ("total", "completed", "failed", "in_progress", "pending", "running"):
            assert run[name] is None or (type(run[name]) is int and run[name] >= 0), run
        assert run["done"] is None or run["done"] >= 0
    for order in ("done", "scenario"):
        output(shell, "runs", "--order", order)
    for line in output(shell, "runs", "--jsonl").splitlines():
        strictly(line)
    for run_id in ("run-3-7", "run-4-1", "run-9-6"):
        output(shell, "report", run_id, "sound")
        assert shell("wait", run_id, "--timeout", "1ms", "--json").returncode in (0, 1, 124)


@pytest.mark.parametrize("status", ["running", "completed"])
def test_any_field_of_a_rollout(gym: OddGym, shell: Shell, status: str) -> None:
    gym.odd_rollouts = list(odd_ones(rollout(status), "rollout_id", PART))
    rollouts = strictly(output(shell, "rollouts", "odd", "--json"))["rollouts"]
    assert len(rollouts) > len(gym.odd_rollouts) - 60
    for order in ("state", "elapsed"):
        output(shell, "rollouts", "odd", "--order", order)
    for line in output(shell, "rollouts", "odd", "--jsonl").splitlines():
        strictly(line)
    for form in ("--markdown", "--html"):
        output(shell, "report", "odd", "sound", form)
    done = shell("wait", "odd", "--timeout", "1ms", "--json")
    assert done.returncode in (0, 1, 124), done.stderr
    strictly(done.stdout)


def test_any_field_of_artifacts(gym: OddGym, shell: Shell, tmp_path: Path) -> None:
    for document in odd_levels({"artifacts": ARTIFACTS}):
        [rollout_id] = gym.add("many", "task", "fail")
        gym.artifacts[rollout_id] = document
    for form in ("--text", "--markdown", "--json"):
        done = shell("export", "many", form, "--to", str(tmp_path / "o"))
        assert done.returncode == 4, done.stderr
        assert f"of {len(gym.runs['many'])}" in done.stderr
        assert "Traceback" not in done.stderr
    done = shell("open", "--text", str(tmp_path / "o"))
    assert done.returncode == 0, done.stderr
    for rollout_id in [item["rollout_id"] for item in gym.runs["many"]][::40]:
        done = shell("show", rollout_id, "--json")
        assert done.returncode in (0, 4), done.stderr
        if done.returncode == 0:
            strictly(done.stdout)
