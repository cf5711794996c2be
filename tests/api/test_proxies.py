"""The way to a gym as the environment has it: read without a traceback, and really taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gymtui.api import proxies
from gymtui.api.client import GymClient
from gymtui.api.errors import UnsafeUrl
from tests.api.raw_server import http, raw_server

GYM = "https://gym.example"
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("base_url", "env", "expected"),
    [
        (GYM, {}, None),
        (GYM, {"HTTPS_PROXY": PROXY}, PROXY),
        (GYM, {"https_proxy": PROXY, "HTTPS_PROXY": "http://other.example"}, PROXY),
        (GYM, {"HTTP_PROXY": PROXY}, None),
        (GYM, {"ALL_PROXY": "socks5://proxy.example"}, "socks5://proxy.example"),
        (GYM, {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        (GYM, {"HTTPS_PROXY": "", "ALL_PROXY": PROXY}, PROXY),
        ("http://gym.example", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://gym.example", {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, None),
        ("http://127.0.0.1:8765", {"HTTP_PROXY": PROXY, "ALL_PROXY": "socks4://x"}, None),
        ("http://[::1]:8765", {"HTTP_PROXY": "foo:bar"}, None),
        ("http://localhost:8765", {"ALL_PROXY": PROXY}, None),
    ],
)
def test_the_proxy_is_that_of_the_scheme_else_that_of_all(
    base_url: str, env: dict[str, str], expected: str | None
) -> None:
    assert proxies.proxy_for(base_url, env) == expected


@pytest.mark.parametrize(
    ("base_url", "excepted", "direct"),
    [
        (GYM, "gym.example", True),
        (GYM, "*", True),
        (GYM, "example", True),
        (GYM, ".example, other", True),
        (GYM, "*.example", True),
        (GYM, "GYM.EXAMPLE", True),
        (GYM, "gym.example:443", True),
        (GYM, "gym.example:8443", False),
        (GYM, "ym.example", False),
        (GYM, "", False),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://10.1.2.3", "11.0.0.0/8", False),
        ("https://[fd00::7]", "fd00::/8", True),
        ("https://[fd00::7]", "[fd00::7]", True),
        ("https://[fd00::7]:8443", "[fd00::7]:8443", True),
        # Some container runtimes set these, and they end a program that hands them to httpx.
        (GYM, "fd00::/8", False),
        (GYM, "fd00::/8,gym.example", True),
        (GYM, "[::1],::1,10.0.0.0/99,[,]:x,http://", False),
    ],
)
def test_what_is_excepted_is_reached_directly(base_url: str, excepted: str, direct: bool) -> None:
    env = {"ALL_PROXY": PROXY, "NO_PROXY": excepted}
    assert (proxies.proxy_for(base_url, env) is None) is direct


@pytest.mark.parametrize(
    "value", ["foo:bar", "socks4://proxy.example", "ftp://x", "http://", "http://x:99999", "a b"]
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy"])
def test_what_is_no_proxy_is_told_by_the_variable_and_without_its_value(
    name: str, value: str
) -> None:
    with pytest.raises(UnsafeUrl) as failed:
        proxies.proxy_for(GYM, {name: value})
    assert name in failed.value.reason
    assert value not in failed.value.reason


def test_a_login_in_a_proxy_is_never_told() -> None:
    with pytest.raises(UnsafeUrl) as failed:
        proxies.proxy_for(GYM, {"ALL_PROXY": "socks4://user:secret@proxy.example"})
    assert "secret" not in repr(failed.value)


def test_a_key_log_that_cannot_be_written_is_told_by_its_variable(tmp_path: Path) -> None:
    proxies.check_key_log({"SSLKEYLOGFILE": str(tmp_path / "keys")})
    with pytest.raises(UnsafeUrl, match="SSLKEYLOGFILE"):
        proxies.check_key_log({"SSLKEYLOGFILE": str(tmp_path / "none" / "keys")})


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
async def test_a_client_is_made_whatever_is_excepted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "fd00::/8,[::1]")
    for url in (GYM, "http://127.0.0.1:1", "http://[::1]:1"):
        async with GymClient(url):
            pass


async def test_an_http_proxy_is_asked_for_a_gym_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(lambda _: http(200, b'{"total": 0, "runs": []}')) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with GymClient("http://gym.invalid", insecure=True) as client:
            answer = await client.list_runs()
    assert b'"runs"' in answer.body
    assert "http://gym.invalid/runs" in repr(proxy.seen[0])


@asynccontextmanager
async def socks_proxy(port: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A SOCKS5 proxy (RFC 1928) that leads every name to one port of this machine."""
    asked: list[bytes] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        await reader.readexactly(4)
        (length,) = await reader.readexactly(1)
        asked.append(await reader.readexactly(length))
        await reader.readexactly(2)
        there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_a_socks_proxy_is_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(lambda _: http(200, b'{"total": 0, "runs": []}')) as gym:
        port = httpx.URL(gym.url).port
        assert port is not None
        async with socks_proxy(port) as (url, asked):
            monkeypatch.setenv("ALL_PROXY", url)
            async with GymClient("http://gym.invalid", insecure=True) as client:
                answer = await client.list_runs()
    assert b'"runs"' in answer.body
    assert asked == [b"gym.invalid"]
