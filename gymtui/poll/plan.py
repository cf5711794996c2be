"""What to ask the gym next: `plan` is pure, a function of what was seen, what is shown and when.

What was asked before is `poll.request_log`; asking is `poll.poller`.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from gymtui.poll.request_log import JITTER, SWEEP_S, RequestLog, running_of
from gymtui.store.delta import (
    PAGE_LIMIT,
    OneRun,
    Query,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
)
from gymtui.store.store import Store

SUSPECTS_A_TICK = 4
RESULTS_IN_VIEW_A_TICK = 4
SINGLY_A_TICK = 40
"""Active runs asked one by one in a tick, at most: those asked longest ago."""
IDLE_INTERVAL_S = 30.0
SLOWING = 1.1
ANEW = 0.7
"""A question is not asked again before this share of the interval: ticks jitter, keys wake."""

ROLLOUT_BYTES = 120
"""What one rollout costs on the wire before any was seen: a compressed list item, roughly."""
RUN_BYTES = 60
"""What one run costs in a page, likewise."""
REQUEST_BYTES = 400
"""What a request costs beside its body: headers both ways, roughly."""

REMEASURED_S = 600.0
"""For how long it is believed how large the answer about all running rollouts last was."""

_PLAIN_ID = re.compile(r"[\w-]+", re.ASCII)
"""Ids that need no escaping in a path: some proxies stumble over others and say 404."""


@dataclass(frozen=True, slots=True)
class View:
    """What the person looks at and how often they want it.

    Attributes:
        interval_s: Seconds between ticks while anything is active.
        source: The `source` of the run list; like `scenario_id` fixed for a store's life.
        scenario_id: The scenario it is narrowed to, or None.
        open_run: The run whose rollouts are on screen, or None.
        runs_in_view: Ids of the runs on screen, top to bottom.
        all_running: Whether every running rollout is on screen.
    """

    interval_s: float = 2.0
    source: str | None = None
    scenario_id: str | None = None
    open_run: str | None = None
    runs_in_view: tuple[str, ...] = ()
    all_running: bool = False


def plan(ledger: RequestLog, store: Store, view: View, now_s: float) -> list[Query]:
    """The questions to ask now, most wanted first, none twice, none that was just asked.

    Args:
        ledger: What was asked before.
        store: What is known.
        view: What is on screen.
        now_s: Monotonic seconds.

    Returns:
        Questions; one alone while nothing gets through, and none while the link is held.
    """
    if now_s < ledger.held_until_s():
        return []
    wanted = dict.fromkeys(wants(ledger, store, view, now_s))
    if ledger.struggling:
        # Another each time, lest the only one tried is the only one that cannot work.
        return [min(wanted, key=lambda query: ledger.recall(query).failures)]
    return [query for query in wanted if _due(ledger, query, view, now_s)]


def wants(ledger: RequestLog, store: Store, view: View, now_s: float) -> Iterator[Query]:
    """What is wanted at this moment, due already or not, most wanted first; some of it twice."""
    yield from _opened(ledger, store, view)
    yield _page(view, 0)
    if (ledger.grows_at_end or ledger.tail_due) and store.total_runs:
        size = ledger.sweep.page_size
        yield _page(view, max(0, store.total_runs - size + ledger.sweep.overlap))
    yield from _rollouts(ledger, store, view, now_s)
    yield from _active_runs(ledger, store, view)
    if sweep_due(ledger, store, now_s):
        yield _page(view, ledger.sweep.next)
    yield from _results(ledger, view, now_s)
    for run_id in islice(ledger.suspects, SUSPECTS_A_TICK):
        yield OneRun(run_id)


def sweep_due(ledger: RequestLog, store: Store, now_s: float) -> bool:
    """Whether the next page of the sweep is due: at once at first, then once round in `SWEEP_S`."""
    sweep = ledger.sweep
    if not sweep.rounds or sweep.began_s is None:
        return True
    rows = store.total_runs if store.total_runs is not None else len(store.runs)
    return sweep.next <= rows * (now_s - sweep.began_s) / SWEEP_S


def pace_s(ledger: RequestLog, view: View) -> float:
    """Seconds between ticks just now: ever slower while there is nothing to wait for.

    Each pause is a tenth longer than the one before, so that a run launched elsewhere is seen
    within a tenth of the time for which nothing had happened, and never later than
    `IDLE_INTERVAL_S`: doubling would be at that limit within half a minute.
    """
    if not ledger.quiet_ticks:
        return view.interval_s
    slower = view.interval_s * SLOWING ** min(ledger.quiet_ticks - 1, 100)
    return max(view.interval_s, min(IDLE_INTERVAL_S, slower))


def pause_s(ledger: RequestLog, view: View, now_s: float, rng: random.Random) -> float:
    """Seconds until the next tick: its pace, jittered; while the link is held, until that ends."""
    held_s = ledger.held_until_s() - now_s
    if held_s > 0:
        return held_s
    return pace_s(ledger, view) * rng.uniform(1 - JITTER, 1 + JITTER)


def quiet(ledger: RequestLog, store: Store) -> bool:
    """Whether there is nothing to wait for: all read, nothing active, no results outstanding."""
    return ledger.synced and not (store.active_runs or ledger.wanted or ledger.suspects)


def seen_s(ledger: RequestLog, store: Store, view: View) -> float | None:
    """When what is on screen was last answered.

    Returns:
        Monotonic seconds; None if it never was.
    """
    head_s = ledger.recall(_page(view, 0)).answered_s
    if view.open_run is not None:
        row = store.runs.get(view.open_run)
        gone = row.is_deleted if row is not None else ledger.recall(OneRun(view.open_run)).missing
        moves = row is None or row.active or not store.knows_rollouts_of(view.open_run)
        asked = ledger.recall(RolloutsOf(view.open_run))
        return asked.answered_s if moves and not gone and not asked.forbidden else head_s
    if view.all_running and store.active_runs:
        every_s = ledger.recall(RunningRollouts(view.scenario_id)).answered_s
        seen = store.active_runs - ledger.shut.keys()
        each_s = [ledger.recall(RolloutsOf(run_id)).answered_s or -math.inf for run_id in seen]
        newest_s = max(min(each_s, default=-math.inf), -math.inf if every_s is None else every_s)
        return newest_s if newest_s > -math.inf else None if seen else head_s
    return head_s


# -- parts ---------------------------------------------------------------------------------


def _page(view: View, offset: int) -> RunsPage:
    return RunsPage(offset, PAGE_LIMIT, view.source, view.scenario_id)


def _due(ledger: RequestLog, query: Query, view: View, now_s: float) -> bool:
    asked = ledger.recall(query)
    if asked.planned_s < ledger.forced_s:
        return True
    return now_s >= asked.not_before_s and now_s - asked.planned_s >= ANEW * view.interval_s


def _settled(ledger: RequestLog, store: Store, run_id: str) -> bool:
    """Whether there is nothing more to learn of a run: finished, and all its results are held."""
    row = store.runs.get(run_id)
    if row is None:
        return False
    finished = not row.active and run_id not in ledger.wanted
    return row.is_deleted or (finished and store.knows_rollouts_of(run_id))


def _opened(ledger: RequestLog, store: Store, view: View) -> Iterator[Query]:
    run_id = view.open_run
    if run_id is None:
        return
    if run_id not in store.runs:
        yield OneRun(run_id)
        if ledger.recall(OneRun(run_id)).missing:
            return
    rollouts = RolloutsOf(run_id)
    forced = ledger.recall(rollouts).planned_s < ledger.forced_s
    if forced or not _settled(ledger, store, run_id):
        yield rollouts


def _rollouts(ledger: RequestLog, store: Store, view: View, now_s: float) -> Iterator[Query]:
    """Rollouts of active runs: run by run or all running at once, whichever is smaller.

    The one answer for all holds only what runs, so that runs whose counters moved since their
    rollouts were listed are asked singly beside it.
    """
    active = store.active_runs
    moved = [run_id for run_id in active if not ledger.listed_since_moved(run_id)]
    each = REQUEST_BYTES * len(active) + sum(_cost(ledger, store, run_id) for run_id in active)
    everything = RunningRollouts(view.scenario_id)
    answered_s = ledger.recall(everything).answered_s
    expected = running_of(store)
    rollout_bytes = float(ROLLOUT_BYTES)
    if answered_s is not None and now_s - answered_s < REMEASURED_S:
        expected += ledger.unlisted_running
        rollout_bytes = ledger.running_bytes or rollout_bytes
    at_once = REQUEST_BYTES + rollout_bytes * expected
    at_once += REQUEST_BYTES * len(moved) + sum(_cost(ledger, store, i) for i in moved)
    if len(active) > 1 and at_once < each:
        yield everything
        yield from _singly(ledger, view, moved)
    else:
        yield from _singly(ledger, view, active)


def _singly(ledger: RequestLog, view: View, run_ids: Iterable[str]) -> list[Query]:
    """Those in view, then those asked longest ago, so that none is left out for ever."""
    left = dict.fromkeys(run_ids)
    in_view = [run_id for run_id in view.runs_in_view if run_id in left]
    for run_id in in_view:
        del left[run_id]
    room = max(0, SINGLY_A_TICK - len(in_view))
    return [*map(RolloutsOf, in_view), *_oldest(ledger, map(RolloutsOf, left), room)]


def _oldest(ledger: RequestLog, queries: Iterable[Query], room: int) -> list[Query]:
    ordered = list(queries)
    if len(ordered) > room:
        ordered.sort(key=lambda query: ledger.recall(query).planned_s)
    return ordered[:room]


def _cost(ledger: RequestLog, store: Store, run_id: str) -> int:
    asked = ledger.recall(RolloutsOf(run_id))
    if asked.answered_s is not None:
        return asked.wire_bytes
    run = store.runs[run_id].run
    return ROLLOUT_BYTES * ((run.total if run is not None else None) or 1)


def _active_runs(ledger: RequestLog, store: Store, view: View) -> Iterator[Query]:
    """The pages that hold active runs, or these runs singly, whichever is smaller.

    A run that its page no longer lists is asked singly: it has moved to another page, or is gone.
    """
    on_page: dict[int | None, list[str]] = {}
    for run_id in store.active_runs:
        on_page.setdefault(ledger.page_of.get(run_id), []).append(run_id)
    on_page.pop(0, None)  # the head is asked anyway
    yield from _oldest(ledger, map(OneRun, on_page.pop(None, [])), SINGLY_A_TICK)
    for offset, run_ids in sorted((page, ids) for page, ids in on_page.items() if page):
        page = _page(view, offset)
        page_bytes = REQUEST_BYTES + (ledger.recall(page).wire_bytes or RUN_BYTES * PAGE_LIMIT)
        smaller = len(run_ids) * (REQUEST_BYTES + RUN_BYTES) < page_bytes
        if smaller and all(map(_PLAIN_ID.fullmatch, run_ids)):
            yield from map(OneRun, run_ids)
        else:
            yield page


def _results(ledger: RequestLog, view: View, now_s: float) -> Iterator[Query]:
    """Finished runs without their results.

    All that have just finished; of those never seen some that are in view, else one of the rest;
    what is forbidden in its time.
    """

    def ready(run_ids: Iterable[str], most: int) -> list[Query]:
        queries = map(RolloutsOf, run_ids)
        return list(islice((q for q in queries if ledger.recall(q).not_before_s <= now_s), most))

    yield from ready(ledger.awaiting_results, SINGLY_A_TICK)
    yield from ready(ledger.shut, RESULTS_IN_VIEW_A_TICK)
    in_view = ready((i for i in view.runs_in_view if i in ledger.wanted), RESULTS_IN_VIEW_A_TICK)
    yield from in_view
    if not in_view and ledger.synced:
        yield from ready(islice(ledger.wanted, SINGLY_A_TICK), 1)
