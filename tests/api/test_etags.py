"""What has not changed is not sent again, where the gym marks its answers with an ETag."""

from __future__ import annotations

import httpx
import pytest

from gymtui.api.client import GymClient
from gymtui.api.errors import Garbled, GymError
from gymtui.api.etag_cache import EtagCache

BODY = b'{"total":0,"runs":[]}'


class TaggingGym:
    """Gives its answers tags, and sends none again that is asked for by its tag."""

    def __init__(self, tag: str | None = '"1"') -> None:
        self.tag, self.body = tag, BODY
        self.asked: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("if-none-match")
        self.asked.append(asked)
        if asked is not None and asked == self.tag:
            return httpx.Response(304, headers={"ETag": asked})
        headers = {} if self.tag is None else {"ETag": self.tag}
        return httpx.Response(200, content=self.body, headers=headers)


def client_of(gym: object) -> GymClient:
    return GymClient("https://gym.example", transport=httpx.MockTransport(gym))  # type: ignore[arg-type]


async def test_an_answer_that_did_not_change_is_not_sent_again() -> None:
    gym = TaggingGym()
    async with client_of(gym) as client:
        first, again = await client.list_runs(), await client.list_runs()
        assert first.body == again.body == BODY
        assert (first.wire_bytes, again.wire_bytes) == (len(BODY), 0)
        gym.tag, gym.body = '"2"', b'{"total":1,"runs":[{"run_id":"a"}]}'
        assert (await client.list_runs()).body == gym.body
        assert (await client.list_runs()).body == gym.body
    assert gym.asked == [None, '"1"', '"1"', '"2"']


async def test_each_question_has_a_tag_of_its_own() -> None:
    gym = TaggingGym()
    async with client_of(gym) as client:
        await client.list_runs(offset=0)
        await client.list_runs(offset=180)
        await client.list_rollouts(run_id="a")
        await client.get_run("a")
    assert gym.asked == [None] * 4


async def test_without_a_tag_it_is_asked_as_ever() -> None:
    gym = TaggingGym(None)
    async with client_of(gym) as client:
        await client.list_runs()
        await client.list_runs()
    assert gym.asked == [None, None]


async def test_artifacts_are_not_kept() -> None:
    gym = TaggingGym()
    async with client_of(gym) as client:
        await client.artifacts("r")
        await client.artifacts("r")
    assert gym.asked == [None, None]


async def test_not_modified_without_having_asked_is_an_error() -> None:
    async with client_of(lambda _request: httpx.Response(304)) as client:
        with pytest.raises(GymError) as told:
            await client.list_runs()
    assert isinstance(told.value, Garbled)


def test_bodies_are_given_up_that_were_not_asked_for_longest() -> None:
    cache = EtagCache(most_bytes=10)
    cache.keep(b"a", "1", b"aaaa")
    cache.keep(b"b", "2", b"bbbb")
    assert cache.body(b"a") == b"aaaa"
    cache.keep(b"c", "3", b"cccc")
    assert (cache.tag(b"a"), cache.tag(b"b"), cache.tag(b"c")) == ("1", None, "3")
    cache.keep(b"a", None, b"aaaa")
    assert (cache.tag(b"a"), cache.body(b"a")) == (None, None)
    cache.keep(b"d", "4", b"d" * 11)
    assert cache.tag(b"d") is None
    cache.keep(b"e", "5", b"eeeeee")
    assert (cache.tag(b"c"), cache.tag(b"e")) == ("3", "5"), "what was replaced is not counted"
