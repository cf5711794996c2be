"""What changes the gym: cancelling and deleting runs, with what became of each.

An answer that is neither yes nor no is never taken for one: the run is looked at. Only what the gym
put off (429) is sent again, since it was not done.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import TypeVar

from msgspec import Struct

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import (
    Garbled,
    GymError,
    Intercepted,
    NotFound,
    RateLimited,
    Redirected,
    ServerError,
    Unreachable,
)
from gymtui.api.list_answer import parse_run
from gymtui.api.models import Malformed
from gymtui.store.formats import duration
from gymtui.store.records import Intent, RunRow

AT_ONCE = 4  # requests under way at the same time; one at a time once the gym limits them
TRIES = 5  # how often a request is sent at most while the gym answers 429
FIRST_PAUSE_S = 1.0  # the first wait after a 429 that names none; each further one is twice as long
LONGEST_WAIT_S = 120.0
"""How long all requests of one action wait at most because the gym asks for it, together."""
CARRIED_OUT_S = 120.0
"""How long a cancel that the gym agreed to may take until nothing of the run is left: rollouts end
at their next step. Then it is told that the run goes on, and may be cancelled again."""
LOOKS_S = (0.0, 1.0, 2.0)
"""How long to wait before each look at a run after an unclear answer, in seconds."""

_UNCLEAR = (Unreachable, Garbled, ServerError, Redirected)
"""What a request may end in although it was carried out."""

T = TypeVar("T")


class Verb(StrEnum):
    CANCEL = "cancel"
    DELETE = "delete"

    @property
    def past(self) -> str:
        """`cancelled` or `deleted`."""
        return {Verb.CANCEL: "cancelled", Verb.DELETE: "deleted"}[self]

    @property
    def intent(self) -> Intent:
        return {Verb.CANCEL: Intent.CANCEL, Verb.DELETE: Intent.DELETE}[self]


class ActionOutcome(StrEnum):
    """What became of one run, in the order in which it is told."""

    DONE = "done"  # the gym says so, or the run shows it
    REFUSED = "refused"  # the gym says no
    RATE_LIMITED = "rate limited"  # the gym put it off for longer than is waited
    NOT_FOUND = "not found"  # there is no such run
    # The run is there, or to be cancelled and still running: no clear answer, or an empty yes.
    STILL_EXISTS = "still exists"
    UNKNOWN = "unknown"  # no clear answer, and the run could not be looked at


class ActionResult(Struct, frozen=True):
    verb: Verb
    run_id: str
    outcome: ActionOutcome
    # How many rollouts the gym says it cancelled or deleted; None if it did not say.
    rollouts: int | None = None
    checked: bool = False  # whether the gym's answer was unclear and the run was looked at
    error: GymError | None = None  # what the request ended in, or None
    trouble: GymError | None = None  # why the run could not be looked at, or None

    @property
    def is_well(self) -> bool:
        """Whether what was asked for is so."""
        gone = self.outcome is ActionOutcome.NOT_FOUND and self.checked
        return self.outcome is ActionOutcome.DONE or (gone and self.verb is Verb.DELETE)

    @property
    def is_begun(self) -> bool:
        """Whether the gym agreed to cancel what was not over, which takes its time."""
        return self.verb is Verb.CANCEL and self.is_well and self.rollouts != 0

    @property
    def is_deleted(self) -> bool:
        """Whether there is no such run any more."""
        done = self.outcome is ActionOutcome.DONE and self.verb is Verb.DELETE
        return done or self.outcome is ActionOutcome.NOT_FOUND

    @property
    def is_settled(self) -> bool:
        return self.is_well or self.is_deleted


def still_running_result(run_id: str) -> ActionResult:
    """What is told of a run that goes on although the gym agreed to cancel it."""
    return ActionResult(Verb.CANCEL, run_id, ActionOutcome.STILL_EXISTS)


async def act(
    client: Endpoints,
    verb: Verb,
    run_ids: Sequence[str],
    *,
    checking: Callable[[str, GymError], object] = lambda _run_id, _error: None,
    done: Callable[[ActionResult], object] = lambda _result: None,
    looks_s: Sequence[float] | None = None,
) -> tuple[ActionResult, ...]:
    """Cancel or delete runs, a few at a time.

    Args:
        checking: Told of each run that is looked at, and of the answer that was unclear.
        done: Told what became of each run as soon as that is known.
        looks_s: How long to wait before each look, in seconds; None for `LOOKS_S`.

    Returns:
        What became of each, in the same order. No error is raised for anything the gym does.
    """
    limiter = _Limiter()
    pauses_s = LOOKS_S if looks_s is None else looks_s

    async def one(run_id: str) -> ActionResult:
        result = await _act(client, verb, run_id, limiter)
        if isinstance(result.error, NotFound):
            # A gym, or what stands before it, says 404 of a call that it does not know, too.
            if await _is_there(client, run_id, limiter):
                result = ActionResult(verb, run_id, ActionOutcome.REFUSED, error=result.error)
        elif isinstance(result.error, _UNCLEAR):
            checking(run_id, result.error)
            result = await _look(client, result, limiter, pauses_s)
        done(result)
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(run_id)) for run_id in run_ids]
    return tuple(task.result() for task in tasks)


async def _act(client: Endpoints, verb: Verb, run_id: str, limiter: _Limiter) -> ActionResult:
    """Send the request, and tell what its answer alone says."""

    async def request() -> int | None:
        if verb is Verb.CANCEL:
            return (await client.cancel_run(run_id)).cancelled_rollouts
        return (await client.delete_run(run_id)).deleted_rollouts

    try:
        rollouts = await limiter.send(request)
    except GymError as caught:
        error = caught.with_traceback(None)  # results are kept; its frames are not
    else:
        return ActionResult(verb, run_id, ActionOutcome.DONE, rollouts)
    outcome = ActionOutcome.REFUSED
    if isinstance(error, RateLimited):
        outcome = ActionOutcome.RATE_LIMITED
    elif isinstance(error, NotFound):
        outcome = ActionOutcome.NOT_FOUND
    elif isinstance(error, _UNCLEAR):
        outcome = ActionOutcome.UNKNOWN
    return ActionResult(verb, run_id, outcome, error=error)


async def _look(
    client: Endpoints, unclear: ActionResult, limiter: _Limiter, pauses_s: Sequence[float]
) -> ActionResult:
    """Look at a run until it shows that the request was carried out, or for as long as is meant."""
    verb, run_id = unclear.verb, unclear.run_id
    checked = partial(ActionResult, verb, run_id, checked=True, error=unclear.error)
    trouble: GymError | None = None
    for pause_s in pauses_s:
        await asyncio.sleep(pause_s)
        try:
            run = await limiter.send(partial(_run, client, run_id))
        except NotFound:
            return checked(ActionOutcome.NOT_FOUND)
        except GymError as caught:
            trouble = caught.with_traceback(None)
            if not isinstance(trouble, _UNCLEAR):
                break
            continue
        trouble = None
        if verb is Verb.CANCEL and not run.active:
            return checked(ActionOutcome.DONE)
        if verb is Verb.CANCEL and run.silent:
            trouble = Garbled("GET /runs/{run_id}: it does not count what runs")
    if trouble is not None:
        return checked(ActionOutcome.UNKNOWN, trouble=trouble)
    return checked(ActionOutcome.STILL_EXISTS)


async def _is_there(client: Endpoints, run_id: str, limiter: _Limiter) -> bool:
    try:
        await limiter.send(partial(_run, client, run_id))
    except GymError:
        return False
    return True


async def _run(client: Endpoints, run_id: str) -> RunRow:
    body = (await client.get_run(run_id)).body
    run = parse_run(body)
    if isinstance(run, Malformed):
        raise Garbled(f"GET /runs/{{run_id}}: {run.reason}")
    if run.run_id != run_id:
        raise Garbled("GET /runs/{run_id}: an answer about another run")
    return RunRow(run_id, body, 0.0, run)


class _Limiter:
    """Sends requests, a few at a time and no sooner than the gym wants them."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._single = asyncio.Lock()
        self._limited = False
        self._free_s = 0.0
        self._asked_s = 0.0

    async def send(self, request: Callable[[], Awaitable[T]]) -> T:
        """Send a request; after a 429 again, when the gym may be asked again."""
        async with self._slots:
            if not self._limited:
                with suppress(RateLimited):
                    return await self._once(request, FIRST_PAUSE_S)
            async with self._single:
                for tried in range(1, TRIES - 1):
                    with suppress(RateLimited):
                        return await self._once(request, FIRST_PAUSE_S * 2**tried)
                return await self._once(request, FIRST_PAUSE_S)

    async def _once(self, request: Callable[[], Awaitable[T]], pause_s: float) -> T:
        wait_s = self._free_s - _now_s()
        if wait_s > 0:
            if self._asked_s > LONGEST_WAIT_S:
                raise RateLimited(wait_s)
            await asyncio.sleep(wait_s)
        try:
            return await request()
        except GymError as error:
            if error.limiting:
                self._limited |= isinstance(error, RateLimited)
                self._hold(pause_s if error.retry_after_s is None else error.retry_after_s)
            raise

    def _hold(self, pause_s: float) -> None:
        before_s = max(self._free_s, _now_s())
        self._free_s = max(before_s, _now_s() + pause_s)
        self._asked_s += self._free_s - before_s


