"""Misbehaviour to order: each kind, as a client meets it."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.gym.http.drift import drift
from tests.gym.running_gym import launch_body, running_gym, until


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gym that takes orders."""
    async with (
        running_gym(tmp_path, faults=True) as gym,
        httpx.AsyncClient(base_url=gym.url, timeout=60) as client,
    ):
        yield client


async def order(client: httpx.AsyncClient, **fields: Any) -> None:
    response = await client.post("/__faults__", json=fields)
    assert response.status_code == 200, response.text


async def test_a_status_with_retry_after_for_the_next_requests(client: httpx.AsyncClient) -> None:
    fault = {"kind": "status", "status": 429, "detail": "slow down", "retry_after": "3"}
    await order(client, path="^/runs", times=2, fault=fault)
    assert (await client.get("/rollouts")).status_code == 200
    for _ in range(2):
        response = await client.get("/runs")
        assert (response.status_code, response.headers["retry-after"]) == (429, "3")
        assert response.json() == {"detail": "slow down"}
    assert (await client.get("/runs")).status_code == 200
    states = (await client.get("/__faults__")).json()["orders"]
    assert [state["applied"] for state in states] == [2]


async def test_orders_stand_until_cleared(client: httpx.AsyncClient) -> None:
    await order(client, method="GET", times=None, fault={"kind": "status", "status": 503})
    statuses = [(await client.get("/v1/runs")).status_code for _ in range(3)]
    assert statuses == [503] * 3
    assert (await client.post("/runs", json=launch_body())).status_code == 200
    assert (await client.delete("/__faults__")).json() == {"orders": []}
    assert (await client.get("/runs")).status_code == 200


async def test_latency_delays_one_and_not_the_others(client: httpx.AsyncClient) -> None:
    await order(client, path="/rollouts$", latency_s=3600)
    late = asyncio.create_task(client.get("/rollouts"))
    assert (await client.get("/runs")).status_code == 200
    assert not late.done()
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)


async def test_what_is_delayed_is_answered(client: httpx.AsyncClient) -> None:
    await order(client, path="/rollouts$", latency_s=0.3)
    began = time.monotonic()
    assert (await client.get("/rollouts")).status_code == 200
    assert time.monotonic() - began >= 0.3


async def test_a_malformed_body(client: httpx.AsyncClient) -> None:
    await order(client, fault={"kind": "malformed", "body": '{"total": NaN'})
    response = await client.get("/runs")
    assert (response.status_code, response.text) == (200, '{"total": NaN')


async def test_a_truncated_body(client: httpx.AsyncClient) -> None:
    await order(client, fault={"kind": "truncated", "share": 0.5})
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/scenarios")
    assert (await client.get("/scenarios")).status_code == 200


async def test_a_connection_dropped_before_and_after_the_deed(client: httpx.AsyncClient) -> None:
    for when, launched in (("before", 0), ("after", 1)):
        await order(client, method="POST", path="^/runs$", fault={"kind": "drop", "when": when})
        with pytest.raises(httpx.TransportError):
            await client.post("/runs", json=launch_body())
        assert (await client.get("/runs")).json()["total"] == launched


async def test_redirects_to_another_origin(client: httpx.AsyncClient) -> None:
    there = "http://127.0.0.2:9/runs"
    await order(client, fault={"kind": "redirect", "location": there, "status": 307})
    response = await client.get("/runs")
    assert (response.status_code, response.headers["location"]) == (307, there)


async def test_a_drifted_schema(client: httpx.AsyncClient) -> None:
    await client.post("/runs", json=launch_body(rollout_count=2))
    fault = {
        "kind": "drift",
        "put": {"rollouts.*.status": "paused", "rollouts.0.max_steps": "many", "extra": [1]},
        "drop": ["rollouts.*.phase"],
    }
    await order(client, path="^/rollouts", fault=fault)
    drifted = (await client.get("/rollouts")).json()
    assert drifted["extra"] == [1]
    assert [item["status"] for item in drifted["rollouts"]] == ["paused", "paused"]
    assert [item["max_steps"] for item in drifted["rollouts"]] == ["many", 30]
    assert all("phase" not in item for item in drifted["rollouts"])


async def test_every_answer_keeps_one_date(client: httpx.AsyncClient) -> None:
    await order(client, fault={"kind": "status", "status": 500})
    assert len((await client.get("/runs")).headers.get_list("date")) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"path": "("},
        {"times": 0},
        {"fault": {"kind": "flood"}},
        {"fault": {"kind": "status", "status": 200}},
        {"surprise": True},
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    response = await client.post("/__faults__", json=body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][0] == "body"


async def test_the_truth_about_phases(client: httpx.AsyncClient) -> None:
    created = (await client.post("/runs", json=launch_body())).json()
    rollout_id = created["rollouts"][0]["rollout_id"]

    async def finished() -> Any:
        rollout = (await client.get(f"/rollouts/{rollout_id}")).json()
        return rollout if rollout["completed_at"] else None

    rollout = await until(finished)
    truth = (await client.get(f"/__truth__/{rollout_id}")).json()
    assert truth["rollout_id"] == rollout_id
    assert [span["phase"] for span in truth["phases"]] == [
        "building_environment",
        "seeding",
        "agent_running",
        "verifying",
    ]
    edges = [edge for span in truth["phases"] for edge in (span["start"], span["end"])]
    assert edges == sorted(edges)
    assert rollout["started_at"] <= edges[0]
    assert edges[-1] <= rollout["completed_at"]
    assert (await client.get("/__truth__/none")).status_code == 404


def test_drift_changes_only_what_paths_lead_to() -> None:
    given = {"runs": [{"a": 1}, {"a": 2}, {}], "total": 3}
    assert drift(given, {"runs.1.a": None, "moon.0.x": 1}, ["runs.0", "runs.*.b", "gone"]) == {
        "runs": [{"a": None}, {}],
        "total": 3,
    }
