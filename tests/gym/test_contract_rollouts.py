"""What `API.md` says about rollouts and their artifacts, asked over real HTTP."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.gym.conftest import Caller
from tests.gym.running_gym import until_now

ROLLOUT = {
    "rollout_id",
    "scenario_id",
    "task_id",
    "run_id",
    "status",
    "phase",
    "current_step",
    "max_steps",
    "created_at",
    "started_at",
    "completed_at",
    "result",
    "termination_reason",
    "model_config",
    "status_events",
}


@pytest.fixture(scope="module")
def done(fast: Caller) -> Any:
    """A finished rollout, as `GET /rollouts/{id}` gives it."""
    created = fast.finished(
        task_overrides={"schedule_phone_screen": {"client_context": {"ticket": 7}}}
    )
    return fast.get(f"/rollouts/{created['rollouts'][0]['rollout_id']}")


def artifacts_of(caller: Caller, rollout: Any, **query: Any) -> Any:
    answer = caller.get(f"/rollouts/{rollout['rollout_id']}/artifacts", **query)
    assert answer.keys() == {"rollout_id", "artifacts"}
    assert answer["rollout_id"] == rollout["rollout_id"]
    return answer["artifacts"]


def test_a_finished_rollout_has_everything(done: Any) -> None:
    assert done.keys() == ROLLOUT
    assert (done["status"], done["phase"], done["current_step"]) == ("completed", "completed", None)
    assert isinstance(done["result"]["success"], bool)
    assert done["result"]["message"]
    assert [event["status"] for event in done["status_events"]] == [
        "pending",
        "running",
        "completed",
    ]
    stamps = [done["created_at"], done["started_at"], done["completed_at"]]
    assert stamps == [event["timestamp"] for event in done["status_events"]]
    times = [datetime.fromisoformat(stamp) for stamp in stamps]
    assert times == sorted(times)
    assert all(moment.tzinfo is not None for moment in times)
    assert abs((datetime.now(UTC) - times[0]).total_seconds()) < 60


def test_a_rollout_in_its_first_phase(slow: Caller) -> None:
    rollout_id = slow.launch()["rollouts"][0]["rollout_id"]
    found = until_now(lambda: _running(slow, rollout_id))
    assert found.keys() == ROLLOUT
    assert found["phase"] == "building_environment"
    for name in ("current_step", "completed_at", "result", "termination_reason"):
        assert found[name] is None, name
    assert found["max_steps"] == 30
    assert [event["status"] for event in found["status_events"]] == ["pending", "running"]


def _running(caller: Caller, rollout_id: str) -> Any:
    rollout = caller.get(f"/rollouts/{rollout_id}")
    return rollout if rollout["status"] == "running" else None


def test_a_waiting_rollout_has_no_phase(slow: Caller) -> None:
    created = slow.launch(rollout_count=2, max_parallel=1)
    rollout = slow.get(f"/rollouts/{created['rollouts'][1]['rollout_id']}")
    assert rollout["status"] == "pending"
    assert rollout["phase"] is None
    assert rollout["started_at"] is None


def test_rollouts_are_filtered(fast: Caller) -> None:
    created = fast.finished(
        task_ids=["schedule_phone_screen", "record_title_change"], rollout_count=2
    )
    run_id = created["run_id"]
    of_run = fast.get("/rollouts", run_id=run_id)
    assert of_run["total"] == len(of_run["rollouts"]) == 4
    of_task = fast.get("/rollouts", run_id=run_id, task_id="record_title_change")
    assert {item["task_id"] for item in of_task["rollouts"]} == {"record_title_change"}
    assert of_task["total"] == 2
    assert fast.get("/rollouts", run_id=run_id, status="completed")["total"] == 4
    assert fast.get("/rollouts", run_id=run_id, status="running")["total"] == 0
    assert fast.get("/rollouts", scenario_id="moon")["total"] == 0
    assert fast.get("/rollouts")["total"] >= 4
    response = fast.http.get("/rollouts", params={"status": "asleep"})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", "status"]


def test_unknown_and_unfinished_rollouts_have_no_artifacts(fast: Caller, slow: Caller) -> None:
    for path in ("/rollouts/none", "/rollouts/none/artifacts"):
        assert fast.http.get(path).status_code == 404
    running = slow.launch()["rollouts"][0]["rollout_id"]
    response = slow.http.get(f"/rollouts/{running}/artifacts")
    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


def test_artifacts_have_the_vendors_fields(fast: Caller, done: Any) -> None:
    artifacts = artifacts_of(fast, done)
    assert artifacts["version"] == "0.1"
    assert artifacts["task_id"] == done["task_id"]
    assert "Nadia Petrova" in artifacts["task"]
    assert (artifacts["model"], artifacts["provider"]) == ("scripted/careful", "custom")
    assert artifacts["max_steps"] == 30
    assert artifacts["created_at"] == done["started_at"]
    assert artifacts["metadata"]["client_context"] == {"ticket": 7}
    metrics = artifacts["metadata"]["rollout_metrics"]
    assert metrics["token_usage"]["prompt_tokens_total"] > 0
    assert metrics["token_usage"]["completion_tokens_total"] > 0
    assert metrics["timing"]["duration_seconds"] >= 0
    assert metrics["cost"]["estimated_cost_usd"] > 0
    assert artifacts["error"] is None


def test_messages_wrap_calls_and_results_in_their_content(fast: Caller, done: Any) -> None:
    artifacts = artifacts_of(fast, done)
    messages = artifacts["messages"]
    assert messages[0]["role"] == "user"
    assert messages[0]["content"] == artifacts["task"]
    assert messages[-1]["role"] == "assistant"
    assert messages[-1]["content"] == artifacts["final_observation"]
    calls, results = [], []
    for message in messages:
        assert message.keys() == {"role", "content", "timestamp"}
        assert datetime.fromisoformat(message["timestamp"]).tzinfo is not None
        if message["role"] == "assistant" and isinstance(message["content"], dict):
            assert message["content"].keys() == {"content", "tool_calls"}
            calls += message["content"]["tool_calls"]
        if message["role"] == "tool":
            results.append(message["content"])
    assert [call["id"] for call in calls] == [result["tool_call_id"] for result in results]
    assert len(calls) == len(artifacts["tool_calls"]) == len(artifacts["tool_results"]) > 0
    for call, listed in zip(calls, artifacts["tool_calls"], strict=True):
        assert call["type"] == "function"
        assert call["function"]["name"] == f"{listed['tool_server']}__{listed['tool_name']}"
        assert json.loads(call["function"]["arguments"]) == listed["parameters"]


def test_a_summary_is_there_only_when_the_observation_is_text(fast: Caller, done: Any) -> None:
    artifacts = artifacts_of(fast, done)
    told = [message["content"] for message in artifacts["messages"] if message["role"] == "tool"]
    with_summary = 0
    for content, result in zip(told, artifacts["tool_results"], strict=True):
        observation = result["observation"]
        text = observation.get("text") if isinstance(observation, dict) else observation
        assert ("summary" in content) == isinstance(text, str)
        assert content["is_error"] == result["is_error"]
        if "summary" in content:
            with_summary += 1
            assert content["summary"] == text
    assert 0 < with_summary < len(told)
    assert "[STATE DIFF]" in json.dumps(artifacts["tool_results"])


def test_steps_taken_counts_turns_that_called_tools(fast: Caller, done: Any) -> None:
    artifacts = artifacts_of(fast, done)
    turns = [m for m in artifacts["messages"] if isinstance(m["content"], dict)]
    assert artifacts["steps_taken"] == sum(turn["role"] == "assistant" for turn in turns)


def test_redaction_strips_calls_and_responses(fast: Caller, done: Any) -> None:
    whole = artifacts_of(fast, done)
    redacted = artifacts_of(fast, done, redact_tool_calls="true")
    assert redacted["messages"]
    assert all(isinstance(message["content"], str) for message in redacted["messages"])
    assert {message["role"] for message in redacted["messages"]} == {"user", "assistant"}
    said = [
        message["content"]["content"]
        if isinstance(message["content"], dict)
        else message["content"]
        for message in whole["messages"]
        if message["role"] != "tool"
    ]
    assert [message["content"] for message in redacted["messages"]] == [t for t in said if t]
    assert redacted["tool_calls"] == redacted["tool_results"] == []
    assert artifacts_of(fast, done, redact_tool_calls="false") == whole
    path = f"/rollouts/{done['rollout_id']}/artifacts"
    assert fast.http.get(path, params={"redact_tool_calls": "perhaps"}).status_code == 422


def test_what_was_cancelled_while_waiting_has_artifacts_that_say_so(slow: Caller) -> None:
    created = slow.launch(rollout_count=2, max_parallel=1)
    slow.http.post(f"/runs/{created['run_id']}/cancel")
    artifacts = artifacts_of(slow, created["rollouts"][1])
    assert artifacts["error"] == "Cancelled"
    assert artifacts["messages"] == []
    assert artifacts["steps_taken"] == 0


def test_an_override_replaces_what_the_agent_is_told(fast: Caller) -> None:
    told = "Say hello, nothing else."
    created = fast.finished(task_overrides={"schedule_phone_screen": {"description": told}})
    artifacts = artifacts_of(fast, created["rollouts"][0])
    assert artifacts["task"] == artifacts["messages"][0]["content"] == told
    assert "client_context" not in artifacts["metadata"]


def test_reaching_the_step_limit_is_a_verdict_of_its_own(fast: Caller) -> None:
    created = fast.finished(model="scripted/lost", max_steps=3)
    rollout = fast.get(f"/rollouts/{created['rollouts'][0]['rollout_id']}")
    assert (rollout["status"], rollout["termination_reason"]) == ("completed", "max_steps")
    assert rollout["result"]["success"] is False
    artifacts = artifacts_of(fast, rollout)
    assert artifacts["steps_taken"] == artifacts["max_steps"] == 3
    assert artifacts["error"] == "Max steps reached without final assistant response"
    assert artifacts["final_observation"] is None
