"""The client against the local gym, over real HTTP: two readings of API.md that must agree."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gymtui.api import errors
from gymtui.api.client import GymClient
from gymtui.api.launch_request import LaunchRequest
from gymtui.api.list_answer import parse_rollout, parse_run, split
from gymtui.api.models import Malformed, Rollout, RunStatus
from gymtui.core.secret import ApiKey
from tests.gym.running_gym import running_gym

UGLY = ["a/b c%2F..", "..", ".", "日本語 ✓", "?q=1#f", "%2e%2e", "run_plain"]
DEADLINE_S = 60.0
UNHURRIED = 0.05
BRISK = 200.0


@asynccontextmanager
async def _gym(tmp_path: Path, speed: float) -> AsyncIterator[GymClient]:
    async with (
        running_gym(tmp_path, speed=speed) as gym,
        GymClient(gym.url, ApiKey("ck_gym_0123456789abcdef")) as client,
    ):
        yield client


def _launch(name: str, tasks: list[str], **changes: Any) -> LaunchRequest:
    config = {"model": "scripted/careful", "provider": "custom", "api_key": "sk-0123456789abcdef"}
    document = {"scenario_id": "hr", "task_ids": tasks, "model_config": config, "run_name": name}
    return LaunchRequest.model_validate(document | changes)


async def _tasks(client: GymClient) -> list[str]:
    return [task.task_id for task in await client.list_tasks("hr")]


async def _runs(client: GymClient, **filters: Any) -> list[RunStatus]:
    runs = [
        parse_run(item) for item in split((await client.list_runs(**filters)).body, "runs").items
    ]
    assert not [run for run in runs if isinstance(run, Malformed)]
    return [run for run in runs if isinstance(run, RunStatus)]


async def _rollouts(client: GymClient, **filters: Any) -> list[Rollout]:
    listing = split((await client.list_rollouts(**filters)).body, "rollouts")
    assert listing.total == len(listing.items)
    rollouts = [parse_rollout(item) for item in listing.items]
    assert not [rollout for rollout in rollouts if isinstance(rollout, Malformed)]
    return [rollout for rollout in rollouts if isinstance(rollout, Rollout)]


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await true():  # noqa: ASYNC110  (the event is in another program)
            await asyncio.sleep(0.02)


async def test_scenarios_and_their_tasks_are_listed(tmp_path: Path) -> None:
    async with _gym(tmp_path, UNHURRIED) as client:
        scenarios = {scenario.scenario_id: scenario for scenario in await client.list_scenarios()}
        tasks = await client.list_tasks("hr")
        assert scenarios["hr"].num_tasks == len(tasks) >= 6
        assert await client.rubric("hr", tasks[0].task_id)
        with pytest.raises(errors.NotFound):
            await client.list_tasks("no/such")


async def test_a_launched_run_is_found_in_every_way_it_can_be_asked_for(tmp_path: Path) -> None:
    async with _gym(tmp_path, UNHURRIED) as client:
        tasks = (await _tasks(client))[:2]
        created = await client.create_run(_launch("nightly", tasks, rollout_count=2))
        assert created.run_id == "nightly"
        assert created.rollouts is not None
        assert sorted(r.task_id or "" for r in created.rollouts) == sorted(tasks * 2)

        [listed] = await _runs(client, scenario_id="hr", expand=["rollouts"])
        assert listed.total == 4
        assert set(listed.rollout_ids or ()) == {r.rollout_id for r in created.rollouts}
        assert await _runs(client, scenario_id="other") == []
        assert await _runs(client, source="task-editor") == []
        assert await _runs(client, limit=1, offset=1) == []
        got = parse_run((await client.get_run("nightly")).body)
        assert isinstance(got, RunStatus)
        assert got.total == 4

        rollouts = await _rollouts(client, run_id="nightly")
        assert {r.rollout_id for r in rollouts} == {r.rollout_id for r in created.rollouts}
        assert all(r.settings is not None and r.settings.api_key is None for r in rollouts)
        assert all(r.created_at is not None for r in rollouts)
        assert len(await _rollouts(client, run_id="nightly", task_id=tasks[0])) == 2
        assert await _rollouts(client, run_id="nightly", status="workspace_error") == []
        one = parse_rollout((await client.get_rollout(rollouts[0].rollout_id)).body)
        assert isinstance(one, Rollout)
        assert one.run_id == "nightly"
        with pytest.raises(errors.NotFound):
            await client.artifacts(rollouts[0].rollout_id)


@pytest.mark.parametrize("run_id", UGLY)
async def test_a_run_of_any_name_can_be_opened_cancelled_and_deleted(
    tmp_path: Path, run_id: str
) -> None:
    async with _gym(tmp_path, UNHURRIED) as client:
        tasks = (await _tasks(client))[:1]
        bystander = await client.create_run(_launch("bystander", tasks))
        created = await client.create_run(_launch(run_id, tasks, rollout_count=3))
        assert created.run_id == run_id
        got = parse_run((await client.get_run(run_id)).body)
        assert isinstance(got, RunStatus)
        assert got.run_id == run_id
        assert len(await _rollouts(client, run_id=run_id)) == 3

        cancelled = await client.cancel_run(run_id)
        assert (cancelled.run_id, cancelled.cancelled_rollouts) == (run_id, 3)
        deleted = await client.delete_run(run_id)
        assert (deleted.run_id, deleted.deleted_rollouts) == (run_id, 3)
        for call in (client.get_run, client.delete_run, client.cancel_run):
            with pytest.raises(errors.NotFound):
                await call(run_id)
        assert await _rollouts(client, run_id=run_id) == []
        assert [run.run_id for run in await _runs(client)] == [bystander.run_id]


async def test_what_the_gym_refuses_is_told_at_its_field(tmp_path: Path) -> None:
    async with _gym(tmp_path, UNHURRIED) as client:
        tasks = (await _tasks(client))[:1]
        await client.create_run(_launch("taken", tasks))
        with pytest.raises(errors.Refused) as caught:
            await client.create_run(_launch("taken", tasks))
        assert caught.value.status == 409
        with pytest.raises(errors.GymError) as wrong:
            await client.create_run(_launch("other", ["no-such-task"]))
        assert isinstance(wrong.value, errors.Refused | errors.NotFound)
        with pytest.raises(errors.Refused) as many:
            await client.list_runs(limit=500)
        assert many.value.status == 422
        assert [field.field for field in many.value.fields] == ["limit"]


async def test_a_finished_rollout_has_times_a_verdict_and_artifacts(tmp_path: Path) -> None:
    async with _gym(tmp_path, BRISK) as client:
        tasks = (await _tasks(client))[:2]
        await client.create_run(_launch("quick", tasks, rollout_count=3))

        async def finished() -> bool:
            rollouts = await _rollouts(client, run_id="quick")
            return all(rollout.completed_at is not None for rollout in rollouts)

        await _until(finished)
        done = [r for r in await _rollouts(client, run_id="quick") if r.status == "completed"]
        assert done
        for rollout in done:
            assert rollout.result is not None
            assert rollout.result.success in (True, False)
            assert rollout.status_events is not None
            assert [e.status for e in rollout.status_events][-1] == "completed"
            assert rollout.created_at and rollout.started_at and rollout.completed_at
            assert rollout.created_at <= rollout.started_at <= rollout.completed_at
        told: list[int] = []
        answer = await client.artifacts(
            done[0].rollout_id, on_progress=lambda got, _: told.append(got)
        )
        redacted = await client.artifacts(done[0].rollout_id, True)
        few, all_ = (json.loads(a.body)["artifacts"]["messages"] for a in (redacted, answer))
        assert len(few) < len(all_)
        assert told and told[-1] == answer.wire_bytes < len(answer.body)


async def test_the_gym_is_found_under_v1_too(tmp_path: Path) -> None:
    async with running_gym(tmp_path, speed=UNHURRIED) as gym, GymClient(f"{gym.url}/v1") as client:
        assert await _runs(client) == []


async def test_the_answers_date_is_the_gyms_clock(tmp_path: Path) -> None:
    async with _gym(tmp_path, UNHURRIED) as client:
        answer = await client.list_runs()
        assert answer.date is not None
        assert answer.sent_s <= answer.received_s
