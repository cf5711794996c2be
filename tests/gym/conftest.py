"""Gyms that the contract tests share: one on which everything is over at once, one that crawls."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.gym.running_gym import launch_body, serving_gym, unfinished, until_now


class Caller:
    """A client that says only what a test wants to say."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of an answer that must be 200."""
        response = self.http.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def launch(self, **changes: Any) -> Any:
        """Launch and return the answer, which must be 200."""
        response = self.http.post("/runs", json=launch_body(**changes))
        assert response.status_code == 200, response.text
        return response.json()

    def finished(self, **changes: Any) -> Any:
        """Launch, wait for the end, and return the answer of the launch."""
        created = self.launch(**changes)
        until_now(lambda: unfinished(self.get(f"/runs/{created['run_id']}")) == 0)
        return created


@pytest.fixture(scope="session")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A caller of a gym in which rollouts are over at once."""
    with serving_gym(tmp_path_factory.mktemp("fast")) as gym:
        caller = Caller(gym.url)
        yield caller
        caller.http.close()


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A caller of a gym in which every rollout stays in its first phase."""
    with serving_gym(tmp_path_factory.mktemp("slow"), speed=0.001) as gym:
        caller = Caller(gym.url)
        yield caller
        caller.http.close()
