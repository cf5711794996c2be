"""What is known of the gym: frozen rows, changed only by applying observations.

No clock, no network, no drawing. Each item is compared with the bytes it had before, so that an
item that did not change costs one look-up and is never parsed again, and an answer that did not
change at all costs one hash. The rows themselves are kept by `run_table` and `rollout_table`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Set
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from gymtui.api.list_answer import ListAnswer, split
from gymtui.api.list_splitter import LARGE_BYTES, split_in_pieces
from gymtui.core.pieces import result_of
from gymtui.core.replacement import replace
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
from gymtui.store.list_order import ListOrder
from gymtui.store.records import Intent, RolloutRow, RunRow
from gymtui.store.rollout_table import RolloutTable
from gymtui.store.run_table import RunTable
from gymtui.store.stats.run_summary import RunSummary

if TYPE_CHECKING:
    from gymtui.store.stats.tool_errors import ToolUse
    from gymtui.transcript.usage import Usage

ROLLOUTS_KEPT = 12_000
"""Rollouts held in memory before runs not looked at for longest give theirs up: some 6 kB each."""
ROLLOUTS_RECORDED = 2_000
"""The same where nobody looks: a recording begins anew with all of them now and then."""

MOMENT = timedelta(microseconds=1)


class Applied(Struct, frozen=True):
    """What applying one observation did."""

    delta: Delta
    # The ids the answer listed, in its order (runs or rollouts, by the query).
    ids: tuple[str, ...] = ()
    total: int | None = None  # the server's own count, where it gave one
    # Runs of which a rollout no longer runs, by an answer that does not tell how it ended: their
    # rollouts are to be listed again.
    overtaken: frozenset[str] = frozenset()


class _Answer(Struct, frozen=True):
    """The last answer to a question: enough to know the same body again."""

    length: int  # of its body, in bytes or items
    # Of its body; None if it changed anything. Where answers change every time, a digest of each
    # would cost more than comparing their items.
    digest: int | None
    # Of the rows that it is about, right after it was taken in: the same body is no news only
    # while nothing else has changed them.
    version: int
    applied: Applied  # what it listed


class Store:
    """Everything known of one gym, under one source and scenario.

    Args:
        rollouts_kept: How many rollouts may be held before the least recently used
            runs that are not active give theirs up; their summaries stay.
    """

    def __init__(self, rollouts_kept: int = ROLLOUTS_KEPT) -> None:
        self._runs = RunTable()
        self._rollouts = RolloutTable(self._runs.rows)
        self._page_answers: dict[Query, _Answer] = {}
        self._rollout_answers: dict[Query, _Answer] = {}
        self._rollouts_kept = rollouts_kept
        self.order = ListOrder()  # in which the gym lists its runs

    # -- reading ---------------------------------------------------------------------------

    @property
    def runs(self) -> Mapping[str, RunRow]:
        """Every known run by id, read only."""
        return MappingProxyType(self._runs.rows)

    @property
    def rollouts(self) -> Mapping[str, RolloutRow]:
        """Every known rollout by id, read only."""
        return MappingProxyType(self._rollouts.rows)

    @property
    def active_runs(self) -> Set[str]:
        """Ids of the runs that have something left to do, read only."""
        return self._runs.active.keys()

    @property
    def total_runs(self) -> int | None:
        """How many runs there are by the server's own count, if it gave one."""
        return self._runs.total

    def rollouts_in(self, scenario_id: str) -> int:
        """How many rollouts the known runs of a scenario have, by their counters."""
        return self._runs.rollouts_in[scenario_id]

    def placed_at(self, run_id: str) -> datetime | None:
        """When a run was probably created: next to the nearest run in the gym's list that is known.

        Those between the two are, each a moment later or earlier, in its order.
        """
        above, below = self.order.nearest(run_id)
        older, newer = (below, above) if self.order.newest_first is not False else (above, below)
        for near, moment in ((older, MOMENT), (newer, -MOMENT)):
            summary = None if near is None else self._rollouts.summary(near[0])
            if near is not None and summary is not None and summary.created_at is not None:
                return (summary.started_at or summary.created_at) + near[1] * moment
        return None

    @property
    def we_cancelled(self) -> Set[str]:
        """Ids of the rollouts that were active when their run was cancelled from here."""
        return frozenset(self._rollouts.we_cancelled)

    def rollouts_of(self, run_id: str) -> tuple[RolloutRow, ...]:
        """The known rollouts of a run, in the order the server first listed them."""
        return self._rollouts.of_run(run_id)

    def runs_of(self, delta: Delta) -> frozenset[str]:
        """The runs that a change is about, that a rollout took a step included."""
        rows = self._rollouts.rows
        moved = (rows[rollout_id].run_id for rollout_id in delta.rollouts if rollout_id in rows)
        return delta.runs.union(moved)

    def knows_rollouts_of(self, run_id: str) -> bool:
        """Whether the run's rollouts were ever listed and are still held."""
        return self._rollouts.holds(run_id)

    def summary(self, run_id: str) -> RunSummary | None:
        """The numbers over a run's rollouts; None while they were never listed."""
        return self._rollouts.summary(run_id)

    # -- changing --------------------------------------------------------------------------

    def apply(self, seen: Observation) -> Applied:
        """Take one answer in, at one go.

        Raises:
            Garbled: The body is not what was asked for; nothing was changed.
        """
        return result_of(self.apply_in_pieces(seen))

    def apply_in_pieces(self, seen: Observation) -> Generator[None, None, Applied]:
        """Take one answer in, stopping now and then so that keys are answered meanwhile.

        Nothing changes before the last step, which changes everything at once; between two
        steps other answers may be taken in. Arguments, result and errors are those of `apply`.
        """
        if seen.body is None:
            if isinstance(seen.query, OneRun):
                return Applied(self.mark_deleted([seen.query.run_id], seen.sent_s))
            return Applied(NOTHING)
        body = seen.items or seen.body
        large = len(seen.body) > LARGE_BYTES  # others get their turn between two steps
        if large:
            yield
        about_runs, digest = isinstance(seen.query, RunsPage | OneRun), None
        answers = self._page_answers if about_runs else self._rollout_answers
        before, version = answers.get(seen.query), self._version(seen.query)
        if (
            before is not None
            and before.digest is not None
            and (before.length, before.version) == (len(body), version)
        ):
            # A digest, not the bytes: those would be held twice.
            digest = hash(body)
            if digest == before.digest:
                return before.applied
            if large:
                yield
        built = DeltaBuilder()
        match seen.query:
            case RunsPage():
                listing = split(seen.body, "runs")
                ids = self._runs.take_page(seen.query, listing, seen, built)
                self.order.take(ids, seen.query.offset)
                for run_id in ids:
                    if run_id in built.runs_added:  # an earlier session may have left its times
                        self._learn_order(run_id)
                self._note_ended(built.runs_added, built)
                applied = Applied(built.build(), ids, listing.total)
            case OneRun():
                ids = (self._runs.take_one(seen.query, seen.body, seen, built),)
                self._note_ended(built.runs_added, built)
                applied = Applied(built.build(), ids)
            case RolloutsOf(run_id=run_id):
                if seen.items:
                    listing = ListAnswer(len(seen.items), seen.items)
                else:
                    listing = yield from split_in_pieces(seen.body, "rollouts")
                # Nothing listed of a run that had rollouts is more likely a run that is gone,
                # which only the run itself can say; the plan asks it.
                if not listing.items and self._rollouts.of_run(run_id):
                    return Applied(NOTHING, total=listing.total)
                reading = yield from self._rollouts.read(listing.items, run_id, seen)
                ids = self._rollouts.take_all_of(run_id, listing, reading, seen, built)
                self._learn_order(run_id)
                self._note_ended(built.runs_changed, built)
                applied = Applied(built.build(), ids, listing.total)
            case RunningRollouts(scenario_id=scenario_id):
                listing = yield from split_in_pieces(seen.body, "rollouts")
                reading = yield from self._rollouts.read(listing.items, None, seen)
                ids, overtaken = self._rollouts.take_running(
                    listing, reading, seen, built, scenario_id
                )
                self._note_ended(built.runs_changed, built)
                applied = Applied(built.build(), ids, listing.total, overtaken)
        if applied.delta and about_runs:
            answers.clear()  # all outdated; of pages there may be any number
        if applied.delta:
            digest = None
        elif digest is None:
            digest = hash(body)
        listed = replace(applied, delta=NOTHING)
        version = self._version(seen.query)
        answers[seen.query] = _Answer(len(body), digest, version, listed)
        return applied

    def remember(self, summaries: Mapping[str, RunSummary]) -> Delta:
        """Take numbers of runs from an earlier session, until their rollouts are listed."""
        built = DeltaBuilder()
        for run_id, summary in summaries.items():
            if self._rollouts.remember(run_id, summary) and run_id in self._runs.rows:
                built.runs_changed.add(run_id)
                self._learn_order(run_id)
                self._note_ended([run_id], built)
        return built.build()

    def intend(self, run_ids: Iterable[str], intent: Intent | None) -> Delta:
        """Show runs as being cancelled or deleted until the server agrees, or no longer so."""
        built = DeltaBuilder()
        for run_id in run_ids:
            row = self._runs.rows.get(run_id)
            if row is None:
                continue
            if intent is Intent.CANCEL and row.active:
                self._rollouts.note_cancel(run_id, True)
            elif intent is None:
                self._rollouts.note_cancel(run_id, False)
            self._runs.intend([run_id], intent, built)
        return built.build()

    def note_artifacts(
        self, rollout_id: str, usage: Usage, tools: tuple[ToolUse, ...] | None
    ) -> Delta:
        """Keep what a rollout used, and the tools it called, as far as its artifacts say it."""
        built = DeltaBuilder()
        row = self.rollouts.get(rollout_id)
        if row is not None and (usage.is_known or tools is not None):
            used = usage if usage.is_known else row.usage
            called = row.tools if tools is None else tools
            self._rollouts.put(replace(row, usage=used, tools=called), built)
        return built.build()

    def note(self, notes: Mapping[str, str]) -> Delta:
        """Show the person's own notes by rollout: all of them, of those listed already or not."""
        built = DeltaBuilder()
        before, self._rollouts.notes = self._rollouts.notes, notes
        self._rollouts.version += 1  # what is just being read is looked at again
        for rollout_id in before.keys() | notes.keys():
            row = self.rollouts.get(rollout_id)
            if row is not None and row.note != (note := self._rollouts.note_on(row.rollout)):
                self._rollouts.put(replace(row, note=note), built)
        return built.build()

    def date(self, seen_s: Mapping[str, float]) -> None:
        """Say when rollouts' bytes were first seen, UNIX seconds, where a recording knows it."""
        self._rollouts.date(seen_s)

    def mark_deleted(self, run_ids: Iterable[str], sent_s: float) -> Delta:
        """Show runs as no longer existing; `drop` removes them once that was seen.

        Args:
            sent_s: When the question was sent whose answer said so, monotonic seconds:
                only an answer to a later question can bring them back.
        """
        built = DeltaBuilder()
        self._runs.mark_deleted(run_ids, sent_s, built)
        return built.build()

    def drop(self, run_ids: Iterable[str]) -> Delta:
        """Forget runs and all their rollouts."""
        built = DeltaBuilder()
        dropped = tuple(run_ids)
        self.order.drop(dropped)
        for run_id in dropped:
            self._runs.drop(run_id, built)
            self._rollouts.drop_run(run_id, built)
            self._page_answers.pop(OneRun(run_id), None)
            self._rollout_answers.pop(RolloutsOf(run_id), None)
        return built.build()

    def trim(self, keep: Iterable[str]) -> Delta:
        """Give up the rollouts of runs not looked at for longest, down to the limit."""
        kept = set(keep)
        for run_id in kept:
            self._rollouts.used(run_id)
        built = DeltaBuilder()
        for run_id in self._rollouts.trim(self._rollouts_kept, kept | self.active_runs, built):
            self._rollout_answers.pop(RolloutsOf(run_id), None)
        return built.build()

    def _learn_order(self, run_id: str) -> None:
        summary = self._rollouts.summary(run_id)
        if summary is not None:
            self.order.learn(run_id, summary.created_at)

    def _version(self, query: Query) -> int:
        match query:
            case RunsPage() | OneRun():
                return self._runs.version
            case RolloutsOf(run_id=run_id):
                return self._rollouts.version_of(run_id)
            case RunningRollouts():
                return self._rollouts.version

    def _note_ended(self, run_ids: Iterable[str], built: DeltaBuilder) -> None:
        """Runs whose counters are silent are judged by their rollouts."""
        for run_id in tuple(run_ids):
            summary = self._rollouts.summary(run_id)
            if summary is not None:
                self._runs.note_ended(run_id, summary.known > 0 and not summary.unfinished, built)
