"""Every field of the published pages, sent once, and what the model server or the artifacts showed.

`python -m tests.gym.test_every_field` prints it as a table.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from pydantic import BaseModel

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.engine.overrides import META, TASK_JSON
from gymtui.gym.http.endpoints import ArtifactsQuery, RolloutsQuery, RunsQuery
from gymtui.gym.http.server import GymOptions, create_app
from gymtui.gym.models import providers
from gymtui.gym.wire import LaunchRequest, ModelConfig
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


async def talked(home: Path, **given: Any) -> tuple[Any, Any]:
    """One rollout beside a person of these settings, and what their model server was sent."""
    play = completion(saying("###STOP###"), logprobs={"content": []})
    async with model_server(completion(saying("Hello.")), play) as person:
        about = {"model": "person", "api_key": KEY, "base_url": person.url}
        return await rolled_out(home, DONE, user_model_config={**about, **given}), person


async def person_sent(home: Path, given: dict[str, Any], key: str, value: Any) -> tuple[bool, str]:
    _, person = await talked(home, **given)
    seen = person.bodies[0].get(key)
    return seen == value, f"their model server: {key} = {json.dumps(seen)}"


async def person_key(home: Path) -> tuple[bool, str]:
    _, person = await talked(home)
    header = person.sent[-1].headers["authorization"]
    is_kept = KEY.encode() in on_disk(home)
    return header == f"Bearer {KEY}" and not is_kept, "their server: Authorization; kept nowhere"


async def person_url(home: Path) -> tuple[bool, str]:
    _, person = await talked(home)
    return len(person.bodies) == 2, f"their model server: POST {person.sent[-1].path}"


async def person_provider(home: Path) -> tuple[bool, str]:
    if not providers.is_installed("openai"):
        return await refused(home, {"user_model_config": {"provider": "openai"}}, "gymtui[prov")
    ended, person = await talked(home, provider="openai")
    agent = [one.headers["user-agent"] for one in ended.server.sent]
    by_library = [one.headers["user-agent"] for one in person.sent]
    words = f"their model server: asked by {by_library[0].split('/')[0]}, the agent's not"
    return set(by_library).isdisjoint(agent) and "OpenAI" in by_library[0], words


async def person_steps(home: Path) -> tuple[bool, str]:
    ended, person = await talked(home, max_steps=1)
    reason = ended.rollout.termination_reason
    return (len(person.bodies), reason) == (1, "max_user_turns"), f"spoke once; {reason}"


async def person_prompt(home: Path) -> tuple[bool, str]:
    _, person = await talked(home, system_prompt="You are in a hurry.")
    system = person.bodies[0]["messages"][0]["content"]
    return system.endswith("You are in a hurry."), "their model server: behind the story"


async def person_log_prob(home: Path) -> tuple[bool, str]:
    ended, person = await talked(home, log_prob=True)
    kept = "log_probs" in [*ended.artifacts.messages[-1]]
    asked = person.bodies[0].get("logprobs")
    return asked is True and kept, "their server: logprobs = true; artifacts: log_probs"


async def refused(home: Path, changes: dict[str, Any], why: str) -> tuple[bool, str]:
    """Send what cannot be carried out; whatever is a mapping goes into a whole one."""
    async with model_server(DONE) as server:
        about = {"model": "m", "api_key": KEY, "base_url": server.url}
        given = {
            name: {**about, **value} if name.endswith("model_config") else value
            for name, value in changes.items()
        }
        async with engine_at(home / "db") as engine:
            try:
                await start(engine, **{"model_config": about, **given})
            except LaunchRefusedError as refusal:
                return why in str(refusal), f"422: {refusal}"
    return False, "launched"


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


async def described(home: Path, given: dict[str, Any], key: str, value: str) -> tuple[bool, str]:
    ended = await overridden(home, "task_json", given)
    seen = ended.artifacts.metadata[key]
    return seen == value, f"artifacts: metadata.{key} = {json.dumps(seen)}"


async def task_id(home: Path) -> tuple[bool, str]:
    ended = await overridden(home, "task_json", {"meta": {"task_id": TASK}})
    another = {TASK: {"task_json": {"meta": {"task_id": "another"}}}}
    (home / "other").mkdir()
    is_refused, where = await refused(home / "other", {"task_overrides": another}, "another task")
    return is_refused and ended.artifacts.task_id == TASK, f"its own is taken; another is {where}"


async def judged_by(home: Path) -> tuple[bool, str]:
    override = {"rubric_markdown": "# R", "task_json": {"judged_by": "run"}}
    plays = DONE, saying('{"score": 0.9}')
    ended = await rolled_out(home, *plays, task_overrides={TASK: override})
    result = ended.rollout.result
    words = "model server: its last request judges; without a rubric 422"
    return result is not None and result.success and len(ended.server.bodies) == 2, words


async def source(home: Path) -> tuple[bool, str]:
    async with engine_at(home / "db") as engine:
        run = engine.database.run(await start(engine, source="task-editor"))
    return run is not None and run.source == "task-editor", "GET /runs: source"


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
        app = httpx.ASGITransport(create_app(engine, GymOptions()))
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
        app = httpx.ASGITransport(create_app(engine, GymOptions()))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
            ids = [
                (await client.get(f"/runs{query}")).json()["runs"][0]["rollout_ids"]
                for query in ("", "?expand=rollouts")
            ]
    return [len(found) for found in ids] == [0, 1], "rollout_ids: none, then 1"


async def redact(home: Path) -> tuple[bool, str]:
    async with engine_at(home / "db") as engine:
        [rollout] = await finish(engine, await start(engine))
        app = httpx.ASGITransport(create_app(engine, GymOptions()))
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
    "user_model_config.model": (
        "person",
        lambda home: person_sent(home, {}, "model", "person"),
    ),
    "user_model_config.provider": ("openai", person_provider),
    "user_model_config.api_key": ("a marked key", person_key),
    "user_model_config.base_url": ("of a model server of its own", person_url),
    "user_model_config.temperature": (
        "1.5",
        lambda home: person_sent(home, {"temperature": 1.5}, "temperature", 1.5),
    ),
    "user_model_config.max_steps": ("1", person_steps),
    "user_model_config.system_prompt": ("You are in a hurry.", person_prompt),
    "user_model_config.log_prob": ("true", person_log_prob),
    **{
        f"user_model_config.{field}": (
            str(value),
            partial(refused, changes={"user_model_config": {field: value}}, why=why),
        )
        for field, value, why in (
            ("tool_server_url", "http://127.0.0.1:1", "calls no tools"),
            ("summarize_every_n_turns", 2, "no context"),
            ("context_stride", 2, "no context"),
        )
    },
    "source": ("task-editor", source),
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
    "task_overrides.task_json.task": ('{"task": "Sing."}', task_json),
    "task_overrides.task_json.name": (
        "Ring",
        lambda home: described(home, {"name": "Ring"}, "task_name", "Ring"),
    ),
    "task_overrides.task_json.category": (
        "it",
        lambda home: described(home, {"category": "it"}, "task_category", "it"),
    ),
    "task_overrides.task_json.difficulty": (
        "hard",
        lambda home: described(home, {"difficulty": "hard"}, "task_difficulty", "hard"),
    ),
    "task_overrides.task_json.judged_by": ("run", judged_by),
    "task_overrides.task_json.meta": (
        '{"display_name": "Ring"}',
        lambda home: described(home, {"meta": {"display_name": "Ring"}}, "task_name", "Ring"),
    ),
    "task_overrides.task_json.meta.display_name": (
        "Ring",
        lambda home: described(home, {"meta": {"display_name": "Ring"}}, "task_name", "Ring"),
    ),
    "task_overrides.task_json.meta.category": (
        "it",
        lambda home: described(home, {"meta": {"category": "it"}}, "task_category", "it"),
    ),
    "task_overrides.task_json.meta.difficulty": (
        "hard",
        lambda home: described(home, {"meta": {"difficulty": "hard"}}, "task_difficulty", "hard"),
    ),
    "task_overrides.task_json.meta.task_id": (TASK, task_id),
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


def fields_of(model: type[BaseModel], before: str = "") -> set[str]:
    """Return every field of a request, and the fields of those that are made of more."""
    found: set[str] = set()
    for name, info in model.model_fields.items():
        path = f"{before}{info.alias or name}"
        inner = models_in(info.annotation)
        # A field that is nothing but its own fields is not tried by itself.
        if not inner or not info.is_required():
            found.add(path)
        for kind in inner:
            found |= fields_of(kind, f"{path}.")
    return found - {"task_overrides"}


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in models_in(inner)]


def test_no_field_is_left_out() -> None:
    fields = fields_of(LaunchRequest)
    fields |= {f"task_overrides.task_json.{key}" for key in TASK_JSON}
    fields |= {f"task_overrides.task_json.meta.{key}" for key in META}
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
