"""Whom the client trusts over TLS, on loopback with a certificate made for the test."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gymtui.api.client import GymClient
from gymtui.api.errors import Unreachable, UnsafeUrl
from gymtui.cli.checkup.gym import check_gym
from gymtui.config.settings import Settings

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the keys")

BODY = b'{"total": 0, "runs": []}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` that vouches for itself, with its key in one file."""
    place = tmp_path_factory.mktemp("tls")
    key, made = place / "key.pem", place / "made.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", made),
        ],
        check=True,
        capture_output=True,
    )
    (place / "both.pem").write_bytes(made.read_bytes() + key.read_bytes())
    return place / "both.pem"


@asynccontextmanager
async def serving(certificate: Path) -> AsyncIterator[int]:
    """Answer every question with an empty list of runs, over TLS."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while await reader.readline() not in (b"\r\n", b""):
                pass
            writer.write(ANSWER % (len(BODY), BODY))
            await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_certificate_of_ones_own_is_trusted_once_it_is_named(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with serving(certificate) as port:
        async with GymClient(f"https://localhost:{port}") as stranger:
            with pytest.raises(Unreachable, match=r"TLS: self.signed certificate"):
                await stranger.list_runs()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with GymClient(f"https://localhost:{port}") as friend:
            assert (await friend.list_runs()).body == BODY


async def test_doctor_trusts_whom_the_client_trusts_and_says_what_to_do(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told(host: str, port: int) -> tuple[str, str]:
        settings = Settings(base_url=f"https://{host}:{port}")
        seen = await asyncio.to_thread(check_gym, settings)
        (check,) = [check for check in seen.checks if check.name == "TLS"]
        return check.message, check.advice

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with serving(certificate) as port:
        said, advice = await told("localhost", port)
        assert "certificate" in said
        assert "SSL_CERT_FILE" in advice
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        said, advice = await told("localhost", port)
        assert said.startswith("TLSv1.3")
        assert "renew" in advice, "it is good for two days"
        said, advice = await told("127.0.0.1", port)
        assert "mismatch" in said
        assert "base_url must use a host name in the certificate" in advice

    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER)
        writer.close()

    plain = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with plain:
        said, advice = await told("127.0.0.1", plain.sockets[0].getsockname()[1])
        assert said == "the server does not use TLS"
        assert advice == "check whether base_url should start with http://"


def test_a_file_without_certificates_is_told_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    with pytest.raises(UnsafeUrl, match="SSL_CERT_FILE: No such file"):
        GymClient("https://localhost:1")
    (tmp_path / "empty").write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty"))
    with pytest.raises(UnsafeUrl, match="SSL_CERT_FILE: contains no certificate"):
        GymClient("https://localhost:1")
