"""Every setting of a launch has its effect: seen in what model servers were sent, or kept."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.gym.engine.assignments import Assignments, LaunchedRun
from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.engine.participants import Participants
from gymtui.gym.engine.records import NewRollout
from gymtui.gym.models.judge import judge_by_rubric
from gymtui.gym.models.model_client import ModelClient
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.models.scripted_agent import TEMPERAMENTS
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.wire import LaunchRequest, ModelConfig
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import (
    HANG,
    Play,
    Raw,
    calling,
    completion,
    error,
    model_server,
    saying,
)
from tests.gym.one_rollout import DONE, LOOK, rolled_out
from tests.gym.running_gym import launch_body, until

TASK = "schedule_phone_screen"


def texts(messages: list[dict[str, Any]]) -> str:
    return json.dumps(messages, ensure_ascii=False)


async def test_temperature_and_the_system_prompt_are_sent(tmp_path: Path) -> None:
    ended = await rolled_out(
        tmp_path, DONE, settings={"temperature": 1.5, "system_prompt": "Be brief."}
    )
    [body] = ended.server.bodies
    assert (body["temperature"], body["model"]) == (1.5, "m")
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


# -- summaries ------------------------------------------------------------------------------------


def looking(number: int) -> dict[str, Any]:
    return calling("hr_records__search_candidates", f'{{"query": "q{number}"}}', f"call_{number}")


def summarising(body: Any) -> Play:
    """Play a model that takes six turns, and says what it was asked to summarise."""
    if "tools" not in body:
        return saying(f"SUMMARY of {body['messages'][1]['content']}")
    asked = texts(body["messages"])
    turns = max((number for number in range(1, 7) if f'q{number}\\"' in asked), default=0)
    return looking(turns + 1) if turns < 6 else DONE


async def test_what_is_sent_is_summarised_every_n_turns_but_for_the_last_exchanges(
    tmp_path: Path,
) -> None:
    ended = await rolled_out(
        tmp_path, summarising, settings={"summarize_every_n_turns": 3, "context_stride": 2}
    )
    assert ended.rollout.status == "completed"
    asked = [body for body in ended.server.bodies if "tools" not in body]
    sent = [body["messages"] for body in ended.server.bodies if "tools" in body]
    assert [len(messages) for messages in sent] == [2, 4, 6, 7, 9, 11, 7]
    # After three turns: how it began, the summary of the first, and two exchanges as they were.
    told = sent[3]
    assert [message["role"] for message in told] == [
        *("system", "user", "user"),
        *("assistant", "tool") * 2,
    ]
    assert told[2]["content"].startswith("Summary of what happened so far")
    assert "q1" in told[2]["content"] and "q2" not in told[2]["content"]
    assert "q2" in texts(told[3:5]) and "q3" in texts(told[5:])
    # The second summary is made of the first and what came after it.
    assert len(asked) == 2
    assert "SUMMARY of" in asked[1]["messages"][1]["content"]


async def test_artifacts_hold_everything_and_the_summary_that_was_sent(tmp_path: Path) -> None:
    ended = await rolled_out(
        tmp_path, summarising, settings={"summarize_every_n_turns": 3, "context_stride": 2}
    )
    messages = ended.artifacts.messages
    assert len(ended.artifacts.tool_results) == 6
    summaries = [place for place, m in enumerate(messages) if m.get("name") == "summary"]
    assert [m["content"] for m in messages if m.get("name") == "summary"] == [
        body["messages"][2]["content"] for body in (ended.server.bodies[4], ended.server.bodies[8])
    ]
    # It stands where it was first sent: before the fourth turn, and before the seventh.
    assert [messages[place + 1]["role"] for place in summaries] == ["assistant", "assistant"]
    roles = [message["role"] for message in messages[: summaries[0]]]
    assert roles == ["user", *("assistant", "tool") * 3]
    tokens = ended.artifacts.metadata["rollout_metrics"]["token_usage"]
    assert tokens["prompt_tokens_total"] == 100 * len(ended.server.bodies)


async def test_without_it_everything_is_sent(tmp_path: Path) -> None:
    ended = await rolled_out(tmp_path, summarising)
    assert [len(body["messages"]) for body in ended.server.bodies] == [2, 4, 6, 8, 10, 12, 14]


async def test_an_empty_summary_replaces_nothing(tmp_path: Path) -> None:
    def empty(body: Any) -> Play:
        return summarising(body) if "tools" in body else saying("")

    ended = await rolled_out(
        tmp_path, empty, settings={"summarize_every_n_turns": 2, "context_stride": 1}
    )
    sent = [body["messages"] for body in ended.server.bodies if "tools" in body]
    assert [len(messages) for messages in sent] == [2, 4, 6, 8, 10, 12, 14]


# -- the simulated user ---------------------------------------------------------------------------


async def talked(tmp_path: Path, agent: list[Play], user: list[Play], **settings: Any) -> Any:
    """One rollout between an agent and a person; returns it with what the person was sent."""
    async with model_server(*user) as person:
        given = {"model": "u", "api_key": "k2", "base_url": person.url, **settings}
        ended = await rolled_out(tmp_path, *agent, user_model_config=given)
        return ended, person


async def test_a_person_who_wants_nothing_asks_for_nothing(tmp_path: Path) -> None:
    ended, _ = await talked(tmp_path, [DONE], [saying("###STOP###")])
    assert ended.rollout.status == "completed"
    assert ended.server.bodies == []


async def test_a_simulated_user_knows_the_story_and_the_agent_hears_it_from_them(
    tmp_path: Path,
) -> None:
    ended, person = await talked(
        tmp_path,
        [saying("When?"), LOOK, saying("It is booked.")],
        [saying("I want a call."), saying("On Wednesday."), saying("###STOP###")],
        system_prompt="You are in a hurry.",
        temperature=0.1,
    )
    assert (ended.rollout.status, ended.rollout.termination_reason) == ("completed", None)
    story, greeting = person.bodies[0]["messages"]
    assert "Nadia Petrova" in story["content"] and "in a hurry" in story["content"]
    assert person.bodies[0]["temperature"] == 0.1
    assert person.sent[-1].headers["authorization"] == "Bearer k2"
    assert greeting["role"] == "user"
    assert [m["content"] for m in person.bodies[-1]["messages"][2:]] == [
        *("I want a call.", "When?", "On Wednesday.", "It is booked.")
    ]
    first = ended.server.bodies[0]["messages"]
    assert [message["content"] for message in first[1:]] == ["I want a call."]
    assert "Nadia" not in texts(first)
    last = ended.server.bodies[-1]["messages"]
    assert [m["role"] for m in last] == [
        *("system", "user", "assistant", "user", "assistant", "tool")
    ]
    said = [(m["role"], m["content"]) for m in ended.artifacts.messages if m["role"] == "user"]
    assert [text for _, text in said] == ["I want a call.", "On Wednesday.", "###STOP###"]
    assert ended.artifacts.final_observation == "It is booked."
    assert "Nadia Petrova" in ended.artifacts.task
    assert ended.artifacts.metadata["rollout_metrics"]["simulated_user"] == {
        "messages": 3,
        "prompt_tokens_total": 300,
        "completion_tokens_total": 30,
    }


async def test_a_simulated_user_speaks_no_more_often_than_they_may(tmp_path: Path) -> None:
    ended, person = await talked(tmp_path, [saying("Hm?")], [saying("Well.")], max_steps=4)
    assert ended.rollout.status == "completed"
    assert ended.rollout.termination_reason == "max_user_turns"
    assert len(person.bodies) == 4
    assert ended.artifacts.error is not None


async def test_a_simulated_user_that_fails_is_told_from_an_agent_that_does(tmp_path: Path) -> None:
    ended, _ = await talked(tmp_path, [DONE], [saying("Hello."), error(400, {"error": "no u"})])
    assert ended.rollout.status == "failed"
    assert ended.reason == "Simulated user failed: 400 from endpoint: no u"
    assert [m["role"] for m in ended.artifacts.messages] == ["user", "assistant"]


async def test_what_a_simulated_user_is_asked_beside_words_is_kept(tmp_path: Path) -> None:
    probabilities = {"content": [{"token": "Hi", "logprob": -1.0}]}
    ended, person = await talked(
        tmp_path, [DONE], [completion(saying("###STOP###"), logprobs=probabilities)], log_prob=True
    )
    assert person.bodies[0]["logprobs"] is True
    assert ended.artifacts.messages[0]["log_probs"] == probabilities


async def test_a_cancel_ends_the_wait_for_a_simulated_user(tmp_path: Path) -> None:
    async with (
        model_server(DONE) as server,
        model_server(HANG) as person,
        engine_at(tmp_path / "db") as engine,
    ):
        user = {"model": "u", "api_key": "k", "base_url": person.url}
        run_id = await start(engine, model="m", base_url=server.url, user_model_config=user)

        async def hangs() -> bool:
            return person.in_flight == 1

        await until(hangs)
        engine.cancel(run_id)
        [rollout] = await finish(engine, run_id)
    assert (rollout.status, rollout.termination_reason) == ("failed", "cancelled")


# -- the task -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "told", "name"),
    [
        ({"description": "Say hello."}, "Say hello.", "Schedule a phone screen"),
        ({"task_json": {"task": "Say hello."}}, "Say hello.", "Schedule a phone screen"),
        ({"task_json": {"task": "x"}, "description": "Say hello."}, "Say hello.", None),
        ({"task_json": {"meta": {"display_name": "Mine"}}}, None, "Mine"),
        ({"task_json": {"name": "Mine"}}, None, "Mine"),
        ({"task_json": {"name": "Mine", "meta": {"task_id": TASK}}}, None, "Mine"),
        ({"task_json": {"name": "theirs"}, "name": "Mine"}, None, "Mine"),
    ],
)
async def test_a_task_is_replaced(
    tmp_path: Path, override: dict[str, Any], told: str | None, name: str | None
) -> None:
    ended = await rolled_out(tmp_path, DONE, task_overrides={TASK: override})
    sent = ended.server.bodies[0]["messages"][-1]["content"]
    assert sent == ended.artifacts.task
    if told is not None:
        assert sent == told
    if name is not None:
        assert ended.artifacts.metadata["task_name"] == name


@pytest.mark.parametrize("place", ["meta", "task"])
async def test_a_tasks_category_and_difficulty_are_replaced(tmp_path: Path, place: str) -> None:
    about = {"category": "recruiting", "difficulty": "fiendish"}
    given = {"meta": about} if place == "meta" else about
    ended = await rolled_out(tmp_path, DONE, task_overrides={TASK: {"task_json": given}})
    metadata = ended.artifacts.metadata
    assert (metadata["task_category"], metadata["task_difficulty"]) == ("recruiting", "fiendish")


async def test_a_tasks_world_is_the_same_under_each_of_its_names() -> None:
    client = ModelClient()
    assignments = Assignments(SCENARIOS, Participants(ModelServers(client), TEMPERAMENTS, None), 7)
    seeds = set()
    for name in (TASK, "hr__100_weaver_schedule_phone_screen"):
        request = LaunchRequest.model_validate(launch_body(task_ids=[name]))
        given = assignments.of(LaunchedRun("run", 1, request), NewRollout("rol", name, 0, 30))
        assert given.task.task_id == name
        seeds.add(given.world_seed)
    await client.aclose()
    assert len(seeds) == 1


JUDGEMENT = {
    "score": 0.75,
    "verdict": "PASS",
    "confidence": 0.9,
    "evidence": ["the email"],
    "failed_criteria": ["the time"],
    "dimension_scores": [{"dimension": "email", "score": 1, "reason": "sent"}],
}


async def judged(tmp_path: Path, *plays: Play) -> Any:
    """One rollout judged by a rubric; returns it with what the judge was sent."""
    async with model_server(*plays) as server:
        judge = ModelConfig.model_validate({"model": "j", "api_key": "kj", "base_url": server.url})
        ended = await rolled_out(
            tmp_path,
            LOOK,
            DONE,
            task_overrides={TASK: {"rubric_markdown": "# Be kind", "description": "Say hello."}},
            gym={"judge": judge},
        )
        return ended, server


async def test_a_rubric_is_judged_by_a_model(tmp_path: Path) -> None:
    ended, judge = await judged(tmp_path, saying(f"Here:\n```json\n{json.dumps(JUDGEMENT)}\n```"))
    result = ended.rollout.result
    assert (ended.rollout.status, result.success) == ("completed", True)
    assert result.output == {
        **JUDGEMENT,
        "dimension_scores": [{"dimension": "email", "score": 1.0, "reason": "sent"}],
    }
    [body] = judge.bodies
    assert (body["temperature"], body["model"]) == (0.2, "j")
    assert "tools" not in body
    sent = texts(body["messages"])
    assert "# Be kind" in sent and "Say hello." in sent and "Nadia Petrov" in sent


@pytest.mark.parametrize(("score", "success"), [(0.6, True), (0.59, False), (0, False), (1, True)])
async def test_the_score_decides(tmp_path: Path, score: float, success: bool) -> None:
    answer = {**JUDGEMENT, "score": score, "verdict": "FAIL" if success else "PASS"}
    ended, _ = await judged(tmp_path, saying(json.dumps(answer)))
    assert ended.rollout.result.success is success
    assert ended.rollout.result.output["verdict"] == ("PASS" if success else "FAIL")
    assert "the time" in ended.rollout.result.message or success


@pytest.mark.parametrize(
    "answer",
    [
        saying("I cannot tell."),
        saying('{"verdict": "FAIL"}'),
        saying('{"score": 7}'),
        saying('{"score": true}'),
        saying("{oops}"),
        saying(""),
        Raw(b"{}"),
        error(401, {"error": "no key"}),
        error(500, {}),
    ],
)
async def test_a_judge_that_fails_is_an_error_and_no_fail(tmp_path: Path, answer: Play) -> None:
    ended, _ = await judged(tmp_path, answer)
    assert (ended.rollout.status, ended.rollout.result) == ("failed", None)
    assert ended.reason.startswith("Verification failed: the judge")
    assert len(ended.artifacts.tool_results) == 1


async def test_without_a_rubric_of_the_runs_the_verifier_judges(tmp_path: Path) -> None:
    ended = await rolled_out(tmp_path, DONE)
    assert ended.rollout.result is not None
    assert ended.rollout.result.success is False


# -- where a run is from --------------------------------------------------------------------------


async def test_a_source_can_be_named_to_try_the_filter(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "db") as engine:
        run_id = await start(engine, source="task-editor")
        run = engine.database.run(run_id)
    assert run is not None and run.source == "task-editor"


# -- what cannot be done --------------------------------------------------------------------------

MODEL = {"model": "scripted/careful", "api_key": "k"}
REFUSED: dict[str, tuple[dict[str, Any], list[tuple[str, ...]]]] = {
    "log probabilities of a script": (
        {"model_config": {**MODEL, "log_prob": True}},
        [("model_config", "log_prob")],
    ),
    "a script's summaries": (
        {"model_config": {**MODEL, "summarize_every_n_turns": 2}},
        [("model_config", "summarize_every_n_turns")],
    ),
    "a script's tools elsewhere": (
        {"model_config": {**MODEL, "tool_server_url": "http://127.0.0.1:1"}},
        [("model_config", "tool_server_url")],
    ),
    "a script's exchanges that stay": (
        {"model_config": {**MODEL, "context_stride": 2}},
        [("model_config", "context_stride")],
    ),
    "exchanges that stay where nothing is summarised": (
        {"model_config": {**MODEL, "base_url": "http://127.0.0.1:1/v1", "context_stride": 2}},
        [("model_config", "context_stride")],
    ),
    "a task under two of its names": (
        {"task_ids": ["schedule_phone_screen", "hr__100_weaver_schedule_phone_screen"]},
        [("task_ids", 1)],
    ),
    "a task twice": ({"task_ids": [TASK, TASK]}, [("task_ids", 1)]),
    "a judge of what is verified": (
        {"task_overrides": {TASK: {"task_json": {"judged_by": "gym"}}}},
        [("task_overrides", TASK, "task_json", "judged_by")],
    ),
    "more in a task's meta": (
        {"task_overrides": {TASK: {"task_json": {"meta": {"aliases": ["a"]}}}}},
        [("task_overrides", TASK, "task_json", "meta", "aliases")],
    ),
    "meta that is no text": (
        {"task_overrides": {TASK: {"task_json": {"meta": {"category": 7}}}}},
        [("task_overrides", TASK, "task_json", "meta", "category")],
    ),
    "the meta of another task": (
        {"task_overrides": {TASK: {"task_json": {"meta": {"task_id": "another"}}}}},
        [("task_overrides", TASK, "task_json", "meta", "task_id")],
    ),
    "a person for a script": ({"user_model_config": MODEL}, [("user_model_config",)]),
    "a rubric without a judge": (
        {"task_overrides": {TASK: {"rubric_markdown": "# R"}}},
        [("task_overrides", TASK, "rubric_markdown")],
    ),
    "an empty rubric": (
        {"task_overrides": {TASK: {"rubric_markdown": " "}}},
        [("task_overrides", TASK, "rubric_markdown")],
    ),
    "verifiers of the task's own": (
        {"task_overrides": {TASK: {"task_json": {"verifiers": []}}}},
        [("task_overrides", TASK, "task_json", "verifiers")],
    ),
    "a task that is no text": (
        {"task_overrides": {TASK: {"task_json": {"task": 7}}}},
        [("task_overrides", TASK, "task_json", "task")],
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_done_is_refused_at_its_field(tmp_path: Path, what: str) -> None:
    changes, places = REFUSED[what]
    async with engine_at(tmp_path / "db") as engine:
        with pytest.raises(LaunchRefusedError) as refusal:
            await start(engine, **changes)
        assert [problem.loc for problem in refusal.value.problems] == places
        assert all(problem.message for problem in refusal.value.problems)
        assert engine.database.rollouts() == []


USERS: dict[str, tuple[dict[str, Any], str]] = {
    "a scripted one": ({"model": "scripted/careful", "base_url": None}, "base_url"),
    "one of a provider without a key": (
        {"provider": "openai", "api_key": "", "base_url": None},
        "provider",
    ),
    "one elsewhere with the gym's key": ({"provider": "openai", "api_key": ""}, "api_key"),
    "one with tools": ({"tool_server_url": "http://127.0.0.1:1"}, "tool_server_url"),
    "one that is summarised": ({"summarize_every_n_turns": 1}, "summarize_every_n_turns"),
    "one whose exchanges stay": ({"context_stride": 2}, "context_stride"),
    "one that does not answer": ({"base_url": "http://127.0.0.1:1/v1"}, "base_url"),
    "one without a model": ({"model": None}, "model"),
}


@pytest.mark.parametrize("what", USERS)
async def test_a_simulated_user_that_cannot_be_is_refused(tmp_path: Path, what: str) -> None:
    changes, field = USERS[what]
    async with model_server(DONE) as server, engine_at(tmp_path / "db") as engine:
        user = {"model": "u", "api_key": "k", "base_url": server.url, **changes}
        with pytest.raises(LaunchRefusedError) as refusal:
            await start(engine, model="m", base_url=server.url, user_model_config=user)
    assert ("user_model_config", field) in [item.loc for item in refusal.value.problems]


def test_the_table_names_the_task_that_launches_have() -> None:
    assert launch_body()["task_ids"] == [TASK]


async def test_the_judge_reads_what_was_said_and_not_how_likely_it_was() -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        message = {"role": "assistant", "content": json.dumps(JUDGEMENT)}
        return httpx.Response(200, json={"choices": [{"message": message}]})

    servers = ModelServers(ModelClient(httpx.MockTransport(answer)))
    settings = ModelConfig(model="j", api_key="", base_url="http://127.0.0.1:1/v1")
    said = {"role": "assistant", "content": "Done.", "log_probs": [{"token": "Do"}]}
    record = {"messages": [said], "tool_calls": [], "tool_results": []}
    result = await judge_by_rubric(servers, settings, rubric="# R", task="t", record=record)
    await servers.close()
    assert result.success
    assert b"Done." in sent[0] and b"log_probs" not in sent[0]
