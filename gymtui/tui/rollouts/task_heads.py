"""What stands where a task begins, in a list that keeps the rollouts of a task together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from gymtui.core.text import ABSENT
from gymtui.store.outcome import VERDICTS, Outcome
from gymtui.store.records import RolloutRow


def task_heads(listed: Iterable[str], rows: Mapping[str, RolloutRow]) -> dict[str, tuple[str, str]]:
    """By each task's first rollout, its name and its passes of verdicts, as `3/4`.

    Args:
        listed: The rollouts' ids in order. A filter that hides half of a task says so in its count.
    """
    heads: dict[str, tuple[str, str]] = {}
    for task, members in groupby(listed, key=lambda row_id: _task_of(rows[row_id])):
        together = [rows[row_id] for row_id in members]
        outcomes = [row.outcome for row in together]
        verdicts = sum(outcome in VERDICTS for outcome in outcomes)
        passes = f"{outcomes.count(Outcome.PASSED)}/{verdicts}" if verdicts else ""
        heads[together[0].rollout_id] = (task, passes)
    return heads


def _task_of(row: RolloutRow) -> str:
    return (row.rollout.task_id if row.rollout is not None else None) or ABSENT
