"""What a rule on a run may say, as it is written and read: what to tell, or when to cancel. Pure.

The rules that wait on runs, and what became of them, are `session.rules`.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

from gymtui.store.lists.columns import RUNS, RunView, certain
from gymtui.store.lists.query import Filter, FilterError, parse

CONDITIONS = certain(RUNS)  # the columns of a condition
_BETWEEN = re.compile(r"[;\n⏎]")


class RuleKind(StrEnum):
    """What a rule does."""

    TELL = "tell when"
    CANCEL = "cancel when"
    WATCH = "tell at end, stall or failures"
    FIRST_ERRORS = "tell the first error of each kind"
    REGRESSION = "tell if certainly worse than"


WITH_CONDITION = frozenset({RuleKind.TELL, RuleKind.CANCEL})  # the kinds that have a condition


class RuleError(ValueError):
    """What is wrong with a rule as it is written."""


class RuleSpec(Struct, frozen=True):
    """What a rule says, on whichever run."""

    kind: RuleKind
    about: str = ""  # the condition of `TELL` and `CANCEL`, the other run of `REGRESSION`, else ""

    @property
    def words(self) -> str:
        """The rule as it is written."""
        return f"{self.kind} {self.about}".rstrip()


def condition(text: str) -> Filter[RunView]:
    """Read a condition; `FilterError` for none, or one that holds for every run."""
    found = parse(text, CONDITIONS)
    if not found.terms:
        raise FilterError("a condition is missing", 0, 1)
    return found


def read_rules(text: str) -> tuple[RuleSpec, ...]:
    """Read rules, divided by semicolons, each once: `cancel when pass<30%; …`; else `RuleError`."""
    parts = (" ".join(part.split()) for part in _BETWEEN.split(text))
    return tuple(dict.fromkeys(_read(part) for part in parts if part))


def _read(part: str) -> RuleSpec:
    for kind in RuleKind:
        if part.lower() == kind or part.lower().startswith(f"{kind} "):
            spec = RuleSpec(kind, part[len(kind) :].strip())
            break
    else:
        kinds = ", ".join(kind.value for kind in RuleKind)
        raise RuleError(f"{part}: a rule begins with one of: {kinds}")
    if spec.kind in WITH_CONDITION:
        try:
            condition(spec.about)
        except FilterError as error:
            raise RuleError(f"{part}: {error.message}") from None
    elif spec.kind in (RuleKind.WATCH, RuleKind.FIRST_ERRORS) and spec.about:
        raise RuleError(f"{part}: nothing follows “{spec.kind}”")
    elif spec.kind is RuleKind.REGRESSION and not spec.about:
        raise RuleError(f"{part}: a run is missing")
    return spec
