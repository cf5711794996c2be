"""Drafts made from runs: one like it, or again only what went wrong in it, by cause.

A run's settings are read off its rollouts, which tell no key, nothing of a simulated user and no
overrides; what was launched from here is remembered whole (`launching.launch_history`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gymtui.core.pieces import result_of
from gymtui.core.replacement import replace
from gymtui.launching.draft import Draft
from gymtui.launching.form_fields import BY_PATH, COUNT, MODEL, NAME, SCENARIO, TASKS, FieldKind
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failures import FailureGroup, Failures

ORDER: Final = (Outcome.ENVIRONMENT, Outcome.AGENT, Outcome.FAILED, Outcome.CANCELLED)
"""Causes as they are offered: what says least about the model first."""

WORDS: Final = {
    Outcome.ENVIRONMENT: "environment error",
    Outcome.AGENT: "agent error",
    Outcome.FAILED: "fail",
    Outcome.CANCELLED: "cancelled",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Rollouts that went wrong in the same way and the same words."""

    key: str  # its name, the same while more rollouts join
    reason: FailureGroup
    tasks: tuple[str, ...]  # the tasks of these rollouts, each once


def failure_causes(rows: Iterable[RolloutRow]) -> tuple[Cause, ...]:
    """What went wrong in a run, by cause and words; without rollouts that name no task."""
    tasks: dict[str, str] = {}
    failures = Failures()
    for row in rows:
        if row.rollout is not None and row.rollout.task_id:
            tasks[row.rollout_id] = row.rollout.task_id
            failures.take(row)
    found = [
        Cause(
            f"{reason.outcome}:{reason.folded}",
            reason,
            tuple(dict.fromkeys(tasks[rollout] for rollout in reason.rollout_ids)),
        )
        for reason in result_of(failures.groups_in_pieces())
    ]
    return tuple(sorted(found, key=lambda cause: ORDER.index(cause.reason.outcome)))


def default_causes(found: Sequence[Cause]) -> frozenset[str]:
    """The causes, by key, that are run again unless the person chooses.

    All but what a person cancelled; that too where nothing else went wrong.
    """
    wrong = [c.key for c in found if c.reason.outcome is not Outcome.CANCELLED]
    return frozenset(wrong or [cause.key for cause in found])


def similar_draft(rows: Sequence[RolloutRow], kept: Draft | None = None) -> Draft:
    """A draft that launches what a run was: its tasks, as often, with its settings.

    Args:
        kept: What it was launched with, if that is remembered.
    """
    draft = replace(kept or Draft(), keys={}, parent=None).with_text(NAME, "")
    rollouts = [row.rollout for row in rows if row.rollout is not None]
    if kept is None:
        draft = _settings(draft, rows)
        scenario = next((r.scenario_id for r in rollouts if r.scenario_id), None)
        draft = draft.with_text(SCENARIO, scenario or "")
    counted = Counter(rollout.task_id for rollout in rollouts if rollout.task_id)
    if counted:
        draft = draft.with_ids(TASKS, tuple(counted)).with_text(COUNT, str(max(counted.values())))
    return draft


def rerun_draft(
    run_id: str, base: Draft, rows: Sequence[RolloutRow], rollouts: Iterable[str]
) -> Draft:
    """A rerun: the tasks of some rollouts, as often as the task that lost most of them."""
    wanted = set(rollouts)
    counted = Counter(
        row.rollout.task_id
        for row in rows
        if row.rollout_id in wanted and row.rollout is not None and row.rollout.task_id
    )
    draft = replace(base, parent=run_id)
    most = max(counted.values(), default=1)
    return draft.with_ids(TASKS, tuple(counted)).with_text(COUNT, str(most))


def rerun_of_tasks(run_id: str, base: Draft, tasks: Sequence[str]) -> Draft:
    """A rerun of some tasks, as often as the run had them."""
    return replace(base, parent=run_id).with_ids(TASKS, tasks)


def _settings(draft: Draft, rows: Sequence[RolloutRow]) -> Draft:
    known = [r.rollout.settings for r in rows if r.rollout is not None and r.rollout.settings]
    if not known:
        return draft
    models = tuple(dict.fromkeys(settings.model for settings in known if settings.model))
    if models:
        draft = draft.with_ids(MODEL, models)
    for path, field in BY_PATH.items():
        owner, _, name = path.rpartition(".")
        if owner != "model_config" or path == MODEL or field.kind is FieldKind.SECRET:
            continue
        value = getattr(known[0], name, None)
        if value is None or value == "":
            continue
        text = f"{value:g}" if isinstance(value, float) else str(value)
        if isinstance(value, bool):
            text = "yes" if value else "no"
        # A default is left open: it stands there by itself, and is told apart from a choice.
        draft = draft.with_text(path, "" if text == field.default else text)
    return draft
