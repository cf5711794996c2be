"""What a person may want to look at in a recording: runs begun and ended, errors, what is stuck."""

from __future__ import annotations

from collections.abc import Callable

from gymtui.core.server_clock import ServerClock
from gymtui.store.delta import Delta
from gymtui.store.history.recording_rows import Mark
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import ERRORS
from gymtui.store.running_rollouts import Running, StepPace
from gymtui.store.store import Store


class MarkFinder:
    """Finds the marks of one session, in runs whose rollouts are recorded."""

    def __init__(
        self,
        store: Store,
        clock: ServerClock,
        running: Running,
        pace: StepPace,
        wanted: Callable[[str], bool],
    ) -> None:
        self._store = store
        self._clock = clock
        self._running = running
        self._pace = pace
        self._wanted = wanted
        self._active: set[str] = set()
        self._over: set[str] = set()
        self._failed: set[str] = set()
        self._stuck: set[str] = set()
        self._since = clock.now()

    def begin(self) -> None:
        """Take what is so now for known: it is no mark of what is recorded from here on."""
        self._active = set(self._store.active_runs)
        self._since = self._clock.now()
        rollouts = self._store.rollouts
        self._failed = {i for i, row in rollouts.items() if row.outcome in ERRORS}

    def find(self, delta: Delta, at_us: int) -> list[Mark]:
        """What happened by an answer that the store has just taken in, at UNIX microseconds."""
        marks: list[Mark] = []
        active = set(self._store.active_runs)
        for run_id in sorted((self._active - active) & self._store.runs.keys()):
            marks.append(Mark(at_us, "ended", run_id))
        for run_id in sorted((active - self._active) & (delta.runs_added | self._over)):
            marks.append(Mark(at_us, "began", run_id))
        self._active = active
        self._over = (self._over | delta.runs_added) - active - delta.runs_removed
        rollouts = self._store.rollouts
        listed = {rollouts[i].run_id for i in delta.rollouts_added if i in rollouts}
        for run_id in sorted(filter(self._store.knows_rollouts_of, listed & self._over)):
            self._over.discard(run_id)
            view = RunView(self._store.runs[run_id], self._store.summary(run_id))
            if view.began_at is not None and view.began_at > self._since:
                marks += [Mark(at_us, what, run_id) for what in ("began", "ended")]
        for rollout_id in sorted(delta.rollouts_changed | delta.rollouts_added):
            row = rollouts.get(rollout_id)
            if row is None or row.rollout is None or not self._wanted(row.run_id):
                continue
            if row.outcome in ERRORS and rollout_id not in self._failed:
                self._failed.add(rollout_id)
                ended = row.rollout.completed_at
                if rollout_id in delta.rollouts_added and (ended is None or ended < self._since):
                    continue  # it is only read now
                marks.append(Mark(at_us, "error", row.run_id, rollout_id))
        self._running.update(rollouts, delta.rollouts, self._pace)
        now = self._clock.now()
        stuck: set[str] = set()
        for run_id in self._running.runs:
            if self._running.stuck_in(run_id, now):
                stuck |= {
                    rollout_id
                    for rollout_id, running in self._running.rows.items()
                    if running.row.run_id == run_id and running.stuck(now)
                }
        for rollout_id in sorted(stuck - self._stuck):
            run_id = self._running.rows[rollout_id].row.run_id
            if self._wanted(run_id):
                marks.append(Mark(at_us, "stuck", run_id, rollout_id))
        self._stuck = stuck
        return marks
