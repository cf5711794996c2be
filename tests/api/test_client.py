"""The client against literal answers: what it asks, what it makes of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gymtui.api import errors
from gymtui.api.client import GymClient
from gymtui.api.launch_request import LaunchRequest, ModelConfig
from gymtui.api.list_answer import parse_rollout, parse_run, split
from gymtui.api.models import Rollout, RunStatus
from gymtui.core.secret import ApiKey
from tests.api.samples import ARTIFACTS, LAUNCH, ROLLOUT, RUN

KEY = ApiKey("ck_test_0123456789abcdef")
Handler = Callable[[httpx.Request], httpx.Response]


class Gym:
    """Answers everything the same way and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | Any) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def lines(self) -> list[str]:
        return [f"{asked.method} {asked.url.raw_path.decode()}" for asked in self.asked]


@asynccontextmanager
async def _client(
    gym: Any, base_url: str = "https://gym.example", **options: Any
) -> AsyncIterator[GymClient]:
    transport = httpx.MockTransport(gym)
    async with GymClient(base_url, KEY, transport=transport, **options) as client:
        yield client


async def test_runs_are_asked_for_with_every_parameter() -> None:
    gym = Gym({"total": 1, "runs": [RUN]})
    async with _client(gym) as client:
        answer = await client.list_runs("h r", "all", 200, 400, ["rollouts"])
        await client.list_runs()
    assert gym.lines == [
        "GET /runs?scenario_id=h%20r&source=all&limit=200&offset=400&expand=rollouts",
        "GET /runs?limit=50&offset=0",
    ]
    assert gym.asked[0].headers["API-Key"] == KEY.reveal()
    assert gym.asked[0].headers["Accept-Encoding"] == "gzip"
    [item] = split(answer.body, "runs").items
    assert isinstance(parse_run(item), RunStatus)


async def test_rollouts_are_asked_for_with_every_parameter() -> None:
    gym = Gym({"total": 1, "rollouts": [ROLLOUT]})
    async with _client(gym) as client:
        answer = await client.list_rollouts("s", "t", "running", "r&1=é")
        await client.list_rollouts()
    assert gym.lines == [
        "GET /rollouts?scenario_id=s&task_id=t&status=running&run_id=r%261%3D%C3%A9",
        "GET /rollouts",
    ]
    [item] = split(answer.body, "rollouts").items
    assert isinstance(parse_rollout(item), Rollout)


async def test_single_ones_and_artifacts_come_as_bytes() -> None:
    gym = Gym(RUN, ROLLOUT, ARTIFACTS)
    async with _client(gym) as client:
        assert json.loads((await client.get_run("r")).body) == RUN
        assert json.loads((await client.get_rollout("o")).body) == ROLLOUT
        assert json.loads((await client.artifacts("o")).body) == ARTIFACTS
        await client.artifacts("o", redact_tool_calls=True)
    assert gym.lines == [
        "GET /runs/r",
        "GET /rollouts/o",
        "GET /rollouts/o/artifacts",
        "GET /rollouts/o/artifacts?redact_tool_calls=true",
    ]


async def test_a_launch_is_sent_whole_and_its_answer_read() -> None:
    created = {"rollout_id": "o", "scenario_id": "hr", "task_id": "t1", "run_id": "nightly"}
    gym = Gym({"run_id": "nightly", "run_status": {**RUN, "total": 2}, "rollouts": [created]})
    request = LaunchRequest.model_validate(LAUNCH)
    async with _client(gym) as client:
        run = await client.create_run(request)
    assert gym.lines == ["POST /runs"]
    assert gym.asked[0].headers["Content-Type"] == "application/json"
    assert json.loads(gym.asked[0].content) == json.loads(json.dumps(request.to_wire()))
    assert run.run_id == "nightly"
    assert run.run_status is not None
    assert run.run_status.total == 2
    assert run.rollouts is not None
    assert run.rollouts[0].rollout_id == "o"


