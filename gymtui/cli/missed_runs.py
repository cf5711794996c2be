"""Runs that moved while nobody recorded: their rollouts are listed once more, for the recording.

A dashboard may have kept their final numbers meanwhile: then nobody would ask for them again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gymtui.api.list_answer import parse_rollout
from gymtui.api.models import Malformed
from gymtui.poll.recording_intake import NEWEST
from gymtui.poll.recording_snapshot import without_keys
from gymtui.session.session import Session
from gymtui.store.delta import Delta
from gymtui.store.history.recording_items import ChangeList
from gymtui.store.history.recording_reader import Recording
from gymtui.store.outcome import ACTIVE, outcome_of


class MissedRuns:
    """What a recording says of runs at its end.

    Args:
        directory: Of the recording; where there is none yet, nothing was missed.
        wanted: Whether a run's rollouts are recorded.
    """

    def __init__(
        self, directory: Path, wanted: Callable[[str], bool] = lambda _run_id: True
    ) -> None:
        self._wanted = wanted
        recording = Recording(directory, NEWEST)
        self._is_new = not recording
        self._runs: dict[str, bytes] = {}
        self._asked: set[str] = set()
        if recording:
            changes = ChangeList(recording)
            changes.from_now()
            self._runs = dict(changes.known("run"))
            for raw in changes.known("rollout").values():
                rollout = parse_rollout(raw)
                if not isinstance(rollout, Malformed) and outcome_of(rollout) in ACTIVE:
                    self._runs.pop(rollout.run_id or "", None)

    def list_anew(self, session: Session, delta: Delta) -> None:
        """Have those listed that are now known to be other than the recording says."""
        poller = session.poller
        self._asked = {run_id for run_id in self._asked if poller.awaits(run_id)}
        if self._is_new:
            return
        for run_id in delta.runs_added & session.store.runs.keys():
            known = self._runs.pop(run_id, None)
            row = session.store.runs[run_id]
            if known != without_keys(row.raw) and self._wanted(run_id):
                poller.list_anew(run_id)
                self._asked.add(run_id)

    @property
    def are_listed(self) -> bool:
        """Whether nothing of them is still to come."""
        return not self._asked
