"""What the poller remembers of its own questions: what was asked when, what came, what failed.

What to ask next is made of it by `poll.plan`; how far the list of runs was read is `poll.sweep`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

from msgspec import Struct, field

from gymtui.poll.budget import UsualTime
from gymtui.poll.request_state import (
    BACKOFF_LIMIT_S,
    NEVER,
    CounterChange,
    RecorderLink,
    RequestState,
    backoff_s,
)
from gymtui.poll.sweep import Sweep
from gymtui.store.delta import (
    Observation,
    OneRun,
    Request,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
    ScenarioRollouts,
)
from gymtui.store.records import RunRow
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.store import Applied, Store

SWEEP_S = 60.0  # within this many seconds every page of the run list is asked once
RETRY_AFTER_LIMIT_S = 3600.0
"""A server that asks for a longer silence than this is asked once an hour all the same."""
FORBIDDEN_S = 600.0  # what the key may not see of one run is asked for again after so many seconds
RESULT_TRIES = 6
"""How often a finished run is listed again that still shows rollouts without an end or a result."""
_PAGES_KEPT_S = 3 * SWEEP_S


class RequestLog(Struct):
    """The poller's memory. All times are monotonic seconds."""

    states: dict[Request, RequestState] = field(default_factory=dict)  # by question
    moved: dict[str, CounterChange] = field(
        default_factory=dict
    )  # by run, when its counters last moved
    # By active run, the offset of the first page that lists it.
    page_of: dict[str, int] = field(default_factory=dict)
    sweep: Sweep = field(default_factory=Sweep)  # how far the list of runs was read
    # Runs that may be gone, in the order to ask them.
    suspects: dict[str, None] = field(default_factory=dict)
    # Finished runs whose results were not all seen, oldest wish first.
    wanted: dict[str, None] = field(default_factory=dict)
    # Those of them that were watched before, and only lack their last results.
    awaiting_results: dict[str, None] = field(default_factory=dict)
    # The others of them: over before anybody looked.
    past_runs: dict[str, None] = field(default_factory=dict)
    # Runs whose rollouts are listed though their final numbers were kept.
    listed_anew: set[str] = field(default_factory=set)
    past_read: int = 0  # of how many of those the results were read
    rollout_bytes: float = 700.0  # how many bytes a rollout takes in an answer, decompressed
    # Runs whose rollouts the key may not see: of none of them results are about to come.
    forbidden_runs: dict[str, None] = field(default_factory=dict)
    grows_at_end: bool = False  # whether new runs were last met at the end of the list
    tail_due: bool = False  # whether the list has grown by what no page has shown yet
    # How many more rollouts the last answer about all running ones held than run by the counters:
    # of other sources, say.
    unlisted_running: int = 0
    # How many bytes each of that answer took; None while it was never asked.
    running_bytes: float | None = None
    hold_until_s: float = -math.inf  # the server asked for silence until then
    down: int = 0  # failures in a row with nothing getting through; 0 while the link is up
    down_until_s: float = -math.inf  # while it is down, the next try is due then
    forced_s: float = -math.inf  # when the person last asked for everything
    quiet_ticks: int = 0  # ticks in a row with nothing to wait for
    # What a recorder of the same gym brings.
    recorder: RecorderLink = field(default_factory=RecorderLink)
    _limits: int = 0
    _limited_s: float = -math.inf
    _down_s: float = -math.inf
    _through_s: float = -math.inf

    def recall(self, query: Request) -> RequestState:
        """What is remembered of a question, to be read only."""
        return self.states.get(query, NEVER)

    @property
    def synced(self) -> bool:
        """Whether the whole list of runs was read once."""
        return self.sweep.rounds > 0

    @property
    def struggling(self) -> bool:
        """Whether the last that was heard is that nothing gets through, or that it is too much."""
        return self.down > 0 or self._limits > 0

    def held_until_s(self) -> float:
        """Nothing is asked before then."""
        return max(self.hold_until_s, self.down_until_s if self.down else -math.inf)

    def listed_since_moved(self, run_id: str) -> bool:
        """Whether a run's rollouts were asked for after its counters were seen as they are now.

        Asked for, not answered: an answer that crossed the one with the counters may be older.
        """
        moved = self.moved.get(run_id)
        sent_s = self.recall(RolloutsOf(run_id)).sent_s
        return sent_s > -math.inf and (moved is None or sent_s >= moved.at_s)

    def behind_s(self, run_id: str) -> float | None:
        """Since when a run's rollouts are older than its counters; None if they are not."""
        moved = self.moved.get(run_id)
        return None if moved is None or self.listed_since_moved(run_id) else moved.behind_s

    def note_duration(self, query: Request, took_s: float) -> bool:
        """Remember how long an answer took, in seconds; whether that is unusually long."""
        state = self._of(query)
        if state.usual is None:
            state.usual = UsualTime()
        return state.usual.add(took_s)

    # -- what happened ---------------------------------------------------------------------

    def note_planned(self, queries: Iterable[Request], now_s: float) -> None:
        """Remember that these questions are about to be asked."""
        for query in queries:
            self._of(query).planned_s = now_s

    def note_answer(self, seen: Observation, applied: Applied, store: Store, now_s: float) -> None:
        """Remember that a question was answered."""
        self._note_success(seen.sent_s, now_s)
        state = self._of(seen.query)
        state.wire_bytes, state.forbidden = seen.wire_bytes, False
        state.failures, state.not_before_s = 0, -math.inf
        if isinstance(seen.query, RolloutsOf):
            self.forbidden_runs.pop(seen.query.run_id, None)
        elif isinstance(seen.query, RunningRollouts):
            self.running_bytes = seen.wire_bytes / max(1, len(applied.ids))
        self._learn(seen, applied, store, now_s)

    def note_recorded(self, seen: Observation, applied: Applied, store: Store) -> None:
        """Remember what a recorder was answered: not that anything got through here."""
        self._learn(seen, applied, store, seen.sent_s)

    def _learn(self, seen: Observation, applied: Applied, store: Store, now_s: float) -> None:
        state = self._of(seen.query)
        state.sent_s, state.answered_s, state.missing = seen.sent_s, now_s, seen.body is None
        if isinstance(seen.query, RolloutsOf):
            self.past_read += seen.query.run_id in self.past_runs
        changed = applied.delta.runs_added | applied.delta.runs_changed
        # In the order they are listed in, so that the plan does not hang on how sets are kept.
        for run_id in applied.ids if isinstance(seen.query, RunsPage) else sorted(changed):
            if run_id in changed:
                self._note_run_change(store.runs[run_id], store, now_s)
        self.forget(applied.delta.runs_removed)
        match seen.query:
            case RunsPage(offset=offset):
                self._page_answered(offset, applied, store, now_s)
            case OneRun(run_id=run_id):
                self.suspects.pop(run_id, None)
                if state.missing:
                    state.not_before_s = now_s + SWEEP_S
            case RolloutsOf(run_id=run_id):
                if applied.ids and seen.body is not None:
                    size = len(seen.body) or sum(map(len, seen.items))
                    found = size / len(applied.ids)
                    self.rollout_bytes += (found - self.rollout_bytes) / 10
                self._rollouts_answered(run_id, state, applied, store)
            case _:
                self.unlisted_running = max(0, len(applied.ids) - running_of(store))
                for run_id in applied.overtaken:
                    counters = self.moved[run_id].counters if run_id in self.moved else ()
                    self._note_move(run_id, counters, now_s)

    def scenario_answered(
        self, query: ScenarioRollouts, sent_s: float, now_s: float, *, useful: bool
    ) -> None:
        """Remember that a question about a scenario was answered.

        Args:
            useful: Whether it held all rollouts of any run that was asked for: if not, the gym
                means something else by it, and is not asked so again.
        """
        self._note_success(sent_s, now_s)
        state = self._of(query)
        state.sent_s, state.answered_s, state.failures = sent_s, now_s, 0
        state.not_before_s, state.missing = -math.inf, not useful

    def list_later(self, run_id: str, store: Store, now_s: float) -> None:
        """Note that a run's rollouts are to be listed again: what was taken for all was not."""
        if run_id in store.runs:
            row = store.runs[run_id]
            self._note_move(run_id, row.counters, now_s)
            self.want_results(row, store)

    def note_failure(
        self,
        query: Request,
        sent_s: float,
        now_s: float,
        interval_s: float,
        rng: random.Random,
        *,
        limited: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        """Remember that a question failed.

        The question alone waits, longer each time; if nothing else has got through since it was
        sent, the link is down, and everything waits.
        """
        state = self._of(query)
        state.failures += 1
        state.not_before_s = now_s + backoff_s(state.failures, interval_s, rng)
        # Of several that were under way together, the first tells all there is to tell.
        if limited:
            self._limits += sent_s > self._limited_s
            self._limited_s = now_s
            wait_s = backoff_s(max(1, self._limits), interval_s, rng)
            wait_s = max(wait_s, min(retry_after_s or 0.0, RETRY_AFTER_LIMIT_S))
            self.hold_until_s = max(self.hold_until_s, now_s + wait_s)
        elif self._through_s <= sent_s and sent_s > self._down_s:
            self.down += 1
            self._down_s = now_s
            self.down_until_s = now_s + backoff_s(self.down, interval_s, rng)

    def note_forbidden(
        self, query: Request, sent_s: float, now_s: float, wait_s: float = FORBIDDEN_S
    ) -> None:
        """Remember that the key may not see this: it is asked seldom, and the rest goes on."""
        state = self._of(query)
        state.failures += 1
        state.not_before_s, state.forbidden = now_s + wait_s, True
        self._note_success(sent_s, now_s)
        if isinstance(query, RolloutsOf):
            self.forbidden_runs[query.run_id] = None
            self._drop_wanted(query.run_id)

    def release(self, now_s: float) -> None:
        """Forget every wait: the person asked to refresh now."""
        self.forced_s = now_s
        self.hold_until_s = self.down_until_s = -math.inf
        self._limits = self.down = self.quiet_ticks = 0
        for state in self.states.values():
            state.failures, state.not_before_s = 0, -math.inf

    def want_results(self, row: RunRow, store: Store) -> None:
        """Note whether a run's results are still to be asked for."""
        state = self.recall(RolloutsOf(row.run_id))
        if state.answered_s is None:
            kept = row.run_id not in self.listed_anew
            complete = kept and _is_whole(store.summary(row.run_id), row)
        else:
            complete = self.listed_since_moved(row.run_id) and not 0 < state.tries < RESULT_TRIES
        empty = row.run is None or row.run.total == 0
        if row.active or row.is_deleted or empty or complete or state.forbidden:
            self._drop_wanted(row.run_id)
        else:
            self.wanted[row.run_id] = None
            if state.answered_s is not None:
                self.awaiting_results[row.run_id] = None
                self.past_runs.pop(row.run_id, None)
            else:
                self.past_runs[row.run_id] = None

    def list_anew(self, run_id: str, store: Store) -> None:
        """Note that a run's rollouts are to be listed though its final numbers were kept."""
        self.listed_anew.add(run_id)
        if run_id in store.runs:
            self.want_results(store.runs[run_id], store)

    def forget(self, run_ids: Iterable[str]) -> None:
        """Drop what is remembered of runs that are no longer known."""
        for run_id in run_ids:
            self.page_of.pop(run_id, None)
            self.suspects.pop(run_id, None)
            self.listed_anew.discard(run_id)
            self._drop_wanted(run_id)
            self.forbidden_runs.pop(run_id, None)
            self.moved.pop(run_id, None)
            self.states.pop(OneRun(run_id), None)
            self.states.pop(RolloutsOf(run_id), None)

    def _of(self, query: Request) -> RequestState:
        return self.states.setdefault(query, RequestState())

    def _note_success(self, sent_s: float, now_s: float) -> None:
        self.down = 0
        self._through_s = now_s
        if sent_s > self._limited_s:
            self._limits = 0

    def _note_move(self, run_id: str, counters: tuple[int | None, ...], now_s: float) -> None:
        behind_s = self.behind_s(run_id)
        self.moved[run_id] = CounterChange(counters, now_s, now_s if behind_s is None else behind_s)

    def _note_run_change(self, row: RunRow, store: Store, now_s: float) -> None:
        known = self.moved.get(row.run_id)
        if known is None or known.counters != row.counters:
            self._note_move(row.run_id, row.counters, now_s)
            state = self.states.get(RolloutsOf(row.run_id))
            if state is not None and state.tries:
                state.tries, state.not_before_s = 0, -math.inf
        if not row.active:
            self.page_of.pop(row.run_id, None)
        self.want_results(row, store)

    def _drop_wanted(self, run_id: str) -> None:
        self.wanted.pop(run_id, None)
        self.awaiting_results.pop(run_id, None)
        self.past_runs.pop(run_id, None)

    def _rollouts_answered(
        self, run_id: str, state: RequestState, applied: Applied, store: Store
    ) -> None:
        row = store.runs.get(run_id)
        if row is None:
            return
        if state.missing or (not applied.ids and store.rollouts_of(run_id)):
            self.suspects[run_id] = None
        summary = store.summary(run_id)
        open_still = state.missing or summary is None or not summary.settled
        if row.active or not self.listed_since_moved(run_id):
            state.tries = 0
        elif open_still:
            state.tries += 1
            wait_s = min(BACKOFF_LIMIT_S, 2.0**state.tries)
            state.not_before_s = (state.answered_s or 0.0) + wait_s
        else:
            state.tries = 0
        self._drop_wanted(run_id)
        self.want_results(row, store)

    def _page_answered(self, offset: int, applied: Applied, store: Store, now_s: float) -> None:
        listed = frozenset(applied.ids)
        for run_id in listed & self.suspects.keys():
            del self.suspects[run_id]
        for run_id in [i for i, page in self.page_of.items() if page == offset]:
            if run_id not in listed:
                del self.page_of[run_id]
        for run_id in listed & store.active_runs:
            self.page_of[run_id] = min(offset, self.page_of.get(run_id, offset))
        self._learn_growth(offset, applied)
        if self.sweep.note_answer(offset, applied.ids, applied.total, store.runs.keys(), now_s):
            for run_id in sorted(self.sweep.missed):
                if self._may_be_gone(store.runs.get(run_id), now_s):
                    self.suspects[run_id] = None
            self._forget_pages(now_s)

    def _learn_growth(self, offset: int, applied: Applied) -> None:
        """Where new runs turn up: the order of the list is unknown (API.md)."""
        added = applied.delta.runs_added
        total = applied.total
        if not self.synced or total is None:
            return
        if added:
            last = offset + max(applied.ids.index(run_id) for run_id in added)
            self.grows_at_end = offset > 0 and last >= total - self.sweep.overlap
            self.tail_due = False
        elif self.sweep.total is not None and total > self.sweep.total:
            self.tail_due = True
        if offset + len(applied.ids) >= total:
            self.tail_due = False

    def _may_be_gone(self, row: RunRow | None, now_s: float) -> bool:
        if row is None or row.is_deleted or row.malformed is not None:
            return False
        # One that lives but is never listed (of another source, say) is asked no more often.
        answered_s = self.recall(OneRun(row.run_id)).answered_s
        return answered_s is None or now_s - answered_s > SWEEP_S

    def _forget_pages(self, now_s: float) -> None:
        """Offsets shift for ever; those not asked for long are not asked again."""
        since_s = now_s - _PAGES_KEPT_S
        states = self.states.items()
        self.states = {
            q: s for q, s in states if not isinstance(q, RunsPage) or s.planned_s >= since_s
        }


def _is_whole(summary: RunSummary | None, row: RunRow) -> bool:
    """Whether numbers that an earlier session left are final and of all there is."""
    return summary is not None and summary.settled and summary.known == (row.run and row.run.total)


def running_of(store: Store) -> int:
    """How many rollouts run, by the counters of the active runs."""
    runs = (store.runs[run_id].run for run_id in store.active_runs)
    return sum(run.running or 0 for run in runs if run is not None)
