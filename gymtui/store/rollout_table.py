"""The rollouts that are known, by id and by run: the half of the store that `GET /rollouts` fills.

No clock, no network. A run's rollouts are *held* once all of them were listed; a rollout known
only because it runs is a *stray*, and no summary counts a run by its running part.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Mapping, Sequence
from itertools import repeat

from msgspec import Struct, field

from gymtui.api.list_answer import ListAnswer, parse_rollout, rollout_id_of
from gymtui.api.models import Malformed, Rollout
from gymtui.core.replacement import replace
from gymtui.store import rollout_intake
from gymtui.store.delta import DeltaBuilder, Observation
from gymtui.store.outcome import ACTIVE, Outcome, outcome_of
from gymtui.store.records import RolloutRow, name_of_malformed
from gymtui.store.rollout_intake import RolloutBatch, Steps, supersedes, with_artifacts
from gymtui.store.stats.run_summary import RunSummary, SummaryBuilder


class _RunRollouts(Struct):
    """The rollouts of one run, in the order the server first listed them."""

    members: dict[str, None] = field(default_factory=dict)
    numbers: SummaryBuilder = field(default_factory=SummaryBuilder)
    version: int = 0


class RolloutTable:
    """Rollouts, each with the bytes it was read from, and the numbers they add up to by run."""

    def __init__(self, runs: Container[str]) -> None:
        self.rows: dict[str, RolloutRow] = {}  # every known rollout by id
        self.version = 0  # moves with every change of any row, and of the notes
        # Ids of rollouts that were active when their run was cancelled from here.
        self.we_cancelled: set[str] = set()
        self.notes: Mapping[str, str] = {}
        """The person's own notes, by rollout, listed already or not."""
        self._runs = runs
        self._by_raw: dict[bytes, str] = {}
        self._held: OrderedDict[str, _RunRollouts] = OrderedDict()
        self._strays: set[str] = set()
        self._running: set[str] = set()
        self._summaries: dict[str, RunSummary] = {}

    # -- reading ---------------------------------------------------------------------------

    def holds(self, run_id: str) -> bool:
        """Whether all rollouts of a run were listed and are still here."""
        return run_id in self._held

    def of_run(self, run_id: str) -> tuple[RolloutRow, ...]:
        """The held rollouts of a run, in the order the server first listed them."""
        held = self._held.get(run_id)
        return tuple(self.rows[i] for i in held.members) if held is not None else ()

    def version_of(self, run_id: str) -> int:
        """Moves with every change of a run's held rollouts; -1 while they are not held."""
        held = self._held.get(run_id)
        return held.version if held is not None else -1

    def summary(self, run_id: str) -> RunSummary | None:
        """The numbers over a run's rollouts, those given up included; None if never listed."""
        held = self._held.get(run_id)
        if held is None:
            return self._summaries.get(run_id)
        return held.numbers.summary(self.rows[i] for i in held.members)

    # -- taking answers in -----------------------------------------------------------------

    def read(self, items: Sequence[bytes], of_run: str | None, seen: Observation) -> Steps:
        """Read the items that are not known yet, changing nothing; yields now and then.

        Other answers may be taken in between two steps, so what is known is then looked up again.
        """
        fresh: dict[bytes, RolloutRow] = {}
        while True:
            version = self.version
            ids = list(map(self._by_raw.get, items, repeat("")))
            missing = [at for at, rollout_id in enumerate(ids) if not rollout_id]
            if missing and len(items) > rollout_intake.COMPARED_AT_ONCE:
                yield
            for count, at in enumerate(missing, start=1):
                item = items[at]
                if item not in fresh or fresh[item].note != self.note_on(fresh[item].rollout):
                    fresh[item] = self._read(item, of_run, seen)
                ids[at] = fresh[item].rollout_id
                if count % rollout_intake.PARSED_AT_ONCE == 0:
                    yield
            # Listed twice, the later one counts.
            reading = RolloutBatch(dict(zip(ids, items, strict=True)))
            for count, (item, row) in enumerate(fresh.items(), start=1):
                if version != self.version:
                    break
                if reading.listed.get(row.rollout_id) == item:
                    self._count_in(row, of_run, reading)
                if count % rollout_intake.COUNTED_AT_ONCE == 0:
                    yield
            if version == self.version:
                return reading

    def _count_in(self, row: RolloutRow, of_run: str | None, reading: RolloutBatch) -> None:
        """Prepare a row for being taken in, if it is news."""
        before, held = self.rows.get(row.rollout_id), self._held.get(row.run_id)
        counted = held is not None or row.run_id == of_run
        if before is not None:
            if not supersedes(row, before):
                return
            member = held is not None and row.rollout_id in held.members
            if before.run_id != row.run_id or counted is not member:
                reading.odd.append(row)
                return
        reading.add(row, before)
        if counted:
            reading.count(row, before, held.numbers if held is not None else None)
        else:
            reading.strays.add(row.rollout_id)

    def take_all_of(
        self,
        of_run: str,
        listing: ListAnswer,
        reading: RolloutBatch,
        seen: Observation,
        built: DeltaBuilder,
    ) -> tuple[str, ...]:
        """Take the list of all rollouts of one run in; the ids it listed, in its order."""
        final = reading.listed
        held = self._held.get(of_run)
        first = held is None
        if held is None:
            held = self._held[of_run] = _RunRollouts()
            self._held.move_to_end(of_run, last=False)
            self._summaries.pop(of_run, None)
            self._touched(of_run, held, built)
        self._put_all(reading, built)
        if final.keys() != held.members.keys():
            for rollout_id in final:
                if rollout_id not in held.members:
                    self._join(rollout_id, of_run, built)
            # A list that is shorter than its own count was cut: absence from it says nothing.
            if listing.total is None or listing.total <= len(listing.items):
                for rollout_id in held.members.keys() - final.keys():
                    if self.rows[rollout_id].sent_s < seen.sent_s:
                        self._drop(rollout_id, built)
        if first:
            held.members = {rollout_id: None for rollout_id in final if rollout_id in held.members}
        return tuple(final)

    def take_running(
        self,
        listing: ListAnswer,
        reading: RolloutBatch,
        seen: Observation,
        built: DeltaBuilder,
        scenario_id: str | None,
    ) -> tuple[tuple[str, ...], frozenset[str]]:
        """Take in the list of all running rollouts: the ids it listed, and the runs of others.

        Those are runs of which a rollout no longer runs: how it ended, that run's list says.
        """
        final = reading.listed
        self._put_all(reading, built)
        if listing.total is not None and listing.total > len(listing.items):
            return tuple(final), frozenset()
        overtaken: set[str] = set()
        for rollout_id in (self._running | self._strays) - final.keys():
            row = self.rows[rollout_id]
            if row.sent_s >= seen.sent_s:
                continue
            if rollout_id in self._strays:
                self._drop(rollout_id, built)
            elif scenario_id is None or (row.rollout and row.rollout.scenario_id == scenario_id):
                overtaken.add(row.run_id)
        return tuple(final), frozenset(overtaken)

    # -- changing --------------------------------------------------------------------------

    def note_cancel(self, run_id: str, cancelled: bool) -> None:
        """Remember which rollouts were active when their run was cancelled here, or undo it."""
        for row in self.of_run(run_id):
            if row.outcome in ACTIVE:
                if cancelled:
                    self.we_cancelled.add(row.rollout_id)
                else:
                    self.we_cancelled.discard(row.rollout_id)

    def drop_run(self, run_id: str, built: DeltaBuilder) -> None:
        """Forget a run's rollouts and its summary."""
        self.we_cancelled.difference_update(row.rollout_id for row in self.of_run(run_id))
        self._give_up(run_id, built)
        for rollout_id in [i for i in self._strays if self.rows[i].run_id == run_id]:
            self._drop(rollout_id, built)
        self._summaries.pop(run_id, None)

    def remember(self, run_id: str, summary: RunSummary) -> bool:
        """Take a run's numbers from elsewhere, unless its rollouts were listed; whether it did."""
        if run_id in self._held or run_id in self._summaries:
            return False
        self._summaries[run_id] = summary
        return True

    def used(self, run_id: str) -> None:
        """A run was looked at: its rollouts are the last to be given up."""
        if run_id in self._held:
            self._held.move_to_end(run_id)

    def trim(self, limit: int, needed: Container[str], built: DeltaBuilder) -> list[str]:
        """Give up rollouts of runs not looked at for longest, needed ones apart; these runs."""
        given_up: list[str] = []
        if len(self.rows) <= limit:
            return given_up
        for run_id in [run_id for run_id in self._held if run_id not in needed]:
            summary = self.summary(run_id)
            self._give_up(run_id, built)
            if summary is not None:
                self._summaries[run_id] = summary
            given_up.append(run_id)
            if len(self.rows) <= limit:
                break
        return given_up

    # -- one row ---------------------------------------------------------------------------

    def _read(self, item: bytes, of_run: str | None, seen: Observation) -> RolloutRow:
        before = self.rows.get(rollout_id_of(item) or "")
        if before is not None and (row := rollout_intake.stepped_row(before, item, of_run, seen)):
            return row
        name = name_of_malformed(item, of_run or "") if before is None else None
        known = self.rows.get(name) if name is not None else None
        if known is not None and known.raw == item:
            return known
        parsed = parse_rollout(item)
        if isinstance(parsed, Malformed):
            name = name or name_of_malformed(item, of_run or "")
            return RolloutRow(name, of_run or "", item, seen.sent_s, seen.at, None, parsed.reason)
        return RolloutRow(
            parsed.rollout_id,
            self._home(parsed, of_run),
            item,
            seen.sent_s,
            seen.at,
            parsed,
            outcome=outcome_of(parsed, we_cancelled=parsed.rollout_id in self.we_cancelled),
            note=self.note_on(parsed),
        )

    def note_on(self, rollout: Rollout | None) -> str | None:
        """The person's own note on a rollout; else the one that an export of it kept."""
        if rollout is None:
            return None
        kept = rollout.kept.note if rollout.kept is not None else None
        return self.notes.get(rollout.rollout_id) or kept

    def _home(self, rollout: Rollout, of_run: str | None) -> str:
        """The run it belongs to: the one it names, if that is known; else the one that lists it."""
        own = rollout.run_id
        if own is not None and (own == of_run or own in self._runs):
            return own
        before = self.rows.get(rollout.rollout_id)
        if before is not None and before.run_id in self._held:
            return before.run_id
        return of_run or own or ""

    def _put_all(self, reading: RolloutBatch, built: DeltaBuilder) -> None:
        """Take in what was read, plain rows at once: thousands one by one would hold keys up."""
        if reading.plain:
            changed = [row.rollout_id for row in reading.replaced]
            for before in reading.replaced:
                self._forget_raw(before)
            self.version += 1
            self.rows.update(reading.plain)
            self._by_raw.update(reading.raws)
            self._running.difference_update(changed)
            self._running |= reading.running
            self._strays |= reading.strays
            built.rollouts_changed.update(changed)
            built.rollouts_added.update(reading.plain.keys() - changed)
            for run_id in reading.steady:
                self._held[run_id].version += 1
            for run_id, members in reading.members.items():
                held = self._held[run_id]
                held.members.update(members)
                held.numbers = reading.numbers[run_id]
                self._touched(run_id, held, built)
        for row in reading.odd:
            self.put(with_artifacts(row, self.rows.get(row.rollout_id)), built)

    def date(self, seen_s: Mapping[str, float]) -> None:
        """Say when rollouts' bytes were first seen, UNIX seconds."""
        for rollout_id, at_s in seen_s.items():
            row = self.rows.get(rollout_id)
            if row is not None and row.at != at_s:
                self.rows[rollout_id] = replace(row, at=at_s)

    def put(self, row: RolloutRow, built: DeltaBuilder) -> None:
        """Take one row in, if it is news."""
        before = self.rows.get(row.rollout_id)
        if before is not None:
            if not supersedes(row, before):
                return
            self._forget_raw(before)
            if before.run_id != row.run_id:
                self._leave(before, built)
            built.rollouts_changed.add(row.rollout_id)
        else:
            built.rollouts_added.add(row.rollout_id)
        self.version += 1
        self.rows[row.rollout_id] = row
        if row.malformed is None:
            self._by_raw[row.raw] = row.rollout_id
        if row.outcome is Outcome.RUNNING:
            self._running.add(row.rollout_id)
        else:
            self._running.discard(row.rollout_id)
        held = self._held.get(row.run_id)
        if held is None:
            self._strays.add(row.rollout_id)
            return
        if before is not None and row.rollout_id in held.members:
            held.numbers.replace(before, row)
        else:
            held.members[row.rollout_id] = None
            held.numbers.add(row)
            self._strays.discard(row.rollout_id)
        self._touched(row.run_id, held, built)

    def _join(self, rollout_id: str, of_run: str, built: DeltaBuilder) -> None:
        """Count a known rollout to the run that listed it, unless it belongs to another."""
        row = self.rows[rollout_id]
        home = of_run if row.rollout is None else self._home(row.rollout, of_run)
        held = self._held.get(home)
        if home != of_run or held is None:
            return
        if row.run_id != home:
            self._leave(row, built)
            row = self.rows[rollout_id] = replace(row, run_id=home)
            built.rollouts_changed.add(rollout_id)
        self._strays.discard(rollout_id)
        held.members[rollout_id] = None
        held.numbers.add(row)
        self._touched(home, held, built)

    def _leave(self, row: RolloutRow, built: DeltaBuilder) -> None:
        held = self._held.get(row.run_id)
        if held is not None and row.rollout_id in held.members:
            del held.members[row.rollout_id]
            held.numbers.remove(row)
            self._touched(row.run_id, held, built)

    def _touched(self, run_id: str, held: _RunRollouts, built: DeltaBuilder) -> None:
        self.version += 1
        held.version += 1
        if run_id in self._runs:
            built.runs_changed.add(run_id)

    def _drop(self, rollout_id: str, built: DeltaBuilder) -> None:
        row = self.rows.pop(rollout_id)
        self.version += 1
        self._leave(row, built)
        self._strays.discard(rollout_id)
        self._running.discard(rollout_id)
        self._forget_raw(row)
        built.rollouts_removed.add(rollout_id)

    def _give_up(self, run_id: str, built: DeltaBuilder) -> None:
        held = self._held.pop(run_id, None)
        for rollout_id in held.members if held is not None else ():
            self._drop(rollout_id, built)

    def _forget_raw(self, row: RolloutRow) -> None:
        if self._by_raw.get(row.raw) == row.rollout_id:
            del self._by_raw[row.raw]
