"""Workers of a gym in PostgreSQL: limits hold over all, and every rollout ends once, right."""

import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from gymtui.gym.engine import worker as worker_module
from gymtui.gym.engine.allotment import Limits, RunLoad, allot
from gymtui.gym.engine.records import Ending
from gymtui.gym.engine.rollout_queue import LOST_TWICE, QueuedWrite
from gymtui.gym.wire import Rollout
from tests.cli.in_process import Shell
from tests.gym.engines import start
from tests.gym.model_server import HANG, model_server
from tests.gym.one_rollout import LOOK
from tests.gym.running_gym import until
from tests.gym.teams import SETTINGS, Team, events, team
from tests.helpers.postgres_server import Server, run_sql

FINAL = {"completed", "failed", "workspace_error"}


async def ended(gym: Team, run_id: str | None = None) -> list[Rollout]:
    """Let time pass until all has ended."""

    async def over() -> bool:
        gym.held.let_through()
        return gym.left() == 0

    await until(over, what="the end of all")
    return gym.rollouts(run_id)


async def run_by(gym: Team, count: int) -> dict[str, int]:
    """Wait until so many rollouts run; how many of them each worker has."""

    async def enough() -> bool:
        return sum(gym.running().values()) == count

    await until(enough, what=f"{count} running")
    return gym.running()


# -- how many each takes ---------------------------------------------------------------------------


def test_what_is_taken_keeps_every_limit() -> None:
    rng = random.Random(3)
    for _ in range(300):
        limits = Limits(rng.randint(1, 12), rng.randint(1, 6))
        loads = [
            RunLoad(f"r{n}", rng.randint(0, 9), 0, rng.randint(1, 5), frozenset(rng.choices("abc")))
            for n in range(rng.randint(0, 4))
        ]
        own = [0] * rng.randint(1, 4)
        for worker in [*range(len(own)), *range(len(own)), 0]:
            is_last = worker == 0
            most = 99
            taken = allot(
                loads,
                limits,
                most=most,
                own=own[worker],
                workers=None if is_last and sum(own) else len(own),
            )
            own[worker] += sum(taken.values())
            loads = [
                replace(
                    load,
                    waiting=load.waiting - taken.get(load.run_id, 0),
                    running=load.running + taken.get(load.run_id, 0),
                )
                for load in loads
            ]
        assert sum(own) == sum(load.running for load in loads) <= limits.max_parallel
        for load in loads:
            assert load.waiting >= 0
            assert load.running <= load.max_parallel
            at_model = sum(item.running for item in loads if load.places & item.places)
            assert at_model <= limits.max_requests
            has_room = (
                load.running < load.max_parallel
                and sum(own) < limits.max_parallel
                and at_model < limits.max_requests
            )
            assert not (load.waiting and has_room), "what can run does"


def test_workers_share_what_there_is() -> None:
    limits = Limits(200, 64)
    taken = allot([RunLoad("a", 16, 0, 16)], limits, most=50, own=0, workers=4)
    assert taken == {"a": 4}
    # One who came later takes what becomes free; who has its share leaves it.
    busy = [RunLoad("a", 20, 15, 16)]
    assert allot(busy, limits, most=50, own=7, workers=3) == {}
    assert allot(busy, limits, most=50, own=0, workers=3) == {"a": 1}


# -- limits ----------------------------------------------------------------------------------------


async def test_a_runs_limit_holds_over_all_workers(postgres: Server) -> None:
    async with team(postgres, workers=2) as gym:
        await start(gym.engine, rollout_count=7, max_parallel=3)
        shares = await run_by(gym, 3)
        most = sum(shares.values())

        async def over() -> bool:
            nonlocal most
            most = max(most, sum(gym.running().values()))
            gym.held.let_through()
            return gym.left() == 0

        await until(over)
        assert most <= 3
        rollouts = gym.rollouts()
    assert {item.status for item in rollouts} == {"completed"}
    assert all(events(item) == ["pending", "running", "completed"] for item in rollouts)


async def test_a_gyms_limit_holds_over_all_workers_and_runs(postgres: Server) -> None:
    async with team(postgres, 2, replace(SETTINGS, max_parallel=3)) as gym:
        first, second = [await start(gym.engine, rollout_count=4) for _ in range(2)]
        await run_by(gym, 3)
        assert {item.status for item in await ended(gym)} == {"completed"}
        assert len(gym.rollouts(first)) == len(gym.rollouts(second)) == 4