async def test_cancel_and_delete_tell_how_many() -> None:
    gym = Gym({"run_id": "r", "cancelled_rollouts": 5}, {"run_id": "r", "deleted_rollouts": 9})
    async with _client(gym) as client:
        assert (await client.cancel_run("r")).cancelled_rollouts == 5
        assert (await client.delete_run("r")).deleted_rollouts == 9
    assert gym.lines == ["POST /runs/r/cancel", "DELETE /runs/r"]


async def test_scenarios_tasks_rubrics_and_settings_can_be_asked_for() -> None:
    gym = Gym(
        [{"scenario_id": "hr", "tool_servers": [{"name": "email", "server_type": "mcp"}]}],
        {"scenario_id": "h/r", "tasks": [{"task_id": "t", "difficulty": "hard"}]},
        "# Rubric",
        {"success": True},
    )
    config = ModelConfig.model_validate(LAUNCH["model_config"])
    async with _client(gym) as client:
        [scenario] = await client.list_scenarios()
        [task] = await client.list_tasks("h/r")
        assert await client.rubric("h/r", "t 1") == "# Rubric"
        assert (await client.test_model_config(config)).success is True
    assert scenario.tool_servers is not None
    assert scenario.tool_servers[0].name == "email"
    assert task.difficulty == "hard"
    assert gym.lines == [
        "GET /scenarios",
        "GET /scenarios/h%2Fr/tasks",
        "GET /scenarios/h%2Fr/tasks/t%201/rubric",
        "POST /test-model-config",
    ]
    assert json.loads(gym.asked[3].content)["api_key"] == "sk-launch-1234567890"


async def test_an_answer_tells_its_times_and_its_size() -> None:
    ticks = iter([10.0, 10.25])
    date = {"Date": "Fri, 20 Mar 2026 10:00:00 GMT"}
    gym = Gym(httpx.Response(200, json={"runs": []}, headers=date))
    async with _client(gym, clock=lambda: next(ticks)) as client:
        answer = await client.list_runs()
    assert answer.date == datetime(2026, 3, 20, 10, tzinfo=UTC)
    assert (answer.sent_s, answer.received_s) == (10.0, 10.25)
    assert answer.wire_bytes == len(answer.body)


@pytest.mark.parametrize("base", ["https://gym.example/a/b", "https://gym.example/a/b/"])
async def test_a_base_url_with_a_path_keeps_it(base: str) -> None:
    gym = Gym(RUN)
    async with _client(gym, base) as client:
        await client.get_run("..")
    assert gym.lines == ["GET /a/b/runs/%2E%2E"]


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "\n <p>", "", " "])
async def test_an_answer_of_something_in_between_is_told_as_such_by_every_call(body: str) -> None:
    gym = Gym(httpx.Response(200, text=body))
    calls: list[Callable[[GymClient], Awaitable[object]]] = [
        lambda client: client.list_runs(),
        lambda client: client.get_run("r"),
        lambda client: client.list_rollouts(),
        lambda client: client.list_scenarios(),
        lambda client: client.list_tasks("hr"),
    ]
    if body.strip():  # nothing may be all that is said of what was done
        calls += [
            lambda client: client.cancel_run("r"),
            lambda client: client.delete_run("r"),
            lambda client: client.create_run(LaunchRequest.model_validate(LAUNCH)),
        ]
    async with _client(gym) as client:
        for call in calls:
            with pytest.raises(errors.Intercepted) as caught:
                await call(client)
            what = "a web page, not the gym's" if body.strip() else "empty"
            wanted = f"the answer is {what}: a proxy or login page in between?"
            assert caught.value.line == wanted


async def test_a_page_where_a_gym_is_not_is_no_run_that_is_gone() -> None:
    gym = Gym(httpx.Response(404, text="<html>Not found</html>"))
    async with _client(gym) as client:
        with pytest.raises(errors.Intercepted):
            await client.get_run("r")
        with pytest.raises(errors.Intercepted):
            await client.list_runs()
    assert "GET /v1/runs?limit=1" in gym.lines


@pytest.mark.parametrize("body", ["ok", "null", '"text"'])
async def test_a_200_that_is_not_json_is_garbled(body: str) -> None:
    gym = Gym(httpx.Response(200, text=body))
    async with _client(gym) as client:
        with pytest.raises(errors.Garbled, match=r"GET /runs/\{run_id\}: .*not JSON"):
            await client.get_run("r")


