"""What `API.md` says about runs, asked over real HTTP."""

from typing import Any

import pytest

from tests.gym.conftest import Caller
from tests.gym.running_gym import launch_body

RUN_STATUS = {
    "run_id",
    "scenario_id",
    "source",
    "total",
    "completed",
    "failed",
    "in_progress",
    "pending",
    "running",
    "rollout_ids",
}


def test_a_launch_answers_with_the_run_and_its_rollouts(slow: Caller) -> None:
    created = slow.launch(
        task_ids=["schedule_phone_screen", "record_title_change"], rollout_count=2
    )
    assert created.keys() == {"run_id", "run_status", "rollouts"}
    assert created["run_status"].keys() == RUN_STATUS
    assert created["run_status"]["total"] == 4
    assert created["run_status"]["source"] == "rl-gym"
    assert [rollout["rollout_id"] for rollout in created["rollouts"]] == created["run_status"][
        "rollout_ids"
    ]
    for rollout in created["rollouts"]:
        assert rollout.keys() == {"rollout_id", "scenario_id", "task_id", "run_id", "status"}
        assert (rollout["scenario_id"], rollout["status"]) == ("hr", "pending")
        assert rollout["run_id"] == created["run_id"]
    tasks = sorted(rollout["task_id"] for rollout in created["rollouts"])
    assert tasks == ["record_title_change"] * 2 + ["schedule_phone_screen"] * 2


def test_the_full_body_of_the_documentation_is_accepted(slow: Caller) -> None:
    body = {
        "scenario_id": "hr",
        "task_ids": ["schedule_phone_screen"],
        "model_config": {
            "model": "scripted/careful",
            "provider": "custom",
            "api_key": "ck_secret",
            "temperature": 0.7,
            "max_steps": 30,
            "system_prompt": "Be brief.",
            "tool_server_url": None,
            "log_prob": False,
            "summarize_every_n_turns": 0,
            "context_stride": 3,
        },
        "rollout_count": 1,
        "max_parallel": 2,
        "run_name": "documented",
        "user_model_config": None,
        "task_overrides": {
            "schedule_phone_screen": {
                "task_json": {"task": "Do that.", "meta": {"display_name": "Theirs"}},
                "name": "Mine",
                "description": "Do it.",
                "rubric_markdown": None,
                "client_context": {"ticket": 7},
            }
        },
    }
    response = slow.http.post("/runs", json=body)
    assert response.status_code == 200, response.text
    assert response.json()["run_id"] == "documented"
    rollout = slow.get("/rollouts", run_id="documented")["rollouts"][0]
    assert rollout["model_config"]["system_prompt"] == "Be brief."
    assert "api_key" not in rollout["model_config"]
    assert "ck_" not in response.text + str(rollout)


def test_what_a_scripted_agent_cannot_do_is_refused_and_not_ignored(slow: Caller) -> None:
    body = launch_body(
        user_model_config={"model": "u", "api_key": "ck_user"},
        task_overrides={
            "schedule_phone_screen": {"task_json": {"a": 1}, "rubric_markdown": "# R"},
        },
    )
    body["model_config"] |= {
        "tool_server_url": "http://127.0.0.1:9",
        "log_prob": True,
        "summarize_every_n_turns": 2,
    }
    response = slow.http.post("/runs", json=body)
    assert response.status_code == 422
    fields = {problem["loc"][-1] for problem in response.json()["detail"]}
    assert fields == {
        *("tool_server_url", "log_prob", "summarize_every_n_turns", "user_model_config"),
        *("a", "rubric_markdown"),
    }
    assert "ck_" not in response.text


def test_a_taken_run_name_is_a_conflict_and_changes_nothing(slow: Caller) -> None:
    slow.launch(run_name="taken")
    response = slow.http.post("/runs", json=launch_body(run_name="taken", rollout_count=9))
    assert response.status_code == 409
    assert "taken" in response.json()["detail"]
    assert slow.get("/runs/taken")["total"] == 1


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"task_ids": []}, ["body", "task_ids"]),
        ({"task_ids": ["nothing_known"]}, ["body", "task_ids", 0]),
        ({"task_ids": ["schedule_phone_screen"] * 2}, ["body", "task_ids", 1]),
        ({"rollout_count": 0}, ["body", "rollout_count"]),
        ({"rollout_count": "2"}, ["body", "rollout_count"]),
        ({"max_parallel": 0}, ["body", "max_parallel"]),
        ({"run_name": ""}, ["body", "run_name"]),
        ({"unheard_of": 1}, ["body", "unheard_of"]),
        ({"max_steps": 0}, ["body", "model_config", "max_steps"]),
        ({"provider": "mainframe"}, ["body", "model_config", "provider"]),
        ({"model": "gpt-4o"}, ["body", "model_config", "model"]),
        ({"model": "scripted/unheard-of"}, ["body", "model_config", "model"]),
        ({"base_url": "http://127.0.0.1:1/v1"}, ["body", "model_config", "base_url"]),
        ({"model_config": {"model": "scripted/careful"}}, ["body", "model_config", "api_key"]),
        ({"task_overrides": {"other": {}}}, ["body", "task_overrides", "other"]),
    ],
)
def test_a_launch_that_cannot_be_is_refused_at_its_field(
    slow: Caller, changes: dict[str, Any], loc: list[str | int]
) -> None:
    before = slow.get("/runs", source="all")["total"]
    response = slow.http.post("/runs", json=launch_body(**changes))
    assert response.status_code == 422, response.text
    problems = response.json()["detail"]
    assert all(problem.keys() == {"loc", "msg", "type"} for problem in problems)
    assert loc in [problem["loc"] for problem in problems]
    assert slow.get("/runs", source="all")["total"] == before


