"""Clock, observer and timeline together against the local gym, which knows when phases began."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.api.client import GymClient
from gymtui.api.listing import parse_rollout, split
from gymtui.api.models import Malformed, Rollout
from gymtui.clock import ServerClock
from gymtui.store.observer import Observer, Sighting
from gymtui.store.phases import KIND_OF_PHASE, Kind, is_finished
from gymtui.store.timeline import Segment, segments
from tests.gym.serving import launch_body, running_gym

ROUNDING = timedelta(milliseconds=2)
BUSY = timedelta(milliseconds=100)
"""The gym stamps a status and the phase that begins or ends with it one after the other."""
POLL_S = 0.1


class Watcher:
    """Polls a gym as the dashboard does, on a laptop whose clock is right."""

    def __init__(self, client: GymClient) -> None:
        self.client = client
        # This gym dates each answer when it is given.
        self.clock = ServerClock(time.time, time.monotonic, date_lag_s=0.0)
        self.observer = Observer()
        self.sightings: dict[str, list[Sighting]] = {}
        self.rollouts: dict[str, Rollout] = {}

    async def look(self, run_id: str) -> None:
        answer = await self.client.list_rollouts(run_id=run_id)
        assert answer.date is not None
        self.clock.sample(answer.sent_s, answer.received_s, answer.date)
        window = self.clock.window(answer.sent_s, answer.received_s)
        for item in split(answer.body, "rollouts").items:
            rollout = parse_rollout(item)
            assert not isinstance(rollout, Malformed)
            self.rollouts[rollout.rollout_id] = rollout
            sighting = self.observer.look(rollout, window)
            if sighting is not None:
                self.sightings.setdefault(rollout.rollout_id, []).append(sighting)

    async def until_its_time_is_known(self) -> None:
        while (self.clock.error_s or 1.0) > POLL_S:
            await self.look("none yet")

    async def until_done(self, run_id: str) -> None:
        """Look every so often, as polling does, until everything has ended."""
        while not self.rollouts or not all(map(is_finished, self.rollouts.values())):
            await self.look(run_id)
            await asyncio.sleep(POLL_S)


def told(drawn: tuple[Segment, ...], kind: Kind, truth: dict[str, Any]) -> list[timedelta]:
    """The slacks of a phase's edges, if the true ones lie within them."""
    start, end = (datetime.fromisoformat(truth[key]) for key in ("start", "end"))
    (part,) = [segment for segment in drawn if segment.kind is kind]
    for drawn_at, slack, truly in (
        (part.start, part.start_slack, start),
        (part.end, part.end_slack, end),
    ):
        allowed = slack + ROUNDING if slack else BUSY
        assert abs(drawn_at - truly) <= allowed, (kind, part, truth)
    return [part.start_slack, part.end_slack]


@pytest.mark.parametrize("offset_s", [-420.0, 420.0])
async def test_every_true_edge_lies_within_its_slack(tmp_path: Path, offset_s: float) -> None:
    options = {"speed": 10.0, "faults": True, "clock_offset_s": offset_s, "failure_share": 0.1}
    async with (
        running_gym(tmp_path, **options) as gym,
        GymClient(gym.url, None) as client,
        httpx.AsyncClient(base_url=gym.url) as http,
    ):
        watcher = Watcher(client)
        await watcher.until_its_time_is_known()
        assert watcher.clock.offset_s == pytest.approx(offset_s, abs=POLL_S)
        body = launch_body(rollout_count=50, max_parallel=25, run_name="watched")
        (await http.post("/runs", json=body)).raise_for_status()
        await watcher.until_done("watched")
        slacks: list[timedelta] = []
        for rollout_id, rollout in watcher.rollouts.items():
            truth = (await http.get(f"/__truth__/{rollout_id}")).raise_for_status().json()
            now = watcher.clock.now()
            drawn = segments(rollout, watcher.sightings[rollout_id], now)
            kinds = {segment.kind for segment in drawn}
            assert Kind.UNSEEN not in kinds
            assert drawn[-1].kind is Kind.ENDED
            assert drawn[-1].end == rollout.completed_at
            for span in truth["phases"]:
                kind = KIND_OF_PHASE[span["phase"]]
                if span["phase"] != "completed" and kind in kinds:
                    slacks += told(drawn, kind, span)
    assert len(watcher.rollouts) == 50
    assert len(slacks) >= 50 * 2 * 3
    assert sorted(slacks)[len(slacks) // 2] <= timedelta(seconds=3 * POLL_S)
