"""The client over real sockets: the bytes that leave it, and servers that behave badly."""

import asyncio
import gzip
import os
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gymtui.api import errors
from gymtui.api.client import GymClient
from gymtui.api.launch_request import LaunchRequest
from gymtui.api.request import Timeouts
from gymtui.core.secret import ApiKey
from tests.api.raw_server import Reply, Seen, Then, http, raw_server
from tests.api.samples import LAUNCH

KEY = ApiKey("ck_wire_0123456789abcdef")
UGLY = [
    "a/b c%2F..",
    "..",
    ".",
    "日本語 ✓",
    "?a=1#b",
    "%2e%2e",
    "a;b,c:d@e",
    "\r\nX: y",
    "~",
]
EMPTY = b'{"total": 0, "runs": []}'


@asynccontextmanager
async def _client(url: str, **options: Any) -> AsyncIterator[GymClient]:
    async with GymClient(url, KEY, **options) as client:
        yield client


def _always(reply: Reply | bytes) -> Callable[[Seen], Reply | bytes]:
    return lambda _: reply


async def _failure(reply: Reply | bytes, **options: Any) -> errors.GymError:
    """What the client makes of a server that always answers so."""
    async with raw_server(_always(reply)) as server, _client(server.url, **options) as client:
        with pytest.raises(errors.GymError) as caught:
            await client.list_runs()
    return caught.value


def _decoded(target: bytes) -> str:
    """The one segment between /runs/ and /cancel, as a server would read it."""
    head, name, tail = target[1:].rsplit(b"/", 2)
    assert (head, tail) == (b"runs", b"cancel")
    raw = bytearray()
    while name:
        size = 3 if name[:1] == b"%" else 1
        raw += bytes.fromhex(name[1:3].decode()) if size == 3 else name[:1]
        name = name[size:]
    return raw.decode("utf-8", "surrogatepass")


@pytest.mark.parametrize("run_id", UGLY)
async def test_an_id_leaves_as_one_segment_and_arrives_as_it_was(run_id: str) -> None:
    async with raw_server(lambda _: http(200, b"{}")) as server, _client(server.url) as client:
        assert (await client.cancel_run(run_id)).run_id == run_id
    [seen] = server.seen
    assert _decoded(seen.target) == run_id
    assert seen.target.split(b"/")[2] not in {b".", b".."}


async def test_a_question_carries_the_key_and_one_connection_serves_several() -> None:
    async with raw_server(lambda _: http(200, EMPTY)) as server, _client(server.url) as client:
        for _ in range(3):
            await client.list_runs()
    assert [seen.headers["api-key"] for seen in server.seen] == [KEY.reveal()] * 3
    assert server.connections == 1


async def test_gzip_is_asked_for_undone_and_counted() -> None:
    body = b'{"runs": [' + b" " * 100_000 + b"]}"
    packed = gzip.compress(body)
    reply = http(200, packed, "Content-Encoding: gzip")
    async with raw_server(lambda _: reply) as server, _client(server.url) as client:
        answer = await client.list_runs()
    assert answer.body == body
    assert answer.wire_bytes == len(packed)


async def test_gzip_in_several_members_is_one_body() -> None:
    packed = gzip.compress(b'{"runs"') + gzip.compress(b": []}") + b"\0" * 10
    reply = http(200, packed, "Content-Encoding: gzip")
    async with raw_server(lambda _: reply) as server, _client(server.url) as client:
        assert (await client.list_runs()).body == b'{"runs": []}'


