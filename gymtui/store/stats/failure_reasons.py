"""Why rollouts failed: their own words, what differs between them folded away. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from gymtui.api.models import Rollout
from gymtui.store.outcome import ERRORS, Outcome, outcome_of
from gymtui.store.stats.person_names import fold_names

LONGEST_REASON = 300
"""Characters of a reason that are looked at; a traceback's first line is as good a name."""

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_FOLDS = (
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"), "*"),
    # Dates and times of day, before their numbers are taken for numbers.
    (
        re.compile(
            rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}}\b)?"
            rf"|\b\d{{1,2}} {_MONTH} \d{{4}}\b"
            r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
            r"|\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?"
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
_CODE = re.compile(r"\b(?:code|errno|signal|status|returncode)[ :=#>]{0,3}$", re.IGNORECASE)
_LIST = re.compile(r"(\*|<id>|<time>|#)(?:(?:, and |, or |, | and | or )\1(?![\w*]))+")


def reason_of(rollout: Rollout, outcome: Outcome | None = None) -> str | None:
    """The first line of what a rollout says about its failing; None if it says nothing.

    The verifier's message comes first; of an error, or without message, why it was ended.
    """
    message = rollout.result.message if rollout.result is not None else None
    error = rollout.result.error if rollout.result is not None else None
    ended = rollout.termination_reason
    broken = (outcome or outcome_of(rollout)) in ERRORS
    texts = (ended, error, message) if broken else (message, error, ended)
    for words in texts:
        line = next(iter((words or "")[:LONGEST_REASON].strip().splitlines()), "").strip()
        if line:
            return line
    return None


def silence_of(outcome: Outcome) -> str:
    """What is said for one that gives no reason."""
    return "cancelled" if outcome is Outcome.CANCELLED else "no reason given"


@lru_cache(maxsize=8192)
def fold(reason: str) -> str:
    """A reason with names, ids, numbers and times replaced by placeholders.

    Args:
        reason: One line; only its first `LONGEST_REASON` characters count.

    Returns:
        `*` for people and addresses, `<id>`, `<time>` and `#` for the rest; several of one kind in
        a row are one.
    """
    folded = fold_names(" ".join(reason[:LONGEST_REASON].split()), "*")
    for pattern, placeholder in _FOLDS:
        folded = pattern.sub(placeholder, folded)
    return _LIST.sub(r"\1", _NUMBER.sub(_fold_number, folded))


def _fold_number(number: re.Match[str]) -> str:
    """HTTP statuses and codes say what went wrong and stay; others only say where or how much."""
    digits, unit = number[1], number[2] or ""
    if not unit and (
        _HTTP_ERROR.fullmatch(digits) or _CODE.search(number.string, 0, number.start())
    ):
        return digits
    return f"#{unit}"
