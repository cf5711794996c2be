"""A poll body of 10,000 rollouts taken in, beside pydantic validating it whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import cast

from pydantic import BaseModel

from gymtui.api.models import Rollout
from gymtui.store.delta import Observation, RolloutsOf
from gymtui.store.store import Store
from gymtui.tui.rollouts.screen import RolloutsScreen
from tests.bench import wire
from tests.bench.measuring import by_turns, seconds_of
from tests.bench.playing import Memory, Watched, opened, quiet, until
from tests.bench.rows import Row, faster

ROLLOUTS = 10_000
ROUNDS = 6


class Whole(BaseModel):
    """What a client without a store of its own would do with the body."""

    total: int | None
    rollouts: list[Rollout]


def rows() -> Iterator[Row]:
    """Measure."""
    moving = wire.Moving("big", ROLLOUTS)
    store, body = Store(), moving.body()
    sent_s = 0.0

    def take() -> None:
        nonlocal sent_s
        sent_s += 1.0
        store.apply(Observation(RolloutsOf("big"), body, sent_s, sent_s))

    def one_changed() -> float:
        nonlocal body
        moving.move(1)
        body = moving.body()
        return seconds_of(take)

    def validated() -> float:
        # A body of its own: what was hashed or seen before may be quicker.
        whole = moving.body()
        return seconds_of(lambda: Whole.model_validate_json(whole))

    take()
    pair = by_turns(one_changed, validated, ROUNDS, each=3)
    yield faster(
        "10,000 rollouts, one changed, taken in (pydantic, whole)", pair.ours_s,
        pair.yardstick_s, 15, f"{len(body) / 1e6:.1f} MB",
    )  # fmt: skip
    painted_s = asyncio.run(_painted(wire.Moving("big", ROLLOUTS)))
    yield faster(
        "the same, 1 % changed, to the last painted line (pydantic)", painted_s,
        pair.yardstick_s, 10, "CPU seconds of the whole app, waiting for its next frame excluded",
    )  # fmt: skip


def _listed(app: Watched, raws: Mapping[str, bytes]) -> bool:
    """Whether the screen's list has rollouts as they were last made."""
    records = cast("RolloutsScreen", app.screen)._rows.records
    return all(records[rollout_id].raw == raw for rollout_id, raw in raws.items())


async def _painted(moving: wire.Moving) -> float:
    memory = Memory(moving)
    found: list[float] = []
    async with opened("http://127.0.0.1:1", memory, "big", interval_s=3600) as app:
        began_s = 0.0

        def begin() -> None:
            nonlocal began_s
            began_s = time.process_time()

        memory.on_answer = begin
        for _ in range(3 * ROUNDS):
            ids = moving.move(ROLLOUTS // 100)
            memory.body = moving.body()
            raws = dict(zip(ids, moving.items, strict=False))
            shown = set(app.screen.query_one("#grid").in_view) & set(ids)  # type: ignore[attr-defined]
            assert shown, "none of the changed rows is in view: nothing would be painted"
            app.refresh_now()
            await until(app, partial(_listed, app, raws), "the changed rows")
            await quiet(app)
            found.append(app.painted_at_s - began_s)
    return min(found)
