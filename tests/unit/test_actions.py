"""Cancelling and deleting: each run told for itself, none retried."""

from __future__ import annotations

import asyncio

import pytest

from gymtui.api.errors import GymError, NotFound, Refused, ServerError, Unreachable
from gymtui.api.models import Cancelled, Deleted
from gymtui.poll.actions import AT_ONCE, Done, Verb, act, told


class FakeClient:
    """Answers by run id: a count, or an error."""

    def __init__(self, answers: dict[str, int | GymError | None]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, str]] = []
        self.under_way = self.most = 0

    async def _answer(self, verb: str, run_id: str) -> int | None:
        self.calls.append((verb, run_id))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        answer = self.answers[run_id]
        if isinstance(answer, GymError):
            raise answer
        return answer

    async def cancel_run(self, run_id: str) -> Cancelled:
        count = await self._answer("cancel", run_id)
        return Cancelled(run_id=run_id, cancelled_rollouts=count)

    async def delete_run(self, run_id: str) -> Deleted:
        count = await self._answer("delete", run_id)
        return Deleted(run_id=run_id, deleted_rollouts=count)


async def test_each_is_done_once_a_few_at_a_time_and_told_in_the_order_given() -> None:
    ids = [f"r{i}" for i in range(20)]
    client = FakeClient(dict.fromkeys(ids, 1) | {"r3": ServerError(503), "r4": None})
    done = await act(client, Verb.DELETE, ids)
    assert [item.run_id for item in done] == ids
    assert sorted(client.calls) == sorted(("delete", run_id) for run_id in ids)
    assert client.most == AT_ONCE
    assert isinstance(done[3].error, ServerError)
    assert (done[0].rollouts, done[4].rollouts) == (1, None)


async def test_a_run_that_is_no_more_counts_as_gone() -> None:
    (done,) = await act(FakeClient({"a": NotFound()}), Verb.CANCEL, ["a"])
    assert done.gone
    assert not Done("a", error=ServerError(500)).gone
    assert not Done("a", 3).gone


@pytest.mark.parametrize(
    ("verb", "done", "lines"),
    [
        (Verb.CANCEL, [Done("a", 5)], ["cancelled 5 rollouts of a"]),
        (Verb.CANCEL, [Done("a", 1)], ["cancelled 1 rollout of a"]),
        (Verb.CANCEL, [Done("a", 0)], ["nothing was left to cancel in a"]),
        (Verb.CANCEL, [Done("a")], ["cancelled a"]),
        (Verb.CANCEL, [Done("a", 2), Done("b", 3)], ["cancelled 5 rollouts of 2 runs"]),
        (Verb.CANCEL, [Done("a", 2), Done("b")], ["cancelled at least 2 rollouts of 2 runs"]),
        (Verb.DELETE, [Done("a", 9)], ["deleted a and 9 rollouts"]),
        (Verb.DELETE, [Done("a"), Done("b")], ["deleted 2 runs"]),
        (Verb.DELETE, [Done("a", error=NotFound())], ["a no longer exists"]),
        (
            Verb.DELETE,
            [Done("a", 9), Done("b", error=Refused(409, "it still runs"))],
            ["deleted a and 9 rollouts", "b was not deleted: it still runs"],
        ),
        (Verb.CANCEL, [Done("a", error=ServerError(503))], ["a was not cancelled: 503"]),
        # Sent and not answered: it may have happened all the same.
        (
            Verb.DELETE,
            [Done("a", error=Unreachable("timeout"))],
            ["no answer whether a was deleted: timeout"],
        ),
        (Verb.CANCEL, [], []),
    ],
)
def test_what_was_done_and_each_refusal_is_told(
    verb: Verb, done: list[Done], lines: list[str]
) -> None:
    assert told(verb, done) == lines
