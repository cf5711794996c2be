"""Where the time of a run's ended rollouts went, kept up to date rollout by rollout. Pure.

How long a rollout spent in a phase is `run_stats.time_spent_s`; who watched it, `poll.tracker`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from gymtui.store.column_def import micros
from gymtui.store.phases import PHASES, SegmentKind
from gymtui.store.stats.formulas import Shares, quantile
from gymtui.store.stats.sorted_numbers import SortedNumbers


class PhaseTime(Struct):
    """The seconds of each phase over rollouts that come, change and go.

    Added up in whole microseconds: however often a rollout is counted out and in again, the sums
    are those of counting all of them once.
    """

    _spent: dict[str, Mapping[str, float] | None] = field(default_factory=dict)
    _counted: int = 0
    _micros: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PHASES, 0))
    _lengths: dict[str, SortedNumbers] = field(
        default_factory=lambda: {
            kind: SortedNumbers() for kind in (SegmentKind.BUILDING, SegmentKind.VERIFYING)
        }
    )

    def __contains__(self, rollout_id: object) -> bool:
        return rollout_id in self._spent

    def put(self, rollout_id: str, spent_s: Mapping[str, float] | None) -> None:
        """Count an ended rollout by its seconds in each phase, or as not watched all the way."""
        self.drop(rollout_id)
        self._spent[rollout_id] = spent_s
        if spent_s is not None:
            self._count(spent_s, 1)

    def drop(self, rollout_id: str) -> None:
        """Count a rollout out again, if it was counted."""
        spent_s = self._spent.pop(rollout_id, None)
        if spent_s is not None:
            self._count(spent_s, -1)

    @property
    def shares(self) -> Shares:
        """The share of each phase, by its `SegmentKind`, with coverage."""
        whole = sum(self._micros.values())
        of = {kind: spent / whole for kind, spent in self._micros.items()} if whole else {}
        return Shares(of, self._counted, len(self._spent))

    def p95_s(self, kind: SegmentKind) -> float | None:
        """The 95th percentile of the time in a phase; None where nothing is known."""
        return quantile(self._lengths[kind], 0.95)

    def _count(self, spent_s: Mapping[str, float], by: int) -> None:
        self._counted += by
        for kind, seconds in spent_s.items():
            self._micros[kind] += by * micros(seconds)
        for kind, lengths in self._lengths.items():
            if by > 0:
                lengths.add(spent_s[kind])
            else:
                lengths.remove(spent_s[kind])
