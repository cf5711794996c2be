"""simlab's output directory: single runs, parallel ones, and what only a summary tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.sources.on_disk import opened, touch, write

SINGLE = "agent_run_t1_20260415_210354"
PARALLEL = "parallel_run_t2_20260416_080000"


def artifacts(**more: Any) -> dict[str, Any]:
    metrics = {"rollout_metrics": {"timing": {"duration_seconds": 60.0}}}
    return {
        "version": "0.1",
        "task_id": "t1",
        "model": "gpt-5.2",
        "provider": "openai",
        "messages": [],
        "tool_calls": [],
        "tool_results": [],
        "metadata": metrics,
        "error": None,
        "steps_taken": 4,
        "max_steps": 5,
        "created_at": "2026-04-15T21:03:54+00:00",
        **more,
    }


def reward(success: bool) -> dict[str, Any]:
    verifier = {"module": "v.t1", "success": success, "message": "ok" if success else "no mail"}
    return {"reward": float(success), "verifier_results": [verifier]}


def test_single_runs_of_a_directory_are_one_run(tmp_path: Path) -> None:
    output = tmp_path / "output"
    write(output / SINGLE / "artifacts.json", artifacts())
    write(output / SINGLE / "verifier" / "reward.json", reward(success=True))
    second = output / "agent_run_t1_20260415_220000"
    limit = "Max steps reached without final assistant response"
    write(second / "artifacts.json", artifacts(error=limit))
    write(second / "verifier" / "reward.json", reward(success=False))
    third = output / "agent_run_t1_20260415_230000"
    write(third / "artifacts.json", artifacts(error="Agent execution failed: boom"))
    disk = opened(output)
    run = disk.runs()["output"]
    assert (run["source"], run["total"], run["completed"], run["failed"]) == ("simlab", 3, 2, 1)
    assert list(disk.outcomes().values()) == ["passed", "failed", "agent"]
    rollout = disk.rollouts()[SINGLE]
    assert rollout.settings is not None and rollout.settings.model == "gpt-5.2"
    assert rollout.started_at is not None and rollout.completed_at is not None
    assert (rollout.completed_at - rollout.started_at).total_seconds() == 60
    assert disk.rollouts()[second.name].termination_reason == limit
    assert list(opened(output / SINGLE).runs()) == [SINGLE]


def test_a_parallel_run_has_its_rollouts_and_what_its_summary_says(tmp_path: Path) -> None:
    place = tmp_path / PARALLEL
    write(place / "rollout_0" / "artifacts.json", artifacts(task_id="t2"))
    write(place / "rollout_0" / "verifier" / "reward.json", reward(success=False))
    (place / "rollout_1").mkdir()
    disk = opened(tmp_path)
    assert disk.runs()[PARALLEL]["running"] == 1
    assert disk.outcomes() == {f"{PARALLEL}/0": "failed", f"{PARALLEL}/1": "running"}
    results = [
        {"rollout_idx": 0, "reward": 0.0, "verification_passed": False, "steps": 4, "error": None},
        {"rollout_idx": 1, "reward": None, "steps": 0, "error": "sandbox quota exceeded"},
        {"rollout_idx": 2, "reward": 1.0, "verification_passed": True, "duration": 9.5},
    ]
    write(place / "summary.json", {"task_id": "t2", "rollout_count": 3, "results": results})
    assert disk.runs()[PARALLEL]["failed"] == 1
    outcomes = ["failed", "agent", "passed"]
    assert list(disk.outcomes().values()) == outcomes
    assert disk.rollouts()[f"{PARALLEL}/1"].termination_reason == "sandbox quota exceeded"
    assert disk.rollouts()[f"{PARALLEL}/2"].task_id == "t2"


def test_a_verdict_is_waited_for_while_files_are_young(tmp_path: Path) -> None:
    output = tmp_path / "output"
    for age_s, over in ((60.0, False), (3600.0, True)):
        write(output / SINGLE / "artifacts.json", artifacts(), age_s=age_s)
        touch(output / SINGLE, age_s)
        disk = opened(output)
        assert list(disk.runs()) == ["output"]
        assert disk.gym.is_over("output") is over
