"""No key is kept, answered or logged, whatever goes wrong with it."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.gym.http.server import GymOptions, create_app
from gymtui.gym.models.limiter import Timer
from tests.gym.engines import engine_at, finish
from tests.gym.model_server import CUT, FakeTime, Raw, calling, error, model_server, saying
from tests.gym.running_gym import launch_body

KEY = "sk-MARKED-k3y-0123456789"
PASSWORD = "MARKED-passw0rd-9876"


async def kept_of(
    directory: Path, log: pytest.LogCaptureFixture, settings: dict[str, Any], **changes: Any
) -> str:
    """Launch, wait for the end, and return everything that is left of it, anywhere."""
    time = FakeTime()
    path = directory / "db"
    texts = []
    log.set_level(logging.DEBUG, logger="gymtui")
    async with engine_at(path, timer=Timer(time.now, time.sleep)) as engine:
        app = httpx.ASGITransport(create_app(engine, GymOptions()))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:

            async def get(where: str) -> Any:
                answer = await client.get(where)
                texts.append(answer.text)
                return answer.json()

            body = launch_body(model_config=settings, **changes)
            texts.append((await client.post("/test-model-config", json=settings)).text)
            texts.append((await client.post("/runs", json=body)).text)
            for run in (await get("/runs"))["runs"]:
                await finish(engine, run["run_id"])
            for rollout in (await get("/rollouts"))["rollouts"]:
                await get(f"/rollouts/{rollout['rollout_id']}/artifacts")
        texts += on_disk(directory)
    return "\n".join([*texts, *on_disk(directory), log.text])


def on_disk(directory: Path) -> list[str]:
    return [file.read_bytes().decode("latin-1") for file in directory.glob("db*")]


BROKEN_KEYS = [
    *(f"{KEY}\n", f"kä{KEY}", f"{KEY}\r\nX-Evil: 1", f"{KEY} ", f"\x00{KEY}", f"{KEY}\u2028")
]


@pytest.mark.parametrize("key", BROKEN_KEYS)
async def test_a_key_that_cannot_be_sent_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    async with model_server(saying("Done.")) as server:
        left = await kept_of(
            tmp_path, caplog, {"model": "m", "base_url": server.url, "api_key": key}
        )
        assert server.sent == []
    assert "printable ASCII" in left
    assert '["body","model_config","api_key"]' in left
    assert "MARKED" not in left


ECHO = {
    "401": error(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
    "500": error(500, {"error": {"message": f"no such key: {KEY}"}}),
    "text": Raw(KEY.encode(), 400, {"Content-Type": "text/plain"}),
    "an answer": saying(f"Your key is {KEY}."),
    "a call": calling("email__read_email", json.dumps({"email_id": KEY})),
    "no completion": Raw(json.dumps({"error": KEY}).encode()),
    "no JSON": Raw(KEY.encode()),
    "cut": CUT,
    "half": Raw(json.dumps({"key": KEY}).encode(), cut=True),
}


SHORT = "MARK-7"


@pytest.mark.parametrize("key", [KEY, SHORT])
@pytest.mark.parametrize("kind", ECHO)
async def test_a_server_that_repeats_the_key_is_not_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, key: str
) -> None:
    play = ECHO[kind]
    if isinstance(play, Raw):
        play = replace(play, body=play.body.replace(KEY.encode(), key.encode()))
    else:
        play = json.loads(json.dumps(play).replace(KEY, key))
    async with model_server(play) as server:
        settings = {"model": "m", "base_url": server.url, "api_key": key, "max_steps": 2}
        left = await kept_of(tmp_path, caplog, settings)
        assert server.sent[-1].headers["authorization"] == f"Bearer {key}"
    assert key not in left


@pytest.mark.parametrize(
    "base_url",
    [
        f"http://user:{PASSWORD}@127.0.0.1:1/v1",
        f"http://{PASSWORD}@127.0.0.1:1",
        f"http://user:{PASSWORD}@no such host/",
        f"ftp://user:{PASSWORD}@127.0.0.1/",
        f"http://127.0.0.1:1/v1?key={PASSWORD}",
        f"http://127.0.0.1:1/v1#{PASSWORD}",
        f"http://user:{PASSWORD}@127.0.0.1:99999/",
        f"//user:{PASSWORD}@127.0.0.1:1/",
        f"http://[{PASSWORD}]/",
        f"http://user:{PASSWORD}@127.0.0.1:1/\udcff",
    ],
)
async def test_a_base_url_that_cannot_be_used_is_not_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, base_url: str
) -> None:
    settings = {"model": "m", "base_url": base_url, "api_key": KEY}
    left = await kept_of(tmp_path, caplog, settings) if base_url.isascii() else ""
    assert "MARKED" not in left


async def test_credentials_in_a_base_url_are_used_and_not_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with model_server(error(400, {"error": f"no {PASSWORD}"})) as server:
        url = server.url.replace("//", f"//user:{PASSWORD}@")
        left = await kept_of(tmp_path, caplog, {"model": "m", "base_url": url, "api_key": KEY})
        assert server.sent[-1].headers["authorization"].startswith("Basic ")
        assert f'"base_url":"{server.url}"' in left
    assert "MARKED" not in left


async def test_a_defect_of_the_gym_names_its_type_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise UnicodeEncodeError("ascii", f"Bearer {KEY}", 0, 1, "a defect")

    async with model_server(saying("Done.")) as server:
        settings = {"model": "m", "base_url": server.url, "api_key": KEY}
        for place in ("model_agent.ModelAgent.act", "model_servers.ModelServers.post"):
            monkeypatch.setattr(f"gymtui.gym.models.{place}", broken)
            left = (
                await kept_of(tmp_path / place, caplog, settings) if make(tmp_path / place) else ""
            )
            assert "UnicodeEncodeError" in left
            assert "MARKED" not in left


def make(directory: Path) -> bool:
    directory.mkdir()
    return True
