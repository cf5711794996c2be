"""What the engine promises: parallelism, cancelling, deleting, restarting, repeatable chance."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.gym.clock import Pace
from gymtui.gym.engine.engine import CUT_OFF, Engine
from gymtui.gym.scenarios.base import World
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.scenarios.hr.scenario import HR
from gymtui.gym.wire import Rollout
from tests.gym.engines import Turnstile, engine_at, finish, start
from tests.gym.running_gym import DEADLINE_S, launch_body, running_gym, unfinished, until
from tests.helpers import patient_http

ALL_TASKS = list(HR.tasks)


def by_status(engine: Engine, run_id: str) -> dict[str, int]:
    run = engine.database.run(run_id)
    assert run is not None
    return {"pending": run.pending, "running": run.running, "completed": run.completed}


async def step_into(turnstile: Turnstile, engine: Engine, rollout_id: str, step: int) -> Rollout:
    """Let time pass until a rollout's agent is in a step."""
    for _ in range(60):
        rollout = engine.database.rollout(rollout_id)
        assert rollout is not None
        if rollout.current_step == step:
            return rollout
        turnstile.let_through()
        await turnstile.settle(1)
    raise AssertionError(f"never in step {step}")


async def test_no_more_run_at_once_than_allowed(tmp_path: Path) -> None:
    turnstile = Turnstile()
    async with engine_at(tmp_path / "db", Pace(sleep=turnstile.sleep)) as engine:
        run_id = await start(engine, rollout_count=7, max_parallel=3)
        seen = []
        while engine.database.count_active(run_id):
            expected = min(3, engine.database.count_active(run_id))
            await turnstile.settle(expected)
            seen.append(by_status(engine, run_id)["running"])
            turnstile.let_through()
            await until_moved(turnstile, engine, run_id)
        assert max(seen) == 3
        assert seen.count(3) > len(seen) / 2


async def until_moved(turnstile: Turnstile, engine: Engine, run_id: str) -> None:
    async def moved() -> bool:
        return turnstile.waiting == min(3, engine.database.count_active(run_id))

    await until(moved)


async def test_runs_do_not_share_their_slots(tmp_path: Path) -> None:
    turnstile = Turnstile()
    async with engine_at(tmp_path / "db", Pace(sleep=turnstile.sleep)) as engine:
        first = await start(engine, rollout_count=5, max_parallel=2)
        second = await start(engine, rollout_count=5)
        await turnstile.settle(2 + 4)
        assert by_status(engine, first) == {"pending": 3, "running": 2, "completed": 0}
        assert by_status(engine, second) == {"pending": 1, "running": 4, "completed": 0}


async def test_steps_count_up_while_the_agent_runs(tmp_path: Path) -> None:
    turnstile = Turnstile()
    async with engine_at(tmp_path / "db", Pace(sleep=turnstile.sleep)) as engine:
        run_id = await start(engine)
        await turnstile.settle(1)
        [rollout_id] = engine.database.rollout_ids(run_id)
        seen = []
        while engine.database.count_active(run_id):
            rollout = engine.database.rollout(rollout_id)
            assert rollout is not None
            seen.append((rollout.phase, rollout.current_step))
            turnstile.let_through()
            await until_moved(turnstile, engine, run_id)
        artifacts = engine.database.artifacts(rollout_id)
    steps = [step for phase, step in seen if phase == "agent_running"]
    assert steps == list(range(len(steps)))
    assert len(steps) >= 4
    # The final answer calls no tool and is no step: neither here nor in the artifacts.
    assert artifacts is not None
    assert artifacts.steps_taken == steps[-1]
    others = [item for item in seen if item[0] != "agent_running"]
    assert others == [("building_environment", None), ("seeding", None), ("verifying", None)]


async def test_a_cancelled_rollout_ends_at_its_next_step(tmp_path: Path) -> None:
    turnstile = Turnstile()
    async with engine_at(tmp_path / "db", Pace(sleep=turnstile.sleep)) as engine:
        run_id = await start(engine)
        await turnstile.settle(1)
        [rollout_id] = engine.database.rollout_ids(run_id)
        await step_into(turnstile, engine, rollout_id, 3)
        assert engine.cancel(run_id) == 1
        assert by_status(engine, run_id)["running"] == 1
        turnstile.let_through()
        [rollout] = await finish(engine, run_id)
        assert (rollout.status, rollout.termination_reason) == ("failed", "cancelled")
        assert rollout.result is None
        assert [event.status for event in rollout.status_events][-1] == "failed"
        artifacts = engine.database.artifacts(rollout_id)
        assert artifacts is not None
        assert (artifacts.error, artifacts.steps_taken) == ("Cancelled", 3)
        assert artifacts.messages


