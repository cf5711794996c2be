"""Outputs of verifiers, old and new: what lines say, and what they do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sources.on_disk import opened, touch, write

HOUR_S = 3600.0


def results(place: Path, *lines: dict[str, Any], age_s: float = HOUR_S, **more: Any) -> Path:
    metadata = {
        "env_id": "math",
        "model": "gpt-5",
        "num_examples": 2,
        "rollouts_per_example": 2,
        "date": "2026-05-01T10:00:00",
        **more,
    }
    write(place / "metadata.json", metadata)
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    write(place / "results.jsonl", text, age_s=age_s)
    return place


def line(example: int, reward: float, **more: Any) -> dict[str, Any]:
    return {
        "example_id": example,
        "prompt": [{"role": "user", "content": "1 + 1?"}],
        "completion": [{"role": "assistant", "content": "2"}],
        "reward": reward,
        "metrics": {"correct": reward},
        "error": None,
        **more,
    }


def test_a_line_is_a_rollout_and_an_error_is_no_reward_of_0(tmp_path: Path) -> None:
    place = tmp_path / "outputs" / "evals" / "math--gpt-5" / "0a1b2c3d"
    chain = {"error": "RateLimit", "error_chain_repr": "RateLimit('slow down')"}
    lines = [line(0, 1.0), line(1, 0.0), line(0, 0.0, error=chain), line(1, 1.0)]
    results(place, *lines)
    disk = opened(tmp_path)
    run = disk.runs()["math--gpt-5/0a1b2c3d"]
    assert (run["scenario_id"], run["total"], run["failed"]) == ("math", 4, 1)
    assert disk.outcomes() == {
        "0.1@0a1b2c3d": "passed",
        "1.1@0a1b2c3d": "failed",
        "0.2@0a1b2c3d": "agent",
        "1.2@0a1b2c3d": "passed",
    }
    found = disk.artifacts("1.1@0a1b2c3d")
    assert [one["content"] for one in found["messages"]] == ["1 + 1?", "2"]
    assert (found["task"], found["model"]) == ("1 + 1?", "gpt-5")
    assert found["metadata"]["metrics"] == {"correct": 0.0}


def test_a_run_that_was_interrupted_is_not_finished(tmp_path: Path) -> None:
    place = results(tmp_path / "r", line(0, 1.0))
    statuses = [one.status for one in opened(place).rollouts().values()]
    assert statuses == ["completed", "not run", "not run", "not run"]
    touch(place / "results.jsonl", 60)
    disk = opened(place)
    assert disk.runs()["r"]["pending"] == 3
    assert [one.task_id for one in disk.rollouts().values()] == ["0", "0", "1", "1"]
    with (place / "results.jsonl").open("a") as end:
        end.write(json.dumps(line(1, 0.0)) + '\n{"example_id": 1, "rew')
    touch(place / "results.jsonl", 50)
    assert disk.runs()["r"]["pending"] == 2  # the line that is half there waits


def test_rewards_above_1_are_no_scores_and_a_threshold_gives_verdicts(tmp_path: Path) -> None:
    lines = [line(0, 1.5), line(0, 0.2), line(1, 1.0), line(1, 0.6)]
    disk = opened(results(tmp_path / "r", *lines))
    assert set(disk.outcomes().values()) == {"done"}
    told = [one.result for one in disk.rollouts().values()]
    assert {one.score for one in told if one is not None} == {None}
    assert [one.message for one in told if one is not None] == [
        f"reward {reward}" for reward in ("1.5", "0.2", "1", "0.6")
    ]
    judged = opened(results(tmp_path / "s", *lines, pass_threshold=0.5))
    assert list(judged.outcomes().values()) == ["passed", "failed", "passed", "passed"]


def episode(number: int, score: float | None, **more: Any) -> dict[str, Any]:
    asked = {"parent": None, "message": {"role": "user", "content": "go"}, "timestamp": 1.7e9}
    said = {"parent": 0, "message": {"role": "assistant", "content": "yes"}, "sampled": True}
    trace = {
        "id": f"t{number}",
        "task": {"type": "T", "data": {"idx": number // 2, "prompt": "go"}},
        "agent": {"name": "agent", "config": {"model": "qwen"}},
        "nodes": [asked, said],
        "calls": [
            {
                "model": "qwen",
                "usage": {"prompt_tokens": 5, "completion_tokens": 2, "cached_input_tokens": 30},
            }
        ],
        "rewards": {}
        if score is None
        else {"right": {"score": score, "weight": 0.5}, "style": {"score": 0.5}},
        "ok": True,
        "timing": {"start": 1.7e9, "agent": {"start": 1.7e9, "end": 1.7e9 + 9}},
        **more,
    }
    return {"id": f"e{number}", "task": trace["task"], "ok": True, "traces": [trace]}


def traces(place: Path, *episodes: dict[str, Any], age_s: float = HOUR_S) -> Path:
    env = {"id": "best-of-n", "taskset": {"id": "gsm"}}
    config = {"model": "qwen", "select": {"limit": 2}, "num_rollouts": 2, "env": env}
    write(place / "configs" / "resolved" / "eval.json", config)
    text = "".join(f"{json.dumps(one)}\n" for one in episodes)
    write(place / "traces.jsonl", text, age_s=age_s)
    return place


def test_a_reward_of_0_4_is_the_sum_of_score_and_weight(tmp_path: Path) -> None:
    lost = {
        "id": "e9",
        "task": {"type": "T", "data": {"idx": 1}},
        "errors": [{"type": "BootError", "message": "no box"}],
        "traces": [],
    }
    disk = opened(traces(tmp_path / "r", episode(0, 1.0), episode(1, 0.0), lost))
    run = disk.runs()["r"]
    assert (run["scenario_id"], run["total"], run["failed"]) == ("best-of-n+gsm", 4, 1)
    rollouts = disk.rollouts()
    assert [one.status for one in rollouts.values()] == [
        "completed",
        "completed",
        "failed",
        "not run",
    ]
    scores = {name: one.result.score for name, one in rollouts.items() if one.result is not None}
    assert scores == {"t0": 1.0, "t1": 0.5, "e9": None}
    first = rollouts["t0"]
    assert first.settings is not None and first.settings.model == "qwen"
    assert first.started_at is not None and first.completed_at is not None
    assert (first.completed_at - first.started_at).total_seconds() == 9
    found = disk.artifacts("t0")
    assert [one["content"] for one in found["messages"]] == ["go", "yes"]
    assert found["metadata"]["rollout_metrics"]["token_usage"]["prompt_tokens_total"] == 35


def test_several_agents_are_several_rollouts_and_branches_are_told_apart(tmp_path: Path) -> None:
    said = episode(0, 1.0)
    [first] = said["traces"]
    other = {"parent": 0, "message": {"role": "assistant", "content": "or no"}}
    judge = {**first, "id": "j", "agent": {"name": "judge"}, "nodes": [*first["nodes"], other]}
    disk = opened(traces(tmp_path / "r", {**said, "traces": [first, judge]}))
    disk.runs()
    assert list(disk.rollouts())[:2] == ["t0:agent", "j:judge"]
    assert [one.get("branch") for one in disk.artifacts("j:judge")["messages"]] == [1, 1, 2]
