"""Sending a launch: once, whatever becomes of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gymtui.api.errors import (
    Forbidden,
    Garbled,
    GymError,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    ServerError,
    Unauthorized,
    Unreachable,
)
from gymtui.api.launch_request import LaunchRequest
from gymtui.api.models import CreatedRun
from gymtui.api.response import Answer
from gymtui.launching.submission import (
    LOOKS_S,
    Submission,
    SubmissionState,
    describe_submission,
    launch,
)
from tests.api.samples import LAUNCH

REQUEST = LaunchRequest.model_validate(LAUNCH)
NAME = REQUEST.run_name


def run(run_id: str, **more: Any) -> dict[str, Any]:
    return {"run_id": run_id, "scenario_id": "hr", "total": 2, **more}


def answer(document: object) -> Answer:
    return Answer(json.dumps(document).encode(), None, 0.0, 0.0, 0)


class Gym:
    """A gym that answers as told."""

    def __init__(
        self,
        post: CreatedRun | GymError,
        one: Callable[[], dict[str, Any] | GymError] = lambda: NotFound(),
        listed: Callable[[], list[dict[str, Any]] | GymError] = list,
    ) -> None:
        self.post, self.one, self.listed = post, one, listed
        self.sent: list[LaunchRequest] = []
        self.looked = 0
        self.waited: list[float] = []
        self.lost: list[GymError] = []

    async def create_run(self, request: LaunchRequest) -> CreatedRun:
        self.sent.append(request)
        if isinstance(self.post, GymError):
            raise self.post
        return self.post

    async def get_run(self, run_id: str) -> Answer:
        assert run_id == NAME
        self.looked += 1
        found = self.one()
        if isinstance(found, GymError):
            raise found
        return answer(found)

    async def list_runs(
        self,
        scenario_id: str | None = None,
        source: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Answer:
        assert source == "all"
        found = self.listed()
        if isinstance(found, GymError):
            raise found
        return answer({"runs": found[offset : offset + limit], "total": len(found)})

    async def launch(self) -> Submission:
        async def sleep(seconds: float) -> None:
            self.waited.append(seconds)

        return await launch(self, REQUEST, lost=self.lost.append, sleep=sleep)


async def test_a_launch_that_is_answered_is_done() -> None:
    gym = Gym(CreatedRun(run_id="run_1"))
    sent = await gym.launch()
    assert (sent.state, sent.run_id, sent.looked_up) == (SubmissionState.LAUNCHED, "run_1", False)
    assert not gym.looked
    assert describe_submission(sent) == f"launched {NAME} as run_1"


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized(),
        Forbidden(),
        NotFound(),
        RateLimited(),
        Refused(409, "exists"),
        Redirected("elsewhere"),
        Unreachable("connection refused"),
        Unreachable("no such host"),
        Unreachable("TLS: certificate has expired"),
    ],
)
async def test_what_was_refused_or_never_sent_is_not_looked_for(error: GymError) -> None:
    gym = Gym(error)
    sent = await gym.launch()
    assert sent.state is SubmissionState.REFUSED
    assert sent.error is error
    assert not gym.looked
    assert not gym.lost


LOST = [
    Unreachable("timeout"),
    Unreachable("dropped"),
    Garbled("POST /runs: cut off after 3 bytes"),
    ServerError(502),
    ServerError(504),
]


@pytest.mark.parametrize("error", LOST)
async def test_a_lost_answer_is_looked_up_by_name_and_never_sent_again(error: GymError) -> None:
    gym = Gym(error, one=lambda: run(NAME))
    sent = await gym.launch()
    assert (sent.state, sent.run_id, sent.looked_up) == (SubmissionState.LAUNCHED, NAME, True)
    assert len(gym.sent) == 1
    assert gym.lost == [error]
    assert gym.waited == [LOOKS_S[0]]
    assert "found by its name" in describe_submission(sent)


@pytest.mark.parametrize("error", LOST)
async def test_what_is_nowhere_to_be_found_is_unknown_and_not_sent_again(error: GymError) -> None:
    gym = Gym(error)
    sent = await gym.launch()
    assert sent.state is SubmissionState.UNKNOWN
    assert len(gym.sent) == 1
    assert gym.waited == list(LOOKS_S)
    assert describe_submission(sent).endswith("not sent again")


async def test_it_is_looked_for_again_while_the_gym_does_not_answer() -> None:
    answers = iter([Unreachable("timeout"), ServerError(503), NotFound(), run(NAME)])
    gym = Gym(Unreachable("dropped"), one=lambda: next(answers))
    assert (await gym.launch()).state is SubmissionState.LAUNCHED
    assert gym.looked == 4


async def test_a_run_whose_id_is_not_its_name_is_found_in_the_list_by_the_name_it_tells() -> None:
    others = [run(f"run_{n}", run_name=f"other-{n}") for n in range(250)]
    gym = Gym(Unreachable("dropped"), listed=lambda: [*others, run("run_x", run_name=NAME)])
    sent = await gym.launch()
    assert (sent.state, sent.run_id) == (SubmissionState.LAUNCHED, "run_x")


@pytest.mark.parametrize("other", [{"scenario_id": "crm"}, {"total": 9}])
async def test_another_run_of_that_name_is_not_taken_for_it(other: dict[str, Any]) -> None:
    gym = Gym(Unreachable("dropped"), one=lambda: run(NAME, **other))
    assert (await gym.launch()).state is SubmissionState.UNKNOWN


async def test_a_run_that_is_found_half_made_counts() -> None:
    gym = Gym(Unreachable("dropped"), one=lambda: run(NAME, total=1))
    assert (await gym.launch()).state is SubmissionState.LAUNCHED