def _now_s() -> float:
    return asyncio.get_running_loop().time()


# -- words ---------------------------------------------------------------------------------


def describe_result(result: ActionResult) -> str:
    """What became of one run, in a line: `cancelled 5 rollouts of nightly`; its id as received."""
    verb, run_id = result.verb, result.run_id
    why = _reason(result.error)
    match result.outcome:
        case ActionOutcome.DONE if not result.checked:
            return _describe_done([result])
        case ActionOutcome.DONE:
            return f"{run_id} is {verb.past}: no clear answer ({why}), but nothing of it is running"
        case ActionOutcome.NOT_FOUND if not result.checked:
            return f"{run_id} no longer exists"
        case ActionOutcome.NOT_FOUND:
            return f"{run_id} no longer exists: no clear answer ({why}), then not found"
        case ActionOutcome.STILL_EXISTS if verb is Verb.DELETE:
            return f"{run_id} still exists: no clear answer ({why}), then checked"
        case ActionOutcome.STILL_EXISTS if result.error is None:
            return f"{run_id}: cancel accepted, still running"
        case ActionOutcome.STILL_EXISTS:
            # Rollouts end at their next step: until then a cancel that was taken shows nothing.
            running = f"{run_id} is still running: no clear answer ({why})"
            return f"{running}; if accepted, rollouts end at their next step"
        case ActionOutcome.UNKNOWN:
            unknown = f"whether {run_id} was {verb.past} is unknown: no clear answer ({why})"
            return f"{unknown}, could not check ({_reason(result.trouble)})"
        case ActionOutcome.RATE_LIMITED:
            after_s = result.error.retry_after_s if result.error is not None else None
            again = f", retry in {duration(after_s)}" if after_s else ""
            return f"{run_id} was not {verb.past}: rate limited{again}"
    return f"{run_id} was not {verb.past}: {why}"


