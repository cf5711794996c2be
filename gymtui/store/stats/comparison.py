"""How runs differ, and whether that says anything: settings, pass rates, tasks that flipped. Pure.

What the rows are is `store.stats.task_rows`; how a rate's own interval is made
`store.stats.formulas`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import compress
from math import fsum, sqrt
from typing import TypeVar

from gymtui.api.models import ModelSettings, Rollout, RunStatus
from gymtui.core.json_output import json_text
from gymtui.core.replacement import replace
from gymtui.core.urls import without_login
from gymtui.store.stats.formulas import Z_95, Tally
from gymtui.store.stats.significance import SOME, STRONG, holm, sign_flip
from gymtui.store.stats.task_rows import TaskAcrossRuns

K = TypeVar("K")
_SECRET = frozenset({"api_key"})


class Significance(Enum):
    """What the difference of a task between runs is worth."""

    STRONG = "strong evidence"  # chance alone would bring it about once in a hundred tasks or less
    SOME = "weak evidence"  # once in twenty or less
    CHANCE = "not significant"  # more often than that
    # It rests on one attempt: had that come out otherwise, there would be none.
    ONE_ATTEMPT = "one attempt"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a task that differs between runs."""

    worst: int  # the place of the run that does worst
    best: int  # the place of the one that does best
    p: float  # how often chance alone would part the runs as far, 0..1: one test of all of them
    runs: int  # how many these are
    significance: Significance  # the same in a word

    @property
    def sure(self) -> bool:
        """Whether it is more than chance, as far as one task alone tells."""
        return self.significance in (Significance.STRONG, Significance.SOME)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that differs between runs."""

    name: str
    values: tuple[str | None, ...]  # its value in each run, as received; None where it is not known


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a run's pass rate is from another's, over the tasks that both have verdicts of."""

    tasks: int  # how many tasks these are
    mean: float  # the mean over tasks of one rate less the other, -1..1
    # Where the mean may be at least, with 95 % confidence in this difference alone; None where
    # that is not known.
    low: float | None
    high: float | None  # where it may be at most
    p: float  # how often chance alone would bring it about, 0..1
    adjusted: float  # the same with Holm's correction for all the comparisons it is one of
    comparisons: int  # how many these are

    @property
    def clear(self) -> bool:
        """Whether it is more than chance."""
        return self.adjusted <= SOME


def evidence_of(row: TaskAcrossRuns) -> Evidence | None:
    """What a task's difference between runs is worth; None where two do not differ."""
    rated = [
        (cell.pass_rate or 0.0, place, cell.tally)
        for place, cell in enumerate(row.cells)
        if cell is not None and cell.tally.verdicts
    ]
    if len(rated) < 2:
        return None
    low, worst, bad = min(rated, key=lambda item: (item[0], item[1]))
    high, best, good = max(rated, key=lambda item: (item[0], -item[1]))
    if high <= low:
        return None
    return Evidence(worst, best, row.p, len(rated), _significance(bad, good, row.p))


def _significance(bad: Tally, good: Tally, p: float) -> Significance:
    if p <= STRONG:
        return Significance.STRONG
    if p <= SOME:
        return Significance.SOME
    return Significance.ONE_ATTEMPT if _rests_on_one(bad, good) else Significance.CHANCE


def _rests_on_one(bad: Tally, good: Tally) -> bool:
    """Whether one attempt come out otherwise would make the two equal, or turn them round."""
    lifted = (bad.passes + 1) * good.verdicts >= good.passes * bad.verdicts
    lowered = bad.passes * good.verdicts >= (good.passes - 1) * bad.verdicts
    return lifted or lowered


