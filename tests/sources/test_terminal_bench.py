"""terminal-bench's runs: trials with results of their own, lost ones, and planned ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.sources.on_disk import opened, touch, write


def run(place: Path, *, ended: bool, age_s: float = 60.0) -> Path:
    metadata = {
        "run_id": place.name,
        "dataset_name": "core",
        "model_name": "gpt-5",
        "agent_name": "terminus",
        "n_attempts": 2,
        "task_ids": ["a", "b"],
        "start_time": "2026-05-01T10:00:00+00:00",
        "end_time": "2026-05-01T11:00:00+00:00" if ended else None,
    }
    write(place / "run_metadata.json", metadata, age_s=age_s)
    touch(place, age_s)
    return place


def result(task: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "trial_name": f"{task}.{number}-of-2.r",
        "task_id": task,
        "instruction": f"do {task}",
        "is_resolved": True,
        "failure_mode": "unset",
        "parser_results": {"test_it": "passed"},
        "trial_started_at": "2026-05-01T10:00:00+00:00",
        "trial_ended_at": "2026-05-01T10:01:00+00:00",
        **more,
    }


def trial(place: Path, task: str, number: int, **more: Any) -> Path:
    there = place / task / f"{task}.{number}-of-2.r"
    write(there / "results.json", result(task, number, **more))
    return there


def test_a_run_with_its_trials(tmp_path: Path) -> None:
    place = run(tmp_path / "r", ended=True)
    first = trial(place, "a", 1)
    tests = {"test_it": "failed", "test_more": "passed"}
    trial(place, "a", 2, is_resolved=False, parser_results=tests)
    lost = result("b", 1, is_resolved=None, failure_mode="unknown_agent_error")
    write(place / "results.json", {"results": [lost]})
    (place / "b" / "b.1-of-2.r").mkdir(parents=True)
    disk = opened(place)
    listed = disk.runs()["r"]
    assert (listed["scenario_id"], listed["total"], listed["failed"]) == ("core", 4, 1)
    statuses = {name: one.status for name, one in disk.rollouts().items()}
    assert list(statuses.values()) == ["completed", "completed", "failed", "not run"]
    assert list(disk.outcomes().values())[:3] == ["passed", "failed", "agent"]
    failed = disk.rollouts()["a.2-of-2.r"].result
    assert failed is not None and failed.failed_criteria == ("test_it",)
    write(first / "agent-logs" / "episode-10" / "response.txt", "then")
    write(first / "agent-logs" / "episode-2" / "response.txt", "first")
    write(first / "panes" / "post-test.txt", "1 passed")
    said = [(one["role"], one["content"]) for one in disk.artifacts("a.1-of-2.r")["messages"]]
    assert said == [
        ("user", "do a"),
        ("assistant", "first"),
        ("assistant", "then"),
        ("tool", "1 passed"),
    ]


def test_a_run_under_way(tmp_path: Path) -> None:
    place = run(tmp_path / "r", ended=False)
    trial(place, "a", 1)
    (place / "b" / "b.1-of-2.r").mkdir(parents=True)
    touch(place / "b" / "b.1-of-2.r", 60)
    disk = opened(place)
    assert disk.runs()["r"]["running"] == 1
    assert list(disk.outcomes().values()) == ["passed", "running", "waiting", "waiting"]
