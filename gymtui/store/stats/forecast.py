"""When the active runs will be done, and how many verdicts come in over all runs.

Kept up to date rollout by rollout, a part at a time, for every active run at once; what is shown
of the one run that is open is `store.stats.run_stats`. The estimate itself is `store.stats.eta`.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Set
from itertools import islice

from msgspec import Struct, field

from gymtui.store.outcome import VERDICTS, Outcome
from gymtui.store.records import RolloutRow, RunRow
from gymtui.store.rollout_times import duration_s, started_at
from gymtui.store.stats import formulas
from gymtui.store.stats.eta import TimeLeft, eta
from gymtui.store.stats.run_stats import RATE_WINDOW_S

AT_ONCE = 500  # rollouts taken in before others get their turn: about a millisecond
FRESH_S = 10.0  # how long rollouts count as no older, seconds: each new estimate is a line to send
LIVES_KEPT = 1000
"""The latest ended rollouts of a run that an estimate is made from; more tell little more."""


class _RunProgress(Struct):
    """The rollouts of one active run, by what they tell of its end."""

    waiting: set[str] = field(default_factory=set)
    # When each running one started, UNIX seconds; None where that is not known.
    running: dict[str, float | None] = field(default_factory=dict)
    # How long each ended one ran; cancelled ones left out.
    held_s: dict[str, float] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    verdicts: set[str] = field(default_factory=set)
    moved_s: float = 0.0  # when one of them last changed, UNIX seconds
    # The last estimate, and what it was made from.
    estimate: tuple[tuple[float, ...], TimeLeft | None] | None = None

    @property
    def known(self) -> int:
        """How many rollouts were seen."""
        return len(self.waiting) + len(self.running) + len(self.ended)

    def still_runs(self, row: RolloutRow) -> bool:
        """Whether a rollout has only taken steps, as most that change have."""
        known_s = self.running.get(row.rollout_id)
        start = started_at(row.rollout) if row.rollout is not None else None
        runs = row.outcome is Outcome.RUNNING and known_s is not None
        return runs and start is not None and start.timestamp() == known_s

    def drop(self, rollout_id: str) -> None:
        self.waiting.discard(rollout_id)
        self.running.pop(rollout_id, None)
        self.held_s.pop(rollout_id, None)
        self.ended.discard(rollout_id)
        self.verdicts.discard(rollout_id)

    def put(self, row: RolloutRow) -> None:
        rollout, rollout_id = row.rollout, row.rollout_id
        if rollout is None:
            return
        if row.outcome is Outcome.WAITING:
            self.waiting.add(rollout_id)
        elif row.outcome is Outcome.RUNNING:
            start = started_at(rollout)
            self.running[rollout_id] = None if start is None else start.timestamp()
        else:
            self.ended.add(rollout_id)
            ran_s = duration_s(rollout)
            if ran_s is not None and row.outcome is not Outcome.CANCELLED:
                self.held_s[rollout_id] = ran_s
            if row.outcome in VERDICTS:
                self.verdicts.add(rollout_id)


class RunForecast:
    """What is to be expected of the active runs."""

    def __init__(self) -> None:
        self._courses: dict[str, _RunProgress] = {}
        self._run_of: dict[str, str] = {}
        self._todo: dict[str, None] = {}
        self._verdicts_at_s: list[float] = []
        self._counted: dict[str, float] = {}
        self._first_start_s: float | None = None

    def take(
        self,
        touched: Iterable[str],
        rollouts: Mapping[str, RolloutRow],
        active: Set[str],
        now_s: float,
    ) -> bool:
        """Take in up to `AT_ONCE` of what changed; whether some is left: call again soon."""
        self._todo.update(dict.fromkeys(touched))
        for rollout_id in list(islice(self._todo, AT_ONCE)):
            del self._todo[rollout_id]
            self._take(rollout_id, rollouts.get(rollout_id), active, now_s)
        if not self._todo:
            for run_id in self._courses.keys() - active:
                del self._courses[run_id]
        return bool(self._todo)

    def _take(
        self,
        rollout_id: str,
        row: RolloutRow | None,
        active: Set[str],
        now_s: float,
    ) -> None:
        before = self._run_of.get(rollout_id)
        if row is not None and before == row.run_id and before in active:
            course = self._courses[before]
            if course.still_runs(row):
                course.moved_s = now_s
                return
        self._run_of.pop(rollout_id, None)
        if before in self._courses:
            self._courses[before].drop(rollout_id)
        if row is None or row.rollout is None:
            return
        self._count(row, now_s)
        if row.run_id not in active:
            return
        course = self._courses.setdefault(row.run_id, _RunProgress())
        course.put(row)
        course.moved_s = now_s
        self._run_of[rollout_id] = row.run_id

    def _count(self, row: RolloutRow, now_s: float) -> None:
        """Count a verdict in, by when the server says that it came."""
        assert row.rollout is not None  # noqa: S101  (its only caller has looked)
        start, end = started_at(row.rollout), row.rollout.completed_at
        if start is not None and (
            self._first_start_s is None or start.timestamp() < self._first_start_s
        ):
            self._first_start_s = start.timestamp()
        if row.outcome not in VERDICTS or end is None or row.rollout_id in self._counted:
            return
        at_s = end.timestamp()
        if now_s - RATE_WINDOW_S <= at_s <= now_s + RATE_WINDOW_S:
            self._counted[row.rollout_id] = at_s
            insort(self._verdicts_at_s, at_s)

    # -- reading ---------------------------------------------------------------------------

    def eta(self, run: RunRow, now_s: float, *, stuck: int = 0) -> TimeLeft | None:
        """When a run will be done, as of at most `FRESH_S` ago.

        Returns:
            As `store.stats.eta.eta`; None too while not all of its rollouts were seen.
        """
        course = self._courses.get(run.run_id)
        if course is None or not run.active:
            return None
        if run.run is not None and course.known < (run.run.total or 0):
            return None
        # What is shown at a time depends on nothing but that time: a replay says the same.
        at_s = now_s // FRESH_S * FRESH_S
        counts = (len(course.waiting), len(course.running), len(course.held_s))
        made_from = (at_s, stuck, len(course.verdicts), *counts)
        if course.estimate is None or course.estimate[0] != made_from:
            ages_s = [
                0.0 if since_s is None else max(at_s - since_s, 0.0)
                for since_s in course.running.values()
            ]
            left = eta(
                waiting=len(course.waiting),
                ages_s=ages_s,
                ended_s=list(course.held_s.values())[-LIVES_KEPT:],
                verdicts=len(course.verdicts),
                stuck=stuck,
            )
            course.estimate = made_from, left
        return course.estimate[1]

    def rate(self, now_s: float) -> formulas.Rate | None:
        """Verdicts a minute over all runs, in the last five minutes; None before any start."""
        while self._verdicts_at_s and self._verdicts_at_s[0] < now_s - RATE_WINDOW_S:
            del self._verdicts_at_s[0]
        if len(self._counted) > 2 * len(self._verdicts_at_s) + AT_ONCE:
            oldest_s = now_s - RATE_WINDOW_S
            self._counted = {i: at_s for i, at_s in self._counted.items() if at_s >= oldest_s}
        if self._first_start_s is None:
            return None
        return formulas.rate(self._verdicts_at_s, now_s, self._first_start_s, RATE_WINDOW_S)

    def moved_s(self, run_id: str) -> float | None:
        """When a rollout of an active run was last seen to change, UNIX seconds."""
        course = self._courses.get(run_id)
        return course.moved_s if course is not None else None
