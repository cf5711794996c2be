"""From when to when a run's rollouts reach, and how long the longest ran: kept up to date. Pure.

Which stretch of that a timeline shows is the screen's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_times import started_at
from gymtui.store.stats.sorted_numbers import SortedNumbers


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to show of a run."""

    longest_s: float = 0.0  # how long its longest rollout ran, or has run so far
    first_s: float = 0.0  # when its first rollout was created, UNIX seconds on the server's clock
    last_s: float = 0.0  # when its last one ended or was last looked at


class _Ends(NamedTuple):
    """One rollout, all in UNIX seconds or seconds."""

    created_s: float | None = None
    runs_since_s: float | None = None
    ended_s: float | None = None
    ran_s: float | None = None


class TimeExtent:
    """How far a run's rollouts reach while they come, change and go."""

    def __init__(self) -> None:
        self._ends: dict[str, _Ends] = {}
        self._values: Sequence[SortedNumbers] = [SortedNumbers() for _ in _Ends._fields]
        self._seen_s = 0.0

    def put(self, rollout_id: str, row: RolloutRow | None) -> None:
        """Take a rollout as it is now, or as gone, instead of as it was before."""
        before, after = self._ends.pop(rollout_id, None), None
        if row is not None:
            after = self._ends[rollout_id] = _ends(row)
            self._seen_s = max(self._seen_s, row.at)
        if before == after:
            return
        for values, old, new in zip(self._values, before or _Ends(), after or _Ends(), strict=True):
            values.remove(old)
            values.add(new)

    def extent(self, looked_at: datetime | None) -> Extent:
        """How much there is to show.

        Args:
            looked_at: When the run's rollouts were last looked at, on the server's clock; None
                if nobody noted that: then it was when the last news of one came.
        """
        created, running, ended, ran = self._values
        looked_s = looked_at.timestamp() if looked_at is not None else self._seen_s
        longest_s, last_s = max(ran.last or 0.0, 0.0), ended.last
        if running.first is not None:
            longest_s = max(longest_s, looked_s - running.first)
            last_s = looked_s if last_s is None else max(last_s, looked_s)
        first_s = created.first
        if first_s is None:
            return Extent(longest_s)
        return Extent(longest_s, first_s, first_s if last_s is None else last_s)


def _ends(row: RolloutRow) -> _Ends:
    rollout = row.rollout
    if rollout is None:
        return _Ends()
    start, end = started_at(rollout), rollout.completed_at
    created = rollout.created_at or start
    created_s = created.timestamp() if created is not None else None
    if start is None:
        return _Ends(created_s)
    start_s = start.timestamp()
    if end is not None:
        end_s = end.timestamp()
        return _Ends(created_s, None, end_s, end_s - start_s)
    return _Ends(created_s, start_s if row.outcome is Outcome.RUNNING else None)
