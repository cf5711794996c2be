"""What a model server can do wrong, and how the rollout that meets it ends."""

import gzip
from pathlib import Path

import httpx
import pytest

from gymtui.gym.models.limiter import Timer
from gymtui.gym.models.model_client import ModelClient
from gymtui.gym.models.model_servers import ModelServers, ServerLimits
from gymtui.gym.response_body import MOST_BYTES
from gymtui.gym.wire import ModelConfig
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import CUT, DRIP, HANG, FakeTime, Play, Raw, error, model_server
from tests.gym.one_rollout import DONE, LOOK, rolled_out

DEEP = b"[" * 100_000
FATAL = {
    "a bad request": (error(400, {"error": {"message": "context length exceeded"}}), "400", 1),
    "no such key": (error(401, {"error": {"message": "Incorrect key"}}), "401", 1),
    "not permitted": (error(403, {"detail": "no access to m"}), "403", 1),
    "no such model": (error(404, {"message": "no model m"}), "404", 1),
    "too long": (error(413, {"error": "context length exceeded"}), "413", 1),
    "fields that are wrong": (error(422, {"detail": [{"msg": "bad tools"}]}), "422", 1),
    "no money left": (
        error(429, {"error": {"code": "insufficient_quota", "message": "no quota"}}),
        "429",
        1,
    ),
    "a redirect": (Raw(b"", 307, {"Location": "http://127.0.0.1:1/"}), "307", 1),
    "a page of HTML": (Raw(b"<html>nginx</html>", 400, {"Content-Type": "text/html"}), "400", 1),
    "words that are no JSON": (
        Raw(b"context length exceeded", 400, {"Content-Type": "text/plain"}),
        "400 from endpoint: context length exceeded",
        1,
    ),
    "always too many": (error(429, {"error": {"message": "slow down"}}), "slow down (6 tries)", 6),
    "always broken": (error(500, {"error": {"message": "CUDA out of memory"}}), "CUDA", 6),
    "always overloaded": (error(529, {"error": {"message": "Overloaded"}}), "Overloaded", 6),
    "a gateway's page": (Raw(b"<html>", 502), "502 from endpoint (6 tries)", 6),
    "never an answer": (CUT, "cut short", 6),
    "always half an answer": (Raw(b'{"choices": []}', cut=True), "cut short", 6),
    "no JSON": (Raw(b"<html>"), "not JSON", 1),
    "half a JSON": (Raw(b'{"choices": [{"mess'), "not JSON", 1),
    "no UTF-8": (Raw(b'{"choices": "\xff"}'), "not JSON", 1),
    "nested without end": (Raw(DEEP), "not JSON", 1),
    "no gzip": (Raw(b"oops", 200, {"Content-Encoding": "gzip"}), "decompressed", 1),
    "a list": (Raw(b"[1]"), "no chat completion", 1),
    "no choices": (Raw(b'{"choices": []}'), "no chat completion", 1),
    "a choice that is none": (Raw(b'{"choices": [7]}'), "no chat completion", 1),
    "an error under 200": (
        Raw(b'{"error": {"message": "no GPU"}}'),
        "no chat completion: no GPU",
        1,
    ),
    "null": (Raw(b"null"), "no chat completion", 1),
    "without end": (Raw(b" " * (MOST_BYTES + 1)), "an answer larger than 16 MiB", 1),
    "a small answer that unpacks without end": (
        Raw(gzip.compress(bytes(MOST_BYTES + 1), 1), 200, {"Content-Encoding": "gzip"}),
        "an answer larger than 16 MiB",
        1,
    ),
    "not found as text": (Raw(b"no route", 404, {"Content-Type": "text/plain"}), "no route", 1),
    "a status that there is not": (error(599, {"error": "odd"}), "599 from endpoint: odd", 1),
    "a gateway that gave up": (error(504, {"message": "upstream timed out"}), "timed out", 6),
}


@pytest.mark.parametrize("kind", FATAL)
async def test_a_fault_ends_the_rollout_with_its_words_and_all_that_was_said(
    tmp_path: Path, kind: str
) -> None:
    fault, words, tries = FATAL[kind]
    ended = await rolled_out(tmp_path, LOOK, fault)
    assert ended.rollout.status == "failed"
    assert ended.rollout.result is None
    assert ended.reason.startswith("Agent execution failed: ")
    assert words in ended.reason
    assert len(ended.server.bodies) == 1 + tries
    assert ended.artifacts.error == ended.reason
    assert [message["role"] for message in ended.artifacts.messages] == [
        "user",
        "assistant",
        "tool",
    ]
    assert len(ended.artifacts.tool_results) == 1


