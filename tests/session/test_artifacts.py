"""The download of artifacts: kept, capped, tried again, cancelled, saved as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from gymtui.api.client import GymClient
from gymtui.api.errors import Garbled, GymError, NotFound, RateLimited, ServerError, Unreachable
from gymtui.session.artifacts import ArtifactLoader, TooLargeError


def body(text: str = "hello") -> bytes:
    return json.dumps({"artifacts": {"messages": [{"role": "user", "content": text}]}}).encode()


class Fake:
    """A client whose artifacts come in chunks of ten bytes, after what goes wrong first."""

    def __init__(self, data: bytes, *problems: GymError) -> None:
        self.data = data
        self.problems = list(problems)
        self.asked: list[tuple[str, bool]] = []
        self.halfway = asyncio.Event()
        self.stuck = False

    async def stream_artifacts(
        self,
        rollout_id: str,
        sink: Callable[[bytes], object],
        redact_tool_calls: bool = False,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> None:
        self.asked.append((rollout_id, redact_tool_calls))
        for at in range(0, len(self.data), 10):
            if at and self.problems:
                raise self.problems.pop(0)
            sink(self.data[at : at + 10])
            if on_progress is not None:
                on_progress(min(at + 10, len(self.data)), len(self.data))
            self.halfway.set()
            if self.stuck:
                await asyncio.Event().wait()


def artifact_loader(
    client: Fake, pauses: list[float] | None = None, **options: Any
) -> ArtifactLoader:
    async def sleep(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    return ArtifactLoader(cast("GymClient", client), sleep=sleep, **options)


async def test_artifacts_are_read_and_kept_by_rollout_and_redaction() -> None:
    client = Fake(body())
    asking = artifact_loader(client)
    seen: list[int] = []
    found = await asking.get("a", on_progress=lambda received, announced: seen.append(received))
    assert found.body == body()
    assert found.transcript.turns[0].text == "hello"
    assert seen == sorted(seen) and seen[-1] == len(body())
    assert await asking.get("a") is found
    assert (await asking.get("a", redacted=True)).redacted
    assert client.asked == [("a", False), ("a", True)]
    asking.forget("a")
    await asking.get("a")
    assert len(client.asked) == 3


async def test_the_oldest_goes_when_there_is_too_much() -> None:
    asking = artifact_loader(Fake(body()), cache_bytes=2 * len(body()))
    for name in "abcd":
        await asking.get(name)
    assert [name for name in "abcd" if asking.kept(name)] == ["b", "c", "d"]


@pytest.mark.parametrize("problem", [Unreachable("dropped"), ServerError(503), RateLimited()])
async def test_a_download_that_breaks_off_starts_again_from_nothing(problem: GymError) -> None:
    pauses: list[float] = []
    client = Fake(body(), problem, problem)
    assert (await artifact_loader(client, pauses).get("a")).body == body()
    assert pauses == [0.5, 1.0]


async def test_what_the_gym_asks_for_is_waited_within_reason() -> None:
    pauses: list[float] = []
    client = Fake(body(), RateLimited(3.0), ServerError(503, 3600.0))
    await artifact_loader(client, pauses).get("a")
    assert pauses == [3.0, 10.0]


async def test_it_gives_up_after_a_few_tries() -> None:
    client = Fake(body(), *[Unreachable("dropped")] * 5)
    with pytest.raises(Unreachable):
        await artifact_loader(client).get("a")
    assert len(client.asked) == 3


@pytest.mark.parametrize("problem", [NotFound(), Garbled("x")])
async def test_what_waiting_does_not_mend_is_not_tried_again(problem: GymError) -> None:
    client = Fake(body(), problem)
    with pytest.raises(type(problem)):
        await artifact_loader(client).get("a")
    assert len(client.asked) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html>proxy error</html>", "a web page, not the gym"),
        (b"", "an empty answer"),
        (b" " * 9999, "an empty answer"),
        (b"please log in", "text, not JSON"),
        (bytes(range(255, 0, -1)), "binary data, not JSON"),
        (body()[:-1], "JSON that is cut off"),
        (body() + b"}", "damaged JSON"),
        (b"[]", "a list, not artifacts"),
        (b"17", "no object, not artifacts"),
        (b'{"detail": "log in"}', "no messages"),
        (b'{"messages": "log in"}', "no messages"),
        (b'{"artifacts": null, "at": NaN}', "no messages"),
    ],
)
async def test_what_is_not_artifacts_is_garbled_and_not_saved(
    tmp_path: Path, data: bytes, said: str
) -> None:
    asking = artifact_loader(Fake(data))
    with pytest.raises(Garbled, match=said):
        await asking.get("a")
    assert asking.kept("a") is None
    with pytest.raises(Garbled, match=said):
        await asking.save("a", tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


@pytest.mark.parametrize(
    "data",
    [
        b'{"artifacts": {}}',
        b'{"tool_calls": []}',
        b'{"steps": [], "schema_version": "ATIF-v1.0"}',
        b'\xef\xbb\xbf{"messages": [], "at": NaN}',
        b'{"messages": ["\\ud800"]}',
        b'{"messages": ["\xff"]}',
        b'{"messages": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
)
async def test_odd_artifacts_are_artifacts(tmp_path: Path, data: bytes) -> None:
    await artifact_loader(Fake(data)).get("a")
    await artifact_loader(Fake(data)).save("a", tmp_path / "a.json")
    assert (tmp_path / "a.json").read_bytes() == data


async def test_too_much_is_stopped_and_can_be_saved(tmp_path: Path) -> None:
    client = Fake(body("x" * 1000))
    asking = artifact_loader(client, cap_bytes=100)
    with pytest.raises(TooLargeError):
        await asking.get("a")
    assert asking.kept("a") is None
    await asking.save("a", tmp_path / "a.json")
    assert (tmp_path / "a.json").read_bytes() == client.data


async def test_saving_starts_again_whole_after_a_break(tmp_path: Path) -> None:
    client = Fake(body(), Unreachable("dropped"))
    await artifact_loader(client).save("a", tmp_path / "a.json")
    assert (tmp_path / "a.json").read_bytes() == body()


async def test_what_is_cancelled_or_fails_leaves_no_file(tmp_path: Path) -> None:
    client = Fake(body())
    client.stuck = True
    saving = asyncio.create_task(artifact_loader(client).save("a", tmp_path / "a.json"))
    await client.halfway.wait()
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    with pytest.raises(NotFound):
        await artifact_loader(Fake(body(), NotFound())).save("a", tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_what_is_announced_as_too_large_is_not_waited_for() -> None:
    client = Fake(body("x" * 1000))
    with pytest.raises(TooLargeError):
        await artifact_loader(client, cap_bytes=500).get("r")
    assert client.halfway.is_set() is False


async def test_a_save_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    client = Fake(body("x" * 1000))
    client.stuck = True
    saving = asyncio.create_task(artifact_loader(client).save("r", tmp_path / "r.json"))
    await client.halfway.wait()
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240
