"""Sending launches, each once: an answer that is lost is looked up by the run's name, never resent.

What is sent was made by `launching.requests`; nothing here decides what to launch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Garbled, GymError, NotFound, ServerError, Unreachable
from gymtui.api.launch_request import LaunchRequest
from gymtui.api.list_answer import parse_run, split
from gymtui.api.models import RunStatus

LOOKS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long to wait before each look for a run whose launch got no answer, in seconds."""
PAGE = 200
PAGES = 5  # how far down the list a look goes: a run of this minute is at one end or the other

Sleep = Callable[[float], Awaitable[object]]


class SubmissionState(Enum):
    LAUNCHED = auto()  # there is such a run
    REFUSED = auto()  # there is none: the gym said no, or was never reached
    UNKNOWN = auto()  # it was sent, and nobody can say


@dataclass(frozen=True, slots=True)
class Submission:
    request: LaunchRequest
    state: SubmissionState
    run_id: str | None = None
    rollout_ids: tuple[str, ...] = ()  # its rollouts, as far as the answer told them
    error: GymError | None = None  # why there is none, or why nobody can say
    looked_up: bool = False  # whether the answer was lost and the run found by its name


async def launch(
    client: Endpoints,
    request: LaunchRequest,
    *,
    lost: Callable[[GymError], None] = lambda error: None,
    sleep: Sleep = asyncio.sleep,
) -> Submission:
    """Send a launch, once; no error is raised for anything that the gym does.

    Args:
        lost: Called when no answer came, before the run is looked for.
    """
    try:
        created = await client.create_run(request)
    except GymError as error:
        if not may_have_arrived(error):
            return Submission(request, SubmissionState.REFUSED, error=error)
        lost(error)
        # Outside of the handler, so that hours later nothing still holds this error's frames.
        why = error
    else:
        rollouts = tuple(rollout.rollout_id for rollout in created.rollouts or ())
        return Submission(request, SubmissionState.LAUNCHED, created.run_id, rollouts)
    return await _look_up(client, request, why, sleep)


def may_have_arrived(error: GymError) -> bool:
    """Whether a launch that ended in this error may be a run all the same."""
    if isinstance(error, Unreachable):
        return not error.never_sent
    return isinstance(error, Garbled | ServerError)


async def _look_up(
    client: Endpoints, request: LaunchRequest, why: GymError, sleep: Sleep
) -> Submission:
    """Look for a run by its name, again and again for a minute."""
    trouble = why
    for pause_s in LOOKS_S:
        await sleep(pause_s)
        try:
            found = await find_run(client, request)
        except GymError as error:
            trouble = error
            continue
        trouble = why
        if found is not None:
            rollouts = found.rollout_ids or ()
            return Submission(
                request, SubmissionState.LAUNCHED, found.run_id, tuple(rollouts), looked_up=True
            )
    return Submission(request, SubmissionState.UNKNOWN, error=trouble)


async def find_run(client: Endpoints, request: LaunchRequest) -> RunStatus | None:
    """The run that a launch made, by its name; None where there is none.

    Whether a run's id is its name is unknown (API.md), so that the list is looked through too,
    for one that tells its name. A run of that name that cannot be this one does not count.
    """
    try:
        run = parse_run((await client.get_run(request.run_name)).body)
        if isinstance(run, RunStatus) and _fits(run, request):
            return run
    except NotFound:
        pass
    for page in range(PAGES):
        answer = await client.list_runs(
            scenario_id=request.scenario_id, source="all", limit=PAGE, offset=page * PAGE
        )
        listing = split(answer.body, "runs")
        for item in listing.items:
            run = parse_run(item)
            if isinstance(run, RunStatus) and _named(run, request) and _fits(run, request):
                return run
        if len(listing.items) < PAGE:
            break
    return None


def _named(run: RunStatus, request: LaunchRequest) -> bool:
    extra = run.model_extra or {}
    return request.run_name in (run.run_id, extra.get("run_name"), extra.get("name"))


def _fits(run: RunStatus, request: LaunchRequest) -> bool:
    """Whether a run may be of this launch: the same scenario, no more rollouts than were asked."""
    expected = len(request.task_ids) * request.rollout_count
    return run.scenario_id in (None, request.scenario_id) and (run.total or 0) <= expected


def describe_submission(sent: Submission) -> str:
    """What to say about it, in a line; names as they were sent."""
    name = sent.request.run_name
    if sent.state is SubmissionState.LAUNCHED:
        called = "" if sent.run_id == name else f" as {sent.run_id}"
        found = " (its answer was lost; found by its name)" if sent.looked_up else ""
        return f"launched {name}{called}{found}"
    error = sent.error
    why = (error.detail or error.brief) if error is not None else ""
    if sent.state is SubmissionState.REFUSED:
        return f"{name} was not launched: {why}"
    return f"whether {name} was launched is unknown: {why}; not sent again"
