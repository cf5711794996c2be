"""Harbor's jobs: trials that ended, run, wait, or were never run; exceptions beside rewards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gymtui.transcript.body_reader import open_body
from tests.sources.on_disk import opened, text_of, touch, write

START, END = "2026-05-01T10:00:00Z", "2026-05-01T10:05:00Z"
HOUR_S = 3600.0


def job(place: Path, *, total: int = 3, finished: bool = False, age_s: float = HOUR_S) -> Path:
    config = {
        "job_name": place.name,
        "n_attempts": 1,
        "agents": [{"name": "terminus-2", "model_name": "openai/gpt-5"}],
        "datasets": [{"name": "terminal-bench", "version": "2.0"}],
    }
    write(place / "config.json", config, age_s=age_s)
    result = {
        "id": "j",
        "started_at": START,
        "finished_at": END if finished else None,
        "n_total_trials": total,
        "stats": {"n_completed_trials": 0},
    }
    write(place / "result.json", result, age_s=age_s)
    return place


def begun(place: Path, task: str = "fix-git", age_s: float = HOUR_S) -> Path:
    task_config = {"path": f"/tasks/{task}"}
    config = {
        "task": task_config,
        "trial_name": place.name,
        "agent": {"model_name": "openai/gpt-5"},
    }
    write(place / "config.json", config, age_s=age_s)
    touch(place, age_s)
    return place


def ended(place: Path, task: str = "fix-git", **more: Any) -> Path:
    begun(place, task)
    result = {
        "task_name": task,
        "trial_name": place.name,
        "config": {"agent": {"model_name": "openai/gpt-5"}},
        "agent_info": {
            "name": "t",
            "version": "1",
            "model_info": {"name": "gpt-5", "provider": "o"},
        },
        "agent_result": {"n_input_tokens": 100, "n_cache_tokens": 25, "n_output_tokens": 7},
        "verifier_result": {"rewards": {"reward": 1.0}},
        "exception_info": None,
        "started_at": START,
        "finished_at": END,
        "agent_execution": {"started_at": START, "finished_at": END},
        **more,
    }
    write(place / "result.json", result)
    return place


def exception(kind: str, message: str = "it broke") -> dict[str, str]:
    return {
        "exception_type": kind,
        "exception_message": message,
        "exception_traceback": "Traceback …",
        "occurred_at": END,
    }


def rewarded(value: float) -> dict[str, Any]:
    return {"rewards": {"reward": value}}


def test_a_job_is_a_run_and_its_trials_are_rollouts(tmp_path: Path) -> None:
    place = job(tmp_path / "jobs" / "night", total=3, finished=True)
    ended(place / "fix-git__AAAAAAA")
    ended(place / "fix-git__BBBBBBB", verifier_result=rewarded(0.0))
    ended(place / "vim__CCCCCCC", "org/vim")
    disk = opened(tmp_path / "jobs")
    run = disk.runs()["night"]
    assert (run["source"], run["scenario_id"], run["total"]) == ("harbor", "terminal-bench", 3)
    assert list(disk.outcomes().values()) == ["passed", "failed", "passed"]
    rollout = disk.rollouts()["fix-git__AAAAAAA"]
    assert rollout.settings is not None
    assert (rollout.task_id, rollout.settings.model, rollout.phase) == ("fix-git", "gpt-5", None)
    assert rollout.started_at is not None and rollout.completed_at is not None
    assert (rollout.completed_at - rollout.started_at).total_seconds() == 300
    assert list(opened(place).runs()) == ["night"]
    assert list(opened(place / "fix-git__AAAAAAA").runs()) == ["fix-git__AAAAAAA"]


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        # Graded after a timeout: the verdict holds.
        ({"exception_info": exception("AgentTimeoutError")}, "passed"),
        (
            {
                "exception_info": exception("AgentTimeoutError"),
                "verifier_result": rewarded(0.0),
                "reward_valid": True,
            },
            "failed",
        ),
        # Graded, but the job itself says that it does not count.
        (
            {
                "exception_info": exception("ApiRateLimitError"),
                "verifier_result": rewarded(0.0),
                "reward_valid": False,
            },
            "agent",
        ),
        ({"exception_info": exception("RuntimeError"), "verifier_result": None}, "agent"),
        (
            {
                "exception_info": exception("SandboxBuildFailedError"),
                "verifier_result": None,
                "agent_execution": None,
            },
            "environment",
        ),
        ({"exception_info": exception("CancelledError"), "verifier_result": None}, "cancelled"),
        # Several rewards, of which one is called so.
        ({"verifier_result": {"rewards": {"style": 0.0, "reward": 1.0}}}, "passed"),
        ({"verifier_result": {"rewards": {"style": 0.0, "tests": 1.0}}}, "done"),
    ],
)
def test_how_a_trial_stands(tmp_path: Path, result: dict[str, Any], outcome: str) -> None:
    place = job(tmp_path / "j", total=1, finished=True)
    ended(place / "t__A", **result)
    assert list(opened(place).outcomes().values()) == [outcome]


def test_a_trial_that_failed_says_which_tests_did_where_a_report_of_them_is_there(
    tmp_path: Path,
) -> None:
    place = job(tmp_path / "j", total=1, finished=True)
    trial = ended(place / "a__A", verifier_result=rewarded(0.0))
    tests = [{"name": "test_it", "status": "failed"}, {"name": "test_b", "status": "passed"}]
    write(trial / "verifier" / "ctrf.json", {"results": {"tests": tests}})
    [rollout] = opened(place).rollouts().values()
    assert rollout.result is not None
    assert (rollout.result.message, rollout.result.failed_criteria) == ("test_it", ("test_it",))


def test_rewards_between_0_and_1_are_scores_and_no_verdicts(tmp_path: Path) -> None:
    place = job(tmp_path / "j", total=2, finished=True)
    ended(place / "a__A")
    ended(place / "b__B", verifier_result=rewarded(0.5))
    disk = opened(place)
    assert list(disk.outcomes().values()) == ["done", "done"]
    scores = [one.result.score for one in disk.rollouts().values() if one.result is not None]
    assert scores == [1.0, 0.5]
    ended(place / "c__C", verifier_result=rewarded(3.0))
    disk = opened(place)
    results = [one.result for one in disk.rollouts().values()]
    assert [one.score for one in results if one is not None] == [None] * 3
    assert [one.message for one in results if one is not None][-1] == "reward 3"


def test_what_is_not_done_waits_while_the_job_lives_and_is_not_run_once_it_is_dead(
    tmp_path: Path,
) -> None:
    place = job(tmp_path / "j", total=4, age_s=60)
    ended(place / "fix-git__A")
    begun(place / "vim__B", "vim", age_s=60)
    lock = {"trials": [{"task": {"name": name}} for name in ("org/fix-git", "vim", "vim", "new")]}
    write(place / "lock.json", lock, age_s=60)
    touch(place, 60)
    disk = opened(place)
    run = disk.runs()["j"]
    assert (run["total"], run["completed"], run["running"], run["pending"]) == (4, 1, 1, 2)
    assert sorted(disk.outcomes().values()) == ["passed", "running", "waiting", "waiting"]
    tasks = [one.task_id for one in disk.rollouts().values() if one.status == "pending"]
    assert tasks == ["vim", "new"]
    assert not disk.gym.is_over("j")
    for file in (place, place / "result.json", place / "vim__B", place / "vim__B" / "config.json"):
        touch(file, HOUR_S)
    dead = opened(place)
    run = dead.runs()["j"]
    assert dead.gym.is_over("j")
    assert (run["running"], run["pending"], run["failed"]) == (0, 0, 0)
    statuses = [one.status for one in dead.rollouts().values()]
    assert statuses == ["completed", "interrupted", "not run", "not run"]
    assert list(dead.outcomes().values()) == ["passed", "not_run", "not_run", "not_run"]


def test_a_trial_that_is_half_written_is_still_running(tmp_path: Path) -> None:
    place = job(tmp_path / "j", total=1, age_s=1)
    trial = begun(place / "a__A", age_s=1)
    write(trial / "result.json", '{"task_name": "a", "trial_na', age_s=1)
    disk = opened(place)
    assert list(disk.outcomes().values()) == ["running"]
    ended(trial)
    disk.runs()
    assert list(disk.outcomes().values()) == ["passed"]


def test_a_transcript_is_the_trajectory_with_what_the_verifier_printed(tmp_path: Path) -> None:
    place = job(tmp_path / "j", total=2, finished=True)
    trial = ended(place / "a__A", exception_info=exception("AgentTimeoutError"))
    step = {"step_id": 1, "source": "user", "message": "fix it"}
    trajectory = {"schema_version": "ATIF-v1.6", "agent": {"name": "t"}, "steps": [step]}
    write(trial / "agent" / "trajectory.json", trajectory)
    write(trial / "verifier" / "test-stdout.txt", "1 failed")
    told = [{"step_name": name} for name in ("two", "one")]
    several = ended(place / "b__B", step_results=told)
    for name in ("one", "two"):
        steps = {"steps": [{**step, "message": name}]}
        write(several / "steps" / name / "agent" / "trajectory.json", steps)
    logged = ended(place / "c__C")
    write(logged / "agent" / "oracle.txt", "$ ls")
    disk = opened(place)
    disk.runs()
    found = disk.artifacts("a__A")
    assert found["steps"][0] == step and found["error"] == "Traceback …"
    assert found["steps"][1]["message"] == "Verifier output:\n1 failed"
    usage = found["metadata"]["rollout_metrics"]["token_usage"]
    told = {"prompt_tokens_total": 100, "cached_tokens_total": 25, "completion_tokens_total": 7}
    assert usage == told
    assert [step["message"] for step in disk.artifacts("b__B")["steps"]] == ["two", "one"]
    assert disk.artifacts("c__C")["messages"] == [{"role": "assistant", "content": "$ ls"}]


def said(text: str, *calls: dict[str, Any], **results: dict[str, Any]) -> dict[str, Any]:
    """What an agent did in answer to a message, as acpx 0.11 exports it."""
    content = [{"Thinking": {"text": "Look first.", "signature": None}}, {"Text": "I look."}]
    uses = [{"ToolUse": {"is_input_complete": True, **call}} for call in calls]
    return {"Agent": {"content": [*content, *uses, {"Text": text}], "tool_results": results}}


def test_what_a_simulated_user_and_an_agent_said_is_the_transcript(tmp_path: Path) -> None:
    place = job(tmp_path / "j", total=2, finished=True)
    user = {"name": "codex", "model_name": "openai/gpt-5-mini", "bridge": {"kind": "acp"}}
    config = {"agent": {"model_name": "openai/gpt-5"}, "user_agent": user}
    trial = ended(place / "a__A", config=config)
    command = {"command": "cat a.txt"}
    use = {"id": "c1", "name": "cat a.txt", "raw_input": text_of(command), "input": command}
    failed = {"exit_code": 1, "output": "cat: a.txt: No such file"}
    result = {
        **{"tool_use_id": "c1", "tool_name": "cat a.txt", "is_error": True},
        **{"content": {"Text": text_of(failed)}, "output": failed},
    }
    asked = {"User": {"id": "u1", "content": [{"Text": "Make a.txt say hello"}]}}
    usage = {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 50}
    messages = [asked, said("Done.", use, c1=result), "Resume"]
    state = {"messages": messages, "cumulative_token_usage": {**usage, "total_tokens": 170}}
    write(trial / "agent" / "bridge-trajectory.json", {"session": {"state": state}})
    step = {"step_id": 1, "source": "agent", "message": "I ask the agent."}
    write(trial / "user-agent" / "trajectory.json", {"steps": [step]})
    write(trial / "verifier" / "test-stdout.txt", "1 passed")
    alone = ended(place / "b__B", config=config)
    write(alone / "agent" / "bridge-trajectory.json", '{"session": {"sta')
    write(alone / "user-agent" / "trajectory.json", {"steps": [step]})
    disk = opened(place)
    disk.runs()
    transcript = open_body(asyncio.run(disk.gym.artifacts("a__A")).body)
    assert [(turn.kind, turn.error) for turn in transcript.turns] == [
        ("user", False),
        ("assistant", False),
        ("tool", True),
        ("assistant", False),
        ("other", False),
        ("system", False),
    ]
    [exchange] = transcript.exchanges
    assert (exchange.tool, exchange.error, exchange.call is not None) == ("cat a.txt", True, True)
    assert (transcript.model, transcript.provider) == ("gpt-5", "o")
    # What the trial says it used is the user's.
    told = transcript.usage
    assert (told.prompt_tokens, told.completion_tokens, told.cached_tokens) == (150, 20, 50)
    found = disk.artifacts("a__A")["metadata"]["simulated_user"]
    assert (found["agent"], found["model"], found["steps"]) == ("codex", user["model_name"], [step])
    assert found["rollout_metrics"]["token_usage"]["prompt_tokens_total"] == 100
    # Without a session, what the user did tells of both.
    assert disk.artifacts("b__B")["steps"] == [step]


def test_a_trial_in_which_only_the_simulated_user_writes_is_under_way(tmp_path: Path) -> None:
    place = job(tmp_path / "j", total=1)
    trial = begun(place / "a__A")
    write(trial / "user-agent" / "codex.txt", "…", age_s=60)
    for directory in (trial / "user-agent", trial, place):
        touch(directory, HOUR_S)
    assert list(opened(place).outcomes().values()) == ["running"]


def test_what_continues_a_trajectory_and_its_sub_agents_are_read(tmp_path: Path) -> None:
    place = job(tmp_path / "j", total=1, finished=True)
    agent = ended(place / "a__A") / "agent"

    def trajectory(*said: str, **more: Any) -> dict[str, Any]:
        steps = [{"step_id": n, "source": "agent", "message": text} for n, text in enumerate(said)]
        return {"agent": {"name": "terminus-2"}, "steps": steps, **more}

    first = trajectory("go", "ask", continued_trajectory_ref="trajectory.cont-1.json")
    asked = [{"trajectory_path": "trajectory.summary.json"}, {"trajectory_path": "../../x.json"}]
    first["steps"][1]["observation"] = {"results": [{"subagent_trajectory_ref": asked}]}
    other = trajectory("ask", "done", continued_trajectory_ref="trajectory.json")  # a circle
    other["steps"][0]["is_copied_context"] = True
    for name, content in {"": first, ".cont-1": other, ".summary": trajectory("in short")}.items():
        write(agent / f"trajectory{name}.json", content)
    disk = opened(place)
    disk.runs()
    transcript = open_body(asyncio.run(disk.gym.artifacts("a__A")).body)
    said = [(turn.text.strip(), *turn.notes) for turn in transcript.turns if turn.blocks]
    assert [one for one in said if one[0] in ("go", "ask", "in short", "done")] == [
        ("go",),
        ("ask",),
        ("in short", "sub-agent terminus-2"),
        ("done",),
    ]