async def test_a_cancel_ends_what_is_being_verified(tmp_path: Path) -> None:
    turnstile = Turnstile()
    async with engine_at(tmp_path / "db", Pace(sleep=turnstile.sleep)) as engine:
        run_id = await start(engine, rollout_count=2, max_parallel=1)
        await turnstile.settle(1)
        first, second = engine.database.rollout_ids(run_id)

        async def verifying() -> bool:
            rollout = engine.database.rollout(first)
            if rollout is not None and rollout.phase == "verifying" and turnstile.waiting:
                return True
            turnstile.let_through()
            return False

        await until(verifying)
        assert engine.cancel(run_id) == 2
        # Nobody is let through: it does not wait for the verdict.
        cut, waiting = await finish(engine, run_id)
        assert (cut.rollout_id, cut.status, cut.result) == (first, "failed", None)
        assert {item.termination_reason for item in (cut, waiting)} == {"cancelled"}
        artifacts = engine.database.artifacts(first)
        assert artifacts is not None
        assert (artifacts.error, artifacts.final_observation is None) == ("Cancelled", False)
        assert (waiting.rollout_id, waiting.started_at) == (second, None)


async def test_deleting_stops_what_runs(tmp_path: Path) -> None:
    turnstile = Turnstile()
    async with engine_at(tmp_path / "db", Pace(sleep=turnstile.sleep)) as engine:
        run_id = await start(engine, rollout_count=6, max_parallel=3)
        await turnstile.settle(3)
        assert engine.delete(run_id) == 6
        turnstile.let_through()
        again = await start(engine, run_name=run_id)
        await turnstile.settle(1)
        assert len(engine.database.rollouts()) == 1
        assert engine.database.rollout_ids(again)


async def test_a_restart_ends_what_it_cut_off_and_goes_on_with_the_rest(tmp_path: Path) -> None:
    turnstile, path = Turnstile(), tmp_path / "db"
    async with engine_at(path) as engine:
        kept = await start(engine, run_name="kept")
        before = await finish(engine, kept)
    async with engine_at(path, Pace(sleep=turnstile.sleep)) as engine:
        cut = await start(engine, run_name="cut", rollout_count=3, max_parallel=2)
        await turnstile.settle(2)
    async with engine_at(path) as engine:
        assert engine.database.rollouts(run_id=kept) == before
        *ended, waiting = engine.database.rollouts(run_id=cut)
        assert [item.status for item in ended] == ["failed"] * 2
        assert {item.termination_reason for item in ended} == {CUT_OFF}
        assert all(item.completed_at for item in ended)
        assert {item.status_events[-1].status for item in ended} == {"failed"}
        assert waiting.status == "pending"
        *_, went_on = await finish(engine, cut)
        assert went_on.status == "completed"


async def test_a_restarted_gym_is_the_same_gym_at_the_same_place(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path, speed=0.001) as gym,
        patient_http.AsyncClient(base_url=gym.url) as client,
    ):
        created = (await client.post("/runs", json=launch_body(run_name="x"))).json()
        await gym.stop()
        with pytest.raises(httpx.TransportError):
            await client.get("/runs")
        await gym.restart()
        assert (await client.get("/runs/x")).json()["failed"] == 1
        rollout_id = created["rollouts"][0]["rollout_id"]
        answer = (await client.get(f"/rollouts/{rollout_id}/artifacts")).json()
        assert "restarted" in answer["artifacts"]["error"]
        assert (await client.post("/runs", json=launch_body(run_name="x"))).status_code == 409


async def test_a_workspace_that_cannot_be_built_is_an_error_of_its_own(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "db", failure_share=1.0) as engine:
        run_id = await start(engine, rollout_count=3)
        for rollout in await finish(engine, run_id):
            assert rollout.status == "workspace_error"
            assert rollout.result is None
            assert rollout.phase == "building_environment"
            assert "Container" in str(rollout.termination_reason)
        run = engine.database.run(run_id)
        assert run is not None
        assert (run.completed, run.failed) == (0, 3)


async def test_a_small_share_of_workspaces_fails(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "db", failure_share=0.03) as engine:
        run_id = await start(engine, rollout_count=150, model="scripted/lost", max_steps=1)
        rollouts = await finish(engine, run_id)
    failed = sum(rollout.status == "workspace_error" for rollout in rollouts)
    assert 1 <= failed <= 15


async def outcomes(path: Path, **options: object) -> list[tuple[object, ...]]:
    async with engine_at(path, **options) as engine:
        run_id = await start(
            engine, task_ids=ALL_TASKS, rollout_count=3, model="scripted/hasty", max_parallel=5
        )
        rollouts = await finish(engine, run_id)
        found = []
        for rollout in rollouts:
            artifacts = engine.database.artifacts(rollout.rollout_id)
            assert artifacts is not None
            calls = tuple(call.tool_name for call in artifacts.tool_calls)
            found.append((rollout.task_id, rollout.status, rollout.result, calls))
        return found