async def test_a_models_limit_holds_over_all_workers_and_its_key_reaches_them(
    postgres: Server,
) -> None:
    settings = {"model": "m", "api_key": "sk-never-kept-twice"}
    async with (
        model_server(HANG) as server,
        team(postgres, 2, replace(SETTINGS, max_requests=2), models=True) as gym,
    ):
        settings["base_url"] = server.url
        for _ in range(2):
            await start(gym.engine, rollout_count=2, model_config=settings)
        gym.held.let_through()

        async def asked() -> bool:
            gym.held.let_through()
            return server.in_flight == 2

        await until(asked)
        assert sum(gym.running().values()) == 2
        server.let_go()
        assert {item.status for item in await ended(gym)} == {"completed"}
        assert server.peak == 2
        asked_for = [one for one in server.sent if one.path.endswith("/completions")]
        keys = {one.headers.get("authorization") for one in asked_for}
        assert keys == {"Bearer sk-never-kept-twice"}
        gym.queue.reap()
        assert run_sql(gym.place.url, "SELECT * FROM gymtui_gym.run_secrets") == []


# -- cancel, delete, stop --------------------------------------------------------------------------


async def test_a_cancel_reaches_the_rollouts_of_every_worker_at_once(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that it is the database that tells, not the next look.
    monkeypatch.setattr(worker_module, "BEAT_S", 3600.0)
    async with model_server(LOOK, LOOK, HANG) as server, team(postgres, 2, models=True) as gym:
        run_id = await start(
            gym.engine, model="m", base_url=server.url, rollout_count=3, max_parallel=2
        )

        async def hang() -> bool:
            gym.held.let_through()
            return server.in_flight == 2 and not server.plays[1:]

        await until(hang)
        assert list(gym.running().values()) == [1, 1]
        assert gym.engine.cancel(run_id) == 3
        *cut, waiting = await ended(gym)
        kept = [gym.database.artifacts(one.rollout_id) for one in cut]
        assert gym.engine.cancel("none") is None
    assert {one.termination_reason for one in (*cut, waiting)} == {"cancelled"}
    assert waiting.started_at is None
    assert [one.error for one in kept if one is not None] == ["Cancelled"] * 2
    assert sum(len(one.tool_results) for one in kept if one is not None) == 2


async def test_a_delete_stops_what_runs(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "BEAT_S", 3600.0)
    async with model_server(HANG) as server, team(postgres, models=True) as gym:
        run_id = await start(gym.engine, model="m", base_url=server.url, rollout_count=2)

        async def hang() -> bool:
            gym.held.let_through()
            return server.in_flight == 2

        await until(hang)
        assert gym.engine.delete(run_id) == 2

        async def stopped() -> bool:
            return server.in_flight == 0

        await until(stopped)
        assert (gym.rollouts(), gym.engine.delete(run_id)) == ([], None)


async def test_a_worker_that_is_stopped_gives_back_what_it_had(postgres: Server) -> None:
    async with team(postgres) as gym:
        await start(gym.engine, rollout_count=2)
        await run_by(gym, 2)
        for _ in range(2):
            await gym.stop(next(iter(gym.working)))
            assert [item.status for item in gym.rollouts()] == ["pending"] * 2
            await gym.hire()
            await run_by(gym, 2)
        rollouts = await ended(gym)
    assert {item.status for item in rollouts} == {"completed"}, "to be stopped is no death"


# -- deaths ----------------------------------------------------------------------------------------


async def test_what_a_dead_worker_ran_is_run_again_once(postgres: Server) -> None:
    async with team(postgres) as gym:
        await start(gym.engine)
        for _ in range(2):
            await run_by(gym, 1)
            await gym.held.settle(1)
            [dying] = gym.working
            await gym.kill(dying)
            assert [item.status for item in gym.rollouts()] == ["running"], "its lease goes on"
            await gym.hire()
            gym.expire(dying)
        [rollout] = gym.rollouts()
    assert (rollout.status, rollout.termination_reason) == ("failed", LOST_TWICE)
    assert events(rollout) == ["pending", "running", "pending", "running", "failed"]


async def test_who_was_taken_for_dead_writes_nothing_any_more(postgres: Server) -> None:
    async with team(postgres) as gym:
        await start(gym.engine)
        await run_by(gym, 1)
        [lost] = gym.working
        before = lost.worker_id
        # It runs on and knows nothing of it: no beat of its own comes in between.
        lost._due_s = float("inf")
        gym.expire(lost)

        async def anew() -> bool:
            return lost.worker_id not in (None, before)

        await until(anew, what="another name for the worker that was lost")
        [rollout] = await ended(gym)
        deaths = run_sql(gym.place.url, "SELECT deaths FROM gymtui_gym.rollouts")
    assert rollout.status == "completed"
    assert events(rollout) == ["pending", "running", "pending", "running", "completed"]
    assert deaths == [(1,)]


async def test_the_end_that_a_lost_worker_writes_is_not_taken(postgres: Server) -> None:
    async with team(postgres, workers=0) as gym:
        await start(gym.engine)
        gym.queue.join("one")
        [claimed] = gym.queue.claim("one", ["hr"], 9, is_last=False)
        [rollout] = claimed.waiting.rollouts
        run_sql(gym.place.url, "DELETE FROM gymtui_gym.workers")
        gym.queue.reap()
        gym.queue.join("two")
        assert len(gym.queue.claim("two", ["hr"], 9, is_last=False)) == 1

        def end(name: str) -> Sequence[QueuedWrite]:
            ending = Ending("failed", "2026-11-29T12:00:00+00:00", termination_reason=name)
            one = rollout.rollout_id
            return [QueuedWrite(one, lambda database: database.finish(one, ending), ends=True)]

        for name in ("one", "two", "two"):
            gym.queue.write(name, end(name))
        [found] = gym.rollouts()
    assert found.termination_reason == "two"
    assert events(found) == ["pending", "running", "pending", "running", "failed"]


# -- everything together ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_every_rollout_ends_once(postgres: Server, seed: int) -> None:
    rng = random.Random(seed)
    async with team(postgres, workers=2) as gym:
        cancelled = await start(gym.engine, rollout_count=3, run_name="cancelled")
        await start(gym.engine, rollout_count=6, max_parallel=4, run_name="kept")
        for number in range(10):
            for _ in range(rng.randint(0, 3)):
                waiting = gym.held.waiting
                gym.held.let_through()

                async def moved(waiting: int = waiting) -> bool:
                    return gym.held.waiting > 0 or waiting == 0

                await until(moved)
            what = rng.choice(("kill", "cut", "stop", "none"))
            one = rng.choice(list(gym.working))
            if what == "kill":
                await gym.kill(one)
                await gym.hire()
                gym.expire(one)
            elif what == "stop":
                await gym.stop(one)
                await gym.hire()
            elif what == "cut":
                gym.cut()
            if number == 5:
                gym.engine.cancel(cancelled)
        rollouts = await ended(gym)
    for rollout in rollouts:
        *before, last = events(rollout)
        assert last in FINAL
        assert set(before) <= {"pending", "running"}
        assert all(one != next_ for one, next_ in pairwise(before))
        assert rollout.completed_at is not None
        expected = {None, LOST_TWICE, *(("cancelled",) if rollout.run_id == cancelled else ())}
        assert rollout.termination_reason in expected
        lost = before.count("running") - 1
        assert lost >= 0 or rollout.termination_reason == "cancelled"


async def test_a_scenario_that_a_worker_has_not_waits_for_one_who_has(postgres: Server) -> None:
    async with team(postgres, workers=0) as gym:
        await start(gym.engine)
        await gym.hire(scenarios={})
        gym.queue.join("other")
        assert gym.queue.claim("other", ["shop"], 9, is_last=True) == []
        await gym.hire()
        assert [item.status for item in await ended(gym)] == ["completed"]


def test_the_command_lines_options_reach_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[str] = []
    module = "gymtui.gym.engine.worker_process.work"
    monkeypatch.setattr(module, lambda *given, **named: worked.append(f"{given} {named}"))
    monkeypatch.chdir(tmp_path)
    shell = Shell(tmp_path, lambda _: httpx.Response(500), monkeypatch, {})
    words = ("--db", "postgresql://db/gym", "--at-once", "9", "--scenarios", "here")
    assert shell("gym-worker", *words, "--db-password-command", "pass").returncode == 0
    for sign in ("postgresql://db/gym", "'at_once': 9", "Path('here')"):
        assert sign in worked[0].replace("PosixPath", "Path")
    refused = shell("gym-worker", "--db", "gym.sqlite3")
    assert (refused.returncode, len(worked)) == (2, 1)
    assert "postgresql://" in refused.stderr


def test_a_worker_of_its_own_ends_in_order(postgres: Server) -> None:
    url = postgres.gym_database()
    command = [sys.executable, "-m", "gymtui", "gym-worker", "--db", url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "working for postgresql://" in process.stderr.readline()
        process.terminate()
        assert (process.wait(60), process.stderr.read()) == (0, "")
    assert run_sql(url, "SELECT * FROM gymtui_gym.workers") == []
