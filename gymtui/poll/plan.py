"""What to ask the gym next: `plan` is a pure function of what was seen, what is on screen and the time.

`Ledger` is what the poller remembers of its own questions; asking them is `poll.poller`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gymtui.store.delta import (
    PAGE_LIMIT,
    Observation,
    OneRun,
    Query,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
)
from gymtui.store.records import RunRow
from gymtui.store.store import Applied, Store

PAGE_OVERLAP = 20
"""Rows that neighbouring pages share, so that rows shifting by a few are neither lost nor doubled."""
SWEEP_S = 60.0
"""Within this many seconds every page of the run list is asked once."""
SUSPECTS_A_TICK = 4
RESULTS_IN_VIEW_A_TICK = 4
IDLE_INTERVAL_S = 30.0
BACKOFF_LIMIT_S = 60.0
JITTER = 0.1
ROLLOUT_BYTES = 120
"""What one rollout costs on the wire before any was seen: a compressed list item, roughly."""


@dataclass(frozen=True, slots=True)
class View:
    """What the person looks at and how often they want it.

    Attributes:
        interval_s: Seconds between ticks while anything is active.
        source: The `source` of the run list.
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


@dataclass(slots=True)
class Asked:
    """What is remembered of one question.

    Attributes:
        at_s: When it was last answered, monotonic seconds; None while it never was.
        wire_bytes: The size of that answer.
        failures: How often it failed since.
        not_before_s: It is left alone until then.
        counters: The run's counters when its rollouts were last listed.
    """

    at_s: float | None = None
    wire_bytes: int = 0
    failures: int = 0
    not_before_s: float = 0.0
    counters: tuple[int | None, ...] = ()


