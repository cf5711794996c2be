"""What to ask the gym next: `plan` is pure, a function of what was seen, what is shown and when.

What was asked before is `poll.request_log`; asking is `poll.poller`.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Collection, Iterable, Iterator, Set
from itertools import islice

from msgspec import Struct

from gymtui.poll.catch_up import may_ask_scenario
from gymtui.poll.request_log import SWEEP_S, RequestLog, running_of
from gymtui.poll.request_state import JITTER, LEFT_S
from gymtui.poll.view import View
from gymtui.store.delta import (
    PAGE_LIMIT,
    OneRun,
    Request,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
    ScenarioRollouts,
)
from gymtui.store.store import Store

SUSPECTS_A_TICK = 4
FORBIDDEN_A_TICK = 4
JUST_FINISHED_A_TICK = 40
REST_SHARE = 4  # of the requests of a tick one in so many goes to what is not on screen, at least
ONE_BY_ONE = 4
"""Active runs of one page that are asked singly, at most: their requests count, not bytes alone."""
UNBOUNDED = 1_000_000
MANY_RUNNING = 500
"""More running rollouts than these are asked about each tick only where all are on screen."""
MANY_EVERY_S = 10.0  # and else so often; so are all rollouts of a scenario, at most
IDLE_INTERVAL_S = 30.0
SLOWING = 1.1
OWN_S = 120.0
"""Whether the gym answers here, too, is found out so often, whatever a recorder brings."""
ANEW = 0.7
"""A question is not asked again before this share of the interval: ticks jitter, keys wake."""

ROLLOUT_BYTES = 120
"""What one rollout costs on the wire before any was seen: a compressed list item, roughly."""
RUN_BYTES = 60  # what one run costs in a page, likewise
REQUEST_BYTES = 400  # what a request costs beside its body: headers both ways, roughly

REMEASURED_S = 600.0
"""For how long it is believed how large the answer about all running rollouts last was."""

_PLAIN_ID = re.compile(r"[\w-]+", re.ASCII)
"""Ids that need no escaping in a path: some proxies stumble over others and say 404."""


def plan(
    log: RequestLog, store: Store, view: View, now_s: float, room: int = UNBOUNDED
) -> list[Request]:
    """The questions to ask now, most wanted first, none twice, none that was just asked.

    One alone while nothing gets through, and none while the link is held.
    """
    if now_s < log.held_until_s():
        return []
    if log.struggling:
        # Another each time, lest the only one tried is the only one that cannot work.
        wanted = dict.fromkeys(wants(log, store, view, now_s))
        return [min(wanted, key=lambda query: log.recall(query).failures)]

    def due(queries: Iterable[Request]) -> list[Request]:
        found = (q for q in dict.fromkeys(queries) if _due(log, q, view, now_s))
        return [query for query in found if not _is_spared(log, query, view, now_s)]

    rollouts = _rollouts(log, store, view, now_s, room)
    first = due(on_screen(log, store, view, rollouts, now_s))
    known = set(first)
    rest = [q for q in due(off_screen(log, store, view, rollouts, now_s)) if q not in known]
    if room < REST_SHARE:
        # Too few to be shared each tick: in turn, what is on screen so many times as often.
        def age(query: Request) -> float:
            return (now_s - log.recall(query).planned_s) * (REST_SHARE if query in known else 1)

        return sorted(first + rest, key=age, reverse=True)[: max(1, room)]
    share = min(len(rest), room // REST_SHARE)
    if len(first) > room - share:
        opened = [query for query in _opened(log, store, view) if query in known]
        others = (query for query in first if query not in opened)
        first = [*opened, *_oldest_first(log, others)][: room - share]
    return first + rest[: max(share, room - len(first))]


def wants(
    log: RequestLog, store: Store, view: View, now_s: float, room: int = UNBOUNDED
) -> Iterator[Request]:
    """What is wanted at this moment, due already or not, most wanted first; some of it twice."""
    rollouts = _rollouts(log, store, view, now_s, room)
    yield from on_screen(log, store, view, rollouts, now_s)
    yield from off_screen(log, store, view, rollouts, now_s)
    yield from map(RolloutsOf, log.wanted)


def on_screen(
    log: RequestLog, store: Store, view: View, rollouts: _Rollouts, now_s: float
) -> Iterator[Request]:
    """What is asked each tick: what is on screen, and the counters of what is active.

    While a recorder brings the rest, of that what is on screen alone.
    """
    recorded = log.recorder.brings(now_s)
    yield from _opened(log, store, view)
    yield _page(view, 0)
    if (log.grows_at_end or log.tail_due) and store.total_runs and not recorded:
        size = log.sweep.page_size
        yield _page(view, max(0, store.total_runs - size + log.sweep.overlap))
    counted = {view.open_run, *view.runs_in_view}
    yield from _counters(log, store, view, store.active_runs & counted if recorded else None)
    yield from rollouts.together
    in_view = set(view.runs_in_view)
    singly = [RolloutsOf(i) for i in view.runs_in_view if i in rollouts.singly]
    singly += [RolloutsOf(i) for i in log.awaiting_results if i in in_view]
    yield from _oldest_first(log, singly)


def off_screen(
    log: RequestLog, store: Store, view: View, rollouts: _Rollouts, now_s: float
) -> Iterator[Request]:
    """What is asked in turn, what was asked longest ago first."""
    recorded = log.recorder.brings(now_s)

    def is_left(run_id: str) -> bool:
        """Whether it is left to a recorder."""
        return recorded and not _is_overdue(log, view, run_id, now_s)

    results = (RolloutsOf(i) for i in log.awaiting_results if not is_left(i))
    ready = (query for query in results if _ready(log, query, now_s))
    yield from islice(ready, JUST_FINISHED_A_TICK)
    if sweep_due(log, store, now_s) and not recorded:
        yield _page(view, log.sweep.next)
    # Those that their page no longer lists have moved to another page, or are gone.
    queries: list[Request] = [OneRun(i) for i in store.active_runs if i not in log.page_of]
    # The answer about their scenario is on its way.
    covered = rollouts.in_scenarios
    in_view = set(view.runs_in_view)
    singly = (i for i in store.active_runs if not is_left(i)) if recorded else rollouts.singly
    queries += [RolloutsOf(i) for i in singly if i not in in_view and i not in covered]
    yield from _oldest_first(log, queries)
    yield from islice(
        (q for q in map(RolloutsOf, log.forbidden_runs) if _ready(log, q, now_s)), FORBIDDEN_A_TICK
    )
    yield from map(OneRun, islice(log.suspects, SUSPECTS_A_TICK))


def sweep_due(log: RequestLog, store: Store, now_s: float) -> bool:
    """Whether the next page of the sweep is due: at once at first, then once round in `SWEEP_S`."""
    sweep = log.sweep
    if not sweep.rounds or sweep.began_s is None:
        return True
    rows = store.total_runs if store.total_runs is not None else len(store.runs)
    return sweep.next <= rows * (now_s - sweep.began_s) / SWEEP_S


def pace_s(log: RequestLog, view: View) -> float:
    """Seconds between ticks just now: ever slower while there is nothing to wait for.

    Each pause is a tenth longer than the one before, so that a run launched elsewhere is seen
    within a tenth of the time for which nothing had happened, and never later than
    `IDLE_INTERVAL_S`: doubling would be at that limit within half a minute.
    """
    if not log.quiet_ticks:
        return view.interval_s
    slower = view.interval_s * SLOWING ** min(log.quiet_ticks - 1, 100)
    return max(view.interval_s, min(IDLE_INTERVAL_S, slower))


def pause_s(log: RequestLog, view: View, now_s: float, rng: random.Random) -> float:
    """Seconds until the next tick: its pace, jittered; while the link is held, until that ends."""
    held_s = log.held_until_s() - now_s
    if held_s > 0:
        return held_s
    return pace_s(log, view) * rng.uniform(1 - JITTER, 1 + JITTER)


def is_quiet(log: RequestLog, store: Store) -> bool:
    """Whether there is nothing to wait for: all read, nothing active, no results outstanding."""
    return log.synced and not (store.active_runs or log.wanted or log.suspects)


def seen_s(log: RequestLog, store: Store, view: View) -> float | None:
    """When what is on screen was last answered, monotonic seconds; None if it never was."""
    head_s = log.recall(_page(view, 0)).answered_s
    if view.open_run is not None:
        row = store.runs.get(view.open_run)
        is_gone = row.is_deleted if row is not None else log.recall(OneRun(view.open_run)).missing
        moves = row is None or row.active or not store.knows_rollouts_of(view.open_run)
        state = log.recall(RolloutsOf(view.open_run))
        return state.answered_s if moves and not is_gone and not state.forbidden else head_s
    if view.all_running and store.active_runs:
        every_s = log.recall(RunningRollouts(view.scenario_id)).answered_s
        seen = store.active_runs - log.forbidden_runs.keys()
        each_s = [log.recall(RolloutsOf(run_id)).answered_s or -math.inf for run_id in seen]
        newest_s = max(min(each_s, default=-math.inf), -math.inf if every_s is None else every_s)
        return newest_s if newest_s > -math.inf else None if seen else head_s
    return head_s


def _page(view: View, offset: int) -> RunsPage:
    return RunsPage(offset, PAGE_LIMIT, view.source, view.scenario_id)


def _due(log: RequestLog, query: Request, view: View, now_s: float) -> bool:
    state = log.recall(query)
    if state.planned_s < log.forced_s:
        return True
    return now_s >= state.not_before_s and now_s - state.planned_s >= ANEW * view.interval_s


def _is_spared(log: RequestLog, query: Request, view: View, now_s: float) -> bool:
    """Whether a recorder has just asked it for a whole team; what is open is asked by each."""
    state = log.recall(query)
    if state.planned_s < log.forced_s or not log.recorder.spares(state.sent_s, now_s):
        return False
    if isinstance(query, RunsPage) and not query.offset:
        return now_s - state.planned_s < OWN_S
    is_open = isinstance(query, RolloutsOf) and query.run_id == view.open_run
    return not (is_open or view.all_running)


def _is_overdue(log: RequestLog, view: View, run_id: str, now_s: float) -> bool:
    seen_s = log.recall(RolloutsOf(run_id)).answered_s or -math.inf
    behind_s = log.behind_s(run_id)
    if behind_s is None:
        running = log.recall(RunningRollouts(view.scenario_id))
        return now_s - max(seen_s, running.answered_s or -math.inf) >= LEFT_S
    return now_s - max(seen_s, behind_s) >= LEFT_S


def _settled(log: RequestLog, store: Store, run_id: str) -> bool:
    """Whether there is nothing more to learn of a run: finished, and all its results are held."""
    row = store.runs.get(run_id)
    if row is None:
        return False
    finished = not row.active and run_id not in log.wanted
    return row.is_deleted or (finished and store.knows_rollouts_of(run_id))


def _opened(log: RequestLog, store: Store, view: View) -> Iterator[Request]:
    run_id = view.open_run
    if run_id is None:
        return
    if run_id not in store.runs:
        yield OneRun(run_id)
        if log.recall(OneRun(run_id)).missing:
            return
    rollouts = RolloutsOf(run_id)
    forced = log.recall(rollouts).planned_s < log.forced_s
    if forced or not _settled(log, store, run_id):
        yield rollouts


class _Rollouts(Struct, frozen=True):
    together: tuple[Request, ...]  # questions about many runs at once
    singly: Collection[str]  # runs to be asked one by one
    # Those of them that a question about their scenario covers in its time.
    in_scenarios: frozenset[str] = frozenset()


def _rollouts(log: RequestLog, store: Store, view: View, now_s: float, room: int) -> _Rollouts:
    """Rollouts of active runs: run by run or all running at once, whichever is smaller.

    The one answer for all holds only what runs, so that runs whose counters moved since their
    rollouts were listed are asked singly beside it. Where these are more than there is room for,
    their scenario is asked as a whole now and then.
    """
    active: Set[str] = store.active_runs
    if log.recorder.brings(now_s) and not view.all_running:
        active = active & set(view.runs_in_view)
    moved = [run_id for run_id in active if not log.listed_since_moved(run_id)]
    expected = running_of(store)
    rollout_bytes = float(ROLLOUT_BYTES)
    everything = RunningRollouts(view.scenario_id)
    answered_s = log.recall(everything).answered_s
    if answered_s is not None and now_s - answered_s < REMEASURED_S:
        expected += log.unlisted_running
        rollout_bytes = log.running_bytes or rollout_bytes
    at_once = REQUEST_BYTES + rollout_bytes * expected
    at_once += REQUEST_BYTES * len(moved) + sum(_cost(log, store, i) for i in moved)
    together: list[Request] = []
    singly: Collection[str] = active
    if len(active) > 1:
        each = REQUEST_BYTES * len(active) + sum(_cost(log, store, i) for i in active)
        if len(active) > room or at_once < each:
            singly = moved
            together = [everything]
    by_scenario: dict[str, list[str]] = {}
    for run_id in singly:
        run = store.runs[run_id].run
        if run is not None and run.scenario_id is not None:
            by_scenario.setdefault(run.scenario_id, []).append(run_id)
    covered: set[str] = set()
    for scenario, run_ids in by_scenario.items():
        if len(run_ids) > room // 2 and may_ask_scenario(log, store, scenario):
            covered.update(run_ids)
            whole = ScenarioRollouts(scenario)
            if now_s - log.recall(whole).planned_s >= MANY_EVERY_S:
                together.append(whole)
    # Of so many each takes a step all the time, which is shown of few and summed of none.
    if everything in together and expected > MANY_RUNNING and not view.all_running:
        runs = (store.runs[run_id].run for run_id in active)
        wholes = {ScenarioRollouts(run.scenario_id or "") for run in runs if run is not None}
        # Whoever asks for all rollouts of their scenarios need not ask for those that run.
        by_whole_s = min(now_s if q in together else log.recall(q).planned_s for q in wholes)
        if now_s - max(by_whole_s, log.recall(everything).planned_s) < MANY_EVERY_S:
            together.remove(everything)
    return _Rollouts(tuple(together), singly, frozenset(covered))


def _oldest_first(log: RequestLog, queries: Iterable[Request]) -> list[Request]:
    return sorted(queries, key=lambda query: log.recall(query).planned_s)


def _ready(log: RequestLog, query: Request, now_s: float) -> bool:
    return log.recall(query).not_before_s <= now_s


def _cost(log: RequestLog, store: Store, run_id: str) -> int:
    state = log.recall(RolloutsOf(run_id))
    if state.answered_s is not None:
        return state.wire_bytes
    run = store.runs[run_id].run
    return ROLLOUT_BYTES * ((run.total if run is not None else None) or 1)


def _counters(
    log: RequestLog, store: Store, view: View, wanted: Collection[str] | None
) -> Iterator[Request]:
    """The pages that hold active runs, or these runs singly, whichever is smaller."""
    on_page: dict[int, list[str]] = {}
    for run_id in store.active_runs if wanted is None else wanted:
        if page := log.page_of.get(run_id):  # the head is asked anyway
            on_page.setdefault(page, []).append(run_id)
    for offset, run_ids in sorted(on_page.items()):
        page_query = _page(view, offset)
        page_bytes = REQUEST_BYTES + (log.recall(page_query).wire_bytes or RUN_BYTES * PAGE_LIMIT)
        smaller = len(run_ids) * (REQUEST_BYTES + RUN_BYTES) < page_bytes
        few = len(run_ids) <= ONE_BY_ONE and all(map(_PLAIN_ID.fullmatch, run_ids))
        if smaller and few:
            yield from map(OneRun, run_ids)
        else:
            yield page_query
