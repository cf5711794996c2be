"""Result files of τ-bench and τ²-bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gymtui.sources import tau_bench
from tests.sources.on_disk import opened, write

HOUR_S = 3600.0
FILE = "tool-calling-gpt-4o-0.0_range_0-50_user-gpt-4o-llm_0501100000.json"


def test_tau_bench(tmp_path: Path) -> None:
    checks = {"r_actions": 0.0, "gt_data_hash": "x"}
    info = {"task": {"instruction": "cancel it"}, "reward_info": {"reward": 0.0, "info": checks}}
    results: list[dict[str, Any]] = [
        {"task_id": 3, "reward": 1.0, "info": info, "traj": [{"role": "user"}], "trial": 0},
        {"task_id": 3, "reward": 0.0, "info": info, "traj": [], "trial": 1},
        {"task_id": 4, "reward": 0.0, "info": {"error": "boom"}, "traj": [], "trial": 0},
    ]
    file = write(tmp_path / FILE, results)
    for there in (tmp_path, file):
        disk = opened(there)
        [run] = disk.runs().values()
        assert (run["run_id"], run["source"]) == (file.stem, "tau")
        assert list(disk.outcomes().values()) == ["passed", "failed", "agent"]
    first, second, _third = disk.rollouts().values()
    assert first.settings is not None and first.settings.model == "gpt-4o"
    assert second.result is not None and second.result.failed_criteria == ("database state",)
    found = disk.artifacts(first.rollout_id)
    assert (found["task"], found["messages"]) == ("cancel it", [{"role": "user"}])


def simulation(number: int, task: str, reward: float | None, **more: Any) -> dict[str, Any]:
    told = None
    if reward is not None:
        told = {
            "reward": reward,
            "db_check": {"db_match": reward == 1, "db_reward": reward},
            "action_checks": [{"action": {"name": "cancel"}, "action_match": reward == 1}],
        }
    return {
        "id": f"s{number}",
        "task_id": task,
        "start_time": "2026-05-01T10:00:00",
        "end_time": "2026-05-01T10:01:00",
        "duration": 60.0,
        "termination_reason": "user_stop",
        "reward_info": told,
        "messages": [{"role": "assistant", "content": f"hello {number}"}],
        "trial": number,
        **more,
    }


def tau2(*simulations: dict[str, Any]) -> dict[str, Any]:
    info = {
        "git_commit": "c",
        "num_trials": 2,
        "max_steps": 200,
        "agent_info": {"implementation": "llm_agent", "llm": "gpt-5"},
        "environment_info": {"domain_name": "airline"},
    }
    tasks = [{"id": "a"}, {"id": "b"}]
    return {
        "timestamp": "2026-05-01T10:00:00",
        "info": info,
        "tasks": tasks,
        "simulations": list(simulations),
    }


def test_tau2_bench_in_one_file(tmp_path: Path) -> None:
    broken = simulation(0, "b", 0.0, termination_reason="infrastructure_error")
    document = tau2(simulation(0, "a", 1.0), simulation(1, "a", 0.0), broken)
    write(tmp_path / "night.json", document, age_s=60)
    disk = opened(tmp_path)
    run = disk.runs()["night"]
    assert (run["scenario_id"], run["total"], run["pending"]) == ("airline", 4, 1)
    assert list(disk.outcomes().values()) == ["passed", "failed", "agent", "waiting"]
    failed = disk.rollouts()["a.2@night"]
    assert failed.result is not None
    assert failed.result.failed_criteria == ("database state", "action cancel")
    assert disk.artifacts("a.2@night")["messages"][0]["content"] == "hello 1"
    write(tmp_path / "night.json", document, age_s=HOUR_S)
    assert [one.status for one in opened(tmp_path).rollouts().values()][-1] == "not run"


def test_tau2_bench_in_a_file_for_each_simulation(tmp_path: Path) -> None:
    place = tmp_path / "voice"
    document = tau2()
    del document["simulations"]
    write(place / "results.json", document)
    write(place / "simulations" / "s0.json", simulation(0, "a", 1.0))
    ticks = [{"agent_chunk": {"content": said}} for said in ("hel", "lo")]
    call = {"id": "c", "name": "look", "arguments": {}}
    ticks += [{"agent_tool_calls": [call]}, {"user_chunk": {"content": "hi"}}]
    spoken = simulation(1, "a", None, messages=None, ticks=ticks)
    write(place / "simulations" / "s1.json", spoken)
    disk = opened(tmp_path)
    assert disk.runs()["voice"]["total"] == 4
    assert list(disk.outcomes().values())[:2] == ["passed", "done"]
    assert disk.artifacts("a.1@voice")["messages"][0]["content"] == "hello 0"
    messages = disk.artifacts("a.2@voice")["messages"]
    assert [message["content"] for message in messages] == ["hello", None, "hi"]


def as_written(document: dict[str, Any], end: int | None = None) -> bytes:
    """A document as τ²-bench writes it, up to some byte."""
    return json.dumps(document, indent=2).encode()[:end]


@pytest.mark.parametrize("chunk", [7, 300, 8 << 20])
def test_a_file_as_tau2_writes_it_is_read_simulation_by_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(tau_bench, "_CHUNK", chunk)
    monkeypatch.setattr(tau_bench, "_LARGE", 0)
    odd = {"content": "a line\n    }\n  ], and {\n"}  # in a string it is no line
    both = (simulation(0, "a", 1.0, messages=[odd]), simulation(1, "a", 0.0))
    write(tmp_path / "whole" / "results.json", json.dumps(tau2(*both)).encode())
    write(tmp_path / "lines" / "results.json", as_written(tau2(*both)))
    found = {name: opened(tmp_path / name) for name in ("whole", "lines")}
    told = {
        name: (
            next(iter(disk.runs().values()))["scenario_id"],
            list(disk.outcomes().values()),
            [disk.artifacts(one)["messages"] for one in list(disk.rollouts())[:2]],
            [one.settings and one.settings.model for one in disk.rollouts().values()],
        )
        for name, disk in found.items()
    }
    assert told["lines"] == told["whole"]
    assert told["lines"][2] == [both[0]["messages"], both[1]["messages"]]


def test_a_large_file_that_is_being_written_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tau_bench, "_LARGE", 0)
    one, two = simulation(0, "a", 1.0), simulation(1, "a", 0.0)
    cut = len(as_written(tau2(one, two))) - 200
    write(tmp_path / "run" / "results.json", as_written(tau2(one, two), cut))
    disk = opened(tmp_path)
    ended = [name for name, outcome in disk.outcomes().items() if outcome in ("passed", "failed")]
    assert len(ended) == 1
    write(tmp_path / "run" / "results.json", as_written(tau2(one, two)), age_s=0)
    disk.runs()
    ended = [name for name, outcome in disk.outcomes().items() if outcome in ("passed", "failed")]
    assert len(ended) == 2


def test_a_small_file_that_is_half_written_shows_what_was_read_before(tmp_path: Path) -> None:
    both = as_written(tau2(simulation(0, "a", 1.0), simulation(1, "a", 0.0)))
    file = write(tmp_path / "run" / "results.json", both)
    disk = opened(tmp_path)
    before = list(disk.outcomes().items())[:2]
    write(file, both[:-200], age_s=0)
    disk.runs()
    assert list(disk.outcomes().items())[:2] == before