async def test_an_empty_answer_to_a_delete_is_one() -> None:
    async with _client(Gym(httpx.Response(204))) as client:
        assert (await client.delete_run("r")).run_id == "r"


@pytest.mark.parametrize(
    "body",
    [{"detail": "not yours"}, {"error": "busy"}, {"run_id": "another", "deleted_rollouts": 2}],
)
async def test_a_200_that_does_not_say_that_it_was_done_is_no_yes(body: dict[str, Any]) -> None:
    async with _client(Gym(body, body)) as client:
        for call in (client.delete_run, client.cancel_run):
            with pytest.raises(errors.Garbled, match=r"does not say|about another run"):
                await call("r")


@pytest.mark.parametrize("body", [{}, {"run_id": "r"}, {"deleted_rollouts": 2}, {"run_id": None}])
async def test_a_200_that_says_a_part_of_it_is_a_yes(body: dict[str, Any]) -> None:
    async with _client(Gym(body)) as client:
        assert (await client.delete_run("r")).run_id == "r"


async def test_a_launch_that_is_answered_with_nonsense_is_garbled_not_sent_again() -> None:
    gym = Gym({"ok": True})
    async with _client(gym) as client:
        with pytest.raises(errors.Garbled, match="run_id"):
            await client.create_run(LaunchRequest.model_validate(LAUNCH))
    assert gym.lines == ["POST /runs"]


async def test_a_client_that_was_closed_asks_nothing_and_says_so() -> None:
    gym = Gym({"total": 0, "runs": []})
    async with _client(gym) as client:
        pass
    with pytest.raises(errors.Unreachable, match="closed"):
        await client.list_runs()
    assert gym.lines == []


async def test_an_id_that_is_empty_is_refused_unsent() -> None:
    gym = Gym(RUN)
    async with _client(gym) as client:
        for call in (client.get_run, client.delete_run, client.cancel_run, client.artifacts):
            with pytest.raises(errors.Refused):
                await call("")
        with pytest.raises(errors.Refused):
            await client.get_run("x" * 100_000)
    assert gym.asked == []


