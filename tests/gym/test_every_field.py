"""Every field of the published pages, sent once, and what the model server or the artifacts showed.

`python -m tests.gym.test_every_field` prints it as a table.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.http.endpoints import ArtifactsQuery, RolloutsQuery, RunsQuery
from gymtui.gym.http.server import Options, create_app
from gymtui.gym.models import providers
from gymtui.gym.wire import LaunchRequest, ModelConfig, TaskOverride
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import HANG, Raw, completion, model_server, saying
from tests.gym.one_rollout import DONE, LOOK, rolled_out
from tests.gym.running_gym import launch_body, until

TASK = "schedule_phone_screen"
ALIAS = "hr__100_weaver_schedule_phone_screen"
KEY = "sk-MARKED-0123456789"
Shown = Awaitable[tuple[bool, str]]
"""Whether the field had its effect, and where that was seen."""


async def settings(home: Path, **given: Any) -> Any:
    return await rolled_out(home, LOOK, LOOK, DONE, settings=given)


async def sent(home: Path, given: dict[str, Any], key: str, value: Any) -> tuple[bool, str]:
    ended = await settings(home, **given)
    seen = ended.server.bodies[0].get(key)
    return seen == value, f"model server: {key} = {json.dumps(seen)}"


async def provider(home: Path) -> tuple[bool, str]:
    if not providers.is_installed("openai"):
        try:
            await settings(home, provider="openai", api_key=KEY)
        except LaunchRefusedError as refusal:
            return "gymtui[providers]" in str(refusal), f"422: {refusal}"
        return False, "launched without the extra"
    whole = json.loads(completion(DONE, finish_reason="stop", index=0).body)
    about = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    usage = {**whole["usage"], "total_tokens": 110}
    play = Raw(json.dumps({**about, **whole, "usage": usage}).encode())
    ended = await rolled_out(home, play, settings={"provider": "openai", "api_key": KEY})
    seen = ended.server.sent[-1].headers["authorization"] == f"Bearer {KEY}"
    return seen, f"model server: POST {ended.server.sent[-1].path} with the key, artifacts: " + (
        ended.artifacts.provider
    )


def on_disk(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.glob("db*"))


async def api_key(home: Path) -> tuple[bool, str]:
    ended = await settings(home, api_key=KEY)
    header = ended.server.sent[-1].headers["authorization"]
    is_kept = KEY.encode() in on_disk(home) or "api_key" in ended.rollout.settings
    return header == f"Bearer {KEY}" and not is_kept, "model server: Authorization; kept nowhere"


async def base_url(home: Path) -> tuple[bool, str]:
    ended = await settings(home)
    return bool(ended.server.bodies), f"model server: POST {ended.server.sent[-1].path}"


async def max_steps(home: Path) -> tuple[bool, str]:
    ended = await settings(home, max_steps=1)
    artifacts = ended.artifacts
    words = f"artifacts: steps_taken {artifacts.steps_taken}, {ended.rollout.termination_reason}"
    return (artifacts.steps_taken, len(ended.server.bodies)) == (1, 1), words


async def system_prompt(home: Path) -> tuple[bool, str]:
    ended = await settings(home, system_prompt="Be brief.")
    first = ended.server.bodies[0]["messages"][0]
    return first == {"role": "system", "content": "Be brief."}, f"model server: {first}"


async def tool_server_url(home: Path) -> tuple[bool, str]:
    listed = Raw(b'{"tools": [{"name": "echo"}]}')
    async with model_server(listed) as tools, model_server(saying('{"score": 1}')) as judging:
        ended = await rolled_out(
            home,
            DONE,
            settings={"tool_server_url": tools.url},
            task_overrides={TASK: {"rubric_markdown": "# R"}},
            gym={"judge": judge_at(judging.url)},
        )
        names = [item["function"]["name"] for item in ended.server.bodies[0]["tools"]]
        return names == ["tools__echo"], f"model server: its tools are {names}"


def judge_at(url: str) -> ModelConfig:
    return ModelConfig.model_validate({"model": "judge", "api_key": "", "base_url": url})


async def log_prob(home: Path) -> tuple[bool, str]:
    play = completion(DONE, logprobs={"content": []})
    ended = await rolled_out(home, play, settings={"log_prob": True})
    kept = "log_probs" in ended.artifacts.messages[-1]
    asked = ended.server.bodies[0]["logprobs"]
    return asked is True and kept, "model server: logprobs = true; artifacts: log_probs"


async def summarised(home: Path, stride: int) -> tuple[bool, str]:
    def play(body: Any) -> Any:
        if "tools" not in body:
            return saying("SUMMARY")
        turns = json.dumps(body["messages"]).count('"role": "assistant"')
        return LOOK if turns < 3 and "SUMMARY" not in json.dumps(body) else DONE

    ended = await rolled_out(
        home, play, settings={"summarize_every_n_turns": 3, "context_stride": stride}
    )
    last = ended.server.bodies[-1]["messages"]
    verbatim = sum(message["role"] == "assistant" for message in last)
    has_summary = "SUMMARY" in json.dumps(last)
    words = f"model server: a summary and the last {verbatim} exchanges; artifacts: everything"
    return has_summary and verbatim == stride, words


async def scenario_id(home: Path) -> tuple[bool, str]:
    ended = await rolled_out(home, DONE, scenario_id="hr")
    tools = len(ended.server.bodies[0]["tools"])
    return tools == 22, f"model server: {tools} tools of it; another id is 404"


async def task_ids(home: Path) -> tuple[bool, str]:
    ended = await rolled_out(home, DONE, task_ids=[ALIAS])
    told = ended.server.bodies[0]["messages"][1]["content"]
    shown = f"model server: “{told[:31]}…”; artifacts: task_id"
    return ended.artifacts.task_id == ALIAS and "Nadia" in told, shown


async def rollout_count(home: Path) -> tuple[bool, str]:
    async with model_server(DONE) as server, engine_at(home / "db") as engine:
        run_id = await start(engine, model="m", base_url=server.url, rollout_count=3)
        rollouts = await finish(engine, run_id)
    return (len(rollouts), len(server.bodies)) == (3, 3), "model server: 3 conversations"


async def max_parallel(home: Path) -> tuple[bool, str]:
    async with model_server(HANG) as server, engine_at(home / "db") as engine:
        about = {"rollout_count": 5, "max_parallel": 2}
        run_id = await start(engine, model="m", base_url=server.url, **about)

        async def full() -> bool:
            return server.in_flight == 2

        await until(full, what="two requests")
        server.let_go()
        await finish(engine, run_id)
    return server.peak == 2, f"model server: at most {server.peak} requests at a time"


async def run_name(home: Path) -> tuple[bool, str]:
    ended = await rolled_out(home, DONE, run_name="nightly / ü")
    return ended.rollout.run_id == "nightly / ü", "GET /runs: run_id; a second one is 409"


async def user_model(home: Path) -> tuple[bool, str]:
    async with model_server(saying("Hello, it is me."), saying("###STOP###")) as person:
        about = {"model": "person", "api_key": "", "base_url": person.url}
        ended = await rolled_out(home, DONE, user_model_config=about)
    story = json.dumps(person.bodies[0]["messages"])
    first = ended.artifacts.messages[0]["content"]
    words = "its model server: the story; the agent's: only what it said; artifacts: both"
    return "Nadia" in story and first == "Hello, it is me.", words


async def overridden(home: Path, key: str, value: Any) -> Any:
    return await rolled_out(home, DONE, task_overrides={TASK: {key: value}})


async def task_json(home: Path) -> tuple[bool, str]:
    ended = await overridden(home, "task_json", {"task": "Sing."})
    told = ended.server.bodies[0]["messages"][1]["content"]
    return told == "Sing.", "model server: its task; a key not carried out is 422"


async def name(home: Path) -> tuple[bool, str]:
    ended = await overridden(home, "name", "Ring")
    return ended.artifacts.metadata["task_name"] == "Ring", "artifacts: metadata.task_name"


async def description(home: Path) -> tuple[bool, str]:
    ended = await overridden(home, "description", "Sing.")
    told = ended.server.bodies[0]["messages"][1]["content"]
    return told == "Sing." == ended.artifacts.task, "model server and artifacts: the task"


async def rubric_markdown(home: Path) -> tuple[bool, str]:
    judgement = saying('{"score": 0.5, "failed_criteria": ["polite"]}')
    async with model_server(judgement) as judging:
        ended = await rolled_out(
            home,
            DONE,
            task_overrides={TASK: {"rubric_markdown": "# Be polite"}},
            gym={"judge": judge_at(judging.url)},
        )
    result = ended.rollout.result
    assert result is not None and result.output is not None
    asked = json.dumps(judging.bodies)
    words = "judge: the rubric and the record; result: score, failed_criteria, below 0.6 a fail"
    return "Be polite" in asked and not result.success and result.output["score"] == 0.5, words


async def client_context(home: Path) -> tuple[bool, str]:
    ended = await overridden(home, "client_context", {"ticket": 7})
    kept = ended.artifacts.metadata["client_context"]
    return kept == {"ticket": 7}, f"artifacts: metadata.client_context = {json.dumps(kept)}"


async def asked(home: Path, path: str, given: str, key: str) -> tuple[bool, str]:
    """Ask a list with a query that leaves out one of two runs, and one that leaves out none."""
    async with engine_at(home / "db") as engine:
        app = httpx.ASGITransport(create_app(engine, Options()))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
            for run, source in (("one", "rl-gym"), ("two", "task-editor")):
                body = launch_body(run_name=run) | {"source": source}
                assert (await client.post("/runs", json=body)).status_code == 200
                await finish(engine, run)
            some = (await client.get(f"{path}?{given}")).json()[key]
            whole = "source=all&" if path == "/runs" else ""
            everything = (await client.get(f"{path}?{whole}")).json()[key]
            return len(some) < len(everything), f"{len(some)} of {len(everything)}"


async def expand(home: Path) -> tuple[bool, str]:
    async with engine_at(home / "db") as engine:
        await finish(engine, await start(engine))
        app = httpx.ASGITransport(create_app(engine, Options()))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
            ids = [
                (await client.get(f"/runs{query}")).json()["runs"][0]["rollout_ids"]
                for query in ("", "?expand=rollouts")
            ]
    return [len(found) for found in ids] == [0, 1], "rollout_ids: none, then 1"


async def redact(home: Path) -> tuple[bool, str]:
    async with engine_at(home / "db") as engine:
        [rollout] = await finish(engine, await start(engine))
        app = httpx.ASGITransport(create_app(engine, Options()))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
            path = f"/rollouts/{rollout.rollout_id}/artifacts"
            found = [
                (await client.get(f"{path}?redact_tool_calls={flag}")).json()["artifacts"]
                for flag in ("false", "true")
            ]
    left = [len(item["tool_calls"]) for item in found]
    has_tools = any(message["role"] == "tool" for message in found[1]["messages"])
    return left[0] > 0 and left[1] == 0 and not has_tools, f"tool calls: {left[0]}, then 0"


CASES: dict[str, tuple[str, Callable[[Path], Shown]]] = {
    "scenario_id": ("hr", scenario_id),
    "task_ids": (f"[{ALIAS}]", task_ids),
    "rollout_count": ("3", rollout_count),
    "max_parallel": ("2, of 5 rollouts", max_parallel),
    "run_name": ("nightly / ü", run_name),
    "user_model_config": ("a model of its own", user_model),
    "model_config.model": ("m", lambda home: sent(home, {}, "model", "m")),
    "model_config.provider": ("openai", provider),
    "model_config.api_key": ("a marked key", api_key),
    "model_config.base_url": ("of the model server", base_url),
    "model_config.temperature": (
        "1.5",
        lambda home: sent(home, {"temperature": 1.5}, "temperature", 1.5),
    ),
    "model_config.max_steps": ("1", max_steps),
    "model_config.system_prompt": ("Be brief.", system_prompt),
    "model_config.tool_server_url": ("of a tool server", tool_server_url),
    "model_config.log_prob": ("true", log_prob),
    "model_config.summarize_every_n_turns": ("3", lambda home: summarised(home, 2)),
    "model_config.context_stride": ("1", lambda home: summarised(home, 1)),
    "task_overrides.task_json": ('{"task": "Sing."}', task_json),
    "task_overrides.name": ("Ring", name),
    "task_overrides.description": ("Sing.", description),
    "task_overrides.rubric_markdown": ("# Be polite", rubric_markdown),
    "task_overrides.client_context": ('{"ticket": 7}', client_context),
    "GET /runs scenario_id": (
        "shop",
        lambda home: asked(home, "/runs", "source=all&scenario_id=shop", "runs"),
    ),
    "GET /runs source": (
        "task-editor",
        lambda home: asked(home, "/runs", "source=task-editor", "runs"),
    ),
    "GET /runs limit": ("1", lambda home: asked(home, "/runs", "source=all&limit=1", "runs")),
    "GET /runs offset": ("1", lambda home: asked(home, "/runs", "source=all&offset=1", "runs")),
    "GET /runs expand": ("rollouts", expand),
    "GET /rollouts scenario_id": (
        "shop",
        lambda home: asked(home, "/rollouts", "scenario_id=shop", "rollouts"),
    ),
    "GET /rollouts task_id": (
        "another",
        lambda home: asked(home, "/rollouts", "task_id=another", "rollouts"),
    ),
    "GET /rollouts status": (
        "pending",
        lambda home: asked(home, "/rollouts", "status=pending", "rollouts"),
    ),
    "GET /rollouts run_id": (
        "one",
        lambda home: asked(home, "/rollouts", "run_id=one", "rollouts"),
    ),
    "GET …/artifacts redact_tool_calls": ("true", redact),
}


def names(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def test_no_field_is_left_out() -> None:
    # `source` is the local gym's own, and in the table as what the list is asked with.
    fields = names(LaunchRequest) - {"model_config", "task_overrides", "source"}
    fields |= {f"model_config.{field}" for field in names(ModelConfig)}
    fields |= {f"task_overrides.{field}" for field in names(TaskOverride)}
    fields |= {f"GET /runs {field}" for field in names(RunsQuery)}
    fields |= {f"GET /rollouts {field}" for field in names(RolloutsQuery)}
    fields |= {f"GET …/artifacts {field}" for field in names(ArtifactsQuery)}
    assert set(CASES) == fields


@pytest.mark.parametrize("field", CASES)
async def test_a_field_has_its_effect(tmp_path: Path, field: str) -> None:
    has_effect, where = await CASES[field][1](tmp_path)
    assert has_effect, where


async def _print() -> None:
    print("| field | sent | shown |\n|---|---|---|")
    for field, (given, shown) in CASES.items():
        with tempfile.TemporaryDirectory() as home:
            has_effect, where = await shown(Path(home))
        print(f"| `{field}` | {given} | {'' if has_effect else 'NOT: '}{where} |")


if __name__ == "__main__":
    asyncio.run(_print())
