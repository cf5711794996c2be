"""Every running rollout of every run, with how long it has stood still and when that is too long.

Kept up to date by what changed. What is observed of rollouts from poll to poll comes from outside
(`StepPace`); from when on one is stuck is `store.stats.eta`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from msgspec import Struct

from gymtui.config.schema import StuckThresholds
from gymtui.store.column_def import Field, Schema, Since, name_column
from gymtui.store.column_def import ValueKind as Column
from gymtui.store.formats import PHASE_WORD, state_word
from gymtui.store.outcome import Outcome
from gymtui.store.phases import KIND_OF_PHASE, SegmentKind
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_times import elapsed
from gymtui.store.stats.eta import DEFAULT_THRESHOLDS, UsualTimes, stuck_after_s


class StepPace(Protocol):
    """What was observed of rollouts while they were watched, in the server's time."""

    def moved_at(self, rollout_id: str) -> datetime | None:
        """When one last took a step, or changed phase or status; None if it is not watched."""

    def phase_seen_at(self, rollout_id: str) -> datetime | None:
        """By when one had reached the phase it is in; None if it is not watched."""

    def usual(self, run_id: str) -> UsualTimes:
        """What is usual in a run."""


class RunningRow(NamedTuple):
    """A rollout that runs; of thousands, some are made anew with every answer."""

    row: RolloutRow
    # When it last moved, the latest it may have been; None if it is not watched.
    moved_at: datetime | None = None
    # From when on it counts as stuck unless it moves; None if nothing tells.
    stuck_from: datetime | None = None
    # How long it may stand still, in seconds; None where no threshold applies.
    limit_s: float | None = None

    def stuck(self, now: datetime) -> bool:
        """Whether it counts as stuck."""
        return self.stuck_from is not None and now > self.stuck_from


class RunningDelta(Struct, frozen=True):
    """What happened to the rows: those that are new or differ, and the ids that are gone."""

    changed: Mapping[str, RunningRow]
    removed: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


class Running:
    """The running rollouts of all runs; the rules tell when one is stuck."""

    def __init__(self, rules: StuckThresholds = DEFAULT_THRESHOLDS) -> None:
        self._rules = rules
        self.rows: dict[str, RunningRow] = {}  # by rollout id
        self._of_run: dict[str, set[str]] = {}
        self._stuck_from: dict[str, datetime] = {}

    @property
    def runs(self) -> Collection[str]:
        """The runs they belong to."""
        return self._of_run.keys()

    def stuck(self, now: datetime) -> int:
        """How many count as stuck."""
        due = (run_id for run_id, since in self._stuck_from.items() if since < now)
        return sum(self.stuck_in(run_id, now) for run_id in due)

    def stuck_in(self, run_id: str, now: datetime) -> int:
        """How many of a run count as stuck."""
        since = self._stuck_from.get(run_id)
        if since is None or now <= since:
            return 0
        return sum(self.rows[rollout_id].stuck(now) for rollout_id in self._of_run.get(run_id, ()))

    def update(
        self, known: Mapping[str, RolloutRow], touched: Collection[str], pace: StepPace | None
    ) -> RunningDelta:
        """Take in what changed: all rows of a run that was touched are looked at again.

        What is usual in a run changes with each of its rollouts.
        """
        runs: dict[str, None] = {}
        # Those that were dropped while nobody looked are not among the touched.
        removed = self.rows.keys() - known.keys()
        for rollout_id in touched:
            row = known.get(rollout_id)
            before = self.rows.get(rollout_id)
            if before is not None and (row is None or row.run_id != before.row.run_id):
                self._leave(before.row)
            if row is None:
                continue
            runs[row.run_id] = None
            if row.outcome is Outcome.RUNNING:
                self._of_run.setdefault(row.run_id, set()).add(rollout_id)
            elif before is not None:
                removed.add(rollout_id)
        for rollout_id in removed:
            self._leave(self.rows.pop(rollout_id).row)
        changed: dict[str, RunningRow] = {}
        for run_id in runs:
            limits_s = self._limits_s(pace.usual(run_id)) if pace is not None else {}
            for rollout_id in self._of_run.get(run_id, ()):
                running = _looked_at(known[rollout_id], limits_s, pace)
                before = self.rows.get(rollout_id)
                if before is None or before.row is not running.row or before != running:
                    changed[rollout_id] = self.rows[rollout_id] = running
            self._note_stuck(run_id)
        return RunningDelta(changed, frozenset(removed))

    def _note_stuck(self, run_id: str) -> None:
        """Note from when on the first of a run counts as stuck: until then none need be asked."""
        rows = (self.rows[rollout_id] for rollout_id in self._of_run.get(run_id, ()))
        first = min((row.stuck_from for row in rows if row.stuck_from is not None), default=None)
        if first is None:
            self._stuck_from.pop(run_id, None)
        else:
            self._stuck_from[run_id] = first

    def _leave(self, row: RolloutRow) -> None:
        members = self._of_run.get(row.run_id)
        if members is not None:
            members.discard(row.rollout_id)
            if not members:
                del self._of_run[row.run_id]
                self._stuck_from.pop(row.run_id, None)

    def _limits_s(self, usual: UsualTimes) -> Mapping[str, float | None]:
        """By phase, as the server spells it, how long a rollout may stand still in it, seconds."""
        kinds = KIND_OF_PHASE.items()
        return {phase: stuck_after_s(kind, usual, self._rules) for phase, kind in kinds}


def _looked_at(
    row: RolloutRow, limits_s: Mapping[str, float | None], pace: StepPace | None
) -> RunningRow:
    if pace is None or row.rollout is None:
        return RunningRow(row)
    phase = row.rollout.phase or ""
    limit_s, moved_at = limits_s.get(phase), pace.moved_at(row.rollout_id)
    # A step shows that the agent moves; a build or a verification shows nothing until its end.
    agent = KIND_OF_PHASE.get(phase) is SegmentKind.AGENT
    still_from = moved_at if agent else pace.phase_seen_at(row.rollout_id)
    stuck_from = None
    if limit_s is not None and still_from is not None:
        stuck_from = still_from + timedelta(seconds=limit_s)
    return RunningRow(row, moved_at, stuck_from, limit_s)


RUNNING: Schema[RunningRow] = Schema(
    [
        name_column("run", lambda running: running.row.run_id),
        name_column("task", lambda running: running.row.rollout and running.row.rollout.task_id),
        Field(
            "state",
            Column.TEXT,
            lambda running: state_word(running.row),
            ("phase",),
            choices=(*dict.fromkeys((*PHASE_WORD.values(), *PHASE_WORD, "running")),),
            also=lambda running: running.row.rollout.phase if running.row.rollout else None,
        ),
        Field(
            "steps",
            Column.NUMBER,
            lambda running: running.row.rollout and running.row.rollout.current_step,
            ("step",),
        ),
        Field("idle", Column.DURATION, lambda running: running.moved_at),
        Field(
            "stuck",
            Column.FLAG,
            lambda running: Since(running.stuck_from.timestamp()) if running.stuck_from else False,
        ),
        Field("elapsed", Column.DURATION, lambda running: elapsed(running.row), ("time",)),
        Field("rollout", Column.TEXT, lambda running: running.row.rollout_id, ("id",)),
        name_column(
            "scenario", lambda running: running.row.rollout and running.row.rollout.scenario_id
        ),
        Field(
            "model",
            Column.TEXT,
            lambda running: (
                running.row.rollout
                and running.row.rollout.settings
                and running.row.rollout.settings.model
            ),
        ),
    ]
)
"""The columns by which running rollouts are filtered and ordered."""
