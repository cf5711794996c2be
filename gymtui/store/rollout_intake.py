"""A list of rollouts on its way into the table: read and added up in steps, then taken in at once.

Which of its rows are plain and which are odd is decided by `rollout_table`, which knows the rest.
"""

from __future__ import annotations

from collections.abc import Generator

from msgspec import Struct, field

from gymtui.api.list_answer import read_step
from gymtui.core.replacement import replace
from gymtui.store.delta import Observation
from gymtui.store.outcome import ACTIVE, Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.run_summary import SummaryBuilder, counts_alike

COMPARED_AT_ONCE = 2_000
"""Items, of which comparing more than so many is enough for one turn: some 1 ms."""
PARSED_AT_ONCE = 50  # items read before others get their turn: some 2 ms
COUNTED_AT_ONCE = 500  # rows added up before others get their turn: some 2 ms


class RolloutBatch(Struct):
    """What a list of rollouts will do to the table, good until anything else changes that."""

    listed: dict[str, bytes]  # the listed ids, in the server's order, each with its bytes
    # Rows that are new, or replace the row of their id within its run: together they are taken in
    # at once, since nothing else hangs on any of them.
    plain: dict[str, RolloutRow] = field(default_factory=dict)
    # Other rows that differ from what is known: to be taken in one by one.
    odd: list[RolloutRow] = field(default_factory=list)
    replaced: list[RolloutRow] = field(default_factory=list)  # the rows that plain ones replace
    # The ids of the plain rows by their bytes, as far as these could be read.
    raws: dict[bytes, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)  # those of the plain rows that run
    # By run that is held, or will be by this list, the ids of its plain rows.
    members: dict[str, dict[str, None]] = field(default_factory=dict)
    # By that run, what its rollouts add up to once the plain rows are in.
    numbers: dict[str, SummaryBuilder] = field(default_factory=dict)
    # Runs that are held and of which a plain row changed that adds up to the same.
    steady: set[str] = field(default_factory=set)
    strays: set[str] = field(default_factory=set)  # those of the plain rows whose run is not held

    def add(self, row: RolloutRow, before: RolloutRow | None) -> None:
        """Add a plain row."""
        row = self.plain[row.rollout_id] = with_artifacts(row, before)
        if before is not None:
            self.replaced.append(before)
        if row.malformed is None:
            self.raws[row.raw] = row.rollout_id
        if row.outcome is Outcome.RUNNING:
            self.running.add(row.rollout_id)

    def count(
        self, row: RolloutRow, before: RolloutRow | None, numbers: SummaryBuilder | None
    ) -> None:
        """Count a plain row to its run, of which the numbers so far, if any, stay as they are."""
        if before is not None and numbers is not None and counts_alike(before, row):
            self.steady.add(row.run_id)
            return
        built = self.numbers.get(row.run_id)
        if built is None:
            built = self.numbers[row.run_id] = numbers.copy() if numbers else SummaryBuilder()
        self.members.setdefault(row.run_id, {})[row.rollout_id] = None
        if before is None:
            built.add(row)
        else:
            built.replace(before, row)


Steps = Generator[None, None, RolloutBatch]
"""Reading a list piece by piece; others may do something between two."""


def stepped_row(
    before: RolloutRow, item: bytes, asked: str | None, seen: Observation
) -> RolloutRow | None:
    """The row of a rollout that took steps and did nothing else; None where it did."""
    known = before.rollout
    if known is None or before.outcome not in ACTIVE:
        return None
    if before.run_id != known.run_id or asked not in (None, known.run_id):
        return None  # where it belongs is to be found out anew
    now = read_step(item, before.raw, known)
    if now is None:
        return None
    return replace(before, raw=item, sent_s=seen.sent_s, at=seen.at, rollout=now)


def supersedes(row: RolloutRow, before: RolloutRow) -> bool:
    """Whether a row says something else than the one known, by a question that is no older."""
    known = (before.raw, before.usage, before.tools, before.note)
    news = known != (row.raw, row.usage, row.tools, row.note)
    return news and row.sent_s >= before.sent_s


def with_artifacts(row: RolloutRow, before: RolloutRow | None) -> RolloutRow:
    """The row with what its artifacts said, which no list of rollouts says again."""
    if before is None or (before.usage is None and before.tools is None):
        return row
    return replace(
        row,
        usage=before.usage if row.usage is None else row.usage,
        tools=before.tools if row.tools is None else row.tools,
    )