def _under(prefix: str, **others: httpx.Response) -> Handler:
    """A gym whose paths all start with `prefix`."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in others:
            return others[path]
        if not path.startswith(f"{prefix}/runs"):
            return httpx.Response(404, json={"detail": "Not Found"})
        listed = {"total": 0, "runs": []} if request.method == "GET" else {}
        return httpx.Response(200, json=listed)

    return answer


class Recorder(Gym):
    def __init__(self, handler: Handler) -> None:
        super().__init__({})
        self.handler = handler

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.handler(request)


async def test_v1_is_found_remembered_and_told() -> None:
    gym = Recorder(_under("/v1"))
    async with _client(gym) as client:
        assert client.note is None
        await client.list_runs()
        await client.list_runs(offset=50)
        await client.cancel_run("r")
        assert client.note == "the gym's paths start with /v1"
    assert gym.lines == [
        "GET /runs?limit=50&offset=0",
        "GET /v1/runs?limit=50&offset=0",
        "GET /v1/runs?limit=50&offset=50",
        "POST /v1/runs/r/cancel",
    ]


async def test_v1_is_found_once_by_questions_asked_together() -> None:
    together = asyncio.Barrier(2)
    gym = _under("/v1")

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/runs":
            await together.wait()
        return gym(request)

    async with _client(answer) as client:
        await asyncio.gather(client.list_runs(), client.list_runs())
        assert client.note == "the gym's paths start with /v1"
        await client.get_run("runs")


async def test_who_misses_it_while_another_looks_waits_for_what_is_found() -> None:
    missed, gym = asyncio.Event(), _under("/v1")

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("offset") == "50" and request.url.path == "/runs":
            asyncio.get_running_loop().call_soon(missed.set)
        elif request.url.path == "/v1/runs":
            await missed.wait()
        return gym(request)

    async with _client(answer) as client:
        first = asyncio.create_task(client.list_runs())
        await asyncio.sleep(0)
        await client.list_runs(offset=50)
        await first


async def test_v1_is_found_by_whatever_is_asked_first() -> None:
    gym = Recorder(_under("/v1"))
    async with _client(gym) as client:
        await client.delete_run("r")
    assert gym.lines == [
        "DELETE /runs/r",
        "GET /runs?limit=1",
        "GET /v1/runs?limit=1",
        "DELETE /v1/runs/r",
    ]


async def test_a_run_that_does_not_exist_does_not_send_the_client_looking() -> None:
    gym = Recorder(lambda r: httpx.Response(404 if "/x" in r.url.path else 200, json=[]))
    async with _client(gym) as client:
        for _ in range(2):
            with pytest.raises(errors.NotFound):
                await client.get_run("x")
    assert gym.lines == ["GET /runs/x", "GET /runs?limit=1", "GET /runs/x"]


async def test_once_runs_were_found_nothing_else_that_is_missing_makes_it_look() -> None:
    gym = Recorder(lambda r: httpx.Response(404 if "/x" in r.url.path else 200, json=[]))
    async with _client(gym) as client:
        await client.list_runs()
        with pytest.raises(errors.NotFound):
            await client.get_run("x")
    assert gym.lines == ["GET /runs?limit=50&offset=0", "GET /runs/x"]


async def test_v1_is_tried_once_and_a_minute_later_again() -> None:
    now = 0.0
    gym = Recorder(_under("/elsewhere"))
    async with _client(gym, clock=lambda: now) as client:
        for _ in range(3):
            with pytest.raises(errors.NotFound):
                await client.list_runs()
        assert len(gym.asked) == 4
        now = 61.0
        gym.handler = _under("/v1")
        await client.list_runs()
    assert client.note is not None


async def test_a_v1_that_wants_a_key_says_so() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401 if request.url.path.startswith("/v1") else 404, json={})

    async with _client(answer) as client:
        with pytest.raises(errors.Unauthorized):
            await client.list_runs()


async def test_a_base_url_that_ends_in_v1_is_taken_at_its_word() -> None:
    gym = Recorder(_under("/nowhere"))
    async with _client(gym, "https://gym.example/v1") as client:
        with pytest.raises(errors.NotFound):
            await client.list_runs()
    assert gym.lines == ["GET /v1/runs?limit=50&offset=0"]


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.7:8765",
        "http://gym.example",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://0.0.0.0:8765",
        "HTTP://GYM.EXAMPLE",
        "http://127.0.0.1@gym.example",
        "http://gym.example\\@127.0.0.1",
        "ftp://gym.example",
        "gym.example",
        "//gym.example",
        "https://",
        "https://user:pass@gym.example",
        "https://gym.example?x=1",
        "https://gym.example:x",
        "https://gym example",
        "",
    ],
)
def test_a_key_is_not_sent_to_a_doubtful_place(url: str) -> None:
    with pytest.raises(errors.UnsafeUrl):
        GymClient(url, KEY)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8765",
        "http://127.9.9.9",
        "http://localhost:1/x",
        "http://LOCALHOST.",
        "http://[::1]:8765",
        "http://[::ffff:127.0.0.1]",
        "https://gym.example",
    ],
)
async def test_this_machine_and_https_are_not_doubtful(url: str) -> None:
    async with GymClient(url, KEY):
        pass


async def test_plain_http_elsewhere_must_be_asked_for() -> None:
    async with GymClient("http://10.0.0.7", KEY, insecure=True):
        pass


@pytest.mark.parametrize("key", ["ck_ü", "ck\n1", "ck\0"])
def test_a_key_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(errors.Unauthorized) as caught:
        GymClient("https://gym.example", ApiKey(key))
    assert "ck" not in f"{caught.value!r} {caught.value.detail}"


async def test_without_a_key_no_header_is_sent() -> None:
    gym = Gym(RUN)
    transport = httpx.MockTransport(gym)
    async with GymClient("https://gym.example", transport=transport) as client:
        await client.get_run("r")
    assert "API-Key" not in gym.asked[0].headers
