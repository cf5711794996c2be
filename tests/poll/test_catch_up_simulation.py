"""Catching up with 10 to 10,000 finished runs, planned without a store's or a loop's work."""

from __future__ import annotations

import heapq
import random
from bisect import bisect_left
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from gymtui.api.models import RunStatus
from gymtui.poll.catch_up import AT_ONCE, REQUESTS_PER_S
from gymtui.poll.flights import Flights
from gymtui.poll.request_log import RequestLog
from gymtui.poll.view import View
from gymtui.store.delta import Request, RolloutsOf, ScenarioRollouts
from gymtui.store.list_order import ListOrder
from gymtui.store.records import RunRow

IN_VIEW = 30


def played(runs: int, workers: int, slowest_s: float, alone: bool, seed: int) -> list[Any]:
    """Every question, with when it was sent, until no run is left.

    Args:
        workers: Questions that the gym works on at once; the others wait.
        slowest_s: How long it takes for one at most.
        alone: Whether it refuses questions about a whole scenario.
    """
    rng, now_s = random.Random(seed), 0.0
    status = RunStatus.model_construct(run_id="", scenario_id="hr", total=20)
    ids = [f"r{n}" for n in range(runs)]
    order = ListOrder()
    order.take(ids, 0)
    rows = {run_id: RunRow(run_id, b"", 0.0, status) for run_id in ids}
    store: Any = SimpleNamespace(runs=rows, order=order, rollouts_in=lambda _name: 20 * runs)
    log = RequestLog(past_runs=dict.fromkeys(ids))
    log.sweep.rounds = 1
    flights = Flights(log, store, 5.0)
    flights.catch_up.begun = True
    view = View(runs_in_view=tuple(ids[-IN_VIEW:]))
    free_s, coming = [0.0] * workers, list[tuple[float, int, float, Request, Any]]()
    sent: list[Any] = []
    while log.past_runs:
        for query in flights.take_past(view, now_s):
            task: Any = object()
            log.note_planned([query], now_s)
            flights.begin(query, task)
            sent.append((now_s, query))
            assert len(coming) < AT_ONCE
            done_s = max(now_s, heapq.heappop(free_s)) + rng.uniform(0.1, 1) * slowest_s
            heapq.heappush(free_s, done_s)
            heapq.heappush(coming, (done_s, len(sent), now_s, query, task))
        wait_s = flights.wait_s(view, now_s, past=True)
        if coming and (wait_s is None or coming[0][0] <= now_s + wait_s):
            now_s, _, sent_s, query, task = heapq.heappop(coming)
            if isinstance(query, ScenarioRollouts):
                log.scenario_answered(query, sent_s, now_s, useful=not alone)
                if not alone:
                    log.past_runs.clear()
            elif isinstance(query, RolloutsOf):
                flights.note_answer(query, sent_s, now_s)
                log.past_runs.pop(query.run_id, None)
            flights.end(query, task)
        else:
            assert wait_s is not None, "it stands still"
            now_s += wait_s
    return sent


@pytest.mark.parametrize(
    ("runs", "alone"), [(10, False), (10, True), (400, True), (2_000, True), (10_000, False)]
)
def test_however_many_there_are_it_ends_politely_and_asks_nothing_twice(
    runs: int, alone: bool
) -> None:
    gyms = [(1, 0.02), (3, 0.2), (8, 1.5)]
    for seed, (workers, slowest_s) in enumerate(gyms if runs < 1000 else gyms[1:2]):
        sent = played(runs, workers, slowest_s, alone, seed)
        asked = Counter(query for _, query in sent)
        assert set(asked.values()) == {1}
        times = [at_s for at_s, _ in sent]
        most = AT_ONCE + 10 * REQUESTS_PER_S
        assert all(bisect_left(times, at_s + 10) - at <= most for at, at_s in enumerate(times))
        singly = [query for query in asked if isinstance(query, RolloutsOf)]
        assert len(singly) == runs if alone else len(singly) <= 2 * IN_VIEW
