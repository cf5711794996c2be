"""Scenarios of one's own: what is checked, and what happens in their processes."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.scenarios.base import Scenario, WorldError
from gymtui.gym.scenarios.bundle import open_bundles
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.scenarios.world_process import ProcessWorld
from gymtui.gym.tools.toolbox import Call
from gymtui.gym.wire import Artifacts, Rollout
from tests.gym.bundles import SERVER_FILE, VERIFIER_FILE, example
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import HANG, ModelServer, Play, Raw, calling, model_server, saying
from tests.gym.running_gym import until
from tests.gym.shop import FAULTS, VERDICTS, task_of, write_shop

TASK = "refund_damaged_order"
LOOK = calling("desk__find_orders", '{"customer": "Dana Kim"}')
REFUND = calling("desk__refund", '{"order_id": "ord_1", "amount": 24.5}')
DONE = saying("Done.")


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Scenario]]:
    """The shop's scenario and the built-in ones; its process runs."""
    bundle = write_shop(tmp_path_factory.mktemp("bundles"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_API_KEY", "sk-MARKED")
        with open_bundles([bundle], SCENARIOS) as scenarios:
            yield {**SCENARIOS, **scenarios}


@dataclass(frozen=True)
class Played:
    """A rollout, what it recorded, and what its model was sent."""

    rollout: Rollout
    artifacts: Artifacts
    server: ModelServer

    @property
    def verdict(self) -> tuple[bool, str]:
        assert self.rollout.result is not None, self.rollout.termination_reason
        return self.rollout.result.success, self.rollout.result.message

    @property
    def seen(self) -> list[Any]:
        return [item.observation for item in self.artifacts.tool_results]


async def played(
    scenarios: Mapping[str, Scenario], directory: Path, *plays: Play, **changes: Any
) -> Played:
    """One rollout of a task in the shop, by a model that answers so."""
    async with (
        model_server(*plays) as server,
        engine_at(directory / "db", scenarios=scenarios) as engine,
    ):
        settings = {"model": "m", "api_key": "k", "base_url": server.url}
        about = {"scenario_id": "shop", "task_ids": [TASK], "model_config": settings}
        run_id = await start(engine, **{**about, **changes})
        [rollout] = await finish(engine, run_id)
        artifacts = engine.database.artifacts(rollout.rollout_id)
        assert artifacts is not None
        return Played(rollout, artifacts, server)


Shop = Mapping[str, Scenario]

# -- what is played -------------------------------------------------------------------------------


async def test_an_agent_acts_in_it_and_is_verified(tmp_path: Path, shop: Shop) -> None:
    ended = await played(shop, tmp_path, LOOK, REFUND, DONE)
    assert (ended.rollout.status, ended.rollout.termination_reason) == ("completed", None)
    assert ended.verdict == (True, "The teapot was refunded")
    found, refunded = ended.seen
    assert [order["order_id"] for order in found["orders"]] == ["ord_1", "ord_3"]
    assert refunded == "Refunded 24.50 of ord_1."
    told = ended.server.bodies[0]
    assert told["messages"][1]["content"].endswith("\n\nScenario guidance:\nBe kind.")
    look, refund = (item["function"] for item in told["tools"][:2])
    assert (look["name"], look["description"]) == (
        "desk__find_orders",
        "Find a customer's orders by the full name.",
    )
    assert refund["parameters"]["required"] == ["order_id", "amount"]
    assert refund["parameters"]["properties"]["amount"]["type"] == "number"


async def test_each_rollout_has_a_world_and_a_process_of_its_own_without_keys(
    tmp_path: Path, shop: Shop
) -> None:
    pids = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        ended = await played(shop, tmp_path / name, calling("desk__pid"), REFUND, DONE)
        # 24.50 twice would be too much.
        assert ended.verdict[0]
        assert ended.seen[0]["keys"] == []
        pids.add(ended.seen[0]["pid"])
    assert len(pids | {os.getpid()}) == 3


async def test_what_a_tool_refuses_is_told_to_the_agent(tmp_path: Path, shop: Shop) -> None:
    plays = (
        calling("desk__refund", '{"order_id": "ord_9", "amount": 1}'),
        calling("desk__refund", '{"order_id": "ord_1", "amount": "much"}'),
        calling("desk__fly"),
        DONE,
    )
    ended = await played(shop, tmp_path, *plays)
    assert ended.rollout.status == "completed"
    missing, wrong, unknown = ended.seen
    assert missing == {"error": "LookupError", "text": "there is no order ord_9"}
    assert (wrong["error"], unknown["error"]) == ("invalid_parameters", "unknown_tool")
    assert all(item.is_error for item in ended.artifacts.tool_results)


async def test_what_is_no_json_is_told_as_far_as_it_can_be(tmp_path: Path, shop: Shop) -> None:
    ended = await played(shop, tmp_path, calling("desk__odd"), DONE)
    assert ended.seen == [{"1": [2, 3], "x": None}]


async def test_scripted_agents_do_what_the_task_lays_down(tmp_path: Path, shop: Shop) -> None:
    options = {"scenarios": shop, "failure_share": 1.0}
    async with engine_at(tmp_path / "db", **options) as engine:
        about = {"scenario_id": "shop", "model": "scripted/careful"}
        run_id = await start(engine, task_ids=[TASK], rollout_count=4, **about)
        rollouts = await finish(engine, run_id)
        assert {item.status for item in rollouts} == {"completed"}
        assert any(item.result and item.result.success for item in rollouts)
        with pytest.raises(LaunchRefusedError, match="No scripted agent knows several"):
            await start(engine, task_ids=["several"], **about)


@pytest.mark.parametrize("said", VERDICTS)
async def test_a_verdict_of_any_of_the_vendors_forms_is_one(
    tmp_path: Path, shop: Shop, said: str
) -> None:
    ended = await played(shop, tmp_path, REFUND, DONE, task_ids=[task_of(f"return {said}")])
    assert ended.verdict == VERDICTS[said]


async def test_a_verifier_asks_a_tool_server_by_its_url_as_the_vendors_do(
    tmp_path: Path, shop: Shop
) -> None:
    ended = await played(shop, tmp_path, REFUND, DONE, task_ids=[task_of("by_url")])
    assert ended.verdict == (True, "find_orders")


async def test_all_of_several_verifiers_must_pass(tmp_path: Path, shop: Shop) -> None:
    ended = await played(shop, tmp_path, DONE, task_ids=["several"])
    assert ended.verdict == (False, "failed")
    assert ended.rollout.result is not None
    assert ended.rollout.result.output is not None
    assert ended.rollout.result.output["failed_criteria"] == [task_of("return False")]


@pytest.mark.parametrize("body", FAULTS)
async def test_a_verifier_that_fails_is_an_error_and_no_fail(
    tmp_path: Path, shop: Shop, body: str
) -> None:
    ended = await played(shop, tmp_path, DONE, task_ids=[task_of(body)])
    assert (ended.rollout.status, ended.rollout.result) == ("failed", None)
    reason = str(ended.rollout.termination_reason)
    assert reason.startswith("Verification failed: ")
    assert FAULTS[body] in reason
    assert ended.artifacts.final_observation == "Done."


async def test_a_tool_server_that_ends_is_an_error_of_the_environment(
    tmp_path: Path, shop: Shop
) -> None:
    ended = await played(shop, tmp_path, calling("desk__leave"), DONE)
    assert ended.rollout.status == "workspace_error"
    assert ended.rollout.termination_reason == "the process of the tool server desk ended"
    assert [message["role"] for message in ended.artifacts.messages] == ["user", "assistant"]


async def test_what_hangs_is_given_up_on_after_its_time(shop: Shop) -> None:
    world = await shop["shop"].open(shop["shop"].tasks[TASK].content)
    assert isinstance(world, ProcessWorld)
    await world.seed("any")
    pid = (await world.call(Call("desk", "pid"))).value["pid"]
    os.kill(pid, 0)
    world.time_limit_s = 0.01
    with pytest.raises(WorldError, match="the tool server desk took longer"):
        await world.call(Call("desk", "hang"))
    with pytest.raises(WorldError, match="ended"):
        await world.call(Call("desk", "pid"))

    async def gone() -> bool:
        return is_gone(pid)

    await until(gone, what="the end of what hangs")


async def test_what_is_cancelled_in_a_tool_is_ended(tmp_path: Path, shop: Shop) -> None:
    plays = (calling("desk__pid"), calling("desk__hang"))
    async with (
        model_server(*plays) as server,
        engine_at(tmp_path / "db", scenarios=shop) as engine,
    ):
        settings = {"model": "m", "api_key": "k", "base_url": server.url}
        about = {"scenario_id": "shop", "task_ids": [TASK], "model_config": settings}
        run_id = await start(engine, **about)

        async def hangs() -> bool:
            [rollout] = engine.database.rollouts(run_id=run_id)
            return rollout.current_step == 2

        await until(hangs, what="the call that hangs")
        engine.cancel(run_id)
        [rollout] = await finish(engine, run_id)
        artifacts = engine.database.artifacts(rollout.rollout_id)
    assert (rollout.status, rollout.termination_reason) == ("failed", "cancelled")
    assert artifacts is not None
    pid = artifacts.tool_results[0].observation["pid"]

    async def gone() -> bool:
        return is_gone(pid)

    await until(gone, what="the end of its process")


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_what_is_cancelled_in_its_verifier_is_ended(
    tmp_path: Path, shop: Shop, is_deleted: bool
) -> None:
    async with (
        model_server(calling("desk__pid"), DONE) as server,
        engine_at(tmp_path / "db", scenarios=shop) as engine,
    ):
        settings = {"model": "m", "api_key": "k", "base_url": server.url}
        tasks = [task_of("while True: pass")]
        about = {"scenario_id": "shop", "task_ids": tasks, "model_config": settings}
        run_id = await start(engine, **about)
        [rollout_id] = engine.database.rollout_ids(run_id)

        async def verifies() -> bool:
            found = engine.database.rollout(rollout_id)
            return found is not None and found.phase == "verifying"

        await until(verifies, what="the verifier")
        [piece] = [item for item in engine.database.progress(rollout_id) if item["tool_results"]]
        pid = piece["tool_results"][0]["observation"]["pid"]
        assert not is_gone(pid)
        if is_deleted:
            assert engine.delete(run_id) == 1
        else:
            engine.cancel(run_id)
            [rollout] = await finish(engine, run_id)
            artifacts = engine.database.artifacts(rollout_id)
            assert (rollout.status, rollout.termination_reason) == ("failed", "cancelled")
            assert artifacts is not None
            assert (artifacts.error, artifacts.final_observation) == ("Cancelled", "Done.")

        async def gone() -> bool:
            return is_gone(pid)

        await until(gone, what="the end of its process")


async def test_a_cancel_ends_the_wait_for_the_judge(tmp_path: Path, shop: Shop) -> None:
    async with (
        model_server(DONE, HANG) as server,
        engine_at(tmp_path / "db", scenarios=shop) as engine,
    ):
        settings = {"model": "m", "api_key": "k", "base_url": server.url}
        about = {"scenario_id": "shop", "task_ids": ["self_judged"], "model_config": settings}
        run_id = await start(engine, **about)

        async def is_judged() -> bool:
            return len(server.bodies) == 2 and server.in_flight == 1

        await until(is_judged, what="the judge")
        engine.cancel(run_id)
        [rollout] = await finish(engine, run_id)
        artifacts = engine.database.artifacts(rollout.rollout_id)
    assert (rollout.status, rollout.termination_reason) == ("failed", "cancelled")
    assert artifacts is not None
    assert artifacts.final_observation == "Done."


async def test_a_world_is_made_by_the_bundles_own_python(tmp_path: Path) -> None:
    make = (
        "def make(task, random):\n"
        "    if random is None or task['meta']['task_id'] == 'broken': raise KeyError('no world')\n"
        "    return {'orders': {'ord_1': {'customer': 'x', 'paid': random.random()}}}\n"
    )
    bundle = example(tmp_path, {"world.py": make})
    with open_bundles([bundle], {}) as scenarios:
        shop = scenarios["shop"]
        content = shop.tasks[TASK].content
        paid = []
        for seed in ("one", "one", "two"):
            world = await shop.open(content)
            await world.seed(seed)
            found = await world.call(Call("desk", "find_orders", {"customer": "x"}))
            paid.append(found.value["orders"][0]["paid"])
            world.close()
        assert paid[0] == paid[1] != paid[2]
        broken = await shop.open({**content, "meta": {"task_id": "broken"}})
        with pytest.raises(WorldError, match=r"^world\.py:2: KeyError: 'no world'$"):
            await broken.seed("one")
        broken.close()


@pytest.mark.parametrize("is_error", [False, True])
async def test_a_tool_server_elsewhere_is_seeded_and_asked_as_by_the_vendors_client(
    tmp_path: Path, is_error: bool
) -> None:
    listed = Raw(b'{"tools": [{"name": "send_email"}, {"name": "list_emails"}]}')
    seen = Raw(json.dumps({"observation": {"is_error": is_error, "text": "done"}}).encode())
    emails = [
        {"from_profile_id": "dana-kim", "to_addr": "desk@shop.example", "subject": "Broken"},
        {"from_profile_id": "x@y.example", "to_addr": "desk@shop.example", "subject": "Spam"},
    ]
    verifier = "def verify(run_artifacts): return True, run_artifacts.server_url('email-env')"
    async with model_server(lambda body: listed if body is None else seen) as elsewhere:
        url = elsewhere.url.removesuffix("/v1")
        bundle = example(
            tmp_path,
            # As the vendor's bundles are: without a file of ours, and a URL in the task.
            {"scenario.json": None, SERVER_FILE: None, VERIFIER_FILE: verifier},
            tool_servers=[{"name": "email-env", "tool_server_url": url}],
            seed_emails=emails,
            **{"seed_data": None, "scripted": None},
        )
        with open_bundles([bundle], SCENARIOS) as scenarios:
            say = calling("email-env__list_emails")
            ended = await played(scenarios, tmp_path, say, DONE)
        steps = [one.body["action"] for one in elsewhere.sent if one.body]
    seeded = [step["parameters"] for step in steps if step["tool_name"] == "send_email"]
    if is_error:
        assert ended.rollout.status == "workspace_error"
        assert ended.rollout.termination_reason == "email-env was not seeded: done"
        return
    assert [(one["from_email"], one["subject"]) for one in seeded] == [
        ("dana.kim@mail.example", "Broken"),
        ("x@y.example", "Spam"),
    ]
    assert steps[-1]["tool_name"] == "list_emails"
    assert ended.artifacts.tool_calls[0].tool_server == "email-env"
    assert ended.verdict == (True, url)


# -- judged by a model ----------------------------------------------------------------------------


async def test_a_task_without_verifiers_needs_a_judge(tmp_path: Path, shop: Shop) -> None:
    with pytest.raises(LaunchRefusedError, match="--judge-model"):
        await played(shop, tmp_path, DONE, task_ids=["judged"])


async def test_a_task_that_is_judged_may_have_its_tools_elsewhere(
    tmp_path: Path, shop: Shop
) -> None:
    listed, judgement = Raw(b'{"tools": [{"name": "echo"}]}'), saying('{"score": 0.7}')
    async with model_server(listed) as tools, model_server(DONE, judgement) as server:
        place = {"base_url": server.url, "tool_server_url": tools.url}
        about = {"model_config": {"model": "m", "api_key": "k", **place}}

        async def reasons(task_id: str) -> list[str]:
            with pytest.raises(LaunchRefusedError) as refusal:
                await played(shop, tmp_path, DONE, task_ids=[task_id], **about)
            return [problem.message for problem in refusal.value.problems]

        [verified], [judged] = await reasons(TASK), await reasons("judged")
        ended = await played(shop, tmp_path, DONE, task_ids=["self_judged"], **about)
    assert verified.endswith(f"rubric_markdown in task_overrides: {TASK} has none")
    assert judged == "Start the gym with --judge-model to have this judged"
    assert ended.verdict[0]


async def test_the_runs_own_model_judges_where_the_task_asks(tmp_path: Path, shop: Shop) -> None:
    judgement = saying('{"score": 0.7, "failed_criteria": []}')
    ended = await played(shop, tmp_path, REFUND, DONE, judgement, task_ids=["self_judged"])
    assert ended.verdict == (True, "judged 0.70 by the rubric")
    asked = ended.server.bodies[-1]
    assert (asked["model"], asked["temperature"]) == ("m", 0.2)
    assert "# Refund it" in asked["messages"][1]["content"]


async def test_a_run_may_ask_for_its_own_judge(tmp_path: Path, shop: Shop) -> None:
    judgement = saying('{"score": 0.2, "failed_criteria": ["polite"]}')
    override = {"rubric_markdown": "# Polite", "task_json": {"judged_by": "run"}}
    overrides = {TASK: override}
    ended = await played(shop, tmp_path, REFUND, DONE, judgement, task_overrides=overrides)
    assert ended.verdict == (False, "polite")


# -- the built-in one -----------------------------------------------------------------------------


async def test_the_published_example_of_a_launch_works_to_the_letter(tmp_path: Path) -> None:
    async with model_server(DONE) as server, engine_at(tmp_path / "db") as engine:
        run_id = await start(
            engine,
            scenario_id="hr",
            task_ids=["hr__100_weaver_schedule_phone_screen"],
            **{"rollout_count": 3, "max_parallel": 2},
            model_config={"model": "m", "api_key": "k", "base_url": server.url},
        )
        rollouts = await finish(engine, run_id)
    assert [item.task_id for item in rollouts] == ["hr__100_weaver_schedule_phone_screen"] * 3
    assert {item.status for item in rollouts} == {"completed"}
