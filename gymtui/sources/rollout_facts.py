"""A rollout and a run as files tell of them, and as the wire has them.

What is planned and not done is waiting, or in a run that nobody writes any more `not run`; what was
begun there and not ended is `interrupted`: neither is a fail, nor an error of anybody's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gymtui.api.lenient import loads
from gymtui.api.models import KEPT
from gymtui.core.json_output import json_text
from gymtui.core.replacement import replace

ACTIVE_STATUSES: Final = frozenset({"running", "pending"})
NOT_RUN: Final = "not run"
INTERRUPTED: Final = "interrupted"
QUIET_S: Final = 1800.0
"""A run whose files nobody wrote for so long is dead, if it did not come to its end."""

Body = Callable[[], bytes]
"""Reads a rollout's artifacts, as `GET …/artifacts` answers; it may raise OSError or ValueError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFacts:
    """What files say of a rollout; None where they do not say it."""

    rollout_id: str  # as its files say; where several of a run do, all but one are numbered
    task_id: str | None = None
    status: str = "completed"  # one of the API's (API.md), `NOT_RUN` or `INTERRUPTED`
    model: str | None = None
    provider: str | None = None
    current_step: int | None = None
    max_steps: int | None = None
    created_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    # Whatever it was rewarded; whether that is a verdict is for the whole run to say.
    reward: float | None = None
    # The verdict, where the program that wrote the file has one of its own.
    success: bool | None = None
    message: str = ""  # why it ended as it did
    failed_criteria: tuple[str, ...] = ()
    termination_reason: str | None = None
    details: Mapping[str, Any] | None = None  # what else is known of its result
    item: bytes | None = None  # its item as a gym listed it, which says all of this
    # Its artifacts; None where there are none.
    body: Body | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What files say of a run."""

    run_id: str  # what to call it
    source: str  # which program wrote it
    rollouts: Sequence[RolloutFacts]
    scenario_id: str | None = None
    began: str = ""  # when, in ISO 8601, or else when its files were written; orders the list
    # Numbers that the program itself gives of it, under its own names.
    reported: Mapping[str, Any] | None = None
    graded: bool = False  # whether its rewards are scores alone, even where all are 0 or 1
    unread: int = 0  # how many of its rollouts are not read yet
    note: str | None = None  # a person's, kept with it
    # Whether its program says that it ended, or nobody has written it for long: no result is still
    # to come.
    over: bool = False

    @property
    def active(self) -> bool:
        """Whether something of it is still to come."""
        return bool(self.unread) or any(facts.status in ACTIVE_STATUSES for facts in self.rollouts)


@dataclass(frozen=True, slots=True)
class ListedRollout:
    """A rollout as it is listed."""

    rollout_id: str
    status: str
    task_id: str | None
    item: bytes  # its bytes on the wire
    body: Body | None  # its artifacts, if it has any


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run as it is listed."""

    run_id: str
    scenario_id: str | None
    began: str
    item: bytes  # its bytes on the wire
    rollouts: Mapping[str, ListedRollout]
    facts: RunFacts  # what it was made of
    binary: bool  # whether its rewards are verdicts
    scores: bool  # whether they are scores


def list_run(
    run: RunFacts, run_id: str, others: Container[str], before: ListedRun | None = None
) -> ListedRun:
    """A run as a gym lists it.

    Rewards that are all 0 or 1 are verdicts; among others no number of them is one, and where some
    lie outside 0 to 1 they are no scores either.

    Args:
        run_id: What to call it: unique among all.
        others: What rollouts of other runs are called.
        before: As it was listed before, of which all that did not change is taken.
    """
    rewards = {facts.reward for facts in run.rollouts if facts.reward is not None}
    binary = rewards <= {0.0, 1.0} and not run.graded
    scores = all(0 <= reward <= 1 for reward in rewards)
    known: Mapping[int, ListedRollout] = {}
    kept = before is not None and (before.run_id, before.binary, before.scores)
    if before is not None and kept == (run_id, binary, scores):
        pairs = zip(before.facts.rollouts, before.rollouts.values(), strict=True)
        known = {id(facts): rollout for facts, rollout in pairs}
    rollouts: dict[str, ListedRollout] = {}
    kept_ones = (known.get(id(facts)) for facts in run.rollouts)
    taken = {one.rollout_id for one in kept_ones if one is not None}
    numbers: Counter[str] = Counter()
    for facts in run.rollouts:
        if (same := known.get(id(facts))) is not None:
            rollouts[same.rollout_id] = same
            continue
        name = rollout_id = facts.rollout_id
        if name in others:
            name = rollout_id = f"{name}@{run_id}"
        while rollout_id in taken:  # files that were copied, say
            numbers[name] += 1
            rollout_id = f"{name} ({numbers[name] + 1})"
        taken.add(rollout_id)
        item = None if facts.item is None else _rename_item(facts, rollout_id, run_id, run.run_id)
        if item is None:
            wire = _wire_item(
                facts, rollout_id, run_id, run.scenario_id, binary=binary, scores=scores
            )
            item = json_text(wire).encode()
        rollouts[rollout_id] = ListedRollout(
            rollout_id, facts.status, facts.task_id, item, facts.body
        )
    status = Counter(rollout.status for rollout in rollouts.values())
    counters: dict[str, Any] = {
        "run_id": run_id,
        "scenario_id": run.scenario_id,
        "source": run.source,
        "total": len(rollouts) + run.unread,
        "completed": status["completed"],
        "failed": status["failed"] + status["workspace_error"],
        "in_progress": status["running"] + status["pending"] + run.unread,
        "pending": status["pending"],
        "running": status["running"],
    }
    if run.reported:
        counters["reported"] = run.reported
    if run.note:
        counters[KEPT] = {"note": run.note}
    item = json_text(counters).encode()
    return ListedRun(run_id, run.scenario_id, run.began, item, rollouts, run, binary, scores)