async def test_a_gzip_bomb_is_stopped_before_it_goes_off() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    megabyte = b"0" * 2**20
    packed = b"".join(squeeze.compress(megabyte) for _ in range(128)) + squeeze.flush()
    tracemalloc.start()
    error = await _failure(http(200, packed, "Content-Encoding: gzip"), max_bytes=2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.brief == "garbled answer from GET /runs: larger than 1 MiB"
    assert peak < 16 * 2**20


async def test_an_answer_of_the_largest_size_is_taken_and_one_byte_more_is_not() -> None:
    body = b"[" + b" " * 998 + b"]"
    for headers, data in (((), body), (("Content-Encoding: gzip",), gzip.compress(body))):
        async with raw_server(_always(http(200, data, *headers))) as server:
            async with _client(server.url, max_bytes=1000) as client:
                assert (await client.list_runs()).body == body
            async with _client(server.url, max_bytes=999) as client:
                with pytest.raises(errors.Garbled, match="larger than"):
                    await client.list_runs()


async def test_an_endless_answer_is_stopped() -> None:
    chunk = b"%x\r\n" % 65536 + b"[" * 65536 + b"\r\n"
    reply = Reply(http(200, b"", "Transfer-Encoding: chunked") + chunk * 40, Then.HANG)
    error = await _failure(reply, max_bytes=2**20)
    assert isinstance(error, errors.Garbled)


@pytest.mark.parametrize(
    ("reply", "kind", "brief"),
    [
        (Reply(then=Then.RESET), errors.Unreachable, "dropped"),
        (Reply(then=Then.CLOSE), errors.Unreachable, "dropped"),
        (Reply(http(200, EMPTY)[:-5], Then.CLOSE), errors.Garbled, "cut off after 19 bytes"),
        (Reply(http(200, EMPTY)[:20], Then.CLOSE), errors.Unreachable, "dropped"),
        (Reply(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Then.CLOSE), errors.Unreachable, "no HTTP"),
        (http(200, b"plain", "Content-Encoding: gzip"), errors.Garbled, "not gzip"),
        (
            http(200, gzip.compress(EMPTY, mtime=0)[:-9], "Content-Encoding: gzip"),
            errors.Garbled,
            "cut off",
        ),
        (http(200, b"x", "Content-Encoding: br"), errors.Garbled, "br was not asked for"),
        (http(200, b"<html>"), errors.Intercepted, "a web page, not the gym"),
        (http(200, b" "), errors.Intercepted, "an empty answer"),
        (http(403, b"<html>Blocked"), errors.Intercepted, "a web page (403), not the gym"),
        (http(407, b""), errors.Intercepted, "407, a proxy requires a login"),
        (http(511, b"<html>Log in"), errors.Intercepted, "511, the network requires a login"),
        (http(403, b""), errors.Forbidden, "403"),
        (http(401, b"<html>who?"), errors.Unauthorized, "401"),
        (http(304), errors.Garbled, "status 304"),
        (http(301), errors.Garbled, "status 301"),
        (http(502, b"<html>Bad gateway"), errors.ServerError, "502"),
        (Reply(http(503, b"x" * 500)[:-9], Then.CLOSE), errors.ServerError, "503"),
        (http(500, b"bad", "Content-Encoding: gzip"), errors.ServerError, "500"),
        (http(500, b"x" * 2_000_000), errors.ServerError, "500"),
    ],
)
async def test_a_server_that_misbehaves_is_a_typed_error(
    reply: Reply | bytes, kind: type[errors.GymError], brief: str
) -> None:
    error = await _failure(reply)
    assert type(error) is kind
    assert brief in error.brief


async def test_a_connection_reset_in_the_middle_is_an_error_too() -> None:
    error = await _failure(Reply(http(200, EMPTY)[:-5], Then.RESET))
    assert isinstance(error, errors.Unreachable | errors.Garbled)


@pytest.mark.parametrize("data", [b"", http(200, EMPTY)[:-5]], ids=["before", "within"])
async def test_silence_times_out(data: bytes) -> None:
    error = await _failure(Reply(data, Then.HANG), timeouts=Timeouts(read_s=0.05))
    assert isinstance(error, errors.Unreachable)
    assert error.brief == "timeout"


async def test_a_trickle_times_out_as_a_whole() -> None:
    async with asyncio.timeout(60):
        error = await _failure(Reply(b"", Then.HANG), timeouts=Timeouts(read_s=600, total_s=0.05))
    assert error.brief == "timeout"


async def test_a_closed_port_and_a_name_that_is_none_are_told_apart() -> None:
    async with raw_server(lambda _: b"") as server:
        closed = server.url
    async with _client(closed) as client:
        with pytest.raises(errors.Unreachable) as caught:
            await client.list_runs()
    assert caught.value.brief == "connection refused"
    async with _client("https://no-such-gym.invalid") as client:
        with pytest.raises(errors.Unreachable) as caught:
            await client.list_runs()
    assert caught.value.brief == "no such host"


async def test_plain_http_where_tls_was_expected_is_said() -> None:
    def blurt(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http(400))
        writer.close()

    async with await asyncio.start_server(blurt, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with _client(f"https://127.0.0.1:{port}") as client:
            with pytest.raises(errors.Unreachable) as caught:
                await client.list_runs()
    assert caught.value.brief in {"TLS: wrong version number", "TLS: record layer failure"}


async def test_after_a_failure_the_client_is_as_good_as_new() -> None:
    replies: Iterator[Reply | bytes] = iter([Reply(then=Then.RESET), http(500), http(200, EMPTY)])
    async with (
        raw_server(lambda _: next(replies)) as server,
        _client(server.url) as client,
    ):
        for kind in (errors.Unreachable, errors.ServerError):
            with pytest.raises(kind):
                await client.list_runs()
        assert (await client.list_runs()).body == EMPTY


async def test_progress_of_artifacts_is_told_to_the_end() -> None:
    body = b'{"artifacts": {"task": "' + os.urandom(200_000).hex().encode() + b'"}}'
    told: list[tuple[int, int | None]] = []
    async with raw_server(lambda _: http(200, body)) as server, _client(server.url) as client:
        await client.artifacts("o", on_progress=lambda got, total: told.append((got, total)))
    assert told[-1] == (len(body), len(body))
    assert told == sorted(told)
    assert len(told) > 1


async def test_a_download_that_is_given_up_leaves_the_client_working() -> None:
    started = asyncio.Event()

    def answer(seen: Seen) -> Reply | bytes:
        if b"artifacts" in seen.target:
            return Reply(http(200, b"{" + b" " * 70_000, "Content-Length: 999999"), Then.HANG)
        return http(200, EMPTY)

    async with raw_server(answer) as server, _client(server.url) as client:
        download = asyncio.ensure_future(
            client.artifacts("o", on_progress=lambda *_: started.set())
        )
        await started.wait()
        download.cancel()
        with pytest.raises(asyncio.CancelledError):
            await download
        assert (await client.list_runs()).body == EMPTY


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_gym_is_followed_when_asking(status: int) -> None:
    def answer(seen: Seen) -> bytes:
        if seen.target.startswith(b"/runs?"):
            return http(status, b"moved", "Location: /new/runs?limit=50")
        return http(200, EMPTY)

    async with raw_server(answer) as server, _client(server.url) as client:
        assert (await client.list_runs()).body == EMPTY
    assert [seen.target for seen in server.seen][1:] == [b"/new/runs?limit=50"]
    assert server.seen[1].headers["api-key"] == KEY.reveal()


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_would_turn_an_act_into_a_question_is_not_followed(
    status: int,
) -> None:
    def answer(_: Seen) -> bytes:
        return http(status, b"", "Location: /elsewhere")

    async with raw_server(answer) as server, _client(server.url) as client:
        with pytest.raises(errors.Redirected):
            await client.delete_run("r")
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_that_keeps_the_act_is_followed_with_its_body(status: int) -> None:
    def answer(seen: Seen) -> bytes:
        if seen.target == b"/runs":
            return http(status, b"", "Location: runs/")
        return http(200, b'{"run_id": "nightly"}')

    async with raw_server(answer) as server, _client(server.url) as client:
        await client.create_run(LaunchRequest.model_validate(LAUNCH))
    first, second = server.seen
    assert (second.method, second.target, second.body) == ("POST", b"/runs/", first.body)


async def test_a_circle_of_redirects_ends() -> None:
    async with (
        raw_server(lambda _: http(302, b"", "Location: /runs")) as server,
        _client(server.url) as client,
    ):
        with pytest.raises(errors.Redirected, match="loop"):
            await client.list_runs()
    assert len(server.seen) == 6


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_another_origin_never_sees_the_key_nor_anything_else(status: int) -> None:
    async with raw_server(lambda _: http(200, EMPTY)) as other:
        there = [other.url + "/runs", other.url.replace("http:", "") + "/runs"]
        there += [other.url.replace("127.0.0.1", "localhost") + "/runs"]
        for location in there:
            async with (
                raw_server(_always(http(status, b"", f"Location: {location}"))) as server,
                _client(server.url) as client,
            ):
                with pytest.raises(errors.Redirected) as caught:
                    await client.list_runs()
            assert "a proxy or login page? not followed" in caught.value.brief
    assert other.seen == []


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1/runs",
        "http://127.0.0.1:1/runs",
        "ftp://127.0.0.1/runs",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//evil.example\\@127.0.0.1/",
        "http://[::1",
        "http://\u202eevil/",
        "",
    ],
)
async def test_an_odd_location_is_an_error_and_no_request(location: str) -> None:
    async with (
        raw_server(lambda _: http(302, b"", f"Location: {location}")) as server,
        _client(server.url) as client,
    ):
        with pytest.raises((errors.Redirected, errors.Garbled)):
            await client.list_runs()
    assert {seen.target for seen in server.seen} == {b"/runs?limit=50&offset=0"}


async def test_a_user_in_a_redirect_is_not_taken_along() -> None:
    def answer(seen: Seen) -> bytes:
        return http(302, b"", f"Location: http://someone:sesame@{seen.headers['host']}/runs2")

    async with raw_server(answer) as server, _client(server.url) as client:
        with pytest.raises(errors.Redirected) as caught:
            await client.list_runs()
    assert len(server.seen) == 1
    assert "sesame" not in caught.value.brief


async def test_retry_after_reaches_the_caller() -> None:
    limited = await _failure(http(429, b"{}", "Retry-After: 7"))
    assert isinstance(limited, errors.RateLimited)
    assert limited.retry_after_s == 7
    headers = ("Date: Fri, 20 Mar 2026 10:00:00 GMT", "Retry-After: Fri, 20 Mar 2026 10:00:09 GMT")
    busy = await _failure(http(503, b"", *headers))
    assert isinstance(busy, errors.ServerError)
    assert busy.retry_after_s == 9


async def test_a_proxy_in_the_environment_is_not_used_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with raw_server(lambda _: http(500)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        async with raw_server(lambda _: http(200, EMPTY)) as server, _client(server.url) as client:
            await client.list_runs()
    assert proxy.seen == []
