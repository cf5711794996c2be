"""What a report knows of each run: the same numbers, matrix and failures as on screen. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gymtui.api.lenient import loads
from gymtui.api.list_answer import HIDDEN, mask_secrets
from gymtui.core.json_output import json_text
from gymtui.core.pieces import result_of
from gymtui.core.urls import without_login
from gymtui.store.history.last_steps import last_steps, lives_of
from gymtui.store.history.observer import StateObservation
from gymtui.store.history.timeline import segments
from gymtui.store.lists.columns import RunView
from gymtui.store.phases import is_finished
from gymtui.store.records import RolloutRow
from gymtui.store.stats import formulas
from gymtui.store.stats.failures import Failures
from gymtui.store.stats.histograms import MEASURES, Histogram, Measure, histogram
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.run_stats import RunStats, time_spent_s
from gymtui.store.stats.run_stats_builder import run_numbers
from gymtui.store.stats.task_rows import TaskRow
from gymtui.transcript.usage import Usage


@dataclass(frozen=True)
class RunFacts:
    view: RunView
    numbers: RunStats
    matrix: Matrix  # its tasks, all of which it takes to set runs side by side
    failures: int  # how many rollouts went wrong
    # Of the model, by field: each value with how many rollouts have it.
    settings: Mapping[str, tuple[tuple[str, int], ...]]
    spent: formulas.Shares  # where time went, over rollouts that a dashboard watched
    malformed: int  # rollouts that could not be read
    # What rollouts used, for those whose artifacts were read and say it.
    usage: tuple[Usage, ...] = ()
    ended: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)  # the person's own, by rollout
    # How what is known of rollouts is distributed.
    histograms: tuple[tuple[Measure, Histogram], ...] = ()

    @property
    def run_id(self) -> str:
        """Its id as received."""
        return self.view.name

    def tasks(self, k: int) -> list[TaskRow]:
        return list(self.matrix.tasks(self.run_id, k).values())


def facts_of(
    view: RunView, rows: Sequence[RolloutRow], seen: Sequence[StateObservation], now: datetime
) -> RunFacts:
    """Gather what is known of a run, and what a dashboard saw of it, by time."""
    lives = lives_of(seen)
    steps = last_steps(lives)
    failures, matrix = Failures(), Matrix()
    for row in rows:
        failures.take(row)
        matrix.take(row)
    result_of(matrix.refresh_in_pieces(last_steps=steps))
    readable = [row.rollout for row in rows if row.rollout is not None]
    total = view.row.run.total if view.row.run is not None else None
    return RunFacts(
        view=view,
        numbers=run_numbers(readable, total=total, last_steps=steps),
        matrix=matrix,
        failures=len(failures),
        settings=_settings(rows),
        spent=_spent(rows, lives, now),
        malformed=len(rows) - len(readable),
        notes={row.rollout_id: row.note for row in rows if row.note},
        usage=tuple(row.usage for row in rows if row.usage is not None),
        ended=sum(is_finished(rollout) for rollout in readable),
        histograms=tuple((measure, histogram(rows, measure, steps)) for measure in MEASURES),
    )


def _spent(
    rows: Iterable[RolloutRow], lives: Mapping[str, Sequence[StateObservation]], now: datetime
) -> formulas.Shares:
    """Where the time of ended rollouts went, as far as they were watched all the way."""
    spent: list[Mapping[str, float] | None] = []
    for row in rows:
        if row.rollout is None or not is_finished(row.rollout):
            continue
        seen = lives.get(row.rollout_id)
        spent.append(time_spent_s(segments(row.rollout, seen, now)) if seen else None)
    return formulas.shares(spent)


def _settings(rows: Iterable[RolloutRow]) -> dict[str, tuple[tuple[str, int], ...]]:
    """The model's settings as the gym tells them, never a key."""
    found: dict[str, Counter[str]] = {}
    for row in rows:
        if row.rollout is None:
            continue
        config = mask_secrets(loads(row.raw)).get("model_config")
        if not isinstance(config, dict):
            continue
        for name, value in config.items():
            if value is None or value == HIDDEN:
                continue
            text = value if isinstance(value, str) else json_text(value, ascii_only=False)
            found.setdefault(name, Counter())[without_login(text)] += 1
    return {name: tuple(values.most_common()) for name, values in found.items()}


def datetime_of(seconds: float | None) -> datetime | None:
    """UNIX seconds as a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
