"""Which criteria a rollout failed, by the first of the places in which verifiers write them. Pure.

`failed_criteria`; else the checks in `output.results`, `criteria_results` or `checks`; else the
message, split at `;`, which is a guess. A rollout that ended without a verdict has one in their
place: why it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from gymtui.api.lenient import loads
from gymtui.api.models import Result, Rollout
from gymtui.core.text import readable
from gymtui.store.outcome import ERRORS, Outcome
from gymtui.store.stats.failure_reasons import fold, reason_of, silence_of

MOST = 64  # criteria of one rollout that are looked at
LONGEST_OUTPUT = 1_000_000  # characters of an output sent as JSON text that are still read
_DEEPEST = 6
_CONTAINERS = ("results", "criteria_results", "checks")
"""Where the vendor's client looks for checks, in its order (simlab, `evaluation.py`)."""
_LEAVES = (("criteria", "pass"), ("name", "passed"), ("check", "passed"), ("check", "pass"))
"""What a check's name and whether it passed are called, likewise."""
_ENUMERATED = re.compile(r"(?:[^\W\d_]+[ #._-]{0,2})?\d+(?:\.\d+)*[.):]?(?=\s|$)")


class Criterion(Struct, frozen=True):
    """One criterion that a rollout failed."""

    words: str  # as received
    folded: str  # the same without what only says whose, when or how much
    guessed: bool = False  # whether it was read out of a message

    @property
    def key(self) -> str:
        """What is one with it: case says nothing."""
        return self.folded.casefold()


def criteria_of(rollout: Rollout, outcome: Outcome) -> tuple[Criterion, ...]:
    """What a rollout failed, each once, in the verifier's order; at least one."""
    result = rollout.result
    given = _given_criteria(result) if result is not None and outcome not in ERRORS else ()
    if given:
        found = [Criterion(words, fold_criterion(words)) for words in given]
    else:
        message = reason_of(rollout, outcome)
        if message is None:
            words = silence_of(outcome)
            return (Criterion(words, words),)
        parts = _parts(result) if outcome not in ERRORS else ()
        guessed = bool(parts)
        found = [Criterion(words, fold(words), guessed) for words in parts or (message,)]
    return tuple({criterion.key: criterion for criterion in reversed(found)}.values())[::-1]


def fold_criterion(name: str) -> str:
    """A criterion's name, folded; what numbers criteria is kept, and so is a name in one word."""
    if not any(map(str.isspace, name)):
        return name
    number = _ENUMERATED.match(name)
    kept = number[0] if number is not None else ""
    rest = fold(name[len(kept) :])
    return f"{kept} {rest}".strip() if kept else rest


def _given_criteria(result: Result) -> tuple[str, ...]:
    names = result.failed_criteria or tuple(_failed_checks(_read(result.output), _DEEPEST))
    return tuple(" ".join(name.split()) for name in names[:MOST])


def _read(output: object) -> object:
    """The output; where it was sent as JSON text, what that says."""
    if isinstance(output, str) and len(output) <= LONGEST_OUTPUT and output.lstrip()[:1] in "[{":
        try:
            return loads(output.encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
    return output


def _failed_checks(payload: object, deep: int) -> Iterator[str]:
    """The names of failed checks, however they are nested."""
    if deep <= 0:
        return
    if isinstance(payload, list):
        for item in payload:
            yield from _failed_checks(item, deep - 1)
    elif isinstance(payload, Mapping):
        for name, passed in _LEAVES:
            criterion, holds = payload.get(name), payload.get(passed)
            if isinstance(criterion, str) and readable(criterion) and isinstance(holds, bool):
                if not holds:
                    yield criterion
                return
        for container in _CONTAINERS:
            checks = payload.get(container)
            if isinstance(checks, list):
                yield from _failed_checks(checks, deep - 1)
                return
            if isinstance(checks, Mapping):
                yield from (name for name, value in checks.items() if _is_failed(name, value))
                return
        yield from _failed_checks(_read(payload.get("output")), deep - 1)


def _is_failed(name: object, value: object) -> bool:
    """Whether a check that is listed by its name failed."""
    if isinstance(value, Mapping):
        value = next((value[key] for _, key in _LEAVES if key in value), None)
    return value is False and isinstance(name, str) and bool(readable(name))


def _parts(result: Result | None) -> tuple[str, ...]:
    """A message's first line, part by part."""
    message = (result.message if result is not None else None) or ""
    line = next(iter(message.strip()[: MOST * 100].splitlines()), "")
    return tuple(part for words in line.split(";")[:MOST] if (part := words.strip()))
