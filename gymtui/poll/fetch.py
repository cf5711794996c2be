"""From a question of the plan to a call of the client, and from its answer to an observation.

It decides nothing and remembers nothing.
"""

from __future__ import annotations

from typing import assert_never

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import NotFound
from gymtui.api.response import Answer
from gymtui.core.server_clock import ServerClock
from gymtui.store.delta import (
    Observation,
    OneRun,
    Query,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
)


async def ask(client: Endpoints, query: Query) -> Answer | None:
    """Ask one question; None when there is no such run; a list that is not found is an error."""
    try:
        match query:
            case RunsPage():
                return await client.list_runs(
                    scenario_id=query.scenario_id,
                    source=query.source,
                    limit=query.limit,
                    offset=query.offset,
                )
            case OneRun():
                return await client.get_run(query.run_id)
            case RolloutsOf():
                return await client.list_rollouts(run_id=query.run_id)
            case RunningRollouts():
                return await client.list_rollouts(status="running", scenario_id=query.scenario_id)
            case _:
                assert_never(query)
    except NotFound:
        if not isinstance(query, OneRun | RolloutsOf):
            raise
        return None


def observation_of(
    query: Query, answer: Answer | None, sent_s: float, clock: ServerClock
) -> Observation:
    """What was seen, and when by the server's clock, which a dated answer makes better known."""
    if answer is None:
        return Observation(query, None, sent_s, clock.now().timestamp())
    if answer.date is not None:
        clock.sample(answer.sent_s, answer.received_s, answer.date)
    at = clock.now(answer.received_s).timestamp()
    return Observation(query, answer.body, answer.sent_s, at, answer.wire_bytes)
