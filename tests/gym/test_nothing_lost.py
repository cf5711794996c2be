"""Nothing that was said is lost, whoever said it and whatever ends the rollout."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gymtui.gym.engine.recorder import redact
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.scenarios.bundle import open_bundles
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import HANG, Play, calling, completion, error, model_server, saying
from tests.gym.one_rollout import DONE, LOOK, rolled_out
from tests.gym.running_gym import until
from tests.gym.shop import write_shop

LIKELY = {"content": [{"token": "It", "logprob": -0.5}]}
SHORTENED = {"summarize_every_n_turns": 1, "context_stride": 1, "log_prob": True}


def shortening(last: Play) -> Any:
    """Play a model that takes two turns, writes a summary, and then answers with `last`."""

    def play(body: Any) -> Play:
        if "tools" not in body:
            return completion(saying("IT WAS SO."), logprobs=LIKELY, finish_reason="stop")
        if "IT WAS SO." in json.dumps(body):
            return last
        return LOOK

    return play


def assert_whole(messages: list[dict[str, Any]], metadata: dict[str, Any]) -> None:
    [summary] = [item for item in messages if item.get("name") == "summary"]
    assert summary["content"].endswith("IT WAS SO.")
    assert (summary["log_probs"], summary["finish_reason"]) == (LIKELY, "stop")
    tokens = metadata["rollout_metrics"]["token_usage"]
    assert tokens["prompt_tokens_total"] == 300


async def test_a_summary_stays_when_the_request_after_it_fails(tmp_path: Path) -> None:
    refusal = error(400, {"error": "no more"})
    ended = await rolled_out(tmp_path, shortening(refusal), settings=SHORTENED)
    assert ended.reason == "Agent execution failed: 400 from endpoint: no more"
    assert_whole(ended.artifacts.messages, ended.artifacts.metadata)


async def test_a_summary_stays_when_the_run_is_cancelled_behind_it(tmp_path: Path) -> None:
    async with model_server(shortening(HANG)) as server, engine_at(tmp_path / "db") as engine:
        settings = {"model": "m", "api_key": "k", "base_url": server.url, **SHORTENED}
        run_id = await start(engine, model_config=settings)

        async def hangs() -> bool:
            return len(server.bodies) == 4 and server.in_flight == 1

        await until(hangs)
        engine.cancel(run_id)
        [rollout] = await finish(engine, run_id)
        artifacts = engine.database.artifacts(rollout.rollout_id)
    assert rollout.termination_reason == "cancelled"
    assert artifacts is not None
    assert_whole(artifacts.messages, artifacts.metadata)


async def test_what_an_empty_summary_cost_is_counted(tmp_path: Path) -> None:
    def play(body: Any) -> Play:
        if "tools" not in body:
            return completion({"content": "", "reasoning": "Nothing to say."})
        return LOOK if len(body["messages"]) < 6 else DONE

    ended = await rolled_out(tmp_path, play, settings=SHORTENED)
    summaries = [item for item in ended.artifacts.messages if item.get("name") == "summary"]
    assert [item["reasoning"] for item in summaries] == ["Nothing to say."] * len(summaries)
    tokens = ended.artifacts.metadata["rollout_metrics"]["token_usage"]
    assert tokens["prompt_tokens_total"] == 100 * len(ended.server.bodies)


# -- the simulated user ---------------------------------------------------------------------------


async def talked(directory: Path, *answers: Any, **changes: Any) -> Any:
    async with model_server(*(completion(answer) for answer in answers)) as person:
        user = {"model": "u", "api_key": "k", "base_url": person.url}
        ended = await rolled_out(directory, DONE, user_model_config=user, **changes)
        return ended, person


STOP = saying("###STOP###")


async def test_parts_of_what_a_person_says_are_heard_and_kept(tmp_path: Path) -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "A call, please."}]
    ended, person = await talked(tmp_path, {"content": parts}, STOP)
    assert ended.artifacts.messages[0]["content"] == parts
    assert ended.server.bodies[0]["messages"][-1]["content"] == "A call, please."
    assert person.bodies[1]["messages"][2]["content"] == parts


async def test_the_stop_of_a_person_is_heard_in_parts(tmp_path: Path) -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "###STOP###"}]
    ended, _ = await talked(tmp_path, {"content": parts})
    assert (ended.rollout.status, ended.server.bodies) == ("completed", [])


async def test_what_a_person_does_besides_words_is_kept(tmp_path: Path) -> None:
    cited = [{"type": "url_citation", "url": "http://a.test"}]
    answer = {**calling("phone"), "content": "A call.", "annotations": cited, "reasoning": "hm"}
    ended, person = await talked(tmp_path, answer, STOP)
    said = ended.artifacts.messages[0]
    assert said["content"]["content"] == "A call."
    assert said["content"]["tool_calls"][0]["function"]["name"] == "phone"
    assert (said["annotations"], said["reasoning"]) == (cited, "hm")
    # They have no tools: a call without its result is in no request.
    assert person.bodies[1]["messages"][2] == {"role": "assistant", "content": "A call."}


@pytest.mark.parametrize("who", ["agent", "person"])
async def test_a_call_of_the_older_form_beside_the_others_is_kept(tmp_path: Path, who: str) -> None:
    older = {"name": "older", "arguments": "{}"}
    answer = {**LOOK, "function_call": older}
    if who == "agent":
        ended = await rolled_out(tmp_path, answer, DONE)
    else:
        ended, _ = await talked(tmp_path, answer, STOP)
    role = {"agent": "assistant", "person": "user"}[who]
    said = next(
        item
        for item in ended.artifacts.messages
        if item["role"] == role and isinstance(item["content"], dict)
    )
    assert said["function_call"] == older
    assert len(said["content"]["tool_calls"]) == 1
    assert "older" not in json.dumps(redact(ended.artifacts).messages)


async def test_calls_that_are_none_are_kept_beside_those_that_are(tmp_path: Path) -> None:
    calls = [*LOOK["tool_calls"], 7]
    ended = await rolled_out(tmp_path, {**LOOK, "tool_calls": calls}, DONE)
    assert ended.artifacts.messages[1]["tool_calls"] == calls
    assert len(ended.artifacts.tool_results) == 1


async def test_a_text_that_is_more_than_text_stays_as_it_came(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "Done.", "annotations": [{"url": "http://a.test"}]}]
    ended = await rolled_out(tmp_path, {"content": parts})
    assert ended.artifacts.final_observation == "Done."
    assert ended.artifacts.messages[-1]["content"] == parts


async def test_calls_among_the_parts_of_a_content_are_redacted(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "Done."}, {"type": "tool_use", "name": "search", "input": {}}]
    ended = await rolled_out(tmp_path, {"content": parts})
    assert ended.artifacts.messages[-1]["content"] == parts
    assert redact(ended.artifacts).messages[-1]["content"] == parts[:1]


async def test_what_a_call_holds_besides_is_kept_and_sent_back(tmp_path: Path) -> None:
    signed = {"google": {"thought_signature": "c2lnbmVk"}}
    call = {**LOOK["tool_calls"][0], "extra_content": signed, "index": 0}
    call["function"] = {**call["function"], "signature": "s"}
    thoughts = [{"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"}]
    answer = {"content": None, "tool_calls": [call], "thinking_blocks": thoughts}
    ended = await rolled_out(tmp_path, answer, DONE)
    echo = ended.server.bodies[1]["messages"][2]
    assert (echo["tool_calls"], echo["thinking_blocks"]) == ([call], thoughts)
    said = ended.artifacts.messages[1]
    assert (said["content"]["tool_calls"], said["thinking_blocks"]) == ([call], thoughts)


# -- the scenario's guidance ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Scenario]]:
    with open_bundles([write_shop(tmp_path_factory.mktemp("bundles"))], {}) as scenarios:
        yield scenarios


@pytest.mark.parametrize("prompt", [None, "", "Be brief."])
async def test_an_agent_beside_a_person_is_told_the_scenarios_guidance(
    tmp_path: Path, shop: Mapping[str, Scenario], prompt: str | None
) -> None:
    ended, person = await talked(
        tmp_path,
        saying("A refund."),
        STOP,
        settings={"system_prompt": prompt},
        scenario_id="shop",
        task_ids=["refund_damaged_order"],
        gym={"scenarios": shop},
    )
    system, told = ended.server.bodies[0]["messages"]
    assert system["role"] == "system"
    assert system["content"].endswith("Scenario guidance:\nBe kind.")
    assert system["content"].startswith(prompt or ("You are" if prompt is None else "Scenario"))
    assert told["content"] == "A refund."
    assert "Be kind." not in json.dumps(person.bodies)
    assert ended.artifacts.messages[0]["role"] == "system"
    assert ended.artifacts.messages[0]["content"] == "Scenario guidance:\nBe kind."
