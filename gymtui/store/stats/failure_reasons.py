"""Why rollouts failed: their own words, what differs between them folded away. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gymtui.api.models import Rollout
from gymtui.store.outcome import ERRORS, Outcome, outcome_of

LONGEST_REASON = 300
"""Characters of a reason that are looked at; a traceback's first line is as good a name."""

_FOLDS = (
    # Dates and times of day, before their numbers are taken for numbers.
    (
        re.compile(
            r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?"
            r"(?:Z\b|[+-]\d{2}:?\d{2}\b)?"
            r"|\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]m\b)?",
            re.IGNORECASE,
        ),
        "<time>",
    ),
    # UUIDs, hashes, and words such as run_abc123, evt_19, call-7f and rol004.
    (
        re.compile(
            r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
            r"|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,}\b"
            r"|\b[a-z]{1,24}[_-](?=[a-z_-]*\d)[\w-]+"
            r"|\b[a-z]{1,24}\d{2,}\w*",
            re.IGNORECASE,
        ),
        "<id>",
    ),
)
_NUMBER = re.compile(
    r"(?<![\w.])(\d+(?:[.,]\d+)*)"
    r"(\s?(?:[mµn]?s|sec|seconds?|min|minutes?|h|hours?|[kmg]?i?b|tokens?|steps?|turns?|%)(?!\w))?",
    re.IGNORECASE,
)
_HTTP_ERROR = re.compile(r"4\d\d|5[0-4]\d")


@dataclass(frozen=True, slots=True)
class Reason:
    """Rollouts that failed in the same words.

    Attributes:
        text: What they have in common, placeholders for the rest: `<id>`, `<time>`, `#`. As the
            server wrote it otherwise: clean it to draw it.
        outcome: Fails and the causes of errors are never one group.
        example: The first rollout's words, unfolded.
        rollout_ids: In the order given.
        run_ids: The runs they belong to, each once, in the order given.
    """

    text: str
    outcome: Outcome
    example: str
    rollout_ids: tuple[str, ...]
    run_ids: tuple[str, ...]


def reason_of(rollout: Rollout, outcome: Outcome | None = None) -> str | None:
    """The first line of what a rollout says about its failing; None if it says nothing.

    The verifier's message comes first; of an error, or without message, why it was ended.

    Args:
        outcome: How it stands, where a row has that; else by its own fields alone.
    """
    message = rollout.result.message if rollout.result is not None else None
    error = rollout.result.error if rollout.result is not None else None
    ended = rollout.termination_reason
    broken = (outcome or outcome_of(rollout)) in ERRORS
    said = (ended, error, message) if broken else (message, error, ended)
    for words in said:
        line = next(iter((words or "")[:LONGEST_REASON].strip().splitlines()), "").strip()
        if line:
            return line
    return None


def fold(reason: str) -> str:
    """A reason with ids, numbers and times replaced by placeholders.

    Args:
        reason: One line; only its first `LONGEST_REASON` characters count.
    """
    folded = reason[:LONGEST_REASON]
    for pattern, placeholder in _FOLDS:
        folded = pattern.sub(placeholder, folded)
    return " ".join(_NUMBER.sub(_fold_number, folded).split())


def _fold_number(number: re.Match[str]) -> str:
    """HTTP statuses say what went wrong and stay; other numbers only say where or how much."""
    digits, unit = number[1], number[2] or ""
    return digits if not unit and _HTTP_ERROR.fullmatch(digits) else f"#{unit}"
