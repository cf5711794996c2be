"""All runs, page by page, while they come and go."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gymtui.api.response import Answer
from gymtui.cli.gym_access import READINGS, GymReader


class ListAnswer:
    """A gym of runs that something happens to between two pages."""

    def __init__(self, runs: int, happens: Callable[[list[str], int], None]) -> None:
        self.runs = [f"run-{number:04}" for number in range(runs)]
        self.happens = happens
        self.asked = 0
        self.counted: int | None = None

    async def list_runs(
        self,
        *,
        scenario_id: str | None = None,
        source: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Answer:
        page = [{"run_id": name} for name in self.runs[offset : offset + limit]]
        total = len(self.runs) if self.counted is None else self.counted
        body = json.dumps({"total": total, "runs": page}).encode()
        self.asked += 1
        self.happens(self.runs, self.asked)
        return Answer(body, None, 0.0, 0.0, len(body))

    async def get_run(self, run_id: str) -> Answer:
        raise NotImplementedError

    async def list_rollouts(
        self,
        *,
        scenario_id: str | None = None,
        status: str | None = None,
        run_id: str | None = None,
    ) -> Answer:
        raise NotImplementedError


async def listed(gym: ListAnswer) -> tuple[set[str], bool]:
    asked = GymReader(gym)
    steady = await asked.every_run(None, None)
    return set(asked.store.runs), steady


@pytest.mark.parametrize("deleted", [slice(0, 1), slice(0, 3), slice(150, 250)])
async def test_a_run_is_not_lost_because_others_were_deleted(deleted: slice) -> None:
    def delete(runs: list[str], asked: int) -> None:
        if asked == 1:
            del runs[deleted]

    gym = ListAnswer(450, delete)
    assert await listed(gym) == (set(gym.runs), True)


async def test_a_run_that_was_added_meanwhile_is_there() -> None:
    def add(runs: list[str], asked: int) -> None:
        if asked == 2:
            runs.insert(0, "new")

    gym = ListAnswer(450, add)
    assert await listed(gym) == (set(gym.runs), True)


async def test_where_nothing_happens_every_page_is_read_once() -> None:
    gym = ListAnswer(450, lambda runs, asked: None)
    assert await listed(gym) == (set(gym.runs), True)
    assert gym.asked == 3


async def test_a_gym_that_counts_otherwise_is_believed_when_it_says_the_same_twice() -> None:
    gym = ListAnswer(450, lambda runs, asked: None)
    gym.counted = 460
    assert await listed(gym) == (set(gym.runs), True)


async def test_where_runs_go_all_the_time_it_ends_and_says_so() -> None:
    gym = ListAnswer(3000, lambda runs, asked: runs.pop(0) and None)
    _, steady = await listed(gym)
    assert not steady
    assert gym.asked <= READINGS * 16