def describe_results(results: Sequence[ActionResult]) -> str:
    """What became of some runs to which the same was done, in a line.

    Returns:
        Of one what `describe_result` says; of several `deleted 3 runs and 40 rollouts`, or where
        not all went as plainly `29 deleted · 4 refused · 10 checked: not found · 5 still exists`.
    """
    if len(results) == 1:
        return describe_result(results[0])
    if all(result.outcome is ActionOutcome.DONE and not result.checked for result in results):
        return _describe_done(results)
    order = list(ActionOutcome)
    ordered = sorted(results, key=lambda result: (order.index(result.outcome), result.checked))
    return " · ".join(f"{count} {name}" for name, count in Counter(map(_name, ordered)).items())


def _name(result: ActionResult) -> str:
    match result.outcome:
        case ActionOutcome.DONE if result.verb is Verb.CANCEL and result.rollouts == 0:
            return "already finished"
        case ActionOutcome.DONE:
            return f"checked: {result.verb.past}" if result.checked else result.verb.past
        case ActionOutcome.NOT_FOUND:
            return "checked: not found" if result.checked else "not found"
        case ActionOutcome.STILL_EXISTS if result.verb is Verb.CANCEL:
            return "still running" if result.error else "accepted, still running"
    return str(result.outcome)


def _describe_done(well: Sequence[ActionResult]) -> str:
    verb = well[0].verb
    counted = [item.rollouts for item in well if item.rollouts is not None]
    count = sum(counted)
    least = "at least " if len(counted) < len(well) else ""
    rollouts = f"{least}{count} rollout{'' if count == 1 else 's'}" if counted else ""
    runs = well[0].run_id if len(well) == 1 else f"{len(well)} runs"
    if verb is Verb.DELETE:
        return f"deleted {runs}" + (f" and {rollouts}" if rollouts else "")
    if counted and not count and not least:
        return f"nothing to cancel in {runs}"
    return f"cancelled {rollouts} of {runs}" if rollouts else f"cancelled {runs}"


def _reason(error: GymError | None) -> str:
    """An error in the gym's own words where there are some; of its troubles with the status."""
    if error is None:
        return ""
    if isinstance(error, ServerError):
        return f"{error.brief} {error.detail}".rstrip()
    if isinstance(error, RateLimited):
        return "rate limited"
    return error.brief if isinstance(error, Intercepted) else error.line