@pytest.mark.parametrize(
    "kind", ["a bad request", "too long", "words that are no JSON", "no money left"]
)
async def test_the_servers_own_words_are_the_reason(tmp_path: Path, kind: str) -> None:
    ended = await rolled_out(tmp_path, FATAL[kind][0])
    assert "context length exceeded" in ended.reason or "no quota" in ended.reason


PASSING = {
    "too many": error(429, {}),
    "broken": error(500, {}),
    "overloaded": error(503, {}),
    "cut": CUT,
    "half": Raw(b'{"choices": []}', cut=True),
}


@pytest.mark.parametrize("kind", PASSING)
async def test_a_fault_that_passes_costs_time_and_nothing_else(tmp_path: Path, kind: str) -> None:
    ended = await rolled_out(tmp_path, PASSING[kind], LOOK, PASSING[kind], PASSING[kind], DONE)
    assert (ended.rollout.status, ended.rollout.termination_reason) == ("completed", None)
    assert ended.artifacts.final_observation == "That is all."
    assert len(ended.server.bodies) == 5
    assert ended.server.bodies[0] == ended.server.bodies[1]
    assert ended.time.now_s > 0


async def test_waits_grow_and_end(tmp_path: Path) -> None:
    ended = await rolled_out(tmp_path, error(500, {}))
    assert len(ended.time.waits) == 5
    for number, wait_s in enumerate(ended.time.waits):
        assert 2**number / 2 <= wait_s <= 2**number


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry_After": "17"}, 17),
        ({"Retry_After": "0"}, 0),
        ({"Retry_After_Ms": "2500"}, 2.5),
        (
            {
                "Date": "Sun, 29 Nov 2026 10:00:00 GMT",
                "Retry_After": "Sun, 29 Nov 2026 10:00:42 GMT",
            },
            42,
        ),
    ],
)
async def test_retry_after_is_obeyed(
    tmp_path: Path, headers: dict[str, str], wait_s: float
) -> None:
    ended = await rolled_out(tmp_path, error(429, {}, **headers), DONE)
    assert ended.rollout.status == "completed"
    assert ended.time.now_s == pytest.approx(wait_s)


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", ""])
async def test_a_retry_after_that_is_none_is_waited_out_as_any(tmp_path: Path, value: str) -> None:
    ended = await rolled_out(tmp_path, error(429, {}, Retry_After=value), DONE)
    assert ended.rollout.status == "completed"
    assert 0.5 <= ended.time.now_s <= 1


async def test_a_server_that_is_back_tomorrow_is_not_waited_for(tmp_path: Path) -> None:
    ended = await rolled_out(tmp_path, error(429, {"error": "daily limit"}, Retry_After="86400"))
    assert "429 from endpoint: daily limit (to be tried again in 86400 s)" in ended.reason
    assert ended.time.waits == []


@pytest.mark.parametrize("play", [HANG, DRIP])
async def test_an_answer_that_takes_too_long_is_a_timeout(tmp_path: Path, play: Play) -> None:
    async with (
        model_server(play) as server,
        engine_at(tmp_path / "db", server_limits=ServerLimits(timeout_s=0.05)) as engine,
    ):
        [rollout] = await finish(engine, await start(engine, model="m", base_url=server.url))
    assert "timeout from endpoint" in str(rollout.termination_reason)


async def test_a_connection_that_takes_too_long_is_tried_again() -> None:
    tried: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        tried.append(request)
        if len(tried) == 1:
            raise httpx.ConnectTimeout("slow")
        return httpx.Response(200, json={"choices": [{"message": DONE}]})

    time = FakeTime()
    client = ModelClient(httpx.MockTransport(answer))
    servers = ModelServers(client, timer=Timer(time.now, time.sleep))
    settings = ModelConfig(model="m", api_key="", base_url="http://127.0.0.1:1/v1")
    assert (await servers.complete(settings, {"messages": []}))["choices"]
    await servers.close()
    assert len(tried) == 2
