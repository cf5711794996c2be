"""How one rollout stands: passed, failed, an error of which cause, running or waiting. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from gymtui.api.models import Rollout


class Outcome(StrEnum):
    """How a rollout stands, in the order in which outcomes are always shown."""

    PASSED = "passed"
    FAILED = "failed"
    DONE = "done"
    ENVIRONMENT = "environment"
    AGENT = "agent"
    CANCELLED = "cancelled"
    RUNNING = "running"
    WAITING = "waiting"
    NOT_RUN = "not_run"
    UNKNOWN = "unknown"


VERDICTS = frozenset({Outcome.PASSED, Outcome.FAILED})
ERRORS = (Outcome.ENVIRONMENT, Outcome.AGENT, Outcome.CANCELLED)
"""By cause, in the order in which causes are always told."""
ACTIVE = frozenset({Outcome.RUNNING, Outcome.WAITING})
NOT_RUN_STATUSES = frozenset({"not run", "interrupted"})
"""What files say of rollouts that a dead run had not begun, or not ended."""


def verdicts_in(counts: Mapping[Outcome, int]) -> int:
    """How many of these are a pass or a fail."""
    return sum(counts.get(outcome, 0) for outcome in VERDICTS)


def errors_in(counts: Mapping[Outcome, int]) -> int:
    """How many of these ended without a verdict, whatever the cause."""
    return sum(counts.get(outcome, 0) for outcome in ERRORS)


_WORDS = re.compile(r"[a-z]+")
_CANCELLED_WORDS = frozenset({"cancelled", "canceled", "cancellation", "cancelling", "canceling"})
_LIMIT = re.compile(
    r"\bmax(?:imum)?(?: (?:number|count|of|the|allowed|agent|assistant|tool|call|calling|\d+))*"
    r" (?:step|turn)s?\b"
    r"|(?<!user )\b(?:step|turn)s? (?:count )?limit\b"
    r"|\blimit of (?:\d+ )?(?:step|turn)s\b"
)
"""A limit of the agent's own turns: words between that are none of these are of another limit."""


def outcome_of(rollout: Rollout, *, we_cancelled: bool = False) -> Outcome:
    """How a rollout stands.

    A verdict is a finished rollout whose `result.success` is true or false. What ended without
    one is an error, told apart by cause (DESIGN.md, *Numbers*). `completed` alone says nothing
    about passing (API.md). Workspace errors and cancelled rollouts are errors whatever a
    verifier made of the remains, and reaching the step limit is a fail though no verifier ran.

    Args:
        we_cancelled: Whether it was active when its run was cancelled from here. How the
            server marks such a rollout is not documented.

    Returns:
        `DONE` for a completed rollout without result, which counts as neither verdict nor
        error, no more than `NOT_RUN`; `UNKNOWN` for a status that nobody has described and that
        is no verdict.
    """
    status, result = rollout.status, rollout.result
    if status == "pending":
        return Outcome.WAITING
    if status == "running":
        return Outcome.RUNNING
    if status in NOT_RUN_STATUSES:
        return Outcome.NOT_RUN
    if status == "workspace_error":
        return Outcome.ENVIRONMENT
    success = result.success if result is not None else None
    # What was being verified when its run was cancelled has a verdict like any other, a fail no
    # less than a pass: whoever did not cancel it reads it so, and passes alone would flatter.
    ran_out = success or at_step_limit(rollout) or (status == "completed" and success is not None)
    if is_cancelled(rollout) or (we_cancelled and not ran_out):
        return Outcome.CANCELLED
    if status in ("completed", "failed") or rollout.completed_at is not None:
        if success is not None:
            return Outcome.PASSED if success else Outcome.FAILED
        if at_step_limit(rollout):
            return Outcome.FAILED
    if status == "failed":
        return Outcome.AGENT
    return Outcome.DONE if status == "completed" else Outcome.UNKNOWN


def verdict(rollout: Rollout, *, we_cancelled: bool = False) -> bool | None:
    """Whether the agent passed; None when there is no verdict: not finished, or an error."""
    outcome = outcome_of(rollout, we_cancelled=we_cancelled)
    return outcome is Outcome.PASSED if outcome in VERDICTS else None


def is_cancelled(rollout: Rollout) -> bool:
    """Whether the server says, in whichever field and spelling, that a rollout was cancelled.

    A reason such as `agent_called_cancel_order` does not: the word must be the reason itself.
    """
    for text in (rollout.status, rollout.termination_reason):
        words = _words_of_cancelling(text)
        if words and (words[0].startswith("cancel") or not _CANCELLED_WORDS.isdisjoint(words)):
            return True
    message = rollout.result.message if rollout.result is not None else None
    return _words_of_cancelling(message) in (["cancelled"], ["canceled"])


def _words_of_cancelling(text: str | None) -> list[str]:
    """The words of a short text that has one like "cancel" in it, else none."""
    text = (text or "")[:200].lower()
    # Almost none has: looking first keeps a run of thousands quick.
    return _WORDS.findall(text) if "cancel" in text else []


def at_step_limit(rollout: Rollout) -> bool:
    """Whether a rollout ended because no steps were left: a fail with its own mark.

    Only the server's own word counts: an agent may as well finish on its last step.
    """
    words = (rollout.termination_reason or "")[:200].lower().replace("_", " ").replace("-", " ")
    return _LIMIT.search(words) is not None


def steps_of(rollout: Rollout, seen: int | None = None) -> int | None:
    """How many steps a rollout took, or is at; `seen` counts for one that no longer says it."""
    if rollout.current_step is not None:
        return rollout.current_step
    if rollout.max_steps is not None and at_step_limit(rollout):
        return rollout.max_steps  # it took them all, whichever was seen last
    return rollout.kept.last_step if seen is None and rollout.kept is not None else seen


def score_in(rollout: Rollout) -> float | None:
    """What the verifier scored it, from 0 to 1; None where it gave no score."""
    return rollout.result.score if rollout.result is not None else None