async def test_a_seed_repeats_every_outcome_at_any_speed(tmp_path: Path) -> None:
    first = await outcomes(tmp_path / "1", seed=3)
    assert await outcomes(tmp_path / "2", seed=3, pace=Pace(50_000)) == first
    assert await outcomes(tmp_path / "3", seed=4) != first


async def test_a_second_run_of_a_model_is_not_the_first_again(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "db") as engine:
        results = []
        for _ in range(2):
            run_id = await start(engine, rollout_count=12, model="scripted/hasty")
            results.append([item.result for item in await finish(engine, run_id)])
    assert results[0] != results[1]


async def test_careful_passes_more_than_hasty_and_hasty_more_than_lost(tmp_path: Path) -> None:
    rates = {}
    by_task: dict[str, list[bool]] = {}
    async with engine_at(tmp_path / "db") as engine:
        for name in ("careful", "hasty", "lost"):
            run_id = await start(
                engine, task_ids=ALL_TASKS, rollout_count=4, model=f"scripted/{name}"
            )
            verdicts = [
                (item.task_id, item.result.success)
                for item in await finish(engine, run_id)
                if item.result is not None
            ]
            rates[name] = sum(success for _, success in verdicts) / len(verdicts)
            if name == "hasty":
                for task_id, success in verdicts:
                    by_task.setdefault(task_id, []).append(success)
    assert rates["careful"] > rates["hasty"] + 0.15 > rates["lost"] + 0.3
    assert 0.7 < rates["careful"] < 1
    assert rates["hasty"] > 0
    assert len({sum(successes) for successes in by_task.values()}) > 1


async def test_at_speed_1_a_rollout_takes_its_time_and_careful_takes_longer(tmp_path: Path) -> None:
    medians = {}
    for name in ("careful", "hasty"):
        spent: list[float] = []

        async def note(seconds: float, spent: list[float] = spent) -> None:
            spent.append(seconds)

        async with engine_at(tmp_path / name, Pace(sleep=note)) as engine:
            totals = []
            for task_id in ALL_TASKS:
                for number in range(3):
                    spent.clear()
                    run_id = await start(
                        engine,
                        run_name=f"{task_id}-{number}",
                        task_ids=[task_id],
                        model=f"scripted/{name}",
                    )
                    await finish(engine, run_id)
                    totals.append(sum(spent))
        medians[name] = sorted(totals)[len(totals) // 2]
        assert sorted(totals)[2] > 10
        assert sorted(totals)[-3] < 100
    assert 20 < medians["hasty"] < medians["careful"] < 60


async def test_a_broken_verifier_fails_its_rollout_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def opened(task: Mapping[str, Any]) -> World:
        world = await HR.open(task)
        if task["meta"]["task_id"] == "record_title_change":
            monkeypatch.setattr(world, "verify", broken)
        return world

    async def broken(record: object) -> None:
        raise ZeroDivisionError("a defect")

    hr = dataclasses.replace(HR, open=opened)
    async with engine_at(tmp_path / "db", scenarios={"hr": hr}) as engine:
        run_id = await start(engine, task_ids=["record_title_change", "schedule_phone_screen"])
        rollouts = await finish(engine, run_id)
    statuses = {item.task_id: item.status for item in rollouts}
    assert statuses == {"record_title_change": "failed", "schedule_phone_screen": "completed"}
    reason = next(item.termination_reason for item in rollouts if item.status == "failed")
    assert "ZeroDivisionError" in str(reason)


async def test_a_run_of_two_thousand_leaves_the_gym_answering(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path) as gym,
        # However busy the machine is: what counts is that answers come while the run goes on.
        httpx.AsyncClient(base_url=gym.url, timeout=DEADLINE_S) as client,
    ):
        body = launch_body(task_ids=ALL_TASKS, rollout_count=250, run_name="big", max_parallel=64)
        created = await client.post("/runs", json=body)
        assert created.json()["run_status"]["total"] == 2000

        async def some_done() -> bool:
            return bool((await client.get("/runs/big")).json()["completed"] >= 40)

        await until(some_done)
        whole = await client.get("/rollouts", params={"run_id": "big"})
        assert whole.json()["total"] == 2000
        cancelled = (await client.post("/runs/big/cancel")).json()
        assert 0 < cancelled["cancelled_rollouts"] < 2000

        async def over() -> bool:
            return bool(unfinished((await client.get("/runs/big")).json()) == 0)

        await until(over)


def test_the_scenarios_are_known_by_their_ids() -> None:
    assert {name: item.scenario_id for name, item in SCENARIOS.items()} == {"hr": "hr"}