def test_temperature_has_bounds(slow: Caller) -> None:
    body = launch_body()
    body["model_config"]["temperature"] = 2.1
    assert slow.http.post("/runs", json=body).status_code == 422


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"a"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(slow: Caller, body: bytes) -> None:
    response = slow.http.post("/runs", content=body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][0:1] in (["body"], [])


def test_a_refusal_never_repeats_a_key(slow: Caller) -> None:
    body = launch_body(rollout_count=0)
    body["model_config"]["api_key"] = ["ck_secret"]
    response = slow.http.post("/runs", json=body)
    assert response.status_code == 422
    assert "ck_secret" not in response.text


def test_an_unknown_scenario_is_not_found(slow: Caller) -> None:
    response = slow.http.post("/runs", json=launch_body(scenario_id="moon"))
    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


def test_runs_are_listed_newest_first_and_paged(fast: Caller) -> None:
    names = [fast.finished(run_name=f"page-{number}")["run_id"] for number in range(3)]
    whole = fast.get("/runs", limit=200)
    assert whole.keys() == {"total", "runs"}
    assert whole["total"] == len(whole["runs"])
    listed = [run["run_id"] for run in whole["runs"]]
    assert [name for name in listed if name in names] == names[::-1]
    pages = [fast.get("/runs", limit=1, offset=number) for number in range(whole["total"] + 1)]
    assert [run["run_id"] for page in pages for run in page["runs"]] == listed
    assert {page["total"] for page in pages} == {whole["total"]}


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"offset": -1}, {"source": "moon"}]
)
def test_paging_and_source_have_bounds(fast: Caller, query: dict[str, Any]) -> None:
    response = fast.http.get("/runs", params=query)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", *query]


def test_rollout_ids_are_filled_only_when_asked_for(fast: Caller) -> None:
    created = fast.finished(run_name="expanded", rollout_count=3)
    plain = fast.get("/runs", limit=200)["runs"]
    expanded = fast.get("/runs", limit=200, expand="rollouts")["runs"]
    assert all(run["rollout_ids"] == [] for run in plain)
    ids = {run["run_id"]: run["rollout_ids"] for run in expanded}
    assert ids["expanded"] == created["run_status"]["rollout_ids"]
    assert fast.http.get("/runs", params={"expand": "moons"}).status_code == 422


def test_runs_are_filtered_by_scenario_and_source(fast: Caller) -> None:
    fast.finished()
    assert fast.get("/runs", scenario_id="hr")["total"] >= 1
    assert fast.get("/runs", scenario_id="moon") == {"total": 0, "runs": []}
    assert fast.get("/runs", source="all")["total"] == fast.get("/runs", source="rl-gym")["total"]
    assert fast.get("/runs", source="task-editor")["total"] == 0


def test_counters_are_those_of_the_rollouts(fast: Caller, slow: Caller) -> None:
    created = fast.finished(rollout_count=5)
    run = fast.get(f"/runs/{created['run_id']}")
    assert run.keys() == RUN_STATUS
    assert (run["total"], run["completed"], run["failed"]) == (5, 5, 0)
    assert (run["in_progress"], run["pending"], run["running"]) == (0, 0, 0)
    waiting = slow.launch(rollout_count=5, max_parallel=2)
    status = slow.get(f"/runs/{waiting['run_id']}")
    # As in both published examples: what waits is not in progress.
    assert (status["total"], status["in_progress"]) == (5, 2)
    assert (status["running"], status["pending"]) == (2, 3)


def test_an_unknown_run_is_not_found(fast: Caller) -> None:
    for method, path in (
        ("GET", "/runs/none"),
        ("POST", "/runs/none/cancel"),
        ("DELETE", "/runs/none"),
    ):
        response = fast.http.request(method, path)
        assert response.status_code == 404, (method, path)
        assert isinstance(response.json()["detail"], str)


def test_cancelling_ends_what_waits_at_once(slow: Caller) -> None:
    run_id = slow.launch(rollout_count=5, max_parallel=2)["run_id"]
    response = slow.http.post(f"/runs/{run_id}/cancel")
    assert response.json() == {"run_id": run_id, "cancelled_rollouts": 5}
    rollouts = slow.get("/rollouts", run_id=run_id)["rollouts"]
    waiting = [item for item in rollouts if item["status"] == "failed"]
    assert len(waiting) == 3
    assert {item["termination_reason"] for item in waiting} == {"cancelled"}
    assert all(item["completed_at"] for item in waiting)


def test_cancelling_a_finished_run_cancels_nothing(fast: Caller) -> None:
    run_id = fast.finished()["run_id"]
    assert fast.http.post(f"/runs/{run_id}/cancel").json()["cancelled_rollouts"] == 0
    assert fast.get(f"/runs/{run_id}")["completed"] == 1


def test_deleting_takes_the_rollouts_along(fast: Caller, slow: Caller) -> None:
    for caller, created in ((fast, fast.finished(rollout_count=3)), (slow, slow.launch())):
        run_id, count = created["run_id"], created["run_status"]["total"]
        response = caller.http.delete(f"/runs/{run_id}")
        assert response.json() == {"run_id": run_id, "deleted_rollouts": count}
        assert caller.http.get(f"/runs/{run_id}").status_code == 404
        assert caller.get("/rollouts", run_id=run_id) == {"total": 0, "rollouts": []}
        for rollout in created["rollouts"]:
            assert caller.http.get(f"/rollouts/{rollout['rollout_id']}").status_code == 404
        assert caller.http.delete(f"/runs/{run_id}").status_code == 404