def _rename_item(facts: RolloutFacts, rollout_id: str, run_id: str, own_run_id: str) -> bytes:
    """A rollout's item as a gym listed it, but for what is another here; as received if nothing is.

    Args:
        own_run_id: What its run is called where there is no other of that name.
    """
    item = facts.item or b"{}"
    changed: dict[str, str] = {}
    if rollout_id != facts.rollout_id:
        changed["rollout_id"] = rollout_id
    if run_id != own_run_id:
        changed["run_id"] = run_id
    if facts.status in (NOT_RUN, INTERRUPTED):
        changed["status"] = facts.status
    return json_text({**loads(item), **changed}).encode() if changed else item


def _wire_item(
    facts: RolloutFacts,
    rollout_id: str,
    run_id: str,
    scenario_id: str | None,
    *,
    binary: bool,
    scores: bool,
) -> dict[str, Any]:
    settings = {"model": facts.model, "provider": facts.provider, "max_steps": facts.max_steps}
    return {
        "rollout_id": rollout_id,
        "scenario_id": scenario_id,
        "task_id": facts.task_id,
        "run_id": run_id,
        "status": facts.status,
        "phase": None,
        "current_step": facts.current_step,
        "max_steps": facts.max_steps,
        "created_at": facts.created_at,
        "started_at": facts.started_at,
        "completed_at": facts.completed_at,
        "result": _result(facts, binary=binary, scores=scores),
        "termination_reason": facts.termination_reason,
        "model_config": {name: value for name, value in settings.items() if value is not None},
    }


def _result(facts: RolloutFacts, *, binary: bool, scores: bool) -> dict[str, Any] | None:
    success, reward = facts.success, facts.reward
    if success is None and reward is not None and binary:
        success = reward == 1
    message = facts.message
    if reward is not None and not scores:
        message = "; ".join(filter(None, (message, f"reward {reward:g}")))
    found = {
        **(facts.details or {}),
        "success": success,
        "message": message or None,
        "score": reward if scores else None,
        "failed_criteria": list(facts.failed_criteria) if success is not True else None,
    }
    found = {name: value for name, value in found.items() if value not in (None, [])}
    return found or None


def add_missing(
    rollouts: Iterable[RolloutFacts], planned: Mapping[str, int], *, dead: bool, unread: int = 0
) -> list[RolloutFacts]:
    """Rollouts, and those that are planned and not there: waiting, or not run.

    Args:
        planned: How many there are to be, by task; "" stands for any task.
        dead: Whether nobody will run them any more.
        unread: How many are there and not read yet: which ones are missing is not known then.
    """
    found = list(rollouts)
    if dead:
        ends = {"running": INTERRUPTED, "pending": NOT_RUN}
        found = [
            replace(facts, status=ends[facts.status]) if facts.status in ends else facts
            for facts in found
        ]
    if unread:
        return found
    status = NOT_RUN if dead else "pending"
    there = Counter(facts.task_id or "" for facts in found)
    ids = {facts.rollout_id for facts in found}
    for task, count in planned.items():
        missing = count - (there[task] if task else len(found))
        number = 0
        for _ in range(missing):
            number += 1
            while (name := f"{task or 'rollout'}.{status.replace(' ', '-')}.{number}") in ids:
                number += 1
            ids.add(name)
            found.append(RolloutFacts(rollout_id=name, task_id=task or None, status=status))
    return found


def artifacts_body(rollout_id: str, artifacts: Mapping[str, Any] | bytes) -> bytes:
    """Artifacts as `GET …/artifacts` answers them."""
    inner = artifacts if isinstance(artifacts, bytes) else json_text(artifacts).encode()
    return b'{"rollout_id":%s,"artifacts":%s}' % (json_text(rollout_id).encode(), inner)
