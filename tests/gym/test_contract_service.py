"""What holds for every endpoint: paths, keys, compression, dates; and the scenarios."""

import gzip
import http.client
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.gym.conftest import Caller
from tests.gym.running_gym import launch_body, serving_gym
from tests.helpers import patient_http

AWKWARD = ("a/b c%2F..", "..", ".", "日本語 ✓", "v1", "a%2Fb", "runs/x/cancel", "?q=1#f", " ", "/")


def one_segment(value: str) -> str:
    """Encode a value into one path segment, dots included."""
    return quote(value, safe="").replace(".", "%2E")


def raw(caller: Caller, method: str, target: str) -> tuple[int, bytes]:
    """Send a request whose target no client library has had its hands on."""
    connection = http.client.HTTPConnection(caller.http.base_url.netloc.decode(), timeout=60)
    connection.putrequest(method, target)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


@pytest.mark.parametrize("name", AWKWARD)
def test_an_id_may_hold_anything(slow: Caller, name: str) -> None:
    assert slow.launch(run_name=name)["run_id"] == name
    path = f"/runs/{one_segment(name)}"
    status, body = raw(slow, "GET", path)
    assert (status, httpx.Response(200, content=body).json()["run_id"]) == (200, name)
    assert slow.get("/rollouts", run_id=name)["total"] == 1
    status, body = raw(slow, "POST", f"{path}/cancel")
    assert httpx.Response(200, content=body).json() == {"run_id": name, "cancelled_rollouts": 1}
    assert raw(slow, "DELETE", path)[0] == 200
    assert raw(slow, "GET", path)[0] == 404


def test_segments_are_decoded_exactly_once(slow: Caller) -> None:
    slow.launch(run_name="once%2Fonly")
    assert raw(slow, "GET", "/runs/once%252Fonly")[0] == 200
    assert raw(slow, "GET", "/runs/once%2Fonly")[0] == 404
    assert raw(slow, "GET", "/runs/once/only")[0] == 404
    assert raw(slow, "GET", "/runs/%FF")[0] == 404


def test_everything_is_there_under_v1_too(fast: Caller) -> None:
    created = fast.http.post("/v1/runs", json=launch_body())
    assert created.status_code == 200
    run_id = created.json()["run_id"]
    assert fast.get(f"/v1/runs/{run_id}")["run_id"] == run_id
    assert fast.get("/v1/scenarios", include_hidden="true") == fast.get("/scenarios")
    assert fast.http.get("/v1").status_code == 404
    assert fast.http.get("/v1/v1/runs").status_code == 404


def test_unknown_paths_and_methods(fast: Caller) -> None:
    for path in ("/", "/run", "/runs/", "/runs/x/y", "/__faults__", "/__truth__/x"):
        response = fast.http.get(path)
        assert response.status_code == 404, path
        assert isinstance(response.json()["detail"], str)
    response = fast.http.put("/runs")
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "POST"}


def test_a_gym_with_a_key_asks_every_request_for_it(tmp_path: Path) -> None:
    with (
        serving_gym(tmp_path, key="ck_right") as gym,
        patient_http.Client(base_url=gym.url) as client,
    ):
        for headers in (
            {},
            {"API-Key": "ck_wrong"},
            {"API-Key": ""},
            {"Authorization": "ck_right"},
        ):
            for method, path in (("GET", "/runs"), ("POST", "/runs"), ("GET", "/moon")):
                response = client.request(method, path, headers=headers)
                assert response.status_code == 401, (headers, path)
                assert response.json().keys() == {"detail"}
                assert "ck_" not in response.text
        assert client.get("/runs", headers={"API-Key": "ck_right"}).status_code == 200


def test_answers_are_compressed_for_those_who_ask(fast: Caller) -> None:
    fast.finished(rollout_count=4)
    plain = fast.http.get("/rollouts", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with fast.http.stream("GET", "/rollouts", headers={"Accept-Encoding": "gzip"}) as packed:
        wire = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == "gzip"
    assert len(wire) < len(plain.content) / 2
    assert gzip.decompress(wire) == plain.content


def test_the_clock_can_be_off_everywhere_at_once(tmp_path: Path) -> None:
    offset = timedelta(hours=-7, seconds=-13)
    with (
        serving_gym(tmp_path, clock_offset_s=offset.total_seconds()) as gym,
        patient_http.Client(base_url=gym.url) as client,
    ):
        before = datetime.now(UTC) + offset
        response = client.post("/runs", json=launch_body())
        assert len(response.headers.get_list("date")) == 1
        date = parsedate_to_datetime(response.headers["date"])
        assert abs((date - before).total_seconds()) < 30
        rollout = client.get("/rollouts").json()["rollouts"][0]
        created = datetime.fromisoformat(rollout["created_at"])
        assert abs((created - before).total_seconds()) < 30


def test_scenarios_and_tasks_are_listed(fast: Caller) -> None:
    [scenario] = fast.get("/scenarios")
    servers = {"calendar", "email", "hr_records"}
    assert scenario["scenario_id"] == "hr"
    assert {server["name"] for server in scenario["tool_servers"]} == servers
    listing = fast.get("/scenarios/hr/tasks", include_test="true")
    assert listing["scenario_id"] == "hr"
    assert scenario["num_tasks"] == len(listing["tasks"]) >= 6
    assert {task["difficulty"] for task in listing["tasks"]} == {"easy", "medium", "hard"}
    for task in listing["tasks"]:
        assert task["name"]
        assert task["description"]
        assert task["category"]
        assert {server["name"] for server in task["tool_servers"]} <= servers
        rubric = fast.get(f"/scenarios/hr/tasks/{task['task_id']}/rubric")
        assert rubric == {
            "scenario_id": "hr",
            "task_id": task["task_id"],
            "rubric_markdown": task["rubric"],
        }
    for path in ("/scenarios/moon/tasks", "/scenarios/hr/tasks/moon/rubric"):
        assert fast.http.get(path).status_code == 404


@pytest.mark.parametrize(
    ("settings", "error_type"),
    [
        ({"model": "scripted/hasty"}, None),
        ({"model": "gpt-4o"}, "invalid_model"),
        ({}, "invalid_model"),
        ({"model": "m", "base_url": "http://127.0.0.1:1"}, "connection_error"),
    ],
)
def test_model_settings_can_be_tried(
    fast: Caller, settings: dict[str, Any], error_type: str | None
) -> None:
    response = fast.http.post("/test-model-config", json={**settings, "api_key": "k"})
    assert response.status_code == 200
    answer = response.json()
    assert answer.keys() == {"success", "message", "error_type"}
    assert (answer["success"], answer["error_type"]) == (error_type is None, error_type)


def test_model_settings_are_validated(fast: Caller) -> None:
    response = fast.http.post("/test-model-config", json={"model": "scripted/hasty"})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "api_key"]
