"""What is known of the gym: dicts of frozen rows, changed only by applying observations.

No clock, no network, no drawing. `Store.apply` compares each item with the bytes it had before,
so that an item that did not change costs one dictionary look-up and is never parsed again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from types import MappingProxyType

from gymtui.api.listing import parse_rollout, parse_run, split
from gymtui.api.models import Malformed
from gymtui.store.delta import (
    NOTHING,
    Delta,
    DeltaBuilder,
    Observation,
    OneRun,
    Query,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
)
from gymtui.store.records import Intent, RolloutRow, RunRow, name_of_malformed
from gymtui.store.summary import RunSummary, summarise

ROLLOUTS_KEPT = 50_000
"""Rollouts held in memory before runs not looked at for longest give theirs up (some 2 kB each)."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying one observation did.

    Attributes:
        delta: What changed.
        ids: The ids the answer listed, in its order (runs or rollouts, by the query).
        total: The server's own count, where it gave one.
    """

    delta: Delta
    ids: tuple[str, ...] = ()
    total: int | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """The last answer to a question: enough to know the same body again."""

    length: int
    digest: int
    applied: Applied


class Store:
    """Everything known of one gym, under one source.

    Args:
        rollouts_kept: How many rollouts may be held before the least recently used
            runs that are not active give theirs up; their summaries stay.
    """

    def __init__(self, rollouts_kept: int = ROLLOUTS_KEPT) -> None:
        self._runs: dict[str, RunRow] = {}
        self._rollouts: dict[str, RolloutRow] = {}
        self._of_run: OrderedDict[str, dict[str, None]] = OrderedDict()
        self._run_by_raw: dict[bytes, str] = {}
        self._rollout_by_raw: dict[bytes, str] = {}
        self._answers_on_runs: dict[Query, _Answer] = {}
        self._answers_on_run: dict[Query, _Answer] = {}
        self._answers_on_running: dict[Query, _Answer] = {}
        self._strays: set[str] = set()
        self._active: dict[str, None] = {}
        self._summaries: dict[str, RunSummary] = {}
        self._rollouts_kept = rollouts_kept
        self.total_runs: int | None = None

    # -- reading ---------------------------------------------------------------------------

    @property
    def runs(self) -> Mapping[str, RunRow]:
        """Every known run by id, read only."""
        return MappingProxyType(self._runs)

    @property
    def rollouts(self) -> Mapping[str, RolloutRow]:
        """Every known rollout by id, read only."""
        return MappingProxyType(self._rollouts)

    @property
    def active_runs(self) -> Set[str]:
        """Ids of the runs that have something left to do, read only."""
        return self._active.keys()

    def rollouts_of(self, run_id: str) -> tuple[RolloutRow, ...]:
        """The known rollouts of a run, in the order the server first listed them."""
        return tuple(self._rollouts[rid] for rid in self._of_run.get(run_id, ()))

    def knows_rollouts_of(self, run_id: str) -> bool:
        """Whether the run's rollouts were ever listed and are still held."""
        return run_id in self._of_run

    def summary(self, run_id: str) -> RunSummary | None:
        """The numbers over a run's rollouts; None while they were never seen."""
        known = self._summaries.get(run_id)
        if known is None and run_id in self._of_run:
            rows = self.rollouts_of(run_id)
            known = self._summaries[run_id] = summarise(
                row.rollout for row in rows if row.rollout is not None
            )
        return known

    # -- changing --------------------------------------------------------------------------

    def apply(self, seen: Observation) -> Applied:
        """Take one answer in.

        Args:
            seen: The answer and the question it belongs to.

        Returns:
            What changed, and which ids the answer listed.

        Raises:
            Garbled: The body is not a list of what was asked for; nothing was changed.
        """
        if seen.body is None:
            return self._not_found(seen)
        # The hash of a few megabytes costs a thousandth of comparing their items.
        length, digest = len(seen.body), hash(seen.body)
        answers = self._answers(seen.query)
        before = answers.get(seen.query)
        if before is not None and (before.length, before.digest) == (length, digest):
            return before.applied
        match seen.query:
            case RunsPage():
                applied = self._apply_runs(seen, seen.body)
            case OneRun():
                applied = self._apply_run(seen, seen.body)
            case RolloutsOf() | RunningRollouts():
                applied = self._apply_rollouts(seen, seen.body)
        if applied.delta:
            self._forget_answers(seen.query, applied.delta)
        answers[seen.query] = _Answer(length, digest, replace(applied, delta=NOTHING))
        return applied

    def intend(self, run_ids: Iterable[str], intent: Intent | None) -> Delta:
        """Show runs as being cancelled or deleted until the server agrees."""
        built = DeltaBuilder()
        for run_id in run_ids:
            row = self._runs.get(run_id)
            if row is not None and row.intent != intent:
                self._put(row.with_intent(intent))
                built.runs_changed.add(run_id)
        return built.build()

    def mark_gone(self, run_ids: Iterable[str], sent_s: float) -> Delta:
        """Show runs as no longer existing; `drop` removes them once that was seen.

        Args:
            run_ids: The runs.
            sent_s: When the question was sent whose answer said so, monotonic seconds:
                only an answer to a later question can bring them back.
        """
        built = DeltaBuilder()
        for run_id in run_ids:
            row = self._runs.get(run_id)
            if row is not None and not row.gone:
                self._forget_raw(row)
                self._put(replace(row, gone=True, intent=None, sent_s=sent_s))
                built.runs_changed.add(run_id)
        return built.build()

    def drop(self, run_ids: Iterable[str]) -> Delta:
        """Forget runs and all their rollouts."""
        built = DeltaBuilder()
        for run_id in run_ids:
            row = self._runs.pop(run_id, None)
            self._active.pop(run_id, None)
            if row is None:
                continue
            self._forget_raw(row)
            self._summaries.pop(run_id, None)
            built.runs_removed.add(run_id)
            built.rollouts_removed.update(self._drop_rollouts(run_id))
        delta = built.build()
        if delta:
            self._answers_on_runs.clear()
            self._answers_on_running.clear()
        return delta

    def trim(self, keep: Iterable[str]) -> None:
        """Give up the rollouts of runs not looked at for longest, down to the limit.

        Args:
            keep: Runs whose rollouts must stay: those on screen.
        """
        held = set(keep)
        for run_id in list(self._of_run):
            if len(self._rollouts) <= self._rollouts_kept:
                return
            row = self._runs.get(run_id)
            if run_id in held or (row is not None and row.active):
                continue
            self.summary(run_id)
            self._drop_rollouts(run_id)

    # -- runs ------------------------------------------------------------------------------

    def _apply_runs(self, seen: Observation, body: bytes) -> Applied:
        listing = split(body, "runs")
        built = DeltaBuilder()
        ids = tuple(self._take_run(item, seen, built) for item in listing.items)
        if listing.total is not None and listing.total != self.total_runs:
            self.total_runs = listing.total
            built.total_changed = True
        return Applied(built.build(), ids, listing.total)

    def _apply_run(self, seen: Observation, body: bytes) -> Applied:
        built = DeltaBuilder()
        return Applied(ids=(self._take_run(body, seen, built),), delta=built.build())

    def _take_run(self, item: bytes, seen: Observation, built: DeltaBuilder) -> str:
        known = self._run_by_raw.get(item)
        if known is not None:
            return known
        parsed = parse_run(item)
        malformed = parsed.reason if isinstance(parsed, Malformed) else None
        run = None if isinstance(parsed, Malformed) else parsed
        run_id = run.run_id if run is not None else name_of_malformed(item)
        before = self._runs.get(run_id)
        if before is not None and seen.sent_s < before.sent_s:
            return run_id
        row = RunRow(run_id, item, seen.sent_s, run, malformed)
        if before is None:
            built.runs_added.add(run_id)
        else:
            self._forget_raw(before)
            # A cancel is confirmed by a run with nothing active left; a delete by its absence.
            pending = before.intent is Intent.DELETE or row.active
            row = row.with_intent(before.intent if pending else None)
            built.runs_changed.add(run_id)
        self._put(row)
        self._run_by_raw[item] = run_id
        return run_id

    def _put(self, row: RunRow) -> None:
        self._runs[row.run_id] = row
        if row.active:
            self._active[row.run_id] = None
        else:
            self._active.pop(row.run_id, None)

    def _not_found(self, seen: Observation) -> Applied:
        if isinstance(seen.query, OneRun):
            return Applied(self.mark_gone([seen.query.run_id], seen.sent_s))
        return Applied(NOTHING)

    def _forget_raw(self, row: RunRow) -> None:
        if self._run_by_raw.get(row.raw) == row.run_id:
            del self._run_by_raw[row.raw]

    # -- rollouts --------------------------------------------------------------------------

    def _apply_rollouts(self, seen: Observation, body: bytes) -> Applied:
        listing = split(body, "rollouts")
        built = DeltaBuilder()
        asked = seen.query.run_id if isinstance(seen.query, RolloutsOf) else None
        ids = tuple(self._take_rollout(item, asked, seen, built) for item in listing.items)
        if asked is not None:
            # An empty answer for a run that had rollouts is more likely a run that is gone, which
            # only the run itself can say; the plan asks it.
            if ids or asked not in self._of_run:
                members = self._of_run.setdefault(asked, {})
                for missing in members.keys() - set(ids):
                    self._drop_rollout(missing)
                    built.rollouts_removed.add(missing)
            self._of_run.move_to_end(asked)
        else:
            for ended in self._strays - set(ids):
                self._drop_rollout(ended)
                built.rollouts_removed.add(ended)
        touched = {
            self._rollouts[rid].run_id for rid in built.rollouts_added | built.rollouts_changed
        }
        if built.rollouts_removed and asked is not None:
            touched.add(asked)
        for run_id in touched:
            self._summaries.pop(run_id, None)
        built.runs_changed |= touched & self._runs.keys()
        return Applied(built.build(), ids, listing.total)

    def _take_rollout(
        self, item: bytes, asked: str | None, seen: Observation, built: DeltaBuilder
    ) -> str:
        known = self._rollout_by_raw.get(item)
        if known is not None:
            return known
        parsed = parse_rollout(item)
        malformed = parsed.reason if isinstance(parsed, Malformed) else None
        rollout = None if isinstance(parsed, Malformed) else parsed
        rollout_id = rollout.rollout_id if rollout is not None else name_of_malformed(item)
        before = self._rollouts.get(rollout_id)
        if before is not None and seen.sent_s < before.sent_s:
            return rollout_id
        run_id = asked or (rollout.run_id if rollout is not None else None) or ""
        row = RolloutRow(rollout_id, run_id, item, seen.sent_s, seen.at, rollout, malformed)
        if before is None:
            built.rollouts_added.add(rollout_id)
        else:
            self._rollout_by_raw.pop(before.raw, None)
            built.rollouts_changed.add(rollout_id)
        self._rollouts[rollout_id] = row
        self._rollout_by_raw[item] = rollout_id
        if asked is not None or run_id in self._of_run:
            self._of_run.setdefault(run_id, {})[rollout_id] = None
            self._strays.discard(rollout_id)
        else:
            # Known only because it runs: no summary may count a run by its running part.
            self._strays.add(rollout_id)
        return rollout_id

    def _drop_rollouts(self, run_id: str) -> tuple[str, ...]:
        members = tuple(self._of_run.pop(run_id, ()))
        self._answers_on_run.pop(RolloutsOf(run_id), None)
        for rollout_id in members:
            self._drop_rollout(rollout_id)
        return members

    def _drop_rollout(self, rollout_id: str) -> None:
        self._strays.discard(rollout_id)
        row = self._rollouts.pop(rollout_id, None)
        if row is None:
            return
        self._rollout_by_raw.pop(row.raw, None)
        members = self._of_run.get(row.run_id)
        if members is not None:
            members.pop(rollout_id, None)

    def _answers(self, query: Query) -> dict[Query, _Answer]:
        match query:
            case RunsPage() | OneRun():
                return self._answers_on_runs
            case RolloutsOf():
                return self._answers_on_run
            case RunningRollouts():
                return self._answers_on_running

    def _forget_answers(self, query: Query, delta: Delta) -> None:
        """Let no older answer to another question pass for unchanged after this one.

        A body equal to its predecessor is skipped whole; that is only right while no other
        question has changed the same rows in between.
        """
        match query:
            case RunsPage() | OneRun():
                self._answers_on_runs.clear()
            case RolloutsOf():
                self._answers_on_running.clear()
            case RunningRollouts():
                for run_id in delta.runs_changed:
                    self._answers_on_run.pop(RolloutsOf(run_id), None)
