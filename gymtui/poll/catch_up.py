"""Catching up: the results of runs that had finished before anybody looked, read once.

It has a budget of its own beside that of `poll.plan`, so that neither is late because of the
other, and is polite all the same: few at once, fewer as soon as answers slow down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator

from msgspec import Struct, field

from gymtui.poll.budget import FlightLimit, RequestBudget, UsualTime
from gymtui.poll.request_log import RequestLog
from gymtui.poll.view import View
from gymtui.store.delta import OneRun, Request, RolloutsOf, RunningRollouts, ScenarioRollouts
from gymtui.store.store import Store

AT_ONCE = 8
REQUESTS_PER_S = 20.0
ENDS = 2
GIVEN_UP = 3  # what failed so often is left for later: nothing waits for it, and that is said
SCENARIO_RUNS = 8  # a scenario is asked as a whole for so many runs at least
SCENARIO_SHARE = 0.25  # and when so much of what it answers is wanted
SCENARIO_BYTES = 200_000_000
"""The largest answer about a whole scenario that is asked for, decompressed: it is taken in as it
comes, but a gym may read all of it before it begins to send."""


class CatchUp(Struct):
    """How far catching up has come."""

    # Whether what earlier sessions kept is known: until then nobody knows what is left.
    begun: bool = False
    over: bool = False  # whether it has ended
    # Its requests a second.
    budget: RequestBudget = field(
        default_factory=lambda: RequestBudget(REQUESTS_PER_S, burst=float(AT_ONCE))
    )
    # Its requests under way at once.
    flights: FlightLimit = field(default_factory=lambda: FlightLimit(AT_ONCE))
    # How long an answer about one run usually takes.
    usual: UsualTime = field(default_factory=UsualTime)
    _scenarios: list[str] | None = None

    def next_request(
        self, log: RequestLog, store: Store, view: View, busy: Container[Request], now_s: float
    ) -> Request | None:
        """What to ask next: whole scenarios, what is in view meanwhile, then the rest.

        None when there is nothing, or not just now.
        """
        if not self.begun or log.struggling or now_s < log.held_until_s():
            return None
        if log.recorder.catches_up(now_s):
            return None
        if log.synced and self._scenarios is None:
            self._scenarios = list(_scenarios_worth_asking(log, store))
        for query in self._in_order(log, store, view, busy):
            if query not in busy and log.recall(query).not_before_s <= now_s:
                return query
        return None

    def anew(self) -> None:
        """The person asks to refresh: what failed is tried again."""
        self._scenarios = None

    def is_reading(self, log: RequestLog, *, under_way: bool) -> bool:
        """Whether results of past runs are still to come in, or on their way to the screens."""
        if not (self.over or under_way) and self.begun and log.synced and not any(_left(log)):
            self.over = True
        return not self.over

    def _in_order(
        self, log: RequestLog, store: Store, view: View, busy: Container[Request]
    ) -> Iterator[Request]:
        past = log.past_runs
        if store.order.newest_first is None and log.past_read < ENDS:
            # Any two of them show which end of the list is new.
            yield from (RolloutsOf(run_id) for run_id in store.order.ends() if run_id in past)
        asked_as_whole: set[str] = set()
        for scenario in self._scenarios or ():
            whole = ScenarioRollouts(scenario)
            if whole in busy:
                asked_as_whole.add(scenario)
            elif log.recall(whole).answered_s is None and not log.recall(whole).failures:
                yield whole  # it takes longest: what is in view is asked beside it
        yield from (RolloutsOf(run_id) for run_id in view.runs_in_view if run_id in past)
        if not log.synced:
            return
        for run_id in past:
            row = store.runs.get(run_id)
            scenario_id = row.run.scenario_id if row is not None and row.run is not None else None
            if scenario_id not in asked_as_whole:
                yield RolloutsOf(run_id)


def may_ask_scenario(log: RequestLog, store: Store, scenario_id: str) -> bool:
    """Whether a scenario may be asked as a whole: the answer is not too large, nor was refused."""
    known = log.recall(ScenarioRollouts(scenario_id))
    expected = store.rollouts_in(scenario_id) * log.rollout_bytes
    return not known.failures and not known.missing and expected <= SCENARIO_BYTES


def _scenarios_worth_asking(log: RequestLog, store: Store) -> Iterator[str]:
    runs: Counter[str] = Counter()
    rollouts: Counter[str] = Counter()
    for run_id in log.past_runs:
        row = store.runs.get(run_id)
        if row is not None and row.run is not None and row.run.scenario_id is not None:
            runs[row.run.scenario_id] += 1
            rollouts[row.run.scenario_id] += row.run.total or 0
    for scenario, count in runs.most_common():
        wanted = rollouts[scenario] >= SCENARIO_SHARE * store.rollouts_in(scenario)
        if count >= SCENARIO_RUNS and wanted and may_ask_scenario(log, store, scenario):
            yield scenario


def _left(log: RequestLog) -> Iterable[bool]:
    return (log.recall(RolloutsOf(run_id)).failures < GIVEN_UP for run_id in log.past_runs)


def runs_without_results(log: RequestLog) -> int:
    """Of how many past runs the results could not be read."""
    return sum(not waited_for for waited_for in _left(log))


def awaits(log: RequestLog, store: Store, view: View, run_id: str | None) -> bool:
    """Whether a run's rollouts, or all that run for None, are to be listed for the first time."""
    if run_id is None:
        if log.recall(RunningRollouts(view.scenario_id)).answered_s is not None:
            return False
        return not log.synced or any(awaits(log, store, view, i) for i in store.active_runs)
    row, asked = store.runs.get(run_id), log.recall(RolloutsOf(run_id))
    if row is None:
        return not (log.synced or log.recall(OneRun(run_id)).missing)
    known = row.is_deleted or store.knows_rollouts_of(run_id)
    return not (known or asked.forbidden or asked.missing or asked.failures >= GIVEN_UP)