def differences(tasks: Iterable[TaskAcrossRuns], runs: int) -> tuple[Difference | None, ...]:
    """How far each run's pass rate is from the first one's, task by task.

    The same tasks are compared with each other, which leaves out how hard they are (Miller 2024,
    "Adding Error Bars to Evals", arXiv:2411.00640, section 4). The interval is Student's, for the
    mean of so few tasks; p is `sign_flip`'s.

    Args:
        tasks: The rows; rollouts that name no task are compared with nothing.

    Returns:
        By the place of the run; None for the first, and where there is no task of which both have
        verdicts. No interval with fewer than four such tasks, nor where all differ equally:
        nothing tells by how much they might.
    """
    named = [row.cells for row in tasks if row.task_id is not None]
    tallies = [
        {at: cell.tally for at, cells in enumerate(named) if (cell := cells[run]) is not None}
        for run in range(runs)
    ]
    found = (difference_of(mine, tallies[0]) for mine in tallies[1:])
    return adjust_differences([None, *found])


def adjust_differences(found: Sequence[Difference | None]) -> tuple[Difference | None, ...]:
    """Several comparisons that are shown together, their p adjusted for each other (Holm)."""
    known = [item for item in found if item is not None]
    ps = iter(holm([item.p for item in known]))
    return tuple(
        item and replace(item, adjusted=next(ps), comparisons=len(known)) for item in found
    )


def difference_of(mine: Mapping[K, Tally], theirs: Mapping[K, Tally]) -> Difference | None:
    """How far one run's pass rate is from another's, over the tasks that both have verdicts of."""
    apart = [
        Fraction(tally.passes, tally.verdicts) - Fraction(other.passes, other.verdicts)
        for name, tally in mine.items()
        if (other := theirs.get(name)) is not None and tally.verdicts and other.verdicts
    ]
    if not apart:
        return None
    count, p = len(apart), sign_flip(tuple(apart))
    mean = sum(apart) / count
    spread = fsum((value - mean) ** 2 for value in apart)
    low = high = None
    if count >= 4 and spread > 1e-12:
        half = _student(count - 1) * sqrt(spread / (count - 1) / count)
        low, high = max(-1.0, float(mean) - half), min(1.0, float(mean) + half)
    return Difference(count, float(mean), low, high, p, p, 1)


def _student(freedom: int) -> float:
    """The 97.5 % point of Student's t, within 1 % from 3 on (Fisher and Cornish 1960)."""
    z, v = Z_95, float(freedom)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


# -- settings ------------------------------------------------------------------------------


def settings_of(run: RunStatus | None, rollouts: Iterable[Rollout]) -> dict[str, str]:
    """What a run was launched with, as far as its rollouts tell.

    Returns:
        Values as JSON by name, never a key; of several, all of them. Empty without any rollout: a
        setting that was not read is none that the run lacks.
    """
    found: dict[str, dict[str, None]] = {}
    tasks: dict[str | None, int] = {}
    for rollout in rollouts:
        tasks[rollout.task_id] = tasks.get(rollout.task_id, 0) + 1
        settings = dict(_flat_settings(rollout.settings))
        if rollout.max_steps is not None:
            settings.setdefault("max_steps", str(rollout.max_steps))
        for name, value in settings.items():
            found.setdefault(name, {})[value] = None
    if not tasks:
        return {}
    if run is not None and run.scenario_id is not None:
        found["scenario_id"] = {_write_value(run.scenario_id): None}
    found["tasks"] = {str(len(tasks)): None}
    attempts = sorted(set(tasks.values()))
    found["attempts"] = {"–".join(map(str, dict.fromkeys((attempts[0], attempts[-1])))): None}
    return {name: ", ".join(values) for name, values in found.items()}


def differing_settings(runs: Sequence[Mapping[str, str]]) -> list[Setting]:
    """The settings that runs of which any is known do not have alike, as first met."""
    names = dict.fromkeys(name for run in runs for name in run)
    found = (Setting(name, tuple(run.get(name) for run in runs)) for name in names)
    known = [bool(run) for run in runs]
    return [setting for setting in found if len(set(compress(setting.values, known))) > 1]


def _flat_settings(settings: ModelSettings | None) -> Iterable[tuple[str, str]]:
    if settings is None:
        return
    for name in ModelSettings.model_fields:
        value = getattr(settings, name)
        if value is not None and name not in _SECRET:
            yield name, without_login(_write_value(value))


def _write_value(value: object) -> str:
    return value if isinstance(value, str) else json_text(value, ascii_only=False)
