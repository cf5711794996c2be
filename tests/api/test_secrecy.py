"""The key goes into one header and nowhere else: no text, no error, no log, no pickle shows it."""

import copy
import dataclasses
import json
import logging
import pickle
import traceback
from types import FrameType
from typing import Any

import pytest
from msgspec import Struct

from gymtui.api import errors
from gymtui.api.client import GymClient
from gymtui.api.launch_request import LaunchRequest
from gymtui.api.request import Timeouts
from gymtui.core.secret import ApiKey
from tests.api.raw_server import Reply, Then, http, raw_server
from tests.api.samples import LAUNCH

SECRET = "ck_hush_0123456789abcdef"
LAUNCH_SECRET = LAUNCH["model_config"]["api_key"]


def test_a_key_shows_its_ends_only() -> None:
    key = ApiKey(SECRET)
    texts = [str(key), repr(key), f"{key}", f"{key:>40}", f"{key!r}", "%s" % key]  # noqa: UP031
    texts += [json.dumps(key, default=str), str([key]), str({"key": key}), str(vars(type(key)))]
    assert not any(SECRET in text or "0123" in text for text in texts)
    assert key.hint == "ck_…cdef"
    assert key.reveal() == SECRET


@pytest.mark.parametrize("short", ["", "x", "hunter2", "123456789012345"])
def test_a_short_key_shows_nothing(short: str) -> None:
    assert ApiKey(short).hint == "…"


def test_a_key_without_a_prefix_shows_its_tail() -> None:
    assert ApiKey("0123456789abcdefghij").hint == "…ghij"


def test_a_key_cannot_be_walked_pickled_or_changed() -> None:
    key = ApiKey(SECRET)
    held = [getattr(key, name) for name in ApiKey.__slots__]
    assert SECRET not in repr(held)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(key, protocol)
    with pytest.raises(AttributeError):
        key._open = lambda: "other"
    with pytest.raises(TypeError):
        json.dumps(key)


def test_keys_compare_copy_and_hash_by_what_they_hold() -> None:
    key = ApiKey(SECRET)
    assert key == ApiKey(SECRET)
    assert key != ApiKey("another")
    assert key != SECRET
    assert len({key, ApiKey(SECRET), ApiKey("another")}) == 2
    assert copy.copy(key) == copy.deepcopy(key) == key
    assert key.mask(f"<{SECRET}>") == "<ck_…cdef>"
    assert ApiKey("none").mask("nonexistent: none") == "nonexistent: …"
    assert ApiKey("s3cret").mask('{"key":"s3cret"}') == '{"key":"…"}'


def _held(error: BaseException) -> str:
    """All that a crash report could get at: the chain, its frames' variables, its attributes."""
    texts = []
    todo, seen = [error], set()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        texts += [repr(one), str(one), repr(vars(one)), *traceback.format_exception(one)]
        todo += [cause for cause in (one.__cause__, one.__context__) if cause is not None]
        assert not type(one).__module__.startswith(("httpx", "httpcore"))
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "gymtui" in frame.f_code.co_filename:
                texts += _variables(frame)
    return "\n".join(texts)


def _variables(frame: FrameType) -> list[str]:
    texts = []
    for value in frame.f_locals.values():
        texts.append(repr(value))
        if dataclasses.is_dataclass(value):
            texts += [repr(getattr(value, f.name)) for f in dataclasses.fields(value)]
        elif isinstance(value, Struct):
            texts += [repr(getattr(value, name)) for name in value.__struct_fields__]
    return texts


@pytest.mark.parametrize(
    "reply",
    [
        http(401, b'{"detail": "no"}'),
        http(401, f'{{"detail": "{SECRET} and {LAUNCH_SECRET}"}}'.encode()),
        http(422, f'{{"detail": [{{"loc": [], "msg": "{LAUNCH_SECRET}"}}]}}'.encode()),
        http(500, SECRET.encode()),
        http(302, b"", "Location: http://elsewhere.example/"),
        http(200, b"<html>"),
        http(200, b"{}"),
        Reply(then=Then.RESET),
        Reply(http(200, b"{}")[:-1], Then.CLOSE),
        Reply(then=Then.HANG),
    ],
)
async def test_no_error_holds_a_key(reply: Any) -> None:
    timeouts = Timeouts(read_s=0.05)
    async with (
        raw_server(lambda _: reply) as server,
        GymClient(server.url, ApiKey(SECRET), timeouts=timeouts) as client,
    ):
        request = LaunchRequest.model_validate(LAUNCH)
        with pytest.raises(errors.GymError) as caught:
            await client.create_run(request)
        held = _held(caught.value) + caught.value.detail
    assert "0123456789" not in held
    assert LAUNCH_SECRET not in held


async def test_an_unreachable_gym_leaves_no_request_behind() -> None:
    async with raw_server(lambda _: b"") as server:
        url = server.url
    async with GymClient(url, ApiKey(SECRET)) as client:
        with pytest.raises(errors.Unreachable) as caught:
            await client.list_runs()
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert SECRET not in _held(caught.value)


async def test_neither_the_client_nor_any_log_shows_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        raw_server(lambda _: http(200, b'{"run_id": "nightly"}')) as server,
        GymClient(server.url, ApiKey(SECRET)) as client,
    ):
        await client.create_run(LaunchRequest.model_validate(LAUNCH))
        assert SECRET not in f"{client!r} {client} {vars(client)}"
        with pytest.raises(TypeError):
            pickle.dumps(client)
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    assert SECRET not in caplog.text
    assert LAUNCH_SECRET not in caplog.text
    assert not any(SECRET in repr(record.args) for record in caplog.records)
