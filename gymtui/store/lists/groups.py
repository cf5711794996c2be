"""Runs taken together: by model, scenario or the name they share, with the group's own numbers.

Pure. A group looks like one large run, so that it is listed, ordered and filtered like one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from math import fsum

from gymtui.api.models import RunStatus
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import Outcome
from gymtui.store.records import RunRow
from gymtui.store.stats.formulas import Interval, known_sum
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.stats.task_tallies import RunsTogether

UNNAMED = "–"  # the group of runs whose model or scenario is not known

_TAIL = re.compile(r"(?:[-_.:/ @]+(?:[a-z]{0,5}\d[\w.]*))+$", re.IGNORECASE)


class Grouping(StrEnum):
    """What runs have in common within a group."""

    MODEL = "model"
    SCENARIO = "scenario"
    NAME = "name"


def key_of(run: RunView, by: Grouping) -> str:
    """The group that a run belongs to."""
    match by:
        case Grouping.MODEL:
            return (run.summary.model if run.summary else None) or UNNAMED
        case Grouping.SCENARIO:
            return (run.row.run.scenario_id if run.row.run else None) or UNNAMED
        case Grouping.NAME:
            return stem(run.name)


def stem(name: str) -> str:
    """A run's name without what counts it off: `nightly-qwen3-s4000` belongs to `nightly-qwen3`."""
    return _TAIL.sub("", name) or name


class Groups:
    """Groups kept by what changed: a changed run costs its group, not all runs."""

    def __init__(self, by: Grouping) -> None:
        self.by = by
        self._runs: dict[str, RunView] = {}
        self._group_of: dict[str, str] = {}
        self._members: dict[str, dict[str, None]] = {}
        self._verdicts: dict[str, RunsTogether] = {}

    def members(self, group: str) -> tuple[str, ...]:
        """The ids of a group's runs."""
        return tuple(self._members.get(group, ()))

    def apply(
        self, changed: Mapping[str, RunView], removed: Iterable[str]
    ) -> tuple[dict[str, RunView], set[str]]:
        """Take runs in: the groups that differ, each as one run, and names of those that went."""
        touched: set[str] = set()
        for run_id in removed:
            touched |= self._take_out(run_id)
        for run_id, run in changed.items():
            touched |= self._take_out(run_id)
            group = key_of(run, self.by)
            self._runs[run_id] = run
            self._group_of[run_id] = group
            self._members.setdefault(group, {})[run_id] = None
            self._count(group, run, 1)
            touched.add(group)
        emptied = {group for group in touched if not self._members.get(group)}
        for group in emptied:
            self._members.pop(group, None)
            self._verdicts.pop(group, None)
        return {group: self._together(group) for group in touched - emptied}, emptied

    def _take_out(self, run_id: str) -> set[str]:
        group = self._group_of.pop(run_id, None)
        run = self._runs.pop(run_id, None)
        if group is None or run is None:
            return set()
        self._members[group].pop(run_id, None)
        self._count(group, run, -1)
        return {group}

    def _count(self, group: str, run: RunView, by: int) -> None:
        """Count a run's verdicts into its group, or out of it; one without any says nothing."""
        if run.summary is not None and run.summary.verdicts:
            scenario = run.row.run.scenario_id if run.row.run is not None else None
            together = self._verdicts.setdefault(group, RunsTogether())
            together.count(scenario, run.summary.tallies, by)

    def _together(self, group: str) -> RunView:
        runs = [self._runs[run_id] for run_id in self._members[group]]
        statuses = [run.row.run for run in runs if run.row.run is not None]
        # Not validated: a name may be longer than an id, and a sum larger than a count can be.
        status = RunStatus.model_construct(
            run_id=group,
            scenario_id=_common(status.scenario_id for status in statuses),
            source=_common(status.source for status in statuses),
            total=_sum(status.total for status in statuses),
            completed=_sum(run.finished for run in runs),
            failed=0,
            in_progress=_sum(status.in_progress for status in statuses),
            pending=_sum(status.pending for status in statuses),
            running=_sum(status.running for status in statuses),
        )
        row = RunRow(group, b"", 0.0, status)
        verdicts = self._verdicts.get(group)
        summaries = [run.summary for run in runs if run.summary is not None]
        merged = _merge(summaries, verdicts.interval if verdicts else None)
        return RunView(
            row,
            merged,
            stuck=sum(run.stuck for run in runs),
            grouped=True,
            place=min(run.place for run in runs),
        )


def _merge(summaries: list[RunSummary], interval: Interval | None) -> RunSummary | None:
    if not summaries:
        return None
    counts: Counter[Outcome] = Counter()
    for summary in summaries:
        counts.update(summary.counts)
    scores = [(s.score, s.scored) for s in summaries if s.score is not None]
    scored = sum(number for _, number in scores)
    ended = [summary.ended_at for summary in summaries]
    return RunSummary(
        known=sum(summary.known for summary in summaries),
        counts=counts,
        model=_common(summary.model for summary in summaries),
        provider=_common(summary.provider for summary in summaries),
        created_at=_first(summary.created_at for summary in summaries),
        started_at=_first(summary.started_at for summary in summaries),
        ended_at=None if None in ended else max(time for time in ended if time is not None),
        unfinished=sum(summary.unfinished for summary in summaries),
        at_limit=sum(summary.at_limit for summary in summaries),
        interval=interval,
        scored=scored,
        score=fsum(score * number for score, number in scores) / scored if scored else None,
    )


def _common(values: Iterable[str | None]) -> str | None:
    """What all have in common; of several, the first with how many more."""
    known: list[str | None] = list(dict.fromkeys(value for value in values if value))
    first, *others = known or [None]
    return f"{first} +{len(others)}" if others else first


def _sum(values: Iterable[int | None]) -> int | None:
    parts = list(values)
    return known_sum(parts) if parts else None


def _first(times: Iterable[datetime | None]) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
