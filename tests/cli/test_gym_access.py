"""All runs, page by page, while they come and go."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import NotFound
from gymtui.api.response import Answer
from gymtui.cli.gym_access import READINGS, GymReader, rollout_ids


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
        expand: Sequence[str] = (),
    ) -> Answer:
        page = [
            {"run_id": name, "rollout_ids": [f"{name}.1"]}
            for name in self.runs[offset : offset + limit]
        ]
        total = len(self.runs) if self.counted is None else self.counted
        body = json.dumps({"total": total, "runs": page}).encode()
        self.asked += 1
        self.happens(self.runs, self.asked)
        return Answer(body, None, 0.0, 0.0, len(body))

    async def get_run(self, run_id: str) -> Answer:
        if run_id not in self.runs:
            raise NotFound
        body = json.dumps({"run_id": run_id}).encode()
        return Answer(body, None, 0.0, 0.0, len(body))

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
    steady = await asked.list_every_run(None, None)
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


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["run-0007"], ["run-0007"]),
        (["run-0250", "run-024"], None),
        (["run-025"], ["run-0250"]),
        (["run-025", "run-0250", "run-0001"], ["run-0250", "run-0001"]),
        ([""], None),
        (["other"], None),
    ],
)
async def test_runs_are_found_by_the_beginning_of_their_ids(
    typed: list[str], found: list[str] | None
) -> None:
    reader = GymReader(ListAnswer(251, lambda _runs, _asked: None))
    if found is not None:
        assert await reader.find_runs(typed) == found
        assert set(found) == set(reader.store.runs)
        return
    with pytest.raises(NotFound) as refused:
        await reader.find_runs(typed)
    six = ", ".join(f"run-024{number}" for number in range(6))
    fits = f"run-024 fits 10 runs: {six}, and 4 more"
    assert refused.value.detail == (fits if "run-024" in typed else f"no such run: {typed[0]}")


async def test_what_is_cancelled_is_named_in_full() -> None:
    reader = GymReader(ListAnswer(251, lambda _runs, _asked: None))
    with pytest.raises(NotFound) as refused:
        await reader.find_runs(["run-025"], in_full=True)
    assert refused.value.detail == "no such run: run-025"


async def test_all_rollouts_are_known_by_their_runs_page_by_page() -> None:
    gym = ListAnswer(401, lambda _runs, _asked: None)
    found = await rollout_ids(cast("Endpoints", gym))
    assert list(found) == [f"{name}.1" for name in gym.runs]
