"""The run that others are compared with: chosen by hand and kept, else the checkpoint before."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from gymtui.core.atomic_write import replace_text
from gymtui.store.stats.checkpoints import checkpoint_before
from gymtui.store.store import Store

log = logging.getLogger(__name__)


class Baseline:
    """The baseline at one gym; without a path it is not kept."""

    def __init__(self, path: Path | None, store: Store) -> None:
        self._path = path
        self._store = store
        self.chosen = read_baseline(path)  # the run that was chosen, listed or not; None for none

    @property
    def run_id(self) -> str | None:
        """The chosen run, where it is listed; None for none."""
        row = self._store.runs.get(self.chosen) if self.chosen is not None else None
        return self.chosen if row is not None and not row.is_deleted else None

    def choose(self, run_id: str | None) -> None:
        """Compare others with this run; None compares each with the checkpoint before it."""
        self.chosen = run_id
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_text(self._path, json.dumps({"baseline": run_id}))
        except OSError as error:
            log.warning("the baseline cannot be kept: %s", error)

    def compared_with(self, run_id: str) -> str | None:
        """The run that a run is compared with: the baseline, else the checkpoint before it.

        None where there is neither, and for the baseline itself.
        """
        baseline = self.run_id
        if baseline is not None:
            return baseline if baseline != run_id else None
        scenarios = {
            name: row.run.scenario_id
            for name, row in self._store.runs.items()
            if row.run is not None and not row.is_deleted
        }
        own = scenarios.get(run_id)
        return checkpoint_before(run_id, (i for i, other in scenarios.items() if other == own))

    def first(self, run_ids: Sequence[str]) -> tuple[str, ...]:
        """Some runs in their order, the baseline before the others if it is one of them."""
        return tuple(sorted(run_ids, key=lambda run_id: run_id != self.chosen))


def read_baseline(path: Path | None) -> str | None:
    """The run that was chosen, as kept in a file; None where none is, or it cannot be read."""
    try:
        kept = json.loads(path.read_bytes()) if path is not None else None
    except (OSError, ValueError, RecursionError):
        return None
    chosen = kept.get("baseline") if isinstance(kept, dict) else None
    return chosen if isinstance(chosen, str) and chosen else None
