"""Cancelling and deleting: what became of each run is known, not guessed, and nothing hurries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gymtui.api.errors import (
    Forbidden,
    Garbled,
    GymError,
    Intercepted,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    ServerError,
    Unauthorized,
    Unreachable,
)
from gymtui.api.models import Cancelled, Deleted
from gymtui.api.response import Answer
from gymtui.core.json_output import json_text
from gymtui.session.actions import (
    AT_ONCE,
    LONGEST_WAIT_S,
    LOOKS_S,
    TRIES,
    ActionOutcome,
    ActionResult,
    Verb,
    act,
    describe_result,
    describe_results,
)
from tests.helpers.virtual_time import play

DONE, REFUSED, RATE_LIMITED, NOT_FOUND, STILL_EXISTS, UNKNOWN = ActionOutcome

Said = int | GymError | None
"""What is said to a request: how many rollouts, or what it ends in."""
Seen = dict[str, Any] | GymError | bytes
"""What is said of a run that is looked at."""

RUNS: Seen = {"running": 1, "pending": 0, "total": 2}
OVER: Seen = {"running": 0, "pending": 0, "total": 2}
LOST = Unreachable("dropped")


class FakeClient:
    """Says what a test laid down, in turn; what was said last is said again.

    Attributes:
        calls: Which requests came, each with its run and when, in seconds from the first.
    """

    def __init__(
        self,
        said: dict[str, Said | Sequence[Said]],
        seen: dict[str, Seen | Sequence[Seen]] | None = None,
    ) -> None:
        self._said = {name: _in_turn(what) for name, what in said.items()}
        self._seen = {name: _in_turn(what) for name, what in (seen or {}).items()}
        self.calls: list[tuple[str, str, float]] = []
        self.under_way = self.most = 0

    async def _answer(self, what: str, run_id: str, script: list[Any]) -> Any:
        self.calls.append((what, run_id, asyncio.get_running_loop().time() - 1000.0))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, GymError):
            raise answer
        return answer

    async def cancel_run(self, run_id: str) -> Cancelled:
        count = await self._answer("cancel", run_id, self._said[run_id])
        return Cancelled(run_id=run_id, cancelled_rollouts=count)

    async def delete_run(self, run_id: str) -> Deleted:
        count = await self._answer("delete", run_id, self._said[run_id])
        return Deleted(run_id=run_id, deleted_rollouts=count)

    async def get_run(self, run_id: str) -> Answer:
        seen = await self._answer("look", run_id, self._seen[run_id])
        body = seen if isinstance(seen, bytes) else json_text({"run_id": run_id, **seen}).encode()
        return Answer(body, None, 0.0, 0.0, len(body))

    def sent(self, what: str) -> list[float]:
        """When requests of a kind came."""
        return [at_s for name, _, at_s in self.calls if name == what]


def _in_turn(what: Any) -> list[Any]:
    return list(what) if isinstance(what, list | tuple) else [what]


def played(client: FakeClient, verb: Verb, *run_ids: str) -> tuple[ActionResult, ...]:
    """Act on a clock of its own."""
    return play(lambda: act(client, verb, run_ids or tuple(client._said)))


def test_each_is_done_once_a_few_at_a_time_and_told_in_the_order_given() -> None:
    ids = [f"r{i}" for i in range(20)]
    client = FakeClient(dict.fromkeys(ids, 1) | {"r3": Refused(409, "no"), "r4": None})
    done = played(client, Verb.DELETE)
    assert [item.run_id for item in done] == ids
    assert sorted(call[:2] for call in client.calls) == sorted(("delete", run) for run in ids)
    assert client.most == AT_ONCE
    assert [item.outcome for item in done] == [REFUSED if i == 3 else DONE for i in range(20)]
    assert (done[0].rollouts, done[4].rollouts) == (1, None)


@pytest.mark.parametrize("error", [Refused(409, "no"), Forbidden(), Unauthorized()])
def test_a_clear_no_is_believed(error: GymError) -> None:
    client = FakeClient({"a": error})
    (result,) = played(client, Verb.DELETE)
    assert (result.outcome, result.error, result.checked) == (REFUSED, error, False)
    assert len(client.calls) == 1


@pytest.mark.parametrize(
    "unclear",
    [
        *(ServerError(status) for status in (408, 500, 502, 503, 504)),
        Intercepted("a web page, not the gym", "the answer is a web page, not the gym's"),
        *(LOST, Unreachable("timeout"), Garbled("DELETE /runs/{run_id}: cut off after 3 bytes")),
        Redirected("DELETE /runs/{run_id}: redirected by a 303: not followed"),
    ],
)
@pytest.mark.parametrize(
    ("verb", "seen", "outcome", "looks"),
    [
        (Verb.DELETE, NotFound(), NOT_FOUND, 1),
        (Verb.CANCEL, NotFound(), NOT_FOUND, 1),
        (Verb.CANCEL, OVER, DONE, 1),
        (Verb.CANCEL, (RUNS, OVER), DONE, 2),
        (Verb.DELETE, (OVER, NotFound()), NOT_FOUND, 2),
        (Verb.DELETE, (LOST, NotFound()), NOT_FOUND, 2),
        (Verb.DELETE, OVER, STILL_EXISTS, len(LOOKS_S)),
        (Verb.CANCEL, RUNS, STILL_EXISTS, len(LOOKS_S)),
        (Verb.DELETE, (LOST, ServerError(500), RUNS), STILL_EXISTS, len(LOOKS_S)),
        (Verb.DELETE, (RUNS, RUNS, LOST), UNKNOWN, len(LOOKS_S)),
        (Verb.DELETE, LOST, UNKNOWN, len(LOOKS_S)),
        (Verb.DELETE, Forbidden(), UNKNOWN, 1),
        (Verb.DELETE, b"<html>", UNKNOWN, len(LOOKS_S)),
        (Verb.DELETE, {"run_id": "another"}, UNKNOWN, len(LOOKS_S)),
        # Nothing that it counts says whether anything of it runs.
        (Verb.CANCEL, {}, UNKNOWN, len(LOOKS_S)),
        (Verb.DELETE, {}, STILL_EXISTS, len(LOOKS_S)),
    ],
)
def test_after_an_answer_that_is_neither_yes_nor_no_the_run_is_looked_at_and_nothing_sent_again(
    unclear: GymError, verb: Verb, seen: Any, outcome: ActionOutcome, looks: int
) -> None:
    client = FakeClient({"a": unclear}, {"a": seen})
    (result,) = played(client, verb)
    assert (result.outcome, result.checked, result.error) == (outcome, True, unclear)
    assert (result.trouble is not None) == (outcome is UNKNOWN)
    assert len(client.sent(str(verb))) == 1
    assert len(client.sent("look")) == looks
    assert client.calls[-1][2] == sum(LOOKS_S[:looks])


def test_a_404_is_believed_of_a_run_that_is_not_there_alone() -> None:
    """A gym that does not know the call says 404, too."""
    unknown_call = FakeClient({"a": NotFound("Not Found")}, {"a": OVER})
    for verb in Verb:
        (result,) = played(unknown_call, verb)
        assert result.outcome is REFUSED
        assert describe_result(result) == f"a was not {verb.past}: Not Found"
    for seen in (NotFound(), LOST):
        (result,) = played(FakeClient({"a": NotFound()}, {"a": seen}), Verb.DELETE)
        assert (result.outcome, result.checked) == (NOT_FOUND, False)


def test_whoever_watches_is_told_of_each_run_when_it_is_checked_and_done() -> None:
    client = FakeClient({"a": 1, "b": ServerError(502)}, {"b": NotFound()})
    told: list[object] = []

    async def main() -> tuple[ActionResult, ...]:
        return await act(
            client,
            Verb.DELETE,
            ["a", "b"],
            checking=lambda run_id, error: told.append((run_id, error.brief)),
            done=told.append,
        )

    first, second = play(main)
    assert told == [first, ("b", "502"), second] or told == [("b", "502"), first, second]


# -- rate limits ---------------------------------------------------------------------------


@pytest.mark.parametrize("verb", list(Verb))
def test_a_429_is_obeyed_and_sent_again(verb: Verb) -> None:
    client = FakeClient({"a": [RateLimited(7.0), RateLimited(3.0), 5]})
    (result,) = played(client, verb)
    assert (result.outcome, result.rollouts, result.checked) == (DONE, 5, False)
    assert client.sent(str(verb)) == [0.0, 7.0, 10.0]


def test_a_429_without_a_time_waits_ever_longer_and_not_for_ever() -> None:
    client = FakeClient({"a": RateLimited()})
    (result,) = played(client, Verb.CANCEL)
    assert (result.outcome, result.checked) == (RATE_LIMITED, False)
    assert client.sent("cancel") == [0.0, 1.0, 3.0, 7.0, 15.0]
    assert len(client.calls) == TRIES


def test_what_is_to_wait_for_too_long_is_rate_limited_at_once_also_what_was_not_sent_yet() -> None:
    ids = [f"r{i}" for i in range(30)]
    client = FakeClient(dict.fromkeys(ids, RateLimited(LONGEST_WAIT_S + 1)))
    results = played(client, Verb.DELETE)
    assert {result.outcome for result in results} == {RATE_LIMITED}
    assert len(client.calls) == AT_ONCE, "the rest was told before it was asked"
    assert {at_s for *_, at_s in client.calls} == {0.0}
    assert describe_result(results[-1]) == "r29 was not deleted: rate limited, retry in 2m01s"


def test_a_gym_that_takes_one_a_second_is_asked_no_faster_and_all_is_done() -> None:
    ids = [f"r{i}" for i in range(30)]

    class OneASecond(FakeClient):
        free_s = 0.0

        async def _answer(self, what: str, run_id: str, script: list[Any]) -> Any:
            now_s = asyncio.get_running_loop().time()
            if now_s < self.free_s:
                script = [RateLimited(self.free_s - now_s), *script]
            else:
                self.free_s = now_s + 1.0
            return await super()._answer(what, run_id, script)

    client = OneASecond(dict.fromkeys(ids, 1))
    results = played(client, Verb.DELETE)
    assert {result.outcome for result in results} == {DONE}
    assert max(client.sent("delete")) == pytest.approx(29.0)
    assert len(client.calls) < 2 * len(ids) + AT_ONCE


def test_all_waits_together_are_bounded() -> None:
    ids = [f"r{i}" for i in range(40)]
    client = FakeClient({run_id: [RateLimited(50.0), 1] for run_id in ids})
    results = played(client, Verb.DELETE)
    assert {result.outcome for result in results} == {DONE, RATE_LIMITED}
    assert max(at_s for *_, at_s in client.calls) <= LONGEST_WAIT_S + 50.0


def test_a_look_waits_for_as_long_as_a_503_asks() -> None:
    client = FakeClient({"a": ServerError(503, 9.0)}, {"a": [RateLimited(2.0), NotFound()]})
    (result,) = played(client, Verb.DELETE)
    assert (result.outcome, result.checked) == (NOT_FOUND, True)
    assert client.sent("look") == [9.0, 11.0]


# -- words ---------------------------------------------------------------------------------


def cancel(run_id: str, outcome: ActionOutcome = DONE, **more: Any) -> ActionResult:
    return ActionResult(Verb.CANCEL, run_id, outcome, **more)


def delete(run_id: str, outcome: ActionOutcome = DONE, **more: Any) -> ActionResult:
    return ActionResult(Verb.DELETE, run_id, outcome, **more)


CHECKED: dict[str, Any] = {"checked": True, "error": ServerError(502, detail="bad gateway")}


@pytest.mark.parametrize(
    ("results", "line"),
    [
        ([cancel("a", rollouts=5)], "cancelled 5 rollouts of a"),
        ([cancel("a", rollouts=1)], "cancelled 1 rollout of a"),
        ([cancel("a", rollouts=0)], "nothing to cancel in a"),
        ([cancel("a")], "cancelled a"),
        ([cancel("a", rollouts=2), cancel("b", rollouts=3)], "cancelled 5 rollouts of 2 runs"),
        ([cancel("a", rollouts=2), cancel("b")], "cancelled at least 2 rollouts of 2 runs"),
        ([delete("a", rollouts=9)], "deleted a and 9 rollouts"),
        ([delete("a"), delete("b")], "deleted 2 runs"),
        ([delete("a", NOT_FOUND, error=NotFound())], "a no longer exists"),
        ([delete("a", REFUSED, error=Refused(409, "it runs"))], "a was not deleted: it runs"),
        ([cancel("a", RATE_LIMITED, error=RateLimited(30.0))],
         "a was not cancelled: rate limited, retry in 30s"),
        ([cancel("a", RATE_LIMITED, error=RateLimited())], "a was not cancelled: rate limited"),
        ([delete("a", NOT_FOUND, **CHECKED)],
         "a no longer exists: no clear answer (502 bad gateway), then not found"),
        ([cancel("a", DONE, **CHECKED)],
         "a is cancelled: no clear answer (502 bad gateway), but nothing of it is running"),
        ([delete("a", STILL_EXISTS, **CHECKED)],
         "a still exists: no clear answer (502 bad gateway), then checked"),
        ([cancel("a", STILL_EXISTS, **CHECKED)],
         "a is still running: no clear answer (502 bad gateway); "
         "if accepted, rollouts end at their next step"),
        ([cancel("a", STILL_EXISTS)], "a: cancel accepted, still running"),
        ([cancel("a", STILL_EXISTS)] * 3, "3 accepted, still running"),
        ([delete("a", UNKNOWN, checked=True, error=Unreachable("timeout"), trouble=LOST)],
         "whether a was deleted is unknown: no clear answer (timeout), could not check (dropped)"),
        ([cancel("a", UNKNOWN, checked=True, error=ServerError(500), trouble=RateLimited(9.0))],
         "whether a was cancelled is unknown: "
         "no clear answer (500), could not check (rate limited)"),
        (
            [
                *[delete("a", STILL_EXISTS, **CHECKED)] * 5,
                *[delete("a", NOT_FOUND, **CHECKED)] * 10,
                *[delete("a")] * 29,
                *[delete("a", REFUSED)] * 4,
            ],
            "29 deleted · 4 refused · 10 checked: not found · 5 still exists",
        ),
        (
            [
                *[cancel("a", rollouts=2)] * 2, cancel("a", rollouts=0),
                cancel("a", DONE, **CHECKED), cancel("a", RATE_LIMITED), cancel("a", NOT_FOUND),
                cancel("a", STILL_EXISTS, **CHECKED), cancel("a", UNKNOWN),
            ],
            "2 cancelled · 1 already finished · 1 checked: cancelled · 1 rate limited · "
            "1 not found · 1 still running · 1 unknown",
        ),
    ],
)  # fmt: skip
def test_what_became_of_it_is_told_in_a_line(results: list[ActionResult], line: str) -> None:
    assert describe_results(results) == line


@pytest.mark.parametrize(
    ("result", "well", "deleted"),
    [
        (delete("a"), True, True),
        (delete("a", NOT_FOUND, **CHECKED), True, True),
        (delete("a", NOT_FOUND), False, True),
        (delete("a", STILL_EXISTS, **CHECKED), False, False),
        (cancel("a"), True, False),
        (cancel("a", DONE, **CHECKED), True, False),
        (cancel("a", NOT_FOUND, **CHECKED), False, True),
        (cancel("a", RATE_LIMITED), False, False),
    ],
)
def test_what_counts_as_done_and_what_is_not_there_any_more(
    result: ActionResult, well: bool, deleted: bool
) -> None:
    assert (result.is_well, result.is_deleted) == (well, deleted)
    assert result.is_settled == (well or deleted)