@dataclass(slots=True)
class Ledger:
    """The poller's memory: what was asked when, and which runs which page last held.

    Attributes:
        asked: By question.
        page_of: By run id, the offset of the page that last listed it.
        seen_in_round: Runs listed since the current sweep began.
        sweep_at: Offset of the page that the sweep asks next.
        round: Completed sweeps; 0 means that the first sync is still under way.
        suspects: Runs that a whole sweep did not list, in the order to ask them.
        hold_until_s: Nothing is asked before then (back-off, `Retry-After`).
        failures: Failures in a row of the link itself.
        quiet_ticks: Ticks in a row without anything active.
        results_wanted: Finished runs whose rollouts were not listed since, oldest wish first.
        grows_at_end: Whether new runs were last met on another page than the first.
    """

    asked: dict[Query, Asked] = field(default_factory=dict)
    page_of: dict[str, int] = field(default_factory=dict)
    seen_in_round: set[str] = field(default_factory=set)
    known_at_round: frozenset[str] = frozenset()
    sweep_at: int = 0
    round: int = 0
    suspects: dict[str, None] = field(default_factory=dict)
    hold_until_s: float = 0.0
    failures: int = 0
    quiet_ticks: int = 0
    results_wanted: dict[str, None] = field(default_factory=dict)
    grows_at_end: bool = False

    def of(self, query: Query) -> Asked:
        """The memory of a question, made on first use."""
        return self.asked.setdefault(query, Asked())

    @property
    def synced(self) -> bool:
        """Whether every page was seen once."""
        return self.round > 0

    def answered(self, seen: Observation, applied: Applied, store: Store, now_s: float) -> None:
        """Remember that a question was answered.

        Args:
            seen: The answer.
            applied: What it did to the store.
            store: The store after it.
            now_s: Monotonic seconds.
        """
        asked = self.of(seen.query)
        asked.at_s, asked.failures, asked.not_before_s = now_s, 0, 0.0
        asked.wire_bytes = seen.wire_bytes
        self.failures = 0
        for run_id in applied.delta.runs_added | applied.delta.runs_changed:
            if _wants_results(self, store.runs[run_id]):
                self.results_wanted[run_id] = None
        match seen.query:
            case RunsPage(offset=offset):
                self._page_answered(offset, applied, store)
            case OneRun(run_id=run_id):
                self.suspects.pop(run_id, None)
            case RolloutsOf(run_id=run_id):
                row = store.runs.get(run_id)
                asked.counters = row.counters if row is not None else ()
                self.results_wanted.pop(run_id, None)
                if not applied.ids and row is not None and row.run and row.run.total:
                    self.suspects[run_id] = None
            case RunningRollouts():
                pass

    def forget(self, run_ids: Iterable[str]) -> None:
        """Drop what is remembered of runs that are no longer known."""
        for run_id in run_ids:
            self.page_of.pop(run_id, None)
            self.suspects.pop(run_id, None)
            self.results_wanted.pop(run_id, None)
            self.asked.pop(OneRun(run_id), None)
            self.asked.pop(RolloutsOf(run_id), None)

    def failed(self, query: Query, now_s: float, interval_s: float, rng: random.Random) -> None:
        """Remember that one question failed while others are answered: only it waits."""
        asked = self.of(query)
        asked.failures += 1
        asked.not_before_s = now_s + backoff_s(asked.failures, interval_s, rng)

    def link_failed(
        self, now_s: float, interval_s: float, rng: random.Random, retry_after_s: float | None
    ) -> None:
        """Remember that nothing gets through: everything waits, at least `retry_after_s`."""
        self.failures += 1
        wait = max(backoff_s(self.failures, interval_s, rng), retry_after_s or 0.0)
        self.hold_until_s = max(self.hold_until_s, now_s + wait)

    def release(self) -> None:
        """Forget every wait: the person asked to refresh now."""
        self.hold_until_s = 0.0
        self.failures = 0
        self.quiet_ticks = 0
        for asked in self.asked.values():
            asked.not_before_s, asked.failures = 0.0, 0

    def _page_answered(self, offset: int, applied: Applied, store: Store) -> None:
        for run_id in applied.ids:
            self.page_of[run_id] = offset
            self.suspects.pop(run_id, None)
        self.seen_in_round.update(applied.ids)
        if self.synced and applied.delta.runs_added:
            self.grows_at_end = offset > 0
        if offset != self.sweep_at:
            return
        count = len(applied.ids)
        if applied.total is None:
            last = count < PAGE_LIMIT
        else:
            last = not count or offset + count >= applied.total
        if not last:
            # A server may give smaller pages than it was asked for.
            self.sweep_at = offset + count - min(PAGE_OVERLAP, count // 2)
            return
        for run_id in self.known_at_round - self.seen_in_round:
            row = store.runs.get(run_id)
            if row is not None and not row.gone and row.malformed is None:
                self.suspects[run_id] = None
        self.round += 1
        self.sweep_at = 0
        self.seen_in_round = set()
        self.known_at_round = frozenset(store.runs)


def backoff_s(failures: int, interval_s: float, rng: random.Random) -> float:
    """How long to wait after so many failures in a row: doubling, capped, jittered.

    Args:
        failures: At least 1.
        interval_s: The ordinary interval, which is the first wait.
        rng: Where the jitter comes from.

    Returns:
        Seconds, at most `BACKOFF_LIMIT_S` and a tenth.
    """
    wait = min(BACKOFF_LIMIT_S, interval_s * 2.0 ** (min(failures, 10) - 1))
    return wait * rng.uniform(1 - JITTER, 1 + JITTER)


def pause_s(ledger: Ledger, view: View, now_s: float, rng: random.Random) -> float:
    """Seconds until the next tick.

    The first sync does not pause between its pages; a gym with nothing active is asked ever
    less often, down to every `IDLE_INTERVAL_S`; a link that fails is left alone until its hold ends.
    """
    if ledger.hold_until_s > now_s:
        return ledger.hold_until_s - now_s
    if not ledger.synced and not ledger.of(_page(view, ledger.sweep_at)).failures:
        return 0.0
    wait = view.interval_s
    if ledger.quiet_ticks:
        wait = max(wait, min(IDLE_INTERVAL_S, wait * 2.0 ** min(ledger.quiet_ticks - 1, 10)))
    return wait * rng.uniform(1 - JITTER, 1 + JITTER)


def plan(ledger: Ledger, store: Store, view: View, now_s: float) -> list[Query]:
    """The questions of this tick, most wanted first, none twice.

    Args:
        ledger: What was asked before.
        store: What is known.
        view: What is on screen.
        now_s: Monotonic seconds.

    Returns:
        Questions; empty while the link is held.
    """
    if now_s < ledger.hold_until_s:
        return []
    wanted: dict[Query, None] = {}
    active = {run_id: store.runs[run_id] for run_id in store.active_runs}
    if view.open_run is not None:
        wanted.update(_open_run(ledger, store, view.open_run))
    wanted[_page(view, 0)] = None
    if ledger.grows_at_end and store.total_runs:
        wanted[_page(view, max(0, store.total_runs - PAGE_LIMIT + PAGE_OVERLAP))] = None
    wanted.update(dict.fromkeys(_rollouts(ledger, store, view, active)))
    wanted.update(dict.fromkeys(_active_pages(ledger, view, active)))
    wanted.update(dict.fromkeys(_sweep(ledger, store, view)))
    wanted.update(dict.fromkeys(_results(ledger, store, view)))
    for run_id in list(ledger.suspects)[:SUSPECTS_A_TICK]:
        wanted[OneRun(run_id)] = None
    return [query for query in wanted if ledger.of(query).not_before_s <= now_s]


def nothing_active(store: Store, ledger: Ledger) -> bool:
    """Whether no known run has anything left to do, so that the pace may slow down."""
    return ledger.synced and not store.active_runs


def _page(view: View, offset: int) -> RunsPage:
    return RunsPage(offset, PAGE_LIMIT, view.source, view.scenario_id)


def _open_run(ledger: Ledger, store: Store, run_id: str) -> dict[Query, None]:
    row = store.runs.get(run_id)
    if row is not None and row.gone:
        return {}
    if row is None:
        return {OneRun(run_id): None, RolloutsOf(run_id): None}
    if not row.active and _results_seen(ledger, row) and store.knows_rollouts_of(run_id):
        return {}
    return {RolloutsOf(run_id): None}


def _results_seen(ledger: Ledger, row: RunRow) -> bool:
    """Whether the run's rollouts were listed since its counters last moved."""
    asked = ledger.asked.get(RolloutsOf(row.run_id))
    return asked is not None and asked.at_s is not None and asked.counters == row.counters


def _rollouts(
    ledger: Ledger, store: Store, view: View, active: Mapping[str, RunRow]
) -> list[Query]:
    """Rollouts of active runs: run by run or all running at once, whichever is smaller.

    The one answer for all holds only what runs, so that runs whose counters moved since their
    rollouts were listed are asked singly beside it.
    """
    in_view = [run_id for run_id in view.runs_in_view if run_id in active]
    ordered = [RolloutsOf(run_id) for run_id in dict.fromkeys([*in_view, *active])]
    moved = [query for query in ordered if not _results_seen(ledger, active[query.run_id])]
    everything = RunningRollouts(view.scenario_id)
    running = sum((row.run.running or 0) if row.run else 0 for row in active.values())
    one_by_one = sum(_cost(ledger, query, active[query.run_id]) for query in ordered)
    asked = ledger.asked.get(everything)
    at_once = asked.wire_bytes if asked and asked.at_s is not None else running * ROLLOUT_BYTES
    at_once += sum(_cost(ledger, query, active[query.run_id]) for query in moved)
    if len(ordered) > 1 and at_once < one_by_one:
        return [everything, *moved]
    return list(ordered)


def _cost(ledger: Ledger, query: RolloutsOf, row: RunRow) -> int:
    asked = ledger.asked.get(query)
    if asked is not None and asked.at_s is not None:
        return asked.wire_bytes
    return ROLLOUT_BYTES * ((row.run.total or 1) if row.run else 1)


def _active_pages(ledger: Ledger, view: View, active: Mapping[str, RunRow]) -> list[Query]:
    """The pages that last held active runs; a run that no page ever held is asked singly."""
    offsets = {ledger.page_of[run_id] for run_id in active if run_id in ledger.page_of}
    lost = [OneRun(run_id) for run_id in active if run_id not in ledger.page_of]
    return [*(_page(view, offset) for offset in sorted(offsets)), *lost[:SUSPECTS_A_TICK]]


def _sweep(ledger: Ledger, store: Store, view: View) -> list[Query]:
    """The next page of the sweep; more than one a tick when a round would else pass `SWEEP_S`."""
    pages = math.ceil((store.total_runs or 0) / (PAGE_LIMIT - PAGE_OVERLAP))
    a_tick = max(1, math.ceil(pages * view.interval_s / SWEEP_S)) if ledger.synced else 1
    step = PAGE_LIMIT - PAGE_OVERLAP
    offsets = [ledger.sweep_at + step * index for index in range(a_tick)]
    return [
        _page(view, offset)
        for offset in offsets
        if offset == ledger.sweep_at or offset < (store.total_runs or 0)
    ]


def _results(ledger: Ledger, store: Store, view: View) -> list[Query]:
    """Finished runs whose results were never seen: some of those in view, else one of the rest."""
    found: list[Query] = []
    for run_id in view.runs_in_view:
        row = store.runs.get(run_id)
        if row is not None and _wants_results(ledger, row):
            found.append(RolloutsOf(run_id))
            if len(found) == RESULTS_IN_VIEW_A_TICK:
                return found
    if not found and ledger.synced:
        found.extend(RolloutsOf(run_id) for run_id in list(ledger.results_wanted)[:1])
    return found


def _wants_results(ledger: Ledger, row: RunRow) -> bool:
    if row.active or row.gone or row.run is None:
        return False
    return bool(row.run.total) and not _results_seen(ledger, row)
