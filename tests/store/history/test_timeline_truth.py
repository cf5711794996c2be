"""Clock, observer and timeline together against the local gym, which knows when phases began.

Time is let pass by hand, on the way of questions and answers too: nothing hangs on the machine.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gymtui.api.client import GymClient
from gymtui.api.list_answer import parse_rollout, split
from gymtui.api.models import Malformed, Rollout
from gymtui.core.server_clock import ServerClock
from gymtui.store.history.observer import Observer, StateObservation
from gymtui.store.history.timeline import Segment, segments
from gymtui.store.phases import KIND_OF_PHASE, SegmentKind, is_finished
from tests.gym.played_gym import URL, PlayedGym, played_gym
from tests.gym.running_gym import launch_body

ROUNDING = timedelta(milliseconds=2)
POLL_S = 0.1
LATENCY_S = 0.015


class Watcher:
    """Polls a gym as the dashboard does, on a laptop whose clock is right."""

    def __init__(self, gym: PlayedGym, client: GymClient) -> None:
        self.gym = gym
        self.client = client
        # This gym dates each answer when it is given.
        self.clock = ServerClock(lambda: gym.now().timestamp(), lambda: gym.seconds, date_lag_s=0.0)
        self.observer = Observer()
        self.observations: dict[str, list[StateObservation]] = {}
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
            observation = self.observer.observe(rollout, window)
            if observation is not None:
                self.observations.setdefault(rollout.rollout_id, []).append(observation)

    async def until_its_time_is_known(self) -> None:
        while (self.clock.error_s or 1.0) > POLL_S:
            await self.look("none yet")
            await self.gym.pass_time(POLL_S / 3)

    async def until_done(self, run_id: str) -> None:
        """Look every so often, as polling does, until everything has ended."""
        while not self.rollouts or not all(map(is_finished, self.rollouts.values())):
            await self.look(run_id)
            await self.gym.pass_time(POLL_S)


def told(drawn: tuple[Segment, ...], kind: SegmentKind, truth: dict[str, Any]) -> list[timedelta]:
    """The slacks of a phase's edges, if the true ones lie within them."""
    start, end = (datetime.fromisoformat(truth[key]) for key in ("start", "end"))
    (part,) = [segment for segment in drawn if segment.kind is kind]
    for drawn_at, slack, truly in (
        (part.start, part.start_slack, start),
        (part.end, part.end_slack, end),
    ):
        assert abs(drawn_at - truly) <= slack + ROUNDING, (kind, part, truth)
    return [part.start_slack, part.end_slack]


@pytest.mark.parametrize("offset_s", [-420.0, 420.0])
async def test_every_true_edge_lies_within_its_slack(offset_s: float) -> None:
    options = {"speed": 10.0, "faults": True, "clock_offset_s": offset_s, "failure_share": 0.1}
    async with (
        played_gym(story=False, latency_s=LATENCY_S, **options) as gym,
        GymClient(URL, None, transport=gym, clock=lambda: gym.seconds) as client,
        httpx.AsyncClient(base_url=URL, transport=gym) as http,
    ):
        watcher = Watcher(gym, client)
        await watcher.until_its_time_is_known()
        assert watcher.clock.offset_s == pytest.approx(offset_s, abs=POLL_S)
        body = launch_body(rollout_count=50, max_parallel=25, run_name="watched")
        (await http.post("/runs", json=body)).raise_for_status()
        await watcher.until_done("watched")
        slacks: list[timedelta] = []
        for rollout_id, rollout in watcher.rollouts.items():
            truth = (await http.get(f"/__truth__/{rollout_id}")).raise_for_status().json()
            now = watcher.clock.now()
            drawn = segments(rollout, watcher.observations[rollout_id], now)
            kinds = {segment.kind for segment in drawn}
            assert SegmentKind.UNSEEN not in kinds
            assert drawn[-1].kind is SegmentKind.ENDED
            assert drawn[-1].end == rollout.completed_at
            for span in truth["phases"]:
                kind = KIND_OF_PHASE[span["phase"]]
                if span["phase"] != "completed" and kind in kinds:
                    slacks += told(drawn, kind, span)
    assert len(watcher.rollouts) == 50
    assert len(slacks) >= 50 * 2 * 3
    assert sorted(slacks)[len(slacks) // 2] <= timedelta(seconds=3 * POLL_S)
