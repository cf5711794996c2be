"""The rollouts of one run for a screen: its rows, numbers and reach, brought up to date together.

Pure. The rows in their order are `store.lists.ordering`, the numbers
`store.stats.run_stats_builder`.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping
from datetime import datetime

from gymtui.store.lists.ordering import OrderedView
from gymtui.store.records import RolloutRow
from gymtui.store.stats.run_stats import RunStats, share_of
from gymtui.store.stats.run_stats_builder import RunStatsBuilder
from gymtui.store.stats.time_extent import Extent, TimeExtent

COUNTED_AT_ONCE = 200  # rollouts added up before others get their turn: some 2 ms


class RunRows:
    """What a screen shows of one run's rollouts: its rows, which are filled here alone."""

    def __init__(self, rows: OrderedView[RolloutRow]) -> None:
        self._rows = rows
        self._numbers = RunStatsBuilder()
        self._reach = TimeExtent()
        self._due: dict[str, RolloutRow | None] = {}
        self._under_way: dict[str, RolloutRow | None] = {}

    @property
    def due(self) -> int:
        """How many rollouts came, changed or went that `take_due` is still to take in."""
        return len(self._due)

    def put(self, came: Mapping[str, RolloutRow], went: Iterable[str] = ()) -> None:
        """Note rollouts that came, changed or went; ids that never were of the run are ignored."""
        self._due.update(came)
        for rollout_id in went:
            if any(rollout_id in rows for rows in self._known):
                self._due[rollout_id] = None

    def keep_only(self, rollouts: Mapping[str, RolloutRow]) -> None:
        """Note that all but these went, should that have been missed."""
        for rows in self._known:
            for rollout_id in rows.keys() - rollouts.keys():
                self._due[rollout_id] = None

    @property
    def _known(self) -> tuple[Mapping[str, RolloutRow | None], ...]:
        """What shows, what is about to, and what is to be taken in after that."""
        return self._rows.records, self._under_way, self._due

    def take_due(
        self, now: float, we_cancelled: Collection[str], last_steps: Mapping[str, int]
    ) -> Generator[None, None, None]:
        """Take in what is due, what comes meanwhile included, stopping now and then.

        Rows show at once with the last step of each round; numbers and reach are to be asked for
        when it is through, and kept, so that all of them tell of the same rollouts.
        """
        while self._due:
            due, self._due = self._due, {}
            self._under_way = due
            known = self._rows.records
            changed: dict[str, RolloutRow] = {}
            for count, (rollout_id, row) in enumerate(due.items(), start=1):
                # One that looks the same may add up to something else: steps recalled, say.
                rollout = row.rollout if row is not None else None
                part = share_of(rollout, we_cancelled, last_steps) if rollout is not None else None
                self._numbers.put(rollout_id, part)
                self._reach.put(rollout_id, row)
                if row is not None and known.get(rollout_id) is not row:
                    changed[rollout_id] = row
                if count % COUNTED_AT_ONCE == 0:
                    yield
            removed = [rollout_id for rollout_id, row in due.items() if row is None]
            yield from self._rows.apply_in_pieces(changed, removed, now)
            self._under_way = {}

    def numbers(self, total: int | None) -> RunStats:
        """What they add up to, beside how many the run says it has."""
        return self._numbers.numbers(total)

    def extent(self, looked_at: datetime | None) -> Extent:
        """From when to when they reach; the argument is that of `TimeExtent.extent`."""
        return self._reach.extent(looked_at)
