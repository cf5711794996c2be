"""The runs that are known, by id: the half of the store that `GET /runs` fills.

No clock, no network. What rollouts add up to is `rollout_table`; both together are `store`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gymtui.api.errors import Garbled
from gymtui.api.item_limits import bound_item
from gymtui.api.list_answer import ListAnswer, parse_run
from gymtui.api.models import Malformed
from gymtui.core.replacement import replace
from gymtui.store.delta import DeltaBuilder, Observation, OneRun, RunsPage
from gymtui.store.records import Intent, RunRow, name_of_malformed


class RunTable:
    """Runs, each with the bytes it was read from."""

    def __init__(self) -> None:
        self.rows: dict[str, RunRow] = {}  # every known run by id
        # Rollouts by scenario, as the counters of its runs say.
        self.rollouts_in: Counter[str] = Counter()
        # Ids of those that have something left to do, in the order they began to.
        self.active: dict[str, None] = {}
        self.total: int | None = None  # the server's own count, where it gave one
        self.version = 0  # moves with every change of any row
        self._by_raw: dict[bytes, str] = {}
        self._ended: set[str] = set()
        self._malformed_at: dict[str, int] = {}

    def take_page(
        self, query: RunsPage, listing: ListAnswer, seen: Observation, built: DeltaBuilder
    ) -> tuple[str, ...]:
        """Take a page of the list in; the ids it listed, in its order."""
        ids = tuple(self._take(item, seen, built) for item in listing.items)
        self._drop_malformed(query.offset, ids, built)
        if listing.total is not None and listing.total != self.total:
            self.total = listing.total
            built.total_changed = True
        return ids

    def take_one(self, query: OneRun, body: bytes, seen: Observation, built: DeltaBuilder) -> str:
        """Take the answer about one run in; `Garbled` if it is none, or another one."""
        body = bound_item(body)
        about = self._by_raw.get(body)
        if about is None:
            run = parse_run(body)
            if isinstance(run, Malformed):
                raise Garbled(f"{query.label}: {run.reason}")
            about = run.run_id
        if about != query.run_id:
            raise Garbled(f"{query.label}: an answer about another run")
        return self._take(body, seen, built)

    def intend(self, run_ids: Iterable[str], intent: Intent | None, built: DeltaBuilder) -> None:
        """Show runs as being cancelled or deleted until the server agrees."""
        for run_id in run_ids:
            row = self.rows.get(run_id)
            if row is None or row.is_deleted:
                continue
            # Nothing that the server shows later would ever confirm a cancel of what is over.
            shown = None if intent is Intent.CANCEL and not row.active else intent
            if row.intent is shown:
                continue
            self._put(replace(row, intent=shown))
            built.runs_changed.add(run_id)

    def mark_deleted(self, run_ids: Iterable[str], sent_s: float, built: DeltaBuilder) -> None:
        """Show runs as no longer existing, unless they were seen by a later question."""
        for run_id in run_ids:
            row = self.rows.get(run_id)
            if row is None or row.is_deleted or row.sent_s > sent_s:
                continue
            self._forget_raw(row)
            self._put(replace(row, is_deleted=True, intent=None, sent_s=sent_s))
            built.runs_changed.add(run_id)

    def note_ended(self, run_id: str, ended: bool, built: DeltaBuilder) -> None:
        """Take from a run's rollouts whether all have ended, for when its counters do not say."""
        if ended:
            self._ended.add(run_id)
        else:
            self._ended.discard(run_id)
        row = self.rows.get(run_id)
        if row is not None and row.silent and row.all_ended != ended:
            self._put(replace(row, all_ended=ended))
            built.runs_changed.add(run_id)

    def drop(self, run_id: str, built: DeltaBuilder) -> None:
        """Forget a run."""
        self._ended.discard(run_id)
        row = self.rows.pop(run_id, None)
        if row is None:
            return
        self.version += 1
        self.active.pop(run_id, None)
        self._forget_raw(row)
        self._count(row, -1)
        built.runs_removed.add(run_id)

    def _take(self, item: bytes, seen: Observation, built: DeltaBuilder) -> str:
        known = self._by_raw.get(item)
        if known is not None:
            return known
        parsed = parse_run(item)
        if isinstance(parsed, Malformed):
            row = RunRow(name_of_malformed(item), item, seen.sent_s, None, parsed.reason)
        else:
            row = RunRow(
                parsed.run_id, item, seen.sent_s, parsed, all_ended=parsed.run_id in self._ended
            )
        before = self.rows.get(row.run_id)
        if before is None:
            built.runs_added.add(row.run_id)
        elif seen.sent_s < before.sent_s:
            return row.run_id
        else:
            self._forget_raw(before)
            # A cancel is confirmed by a run with nothing active left; a delete by its absence,
            # and a look by whoever makes it.
            if before.intent is not Intent.CANCEL or row.active:
                row = replace(row, intent=before.intent)
            built.runs_changed.add(row.run_id)
        self._put(row)
        self._by_raw[item] = row.run_id
        return row.run_id

    def _put(self, row: RunRow) -> None:
        self.version += 1
        before = self.rows.get(row.run_id)
        if before is not None:
            self._count(before, -1)
        self._count(row, 1)
        self.rows[row.run_id] = row
        if row.active:
            self.active[row.run_id] = None
        else:
            self.active.pop(row.run_id, None)

    def _count(self, row: RunRow, by: int) -> None:
        if row.run is not None and row.run.scenario_id is not None:
            self.rollouts_in[row.run.scenario_id] += by * (row.run.total or 0)

    def _drop_malformed(self, offset: int, ids: tuple[str, ...], built: DeltaBuilder) -> None:
        """Forget unreadable items that are no longer where they were: none has an id to ask for."""
        listed = {
            run_id: offset + index
            for index, run_id in enumerate(ids)
            if self.rows[run_id].malformed is not None
        }
        covered = range(offset, offset + len(ids))
        for run_id, place in list(self._malformed_at.items()):
            if place in covered and run_id not in listed:
                del self._malformed_at[run_id]
                self.drop(run_id, built)
        self._malformed_at.update(listed)

    def _forget_raw(self, row: RunRow) -> None:
        if self._by_raw.get(row.raw) == row.run_id:
            del self._by_raw[row.raw]
